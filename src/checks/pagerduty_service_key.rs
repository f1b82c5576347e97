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
        let other = ["routing_key", "routing_key_file"].iter().find_map(|key| integration.node.get(key));
        for key in ["service_key", "service_key_file"] {
            let Some(node) = integration.node.get(key) else { continue };
            if let Some(other) = &other {
                let routing = other.key().map_or_else(String::new, |key| key.text().to_owned());
                report.push(
                    CHECK
                        .finding(format!("`{key}` stands beside `{routing}`, and is the one that is used"))
                        .at(node.name_at().place(), "asks PagerDuty's first API")
                        .at(other.name_at().place(), "not used")
                        .help(format!("remove `{key}`")),
                );
            } else {
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
