//! The engine's own series as the rule tests feed them: two replicas, each series with a value that tells it from the
//! others, so that what must be recorded of them can be told beforehand.

use std::collections::{BTreeMap, BTreeSet};

use super::recordings::Subject;
use crate::catalog::engines::{Metric, MetricType, Reading};
use crate::catalog::units::Unit;
use crate::catalog::vocabulary::{self, Fold, Shape, Zeros};
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
    /// Which of the names of a metric it exposes: the oldest, if it is not current. Two of unlike buckets in one service
    /// would make no histogram.
    fn reading<'a>(self, part: &[Reading<'a>]) -> Reading<'a> {
        let first = part[0];
        let is_older_name = |other: &&Reading| {
            std::ptr::eq(other.source, first.source) && other.metric.buckets == first.metric.buckets
        };
        let oldest = part.iter().rfind(is_older_name).filter(|_| !self.current);
        oldest.copied().unwrap_or(first)
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

    /// All series of a part of a word, on each replica under the name that it exposes.
    pub(super) fn feed_part(&mut self, part: &[Reading]) {
        for replica in REPLICAS {
            let reading = replica.reading(part);
            if self.is_news(reading, replica) {
                for (own, value) in self.series_of(reading, replica) {
                    self.feed_series(reading, replica, &own, value);
                }
            }
        }
    }

    /// Whether the series of a reading are not there yet: one metric may serve several words.
    fn is_news(&mut self, reading: Reading, replica: Replica) -> bool {
        self.fed.insert(format!("{} of {}", reading.series(), replica.name))
    }

    /// One series, or a histogram's, with a value in the unit of the vocabulary (for each second, where it counts).
    fn feed_series(
        &mut self,
        reading: Reading,
        replica: Replica,
        own: &BTreeMap<String, String>,
        value: f64,
    ) {
        let (name, metric) = (reading.series(), reading.metric);
        let labels = with_replica(own, replica.name);
        match (metric.r#type, reading.source.read) {
            (MetricType::Gauge, _) => self.feed_constant(&name, &labels, as_exposed(reading, value)),
            (MetricType::Counter, _) | (MetricType::Histogram, Some(_)) => {
                self.feed_rate(&name, &labels, as_exposed(reading, value));
            }
            (MetricType::Histogram, None) => {
                let filled = metric.buckets.len() / 2;
                for (position, bound) in with_infinity(metric).enumerate() {
                    let rate = if position < filled { 0.0 } else { value };
                    let labels = [&labels[..], &[("le", bound)]].concat();
                    self.feed_rate(&format!("{name}_bucket"), &labels, rate);
                }
            }
        }
    }

    /// Start times: the first replica restarts, the second does not.
    pub(super) fn feed_starts(&mut self, reading: Reading) {
        let (name, own) = (reading.series(), reading.example());
        let quarter = self.steps() / 4;
        let restarting: Vec<String> = (1..=4).map(|start| format!("{start}000x{}", quarter - 1)).collect();
        self.feed(
            &name,
            &with_replica(&own, REPLICAS[0].name),
            restarting.join(" ") + &format!(" 4000x{}", self.steps()),
        );
        self.feed_constant(&name, &with_replica(&own, REPLICAS[1].name), 1000.0);
    }

    /// All series of a part on the first replica, before anything happened.
    pub(super) fn feed_idle(&mut self, part: &[Reading]) {
        let (reading, replica) = (part[0], REPLICAS[0]);
        if !reading.metric.late && self.is_news(reading, replica) {
            for (own, _) in all_series(reading.metric) {
                self.feed_series(reading, replica, &own, 0.0);
            }
        }
    }

    /// Counters whose series are born while the first replica has long been up, and a second replica that is new to
    /// Prometheus, with series that are as old as itself.
    pub(super) fn feed_births(&mut self, part: &[Reading]) {
        let reading = part[0];
        // In the middle of the last 5 minutes.
        let before = (TEST_AT.as_millis() - 150_000).div_ceil(self.step.as_millis());
        let since = self.steps() - before;
        for (replica, old) in REPLICAS.into_iter().zip([0.0, 1e6]) {
            if !self.is_news(reading, replica) {
                continue;
            }
            for (own, rate) in all_series(reading.metric) {
                let value = old + as_exposed(reading, rate) * 300.0;
                let labels = with_replica(&own, replica.name);
                self.feed(&reading.series(), &labels, format!("_x{before} {value}x{since}"));
            }
        }
        if self.fed.insert("up".to_owned()) {
            self.feed_constant("up", &[("replica", REPLICAS[0].name)], 1.0);
            self.feed("up", &[("replica", REPLICAS[1].name)], format!("_x{before} 1x{since}"));
        }
    }

    /// What a word is on a replica: of each part the series that count, of copies the largest, folded; and the parts
    /// added.
    pub(super) fn value(&self, parts: &[Vec<Reading>], fold: Fold, replica: Replica) -> f64 {
        parts.iter().map(|part| fold.of(self.read(part, replica).into_iter())).sum()
    }

    /// What a histogram on a replica observes each second.
    pub(super) fn observed(&self, part: &[Reading], replica: Replica) -> f64 {
        self.read(part, replica).into_iter().sum()
    }

    /// The numbers that count of a part on a replica, in the unit of the vocabulary.
    fn read(&self, part: &[Reading], replica: Replica) -> Vec<f64> {
        let reading = replica.reading(part);
        let mut numbers: BTreeMap<BTreeMap<String, String>, f64> = BTreeMap::new();
        for (mut labels, value) in self.series_of(reading, replica) {
            if !reading.source.selects(&labels) {
                continue;
            }
            labels.retain(|label, _| !reading.metric.copies.contains(label));
            let value = match reading.source.compare {
                Some(comparison) => f64::from(comparison.holds(as_exposed(reading, value))),
                None => value,
            };
            numbers.entry(labels).and_modify(|largest| *largest = largest.max(value)).or_insert(value);
        }
        numbers.into_values().collect()
    }

    fn series_of(&self, reading: Reading, replica: Replica) -> Vec<(BTreeMap<String, String>, f64)> {
        all_series(reading.metric)
            .filter(|(labels, _)| replica.current || !self.starts_late(reading.name, labels))
            .map(|(labels, value)| (labels, value * replica.factor))
            .collect()
    }

    /// Whether the series is an event that a zero stands for as long as it has not happened.
    fn starts_late(&self, metric: &str, labels: &BTreeMap<String, String>) -> bool {
        if self.subject.engine.parts("requests", self.subject.version).is_empty() {
            // Nothing stands for it.
            return false;
        }
        vocabulary::WORDS
            .iter()
            .filter(|word| word.shape == Shape::Counter { zeros: Some(Zeros::Requests) })
            .filter(|_| self.subject.fills(Zeros::Requests))
            .flat_map(|word| self.subject.engine.parts(word.name, self.subject.version))
            .flatten()
            .any(|reading| reading.name == metric && reading.source.selects(labels))
    }

    pub(super) fn feed(&mut self, name: &str, labels: &[(&str, &str)], course: String) {
        let labels: Vec<String> = [("service", self.subject.service)]
            .iter()
            .chain(labels)
            .map(|(label, value)| format!("{label}={}", serde_json::Value::from(*value)))
            .collect();
        self.input.push((format!("{name}{{{}}}", labels.join(", ")), course));
    }
}

