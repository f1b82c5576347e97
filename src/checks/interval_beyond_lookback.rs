//! A job that is scraped so seldom that its series are gone between two scrapes.

use std::time::Duration;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Prometheus, Stack, parse_duration};

pub(super) const CHECK: Check = Check { id: "interval-beyond-lookback", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some(lookback) = lookback(stack, prometheus) else { continue };
        for job in prometheus.jobs.iter().filter(|job| job.interval > lookback) {
            let minutes = lookback.as_secs_f64() / 60.0;
            let own = job.node.get("scrape_interval").map(|node| node.at());
            let at = own.or_else(|| prometheus.scrape_interval.as_ref().map(|one| one.at.clone()));
            let Some(at) = at else { continue };
            report.push(
                CHECK
                    .finding(format!(
                        "`{}` is scraped every {} minutes, and a series is gone {minutes} after its last scrape",
                        job.name,
                        job.interval.as_secs_f64() / 60.0
                    ))
                    .at(at.place(), "alerts and panels see gaps")
                    .help(format!("write `scrape_interval: {}m` or less", (minutes / 2.0).floor().max(1.0))),
            );
        }
    }
}

/// How far back an expression looks for the last value.
fn lookback(stack: &Stack, prometheus: &Prometheus) -> Option<Duration> {
    let flag =
        stack.service(&prometheus.service).and_then(|(_, service)| service.flag("query.lookback-delta"));
    flag.map_or(Some(Duration::from_secs(300)), |flag| parse_duration(&flag))
}
