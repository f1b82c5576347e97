//! A receiver that notifies nobody: Alertmanager takes the alert, and that is all.

use super::{Check, words};
use crate::diagnostics::{Report, Severity};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "receiver-without-integration", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        for receiver in alertmanager.receivers.iter().filter(|receiver| receiver.integrations.is_empty()) {
            let leads_here = |name: Option<&str>| name == Some(receiver.name.as_str());
            let is_routed = alertmanager
                .routes()
                .iter()
                .any(|route| leads_here(route.receiver.as_ref().map(|name| name.as_str())));
            if words::is_nobody(&receiver.name) || !is_routed {
                continue;
            }
            let ends_here = |alert: &&Rule| {
                let ends = alertmanager.journey(&alert.fired_labels());
                ends.iter().any(|route| leads_here(route.receiver.as_ref().map(|name| name.as_str())))
            };
            let lost: Vec<&str> = stack.alerts().filter(ends_here).map(|alert| alert.name.as_str()).collect();
            if lost.is_empty() && stack.alerts().next().is_some() {
                continue;
            }
            let message = if lost.is_empty() {
                format!(
                    "the receiver `{}` has no integration: nobody hears what is sent there",
                    receiver.name
                )
            } else {
                format!(
                    "the receiver `{}` has no integration: nobody hears of {}",
                    receiver.name,
                    words::list(lost)
                )
            };
            report.push(
                CHECK
                    .finding(message)
                    .at(receiver.name.place(), "only a name")
                    .help("add `slack_configs:`, `pagerduty_configs:`, … below it; or call it `nobody`, if that is meant"),
            );
        }
    }
}
