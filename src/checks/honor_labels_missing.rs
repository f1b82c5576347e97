//! A scrape of what others have scraped or pushed, without `honor_labels`: the labels of its series are moved aside.

use super::Check;
use super::shared::addresses::Address;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Job, Program, Prometheus, Stack};

pub(super) const CHECK: Check = Check { id: "honor-labels-missing", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        for job in prometheus.jobs.iter().filter(|job| !job.is_redirected()) {
            let whose = if job.metrics_path.ends_with("/federate") {
                "another Prometheus"
            } else if asks_pushgateway(stack, prometheus, job) {
                "the Pushgateway"
            } else {
                continue;
            };
            // Who relabels the series knows of it.
            if job.node.get("honor_labels").is_some() || job.node.get("metric_relabel_configs").is_some() {
                continue;
            }
            report.push(
                CHECK
                    .finding(format!(
                        "`{}` reads the series of {whose}, and gives all of them its own `job` and `instance`",
                        job.name
                    ))
                    .at(job.name.place(), "theirs become `exported_job` and `exported_instance`")
                    .help("add `honor_labels: true`"),
            );
        }
    }
}

fn asks_pushgateway(stack: &Stack, prometheus: &Prometheus, job: &Job) -> bool {
    let Some((compose, _)) = stack.service(&prometheus.service) else { return false };
    let is_one =
        |host: &str| compose.named(host).is_some_and(|service| service.program == Some(Program::Pushgateway));
    job.addresses().any(|address| is_one(Address::parse(address).host))
}
