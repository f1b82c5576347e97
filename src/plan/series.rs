//! The engine's own series as the rule tests feed them: two replicas, each series with a value that tells it from the
//! others, so that what must be recorded of them can be told beforehand.

use std::collections::{BTreeMap, BTreeSet};

use super::recordings::Subject;
use crate::catalog::engines::{Metric, MetricType, Source};
use crate::catalog::vocabulary::{self, Shape, Zeros};
use crate::values::Duration;

/// When the tests look: every window up to 5 minutes is full by then.
pub(super) const TEST_AT: Duration = Duration::from_secs(600);

/// A replica of the rule tests.
#[derive(Clone, Copy)]
pub(super) struct Replica {
    pub name: &'static str,
    /// What its series are of the first one's.
    pub factor: f64,
    /// Whether it runs the engine's current version, and has had the events that a zero stands for where there were none.
    current: bool,
}

pub(super) const REPLICAS: [Replica; 2] = [
    Replica { name: "a:1", factor: 1.0, current: true },
    Replica { name: "b:2", factor: 2.0, current: false },
];

impl Replica {
    /// Which of several names of a metric it exposes.
    fn metric<'a>(self, metrics: &[(&'a str, &'a Metric)]) -> (&'a str, &'a Metric) {
        let metric = if self.current { metrics.first() } else { metrics.last() };
        *metric.expect("a word that is recorded has a metric")
    }
}

/// How often the first replica restarts within the test.
pub(super) const RESTARTS: f64 = 3.0;
/// When the replicas' processes have started, as they say in the end.
pub(super) const LAST_STARTS: [f64; REPLICAS.len()] = [4000.0, 1000.0];

/// Series as promtool takes them.
pub(super) struct Series<'a> {
    subject: &'a Subject<'a>,
    step: Duration,
    /// The metrics whose series are there: one may serve several words.
    fed: BTreeSet<String>,
    pub input: Vec<(String, String)>,
}

