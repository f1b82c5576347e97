//! `links:` of the time before networks: services find each other by name without it.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "obsolete-links", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        let Some(links) = service.get("links") else { continue };
        // A link may give another name, which is then needed.
        if links.texts().is_empty() || links.texts().iter().any(|link| link.contains(':')) {
            continue;
        }
        report.push(
            CHECK
                .finding("`links` has no use any more: services of one network find each other by name")
                .at(links.name_at().place(), "of the time before networks")
                .help("remove it; where one has to start first, write `depends_on`"),
        );
    }
}
