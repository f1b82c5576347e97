//! Nothing mutes what follows from a greater fault: one outage is many messages.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "no-inhibition", severity: Severity::Note, run };

/// With fewer alerts than this there is nothing to mute.
const FEW: usize = 4;

fn run(stack: &Stack, report: &mut Report) {
    let severities: BTreeSet<&str> = stack
        .alerts()
        .filter_map(|alert| alert.label("severity"))
        .map(|severity| severity.as_str())
        .collect();
    if stack.alerts().count() < FEW || severities.len() < 2 {
        return;
    }
    for alertmanager in stack.alertmanagers.iter().filter(|one| one.inhibit_rules.is_empty()) {
        let Some(route) = &alertmanager.route else { continue };
        report.push(
            CHECK
                .finding("nothing is muted by a greater fault: one outage is a message for each alert")
                .at(route.node.name_at().place(), "")
                .help(
                    "add `inhibit_rules: [{source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], \
                     equal: [service]}]`, with labels that both always have: one that both lack counts as equal, and mutes all",
                ),
        );
    }
}
