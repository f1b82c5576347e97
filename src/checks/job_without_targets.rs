//! A scrape job that scrapes nothing, and a Prometheus with rules and no job at all.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Job, Prometheus, Stack};

pub(super) const CHECK: Check = Check { id: "job-without-targets", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        for job in prometheus.jobs.iter().filter(|job| scrapes_nothing(job)) {
            report.push(
                CHECK
                    .finding(format!("`{}` scrapes nothing: it has no target", job.name))
                    .at(job.name.place(), "an empty job")
                    .help("add `static_configs: [{targets: ['host:port']}]`, or remove the job"),
            );
        }
        if prometheus.jobs.is_empty() && is_asked(stack, prometheus) && !is_fed(stack, prometheus) {
            let at =
                prometheus.root.get("rule_files").map_or_else(|| prometheus.root.at(), |node| node.name_at());
            report.push(
                CHECK
                    .finding("there are rules, and nothing is scraped: none of them ever has a series")
                    .at(at.place(), "rules about nothing")
                    .help("add `scrape_configs:` with a job"),
            );
        }
    }
}

/// Not where a program may fill the list at run time: a file or an address that is asked.
fn scrapes_nothing(job: &Job) -> bool {
    job.targets.is_empty() && !job.discovers && job.target_files.is_empty()
}

fn is_asked(stack: &Stack, prometheus: &Prometheus) -> bool {
    prometheus.document.is_complete() && stack.rule_files.iter().any(|file| file.is_loaded)
}

/// Whether series come in another way.
fn is_fed(stack: &Stack, prometheus: &Prometheus) -> bool {
    let in_config =
        ["scrape_config_files", "remote_read", "otlp"].iter().any(|key| prometheus.root.get(key).is_some());
    let by_flag = |(_, service): (_, &crate::stack::Service)| {
        service.words.iter().any(|word| word.contains("-receiver") || word.contains("enable-feature"))
    };
    in_config || stack.service(&prometheus.service).is_some_and(by_flag)
}
