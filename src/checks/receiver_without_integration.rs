//! A receiver that notifies nobody: Alertmanager takes the alert, and that is all.

use super::Check;
use super::shared::words;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::labels::Labels;
use crate::stack::{Alertmanager, Stack};

pub(super) const CHECK: Check = Check { id: "receiver-without-integration", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        report.extend(nobody_at_the_root(stack, alertmanager));
        for receiver in alertmanager.receivers.iter().filter(|receiver| receiver.integrations.is_empty()) {
            let leads_here = |name: Option<&str>| name == Some(receiver.name.as_str());
            let is_routed = alertmanager
                .routes()
                .iter()
                .any(|route| leads_here(route.receiver.as_ref().map(|name| name.as_str())));
            if words::is_nobody(&receiver.name) || !is_routed {
                continue;
            }
            let ends_here = |labels: &Labels| {
                let ends = alertmanager.journeys(labels);
                ends.iter().any(|end| end.is_sure && end.route.to() == receiver.name.value)
            };
            let lost: Vec<&str> = stack
                .fired()
                .filter(|(_, labels)| ends_here(labels))
                .map(|(alert, _)| alert.name.as_str())
                .collect();
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

/// Words for what somebody must hear of.
const GRAVE: [&str; 6] = ["critical", "disaster", "emergency", "fatal", "high", "page"];

/// The root drops on purpose what no branch takes, and what no branch takes is grave.
fn nobody_at_the_root(stack: &Stack, alertmanager: &Alertmanager) -> Option<Diagnostic> {
    let root = alertmanager.route.as_ref()?;
    let receiver = alertmanager.receiver(root.to())?;
    if !words::is_nobody(root.to()) || !receiver.integrations.is_empty() {
        return None;
    }
    let ends_here = |labels: &Labels| {
        labels.value("severity").is_some_and(|word| GRAVE.contains(&word.to_lowercase().as_str()))
            && alertmanager.journeys(labels).iter().all(|end| end.is_sure && std::ptr::eq(end.route, root))
    };
    let lost: Vec<&str> =
        stack.fired().filter(|(_, labels)| ends_here(labels)).map(|(alert, _)| alert.name.as_str()).collect();
    if lost.is_empty() {
        return None;
    }
    let finding = CHECK
        .finding(format!("no branch takes {}, and the root tells nobody", words::list(lost)))
        .at(root.at().place(), "what is grave ends here too")
        .help("add a branch for their severity to `routes:`, or let the root's receiver be somebody");
    Some(finding)
}
