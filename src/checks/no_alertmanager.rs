//! Alerts that never leave Prometheus: nobody told it where Alertmanager is.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "no-alertmanager", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some(rule_files) = prometheus.root.get("rule_files") else { continue };
        if !prometheus.alertmanagers.is_empty() || stack.alerts().next().is_none() {
            continue;
        }
        let address = stack
            .running(crate::stack::Program::Alertmanager)
            .next()
            .map_or("alertmanager:9093".to_owned(), |service| format!("{}:9093", service.name));
        report.push(
            CHECK
                .finding("Prometheus knows no Alertmanager: alerts fire, and nobody is told")
                .at(rule_files.name_at().place(), "these alerts stay here")
                .help(format!(
                    "add `alerting: {{alertmanagers: [{{static_configs: [{{targets: [\"{address}\"]}}]}}]}}`"
                )),
        );
    }
}
