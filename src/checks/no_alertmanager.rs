//! Alerts that never leave Prometheus: nobody told it where Alertmanager is.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{AlertmanagerTargets, Program, Prometheus, Stack};

pub(super) const CHECK: Check = Check { id: "no-alertmanager", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some(rule_files) = prometheus.root.get("rule_files") else { continue };
        if knows_one(prometheus) || stack.alerts().next().is_none() {
            continue;
        }
        let address = stack
            .running(Program::Alertmanager)
            .next()
            .map_or("alertmanager:9093".to_owned(), |service| format!("{}:9093", service.name));
        let help = if prometheus.root.get("alerting").is_some() {
            format!(
                "write below `alerting:` where it is: `alertmanagers: [{{static_configs: [{{targets: [\"{address}\"]}}]}}]`"
            )
        } else {
            format!("add `alerting: {{alertmanagers: [{{static_configs: [{{targets: [\"{address}\"]}}]}}]}}`")
        };
        report.push(
            CHECK
                .finding("Prometheus knows no Alertmanager: alerts fire, and nobody is told")
                .at(rule_files.name_at().place(), "these alerts stay here")
                .help(help),
        );
    }
}

pub(super) fn knows_one(prometheus: &Prometheus) -> bool {
    prometheus.alertmanagers.iter().any(leads_somewhere)
}

/// The file that comes with Prometheus has a section whose only target is a comment.
fn leads_somewhere(section: &AlertmanagerTargets) -> bool {
    let discovers = section.node.entries().iter().any(|(key, _)| key.ends_with("_sd_configs"));
    discovers || !section.targets.is_empty()
}
