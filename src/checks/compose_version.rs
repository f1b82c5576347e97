//! `version:` in a compose file: it means nothing any more, and each command says so.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "compose-version", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for version in stack.composes.iter().filter_map(|compose| compose.version.as_ref()) {
        let line = version.entry().and_then(|entry| entry.lines());
        report.push(
            CHECK
                .finding("`version` in a compose file has no meaning any more")
                .at(version.at().place(), "passed over, with a warning at each command")
                .help("remove the line")
                .fix(line.map(|line| line.replaced(""))),
        );
    }
}