impl<'a> Series<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, step: Duration) -> Self {
        Self { subject, step, fed: BTreeSet::new(), input: Vec::new() }
    }

    fn steps(&self) -> u64 {
        TEST_AT.as_millis().div_ceil(self.step.as_millis())
    }

    /// A series with one value all the time.
    pub(super) fn feed_constant(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.feed(name, labels, format!("{value}x{}", self.steps()));
    }

    fn feed_rate(&mut self, name: &str, labels: &[(&str, &str)], per_second: f64) {
        self.feed(name, labels, format!("0+{}x{}", per_second * self.step.as_secs_f64(), self.steps()));
    }

    /// All series of the metric, on each replica under the name that it exposes.
    pub(super) fn feed_metric(&mut self, metrics: &[(&str, &Metric)]) {
        for replica in REPLICAS {
            let (name, metric) = replica.metric(metrics);
            if !self.fed.insert(format!("{name} of {}", replica.name)) {
                continue;
            }
            for (own, value) in self.series_of(name, metric, replica) {
                let labels = with_replica(&own, replica.name);
                match metric.r#type {
                    MetricType::Counter => self.feed_rate(name, &labels, value),
                    MetricType::Gauge => self.feed_constant(name, &labels, value),
                    MetricType::Histogram => {
                        let (_, high) = filled_bucket(metric);
                        for bound in with_infinity(metric) {
                            let rate = if bound_value(bound) < high { 0.0 } else { value };
                            let labels = [&labels[..], &[("le", bound)]].concat();
                            self.feed_rate(&format!("{name}_bucket"), &labels, rate);
                        }
                    }
                }
            }
        }
    }

    /// Start times: the first replica restarts, the second does not.
    pub(super) fn feed_starts(&mut self, name: &str) {
        let quarter = self.steps() / 4;
        let restarting: Vec<String> = (1..=4).map(|start| format!("{start}000x{}", quarter - 1)).collect();
        self.feed(
            name,
            &[("replica", REPLICAS[0].name)],
            restarting.join(" ") + &format!(" 4000x{}", self.steps()),
        );
        self.feed_constant(name, &[("replica", REPLICAS[1].name)], 1000.0);
    }

    /// All series of the metric on the first replica, before anything happened.
    pub(super) fn feed_idle(&mut self, name: &str, metric: &Metric) {
        if !self.fed.insert(name.to_owned()) {
            return;
        }
        for (own, _) in all_series(metric) {
            let labels = with_replica(&own, REPLICAS[0].name);
            match metric.r#type {
                MetricType::Counter | MetricType::Gauge => self.feed_constant(name, &labels, 0.0),
                MetricType::Histogram => {
                    for bound in with_infinity(metric) {
                        let labels = [&labels[..], &[("le", bound)]].concat();
                        self.feed_constant(&format!("{name}_bucket"), &labels, 0.0);
                    }
                }
            }
        }
    }

    /// The values (or rates) of those of a replica's series that the matchers select.
    pub(super) fn selected(
        &self,
        metrics: &[(&str, &Metric)],
        source: &Source,
        replica: Replica,
    ) -> Vec<f64> {
        let (name, metric) = replica.metric(metrics);
        self.series_of(name, metric, replica)
            .into_iter()
            .filter(|(labels, _)| source.selects(labels))
            .map(|(_, value)| value)
            .collect()
    }

    fn series_of(
        &self,
        name: &str,
        metric: &Metric,
        replica: Replica,
    ) -> Vec<(BTreeMap<String, String>, f64)> {
        all_series(metric)
            .filter(|(labels, _)| replica.current || !self.starts_late(name, labels))
            .map(|(labels, value)| (labels, value * replica.factor))
            .collect()
    }

    /// Whether the series is an event that a zero stands for as long as it has not happened.
    fn starts_late(&self, metric: &str, labels: &BTreeMap<String, String>) -> bool {
        self.subject.engine.vocabulary.iter().any(|(word, source)| {
            let filled = vocabulary::word(word)
                .is_some_and(|word| word.shape == Shape::Counter { zeros: Some(Zeros::Requests) });
            filled && source.metric == metric && source.selects(labels)
        })
    }

    fn feed(&mut self, name: &str, labels: &[(&str, &str)], course: String) {
        let labels: Vec<String> = [("service", self.subject.service)]
            .iter()
            .chain(labels)
            .map(|(label, value)| format!("{label}={}", serde_json::Value::from(*value)))
            .collect();
        self.input.push((format!("{name}{{{}}}", labels.join(", ")), course));
    }
}

fn with_replica<'a>(labels: &'a BTreeMap<String, String>, replica: &'a str) -> Vec<(&'a str, &'a str)> {
    let own = labels.iter().map(|(label, value)| (label.as_str(), value.as_str()));
    [("replica", replica)].into_iter().chain(own).collect()
}

/// Each series of the metric, with a value (or rate) that tells it from the others.
fn all_series(metric: &Metric) -> impl Iterator<Item = (BTreeMap<String, String>, f64)> {
    let series = if metric.series.is_empty() { vec![BTreeMap::new()] } else { metric.series.clone() };
    let unit = if metric.unit == "ratio" { 0.25 } else { 1.0 };
    series.into_iter().zip(0..).map(move |(labels, position)| (labels, f64::from(1 << position) * unit))
}

/// The bucket that takes all observations: lower and upper bound.
pub(super) fn filled_bucket(metric: &Metric) -> (f64, f64) {
    let middle = metric.buckets.len() / 2;
    let low = middle.checked_sub(1).map_or(0.0, |below| bound_value(&metric.buckets[below]));
    (low, bound_value(&metric.buckets[middle]))
}

pub(super) fn with_infinity(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.buckets.iter().map(String::as_str).chain(["+Inf"])
}

pub(super) fn bound_value(bound: &str) -> f64 {
    bound.parse().expect("engine files are tested")
}
