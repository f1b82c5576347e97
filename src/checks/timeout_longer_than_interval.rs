//! A scrape that may take longer than the time until the next one: Prometheus refuses the configuration.

use std::time::Duration;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::{Node, Spanned};
use crate::stack::Stack;
use crate::values::prometheus_duration;

pub(super) const CHECK: Check = Check { id: "timeout-longer-than-interval", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        if let Some(global) = prometheus.root.get("global") {
            let interval =
                prometheus.scrape_interval.as_ref().map_or(Duration::from_secs(60), |one| one.value);
            check(&global, interval, "the jobs", report);
        }
        for job in &prometheus.jobs {
            check(&job.node, job.interval, &format!("`{}`", job.name), report);
        }
    }
}

fn check(node: &Node, interval: Duration, whose: &str, report: &mut Report) {
    let Some((text, timeout)) = timeout(node).filter(|(_, timeout)| *timeout > interval) else { return };
    let every = node.get("scrape_interval").and_then(|node| node.value());
    let mut finding = CHECK
        .finding(format!(
            "{whose} may take {}s for a scrape, and the next begins after {}s: Prometheus does not start",
            timeout.as_secs_f64(),
            interval.as_secs_f64()
        ))
        .at(text.place(), "longer than the interval");
    if let Some(every) = every {
        finding = finding.at(every.place(), "the interval");
    }
    report.push(finding.help(format!("write `scrape_timeout: {}s` or less", interval.as_secs_f64())));
}

fn timeout(node: &Node) -> Option<(Spanned<String>, Duration)> {
    let text = node.get("scrape_timeout")?.value()?;
    let length = prometheus_duration(&text)?;
    Some((text, length))
}
