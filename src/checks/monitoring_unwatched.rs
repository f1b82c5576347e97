//! Nobody watches the watchers: a Prometheus without rules or an Alertmanager that cannot deliver is as quiet as a calm night.

use super::shared::shapes::always_fires;
use super::{Check, no_alertmanager};
use crate::diagnostics::{Report, Severity};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "monitoring-unwatched", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    let is_watched = |rule: &Rule| {
        rule.expr.metrics().any(|name| name.starts_with("prometheus_") || name.starts_with("alertmanager_"))
            || (rule.is_alert && always_fires(rule))
    };
    if stack.alerts().next().is_none() || stack.rules().any(is_watched) {
        return;
    }
    // Without an Alertmanager nothing tells of anything: another check's.
    for prometheus in stack.prometheuses.iter().filter(|one| no_alertmanager::knows_one(one)) {
        let at = prometheus.root.get("alerting").or_else(|| prometheus.root.get("rule_files"));
        let Some(at) = at else { continue };
        report.push(
            CHECK
                .finding("nothing tells when the monitoring itself fails")
                .at(at.name_at().place(), "if this breaks, it is only quiet")
                .help(
                    "add alerts on `prometheus_rule_evaluation_failures_total` and `alertmanager_notifications_failed_total`, and one \
                     that always fires (`vector(1)`) to a service outside that misses it",
                ),
        );
    }
}
