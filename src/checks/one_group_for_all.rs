//! No `group_by` anywhere: all alerts are one group, and the second one waits for the first one's interval.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "one-group-for-all", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    let names: BTreeSet<&str> = stack.alerts().map(|alert| alert.name.as_str()).take(2).collect();
    if names.len() < 2 {
        return;
    }
    for alertmanager in &stack.alertmanagers {
        let Some(root) = &alertmanager.route else { continue };
        // An empty list says that this is meant.
        if alertmanager.routes().iter().all(|route| route.group_by.is_none()) {
            report.push(
                CHECK
                    .finding("all alerts are one message: what fires second is told after `group_interval`")
                    .at(root.at().place(), "has no `group_by`")
                    .help("add `group_by: [alertname]`, with the labels that say what one message is about"),
            );
        }
    }
}
