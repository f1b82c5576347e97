//! How often a series gets a new value: what checks of ranges and of `for` compare with.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::promql::tree::VectorSelector;
use crate::promql::{Matcher, metric};
use crate::stack::{Group, Job, Metrics, Prometheus, Runs, Scraped, Stack};

/// The jobs and recordings of a stack.
pub(crate) struct Scrapes<'s> {
    /// Each with what it scrapes, the shortest interval first.
    jobs: Vec<(&'s Job, &'s Scraped)>,
    metrics: &'s Metrics,
    /// The shortest interval at which a name is recorded; `None` where that cannot be known.
    recorded: BTreeMap<&'s str, Option<Duration>>,
    /// The default of a group's `interval`.
    evaluation: Option<Duration>,
    /// Whether series come from elsewhere too.
    is_open: bool,
}

impl<'s> Scrapes<'s> {
    pub(crate) fn new(stack: &'s Stack) -> Self {
        let jobs: Vec<&Job> = stack.prometheuses.iter().flat_map(|prometheus| &prometheus.jobs).collect();
        let receives = stack.services().any(|(_, service)| service.receives_series());
        let reads = stack.prometheuses.iter().any(Prometheus::reads_elsewhere);
        let evaluation = stack.prometheuses.iter().map(|one| one.evaluation_interval).min();
        let mut sorted: Vec<_> = jobs.iter().copied().zip(stack.metrics().scrapes()).collect();
        sorted.sort_by_key(|(job, _)| job.interval);
        let mut scrapes = Self {
            is_open: reads || receives || jobs.iter().any(|job| job.metrics_path.contains("federate")),
            jobs: sorted,
            metrics: stack.metrics(),
            recorded: BTreeMap::new(),
            evaluation,
        };
        for group in stack.rule_files.iter().flat_map(|file| &file.groups) {
            let interval = scrapes.evaluation(group);
            for rule in group.rules.iter().filter(|rule| !rule.is_alert) {
                let known = scrapes.recorded.entry(&rule.name).or_insert(interval);
                *known = known.zip(interval).map(|(one, other)| one.min(other));
            }
        }
        scrapes
    }

    /// How often a group is evaluated. `None` where the configuration was not found.
    pub(crate) fn evaluation(&self, group: &Group) -> Option<Duration> {
        group.interval.as_ref().map(|interval| interval.value).or(self.evaluation)
    }

    /// The shortest time between two values of these series, as far as it is sure.
    pub(crate) fn shortest(&self, selector: &VectorSelector) -> Option<Duration> {
        let name = metric(selector)?;
        if let Some(recorded) = self.recorded.get(name) {
            return *recorded;
        }
        if self.is_open {
            return None;
        }
        let known = self.metrics.known(selector);
        // A job of which all is known, and which has nothing of that name.
        let lacks = |scraped: &Scraped| {
            let has_it = |runs: &Runs| known.iter().any(|known| known.exposer.name == runs.exposer);
            let is_common = known.iter().any(|known| known.exposer.is_everywhere());
            !known.is_empty() && !is_common && scraped.is_known() && !scraped.runs().iter().any(has_it)
        };
        let may_be = |(job, scraped): &&(&Job, &Scraped)| {
            selector.matchers.iter().all(|matcher| may_match(job, matcher)) && !lacks(scraped)
        };
        self.jobs.iter().find(may_be).map(|(job, _)| job.interval)
    }

    pub(crate) fn is_recorded(&self, selector: &VectorSelector) -> bool {
        metric(selector).is_some_and(|name| self.recorded.contains_key(name))
    }
}

/// Whether series of a job can have a label that a matcher takes. Relabeling may do anything.
fn may_match(job: &Job, matcher: &Matcher) -> bool {
    let relabels =
        ["relabel_configs", "metric_relabel_configs"].iter().any(|key| job.node.get(key).is_some());
    if relabels || job.discovers || job.targets.is_empty() {
        return true;
    }
    let values: Option<Vec<&str>> = job
        .targets
        .iter()
        .map(|target| {
            let own = target.labels.iter().find(|(label, _)| label.value == matcher.name);
            own.map(|(_, value)| value.as_str())
                .or_else(|| (matcher.name == "job").then_some(job.name.value.as_str()))
        })
        .collect();
    // A label that the configuration does not set comes from the target.
    values.is_none_or(|values| values.into_iter().any(|value| matcher.is_match(value)))
}

/// As it stands in an expression: `1m30s`.
pub(crate) fn written(length: Duration) -> String {
    crate::values::Duration::from(length).to_string()
}
