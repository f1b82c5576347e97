//! How long it takes at worst until an alert fires: a scrape, the rules that record what it asks, its own evaluation, its `for`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::promql::{self, tree::VectorSelector};
use crate::stack::{Group, Query, Rule, Stack};

/// What Prometheus takes where nothing is written, for a stack whose configuration of it is not here.
const DEFAULT: Duration = Duration::from_secs(60);
/// What is recorded of what is recorded, and so on, ends somewhere.
const MAX_DEPTH: usize = 8;

pub(super) struct Times<'a> {
    /// Of the slowest scrape job, and of each by name.
    slowest: Duration,
    jobs: BTreeMap<&'a str, Duration>,
    evaluation: Duration,
    recorded: BTreeMap<&'a str, (&'a Group, &'a Rule)>,
}

impl<'a> Times<'a> {
    pub(super) fn of(stack: &'a Stack) -> Times<'a> {
        let jobs = stack.prometheuses.iter().flat_map(|one| &one.jobs);
        let jobs: BTreeMap<&str, Duration> = jobs.map(|job| (job.name.as_str(), job.interval)).collect();
        let evaluations = stack.prometheuses.iter().map(|one| one.evaluation_interval);
        let groups = stack.rule_files.iter().flat_map(|file| &file.groups);
        let recorded = groups
            .flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
            .filter(|(_, rule)| !rule.is_alert)
            .map(|(group, rule)| (rule.name.as_str(), (group, rule)));
        Times {
            slowest: jobs.values().copied().max().unwrap_or(DEFAULT),
            jobs,
            evaluation: evaluations.max().unwrap_or(DEFAULT),
            recorded: recorded.collect(),
        }
    }

    /// From the fault until the alert is with Alertmanager. How long an expression looks back is not in it.
    pub(super) fn until_fired(&self, group: &Group, alert: &Rule) -> Duration {
        let interval = self.interval(group);
        let held = alert.hold.as_ref().map_or(Duration::ZERO, |hold| hold.value);
        // It is looked at once in an interval whether it has held for long enough.
        let (step, held) = (interval.as_millis().max(1), held.as_millis());
        let held = Duration::from_millis(u64::try_from(held.div_ceil(step) * step).unwrap_or(u64::MAX));
        self.until_known(group, &alert.expr, 0) + interval + held
    }

    fn interval(&self, group: &Group) -> Duration {
        group.interval.as_ref().map_or(self.evaluation, |own| own.value)
    }

    /// Until Prometheus has what an expression asks for.
    fn until_known(&self, group: &Group, query: &Query, depth: usize) -> Duration {
        let Some(tree) = query.tree() else { return self.slowest };
        let of_one = |selector: &VectorSelector| {
            let recorded = promql::metric(selector).and_then(|name| self.recorded.get(name));
            if let Some((other, rule)) = recorded.filter(|_| depth < MAX_DEPTH) {
                // Within a group one follows the other at once.
                let waits = if std::ptr::eq(*other, group) { Duration::ZERO } else { self.interval(other) };
                return waits + self.until_known(other, &rule.expr, depth + 1);
            }
            let jobs = selector.matchers.iter().filter(|one| one.name == "job");
            let interval = jobs.filter_map(|one| self.jobs.get(one.value.as_str()).copied()).max();
            interval.unwrap_or(self.slowest)
        };
        promql::selectors(tree).map(of_one).max().unwrap_or_default()
    }
}
