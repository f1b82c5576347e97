//! Grafana takes the scrapes to be more frequent than they are: `$__rate_interval` spans too few of them.

use std::time::Duration;

use super::Check;
use super::shared::addresses::Address;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Dashboard, Datasource, Job, Prometheus, Stack};
use crate::values::prometheus_duration;

pub(super) const CHECK: Check = Check { id: "time-interval-short", severity: Severity::Warning, run };

/// What Grafana takes where nothing is written.
const DEFAULT: Duration = Duration::from_secs(15);

fn run(stack: &Stack, report: &mut Report) {
    if !stack.dashboards.iter().filter(|dashboard| dashboard.is_loaded).any(uses_rate_interval) {
        return;
    }
    for datasource in stack.datasources.iter().filter(|one| one.is_prometheus()) {
        let Some(prometheus) = asked(stack, datasource) else { continue };
        // Even the most frequent job: of the others Grafana knows nothing anyway.
        let Some(fastest) = prometheus.jobs.iter().map(|job: &Job| job.interval).min() else { continue };
        let written = datasource.node.find(&["jsonData", "timeInterval"]).and_then(|node| node.value());
        let Some(taken) = written.as_ref().map_or(Some(DEFAULT), |text| prometheus_duration(text)) else {
            continue;
        };
        // `$__rate_interval` is four of them at least, and a rate needs two scrapes and one to spare.
        if taken.is_zero() || 4 * taken > 2 * fastest {
            continue;
        }
        let every = fastest.as_secs_f64();
        let at = written.as_ref().map_or_else(|| datasource.name.place(), Spanned::place);
        report.push(
            CHECK
                .finding(format!(
                    "`$__rate_interval` is {}s here, and a scrape comes every {every}s: panels with a rate have gaps",
                    4.0 * taken.as_secs_f64()
                ))
                .at(at, if written.is_some() { "shorter than the scrapes" } else { "Grafana takes 15s" })
                .help(format!("write `jsonData: {{timeInterval: {every}s}}`")),
        );
    }
}

/// The Prometheus of the stack that a datasource leads to.
fn asked<'s>(stack: &'s Stack, datasource: &Datasource) -> Option<&'s Prometheus> {
    let (compose, _) = stack.service(&datasource.service)?;
    let service = compose.named(Address::parse(datasource.url.as_ref()?).host)?;
    stack.prometheuses.iter().find(|one| {
        stack.service(&one.service).is_some_and(|(_, own)| own.name.value == service.name.value)
            && one.root.get("scrape_config_files").is_none()
    })
}

fn uses_rate_interval(dashboard: &Dashboard) -> bool {
    dashboard.document.source.text.contains("$__rate_interval")
}
