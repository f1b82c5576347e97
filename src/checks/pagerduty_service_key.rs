//! PagerDuty's first events API: a key of today's kind is refused there, and the page is lost.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "pagerduty-service-key", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let receivers = stack.alertmanagers.iter().flat_map(|alertmanager| &alertmanager.receivers);
    for integration in
        receivers.flat_map(|receiver| &receiver.integrations).filter(|one| one.kind == "pagerduty")
    {
        for key in ["service_key", "service_key_file"] {
            if let Some(node) = integration.node.get(key) {
                report.push(
                    CHECK
                        .finding(format!("`{key}` asks PagerDuty's first API: it refuses the integration keys of the second"))
                        .at(node.name_at().place(), "a page may be lost with 400")
                        .help(format!("use an integration \"Events API v2\" and `{}`", key.replace("service", "routing"))),
                );
            }
        }
    }
}
