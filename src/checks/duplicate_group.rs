//! Two groups of one file with one name: Prometheus refuses the file.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "duplicate-group", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for file in &stack.rule_files {
        let mut seen = BTreeMap::new();
        for name in file.groups.iter().filter_map(|group| group.name.as_ref()) {
            if let Some(first) = seen.insert(name.as_str(), name) {
                report.push(
                    CHECK
                        .finding(format!("two groups are called `{name}`: Prometheus refuses the file"))
                        .at(name.place(), "the second one")
                        .at(first.place(), "first here")
                        .help("give each group of a file a name of its own"),
                );
            }
        }
    }
}