pub(super) fn with_replica<'a>(
    labels: &'a BTreeMap<String, String>,
    replica: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let own = labels.iter().map(|(label, value)| (label.as_str(), value.as_str()));
    [("replica", replica)].into_iter().chain(own).collect()
}

/// A value as the engine exposes it.
fn as_exposed(reading: Reading, value: f64) -> f64 {
    match reading.source.compare {
        // One replica is on the one side of it, the other on the other.
        Some(comparison) => comparison.number() + value - 1.0,
        None => value * 10_f64.powi(reading.metric.unit.places().into()),
    }
}

/// Each series of the metric, with a value (or rate) that tells it from the others, in the unit of the vocabulary.
fn all_series(metric: &Metric) -> impl Iterator<Item = (BTreeMap<String, String>, f64)> {
    let unit = if metric.unit.base() == Unit::Ratio { 0.25 } else { 1.0 };
    metric.examples().zip(0..).map(move |(labels, position)| (labels, f64::from(1 << position) * unit))
}

/// The bucket that takes all observations: lower and upper bound, in the unit of the vocabulary.
pub(super) fn filled_bucket(metric: &Metric) -> (f64, f64) {
    let bounds: Vec<f64> = metric.bounds().map(|bound| bound.value).collect();
    let middle = bounds.len() / 2;
    (middle.checked_sub(1).map_or(0.0, |below| bounds[below]), bounds[middle])
}

fn with_infinity(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.buckets.iter().map(String::as_str).chain(["+Inf"])
}
