//! An address that is scraped twice: sums count it twice.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::{Job, Stack, Target};

pub(super) const CHECK: Check = Check { id: "target-twice", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let mut asked: BTreeMap<Asked<'_>, (&Job, &Target)> = BTreeMap::new();
        for job in prometheus.jobs.iter().filter(|job| says_all(job)) {
            for target in &job.targets {
                let Some((other_job, first)) = asked.insert(Asked::of(job, target), (job, target)) else {
                    continue;
                };
                let address = &target.address;
                let message = if !std::ptr::eq(job, other_job) {
                    // What only some of the series are kept of is another thing.
                    if keeps_some(job) || keeps_some(other_job) {
                        continue;
                    }
                    format!(
                        "`{address}` is scraped by `{}` and by `{}`: sums count it twice",
                        other_job.name, job.name
                    )
                } else if labels(first) == labels(target) {
                    format!("`{address}` is listed twice: it is scraped once, and another was perhaps meant")
                } else {
                    format!("`{address}` is scraped twice, with other labels: sums count it twice")
                };
                report.push(
                    CHECK
                        .finding(message)
                        .at(address.place(), "again")
                        .at(first.address.place(), "here first")
                        .help("remove one of them, or write the address that was meant"),
                );
            }
        }
    }
}

/// What makes two scrapes the same request.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Asked<'a> {
    address: &'a str,
    scheme: &'a str,
    path: &'a str,
    /// Who asks, and for what: as it is written.
    rest: String,
    /// Labels that change the request.
    special: Vec<(&'a str, &'a str)>,
}

impl<'a> Asked<'a> {
    fn of(job: &'a Job, target: &'a Target) -> Self {
        let written =
            |key: &str| job.node.get(key).map(|node| node.at().text().to_owned()).unwrap_or_default();
        let special = target
            .labels
            .iter()
            .filter(|(name, _)| name.starts_with("__"))
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            address: &target.address,
            scheme: &job.scheme,
            path: &job.metrics_path,
            rest: written("params"),
            special: special.collect(),
        }
    }
}

/// Whether no relabeling makes something else of a target.
fn says_all(job: &Job) -> bool {
    let is_harmless = |rule: &Node| {
        let action = rule.get("action").and_then(|node| node.text().map(str::to_owned));
        let written = rule.get("target_label").and_then(|node| node.text().map(str::to_owned));
        action.is_none_or(|action| action == "replace")
            && written.is_none_or(|label| !label.starts_with("__"))
    };
    job.relabelings().iter().all(is_harmless)
}

fn keeps_some(job: &Job) -> bool {
    job.node.get("metric_relabel_configs").is_some()
}

fn labels(target: &Target) -> BTreeMap<&str, &str> {
    target.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
