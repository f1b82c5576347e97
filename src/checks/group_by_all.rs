//! `group_by: ['...']`: nothing is grouped, and an outage is a message for each alert.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "group-by-all", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        for route in alertmanager.routes() {
            // What a machine reads may come one by one.
            let is_for_people = alertmanager
                .receiver(route.to())
                .is_some_and(|one| one.integrations.iter().any(|one| one.kind != "webhook"));
            let each = route.group_by.iter().flatten().find(|label| label.value == "...");
            let Some(each) = each.filter(|_| is_for_people) else { continue };
            report.push(
                CHECK
                    .finding("nothing is grouped here: an outage is a message for each alert")
                    .at(each.place(), "each alert for itself")
                    .help(
                        "write `group_by: [alertname]`, with the labels that say what one message is about",
                    ),
            );
        }
    }
}
