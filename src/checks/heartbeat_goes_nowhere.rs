//! The alert that always fires is there to be missed, and nobody outside hears it.

use super::Check;
use super::shared::shapes::always_fires;
use super::shared::words;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "heartbeat-goes-nowhere", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (alert, labels) in stack.fired().filter(|(alert, _)| always_fires(alert)) {
        for alertmanager in &stack.alertmanagers {
            let ends = alertmanager.journeys(labels);
            // One that has no integration by mistake is said elsewhere.
            let is_nobody = |name: &str| {
                words::is_nobody(name)
                    && alertmanager.receiver(name).is_some_and(|one| one.integrations.is_empty())
            };
            let Some(end) = ends.first().filter(|_| ends.iter().all(|end| is_nobody(end.route.to()))) else {
                continue;
            };
            report.push(
                CHECK
                    .finding(format!("`{}` always fires, and nobody would notice if it did not", alert.name))
                    .at(alert.name.place(), "there to be missed when alerting breaks")
                    .at(end.route.at().place(), "ends here")
                    .help("route it to a service outside that raises the alarm when the messages stop, by `webhook_configs`"),
            );
        }
    }
}
