//! `tls_config` beside `scheme: http`: nothing is encrypted, and nothing says so.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::{Job, Stack};

pub(super) const CHECK: Check = Check { id: "tls-config-without-https", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        for job in prometheus.jobs.iter().filter(|job| job.scheme == "http" && !may_say_otherwise(job)) {
            check(&job.node, &format!("`{}` is scraped", job.name), report);
        }
        for one in prometheus.alertmanagers.iter().filter(|one| one.scheme == "http") {
            if one.node.get("relabel_configs").is_none() {
                check(&one.node, "Alertmanager is told", report);
            }
        }
    }
}

fn check(node: &Node, what: &str, report: &mut Report) {
    let Some(config) = node.get("tls_config") else { return };
    report.push(
        CHECK
            .finding(format!("{what} by http: `tls_config` is for nothing"))
            .at(config.name_at().place(), "not used")
            .help("add `scheme: https`, or remove it"),
    );
}

/// A target may bring its own scheme: by a label, a relabeling, or from where it was discovered.
fn may_say_otherwise(job: &Job) -> bool {
    let labelled =
        job.targets.iter().flat_map(|target| &target.labels).any(|(name, _)| name.value == "__scheme__");
    labelled || job.relabels("__scheme__") || job.discovers
}
