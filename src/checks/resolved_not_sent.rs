//! An incident that is opened and never closed: the integration is not told when the alert ends.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "resolved-not-sent", severity: Severity::Note, run };

/// Those that keep an incident open until they are told.
const KEEPERS: [&str; 4] = ["incidentio", "opsgenie", "pagerduty", "victorops"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, _, one) in stack.integrations().filter(|(_, _, one)| KEEPERS.contains(&one.kind.as_str())) {
        let said = one.node.get("send_resolved").and_then(|node| node.value());
        let Some(said) = said.filter(|said| said.value == "false") else { continue };
        report.push(
            CHECK
                .finding("incidents stay open here when the alert is over")
                .at(said.place(), "the end is not sent")
                .help("write `send_resolved: true`, or nothing: that is the default"),
        );
    }
}
