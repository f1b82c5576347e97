//! A job that is scraped so seldom that its series are gone between two scrapes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Check;
use super::shared::words;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::At;
use crate::stack::{Job, Prometheus, Stack};
use crate::values::prometheus_duration;

pub(super) const CHECK: Check = Check { id: "interval-beyond-lookback", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some(lookback) = lookback(stack, prometheus) else { continue };
        let mut seldom: BTreeMap<usize, (At, Vec<&Job>)> = BTreeMap::new();
        for job in prometheus.jobs.iter().filter(|job| job.interval > lookback) {
            let own = job.node.get("scrape_interval").map(|node| node.at());
            let at = own.or_else(|| prometheus.scrape_interval.as_ref().map(|one| one.at.clone()));
            // Those that have it from one line are one fault.
            if let Some(at) = at {
                seldom.entry(at.range.start).or_insert((at, Vec::new())).1.push(job);
            }
        }
        for (at, jobs) in seldom.into_values() {
            report.push(said(&at, &jobs, lookback));
        }
    }
}

fn said(at: &At, jobs: &[&Job], lookback: Duration) -> Diagnostic {
    let minutes = |length: Duration| length.as_secs_f64() / 60.0;
    let names = words::list(jobs.iter().map(|job| job.name.as_str()));
    let every = jobs.first().map_or(0.0, |job| minutes(job.interval));
    let (lookback, is) = (minutes(lookback), if jobs.len() == 1 { "is" } else { "are" });
    CHECK
        .finding(format!(
            "{names} {is} scraped every {every} minutes, and a series is gone {lookback} after its last scrape"
        ))
        .at(at.place(), "alerts and panels see gaps")
        .help(format!("write `scrape_interval: {}m` or less", (lookback / 2.0).floor().max(1.0)))
}

/// How far back an expression looks for the last value.
fn lookback(stack: &Stack, prometheus: &Prometheus) -> Option<Duration> {
    let flag =
        stack.service(&prometheus.service).and_then(|(_, service)| service.flag("query.lookback-delta"));
    flag.map_or(Some(Duration::from_secs(300)), |flag| prometheus_duration(&flag))
}
