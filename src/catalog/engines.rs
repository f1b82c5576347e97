//! The engines: one data file each in `templates/engines/`, found by its name. A file names sources, not queries; the
//! queries are made from it in `plan::recordings`.

mod instrumented;
mod set;
mod version;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::set::Engines;
pub use self::version::Version;
use super::alerts::AlertChange;
use super::units::Unit;
use crate::promql::{self, Matcher};
use crate::values::UrlPath;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// The name in the config; the file's name.
    #[serde(skip)]
    pub name: String,
    pub title: String,
    /// What it is, in one phrase.
    pub about: String,
    /// Where the facts come from.
    pub source: String,
    /// Which versions they hold for.
    pub versions: Option<String>,
    /// Where its metrics are; an engine without metrics: where it answers.
    pub port: u16,
    /// Where it answers users and `ready_path`, if not at `port`.
    pub ready_port: Option<u16>,
    /// Without one there is nothing to scrape, and only the endpoint can be probed.
    pub metrics_path: Option<UrlPath>,
    /// What answers 200 when the engine can serve.
    pub ready_path: Option<UrlPath>,
    /// What turns the metrics on.
    pub enable: String,
    /// The option without which there are none.
    pub enabled_by: Option<String>,
    /// The option that takes them away.
    pub disabled_by: Option<String>,
    /// The container images that it comes in, without a registry: `vllm/vllm-openai`. One that ends with `/` is a folder of them.
    #[serde(default)]
    pub images: Vec<String>,
    /// Where the engine shows its metrics only to who has a key: what it says without one, and what changes that.
    pub auth: Option<String>,
    #[serde(default)]
    pub metrics: BTreeMap<String, Metric>,
    /// What it shows too, and nothing reads: known to `validate`, by type.
    #[serde(default)]
    pub others: BTreeMap<String, MetricType>,
    /// What tells its answers apart.
    pub traffic: Option<Traffic>,
    #[serde(default)]
    pub vocabulary: BTreeMap<String, Source>,
    /// The other words: why not, and what would change it.
    #[serde(default)]
    pub cannot: BTreeMap<String, String>,
    /// What one must know to read its numbers right.
    #[serde(default)]
    pub traps: Vec<String>,
    /// Defaults of alerts that this engine needs otherwise.
    #[serde(default)]
    pub alerts: BTreeMap<String, AlertChange>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub r#type: MetricType,
    pub unit: Unit,
    #[serde(default)]
    pub labels: Vec<String>,
    /// Those of its labels that tell copies of one number apart, as several ranks or processes say it. Of copies the
    /// largest counts.
    #[serde(default)]
    pub copies: Vec<String>,
    /// Upper bounds as they stand in Prometheus (`1.0`, not `1`), without `+Inf`. A histogram of which only the sum or the
    /// count is read needs none.
    #[serde(default)]
    pub buckets: Vec<String>,
    /// The engine's option that sets them.
    pub buckets_flag: Option<String>,
    /// A counter whose series are born at their first event, with a 1 that no rate sees.
    #[serde(default)]
    pub late: bool,
    /// First version that has it.
    pub since: Option<Version>,
    /// First version that has it no more.
    pub until: Option<Version>,
    /// The metric that said the same before.
    pub replaces: Option<String>,
    /// Label sets of one series of each kind, for the rendered rule tests.
    #[serde(default)]
    pub series: Vec<BTreeMap<String, String>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    Counter,
    Gauge,
    Histogram,
}

impl MetricType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The counter of all answers, and which of its labels say where to and how they ended. It is drawn as it is and recorded
/// nowhere: what its labels hold is the engine's, and so no alert is written over them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    pub metric: String,
    pub endpoint: Option<String>,
    pub status: Option<String>,
}

/// Where a word of the vocabulary is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub metric: String,
    /// Matchers that select the series that count, as they stand in the braces.
    #[serde(rename = "where")]
    pub matchers: Option<String>,
    /// Of a histogram that serves a counter: which of its two.
    pub read: Option<Part>,
    /// Makes 1 or 0 of a state.
    pub compare: Option<Comparison>,
    /// Of a mean: the counter of what the metric is the sum of.
    pub per: Option<Box<Source>>,
    /// What is added to it; where a replica does not have one of them, the others count.
    #[serde(default)]
    pub plus: Vec<Source>,
    /// What said the same in versions that do not have the metric, with matchers of its own.
    pub before: Option<Box<Source>>,
    #[serde(skip)]
    parsed: OnceLock<Vec<Matcher>>,
}

/// One of the two counters of a histogram.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Sum,
    Count,
}

impl Source {
    /// Whether a series with these labels counts.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let matchers = self.parsed.get_or_init(|| {
            promql::parse_matchers(self.matchers.as_deref().unwrap_or_default())
                .expect("engine files are tested")
        });
        matchers.iter().all(|m| m.is_match(labels.get(&m.name).map_or("", String::as_str)))
    }
}

/// A comparison with a number, such as `== 6`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    operator: &'static str,
    number: f64,
}

impl Comparison {
    /// As PromQL makes 1 or 0 of a value.
    pub fn promql(self) -> String {
        format!("{} bool {}", self.operator, self.number)
    }

    pub fn holds(self, value: f64) -> bool {
        match self.operator {
            "==" => value.total_cmp(&self.number).is_eq(),
            "!=" => value.total_cmp(&self.number).is_ne(),
            "<" => value < self.number,
            _ => value > self.number,
        }
    }

    /// The number that it compares with: on one side of it or the other something changes.
    pub fn number(self) -> f64 {
        self.number
    }
}

impl std::str::FromStr for Comparison {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a comparison\nwrite `== 6`, `!= 4`, `< 2` or `> 0`");
        let (operator, number) = text.split_once(' ').ok_or_else(wrong)?;
        let operator =
            ["==", "!=", "<", ">"].into_iter().find(|known| *known == operator).ok_or_else(wrong)?;
        match number.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Self { operator, number }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operator, self.number)
    }
}

crate::values::scalar!(Comparison, "a comparison such as `== 6`", {
    "type": "string",
    "description": "A comparison with a number: `== 6`."
});

/// A way to read (a part of) a word: a metric that the version may have.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub name: &'a str,
    pub metric: &'a Metric,
    pub source: &'a Source,
}

impl Reading<'_> {
    /// The labels of a series that counts.
    pub fn example(&self) -> BTreeMap<String, String> {
        self.metric.examples().find(|labels| self.source.selects(labels)).unwrap_or_default()
    }

    /// The series that are read: of a histogram that serves a counter, one of its own two.
    pub fn series(&self) -> String {
        match self.source.read {
            None => self.name.to_owned(),
            Some(Part::Sum) => format!("{}_sum", self.name),
            Some(Part::Count) => format!("{}_count", self.name),
        }
    }
}

/// A bucket's upper bound, in the unit of the word.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// As `le` of the recorded series has it.
    pub le: String,
    pub value: f64,
}

/// The buckets of a word's histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds<'a> {
    /// From the smallest to the largest, without `+Inf`; those that every version in question has.
    pub bounds: Vec<Bound>,
    /// The engine's option that sets them.
    pub flag: Option<&'a str>,
}

impl Engine {
    /// Whether it comes in this image, from whichever registry.
    pub fn is_image(&self, repository: &str) -> bool {
        let whole = format!("/{repository}");
        self.images
            .iter()
            .map(|image| format!("/{image}"))
            .any(|image| if image.ends_with('/') { whole.contains(&image) } else { whole.ends_with(&image) })
    }

    /// What is added for a word, and for each part the ways to read it. Empty if the engine, in this version, does not
    /// say the word.
    pub fn parts(&self, word: &str, version: Option<&Version>) -> Vec<Vec<Reading<'_>>> {
        let Some(source) = self.vocabulary.get(word) else { return Vec::new() };
        let main = self.readings(source, version);
        if main.is_empty() {
            return Vec::new();
        }
        let others = source.plus.iter().map(|other| self.readings(other, version));
        [main].into_iter().chain(others.filter(|readings| !readings.is_empty())).collect()
    }

    /// The ways to read a source: the current metric first, then those it replaces, as far as `version` has them.
    /// Without a version all are read, so that the same rules work across an upgrade.
    pub fn readings<'a>(&'a self, source: &'a Source, version: Option<&Version>) -> Vec<Reading<'a>> {
        std::iter::successors(Some(source), |source| source.before.as_deref())
            .flat_map(|source| {
                self.metrics_named(&source.metric, version).into_iter().map(move |(name, metric)| Reading {
                    name,
                    metric,
                    source,
                })
            })
            .collect()
    }

    /// All metrics that a word is read from, in any version.
    pub fn names_for(&self, word: &str) -> impl Iterator<Item = &str> {
        self.parts(word, None).into_iter().flatten().map(|reading| reading.name)
    }

    /// The metrics that say the same under one name after the other, the current one first.
    pub fn metrics_named(&self, name: &str, version: Option<&Version>) -> Vec<(&str, &Metric)> {
        std::iter::successors(self.metrics.get_key_value(name), |(_, metric)| {
            metric.replaces.as_ref().and_then(|name| self.metrics.get_key_value(name))
        })
        .filter(|(_, metric)| version.is_none_or(|version| metric.exists_in(version)))
        .map(|(name, metric)| (name.as_str(), metric))
        .collect()
    }

    /// The buckets of a word's histogram; `None` if the engine has none for it.
    pub fn bounds(&self, word: &str, version: Option<&Version>) -> Option<Bounds<'_>> {
        let parts = self.parts(word, version);
        let readings = parts.first()?;
        let (first, others) = readings.split_first()?;
        if first.metric.buckets.is_empty() {
            return None;
        }
        let bounds: Vec<Bound> = first
            .metric
            .bounds()
            .filter(|bound| others.iter().all(|other| other.metric.bounds().any(|same| same.le == bound.le)))
            .collect();
        Some(Bounds { bounds, flag: first.metric.buckets_flag.as_deref() })
    }
}

impl Metric {
    fn exists_in(&self, version: &Version) -> bool {
        self.since.as_ref().is_none_or(|since| version >= since)
            && self.until.as_ref().is_none_or(|until| version < until)
    }

    /// The label sets of its series in the rule tests; one without labels is the least that every metric has.
    pub fn examples(&self) -> impl Iterator<Item = BTreeMap<String, String>> {
        let none = self.series.is_empty().then(BTreeMap::new);
        self.series.iter().cloned().chain(none)
    }

    /// Its buckets' bounds in the unit of the vocabulary, without `+Inf`.
    pub fn bounds(&self) -> impl Iterator<Item = Bound> + '_ {
        self.buckets.iter().map(|bound| {
            let le = self.unit.bound_to_base(bound);
            let value = le.parse().expect("engine files are tested");
            Bound { le, value }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::vocabulary::WORDS;

    #[test]
    fn every_engine_says_of_every_word_where_it_is_read_or_why_it_cannot_be() {
        let instrumented = Engine::instrumented(&[]);
        for engine in Engines::built_in().iter().map(AsRef::as_ref).chain([&instrumented]) {
            for word in WORDS {
                assert_ne!(
                    engine.vocabulary.contains_key(word.name),
                    engine.cannot.contains_key(word.name),
                    "{}: `{}` stands in `vocabulary` or in `cannot`",
                    engine.name,
                    word.name
                );
            }
        }
    }

    #[test]
    fn a_version_chooses_among_names_and_without_one_all_are_read() {
        let vllm = Engines::built_in().get("vllm").expect("is built in");
        let names = |version: Option<&str>| -> Vec<&str> {
            let version = version.map(|v| v.parse().expect("a version"));
            vllm.readings(&vllm.vocabulary["kv_cache_usage"], version.as_ref())
                .into_iter()
                .map(|reading| reading.name)
                .collect()
        };
        assert_eq!(names(Some("0.8.5")), ["vllm:gpu_cache_usage_perc"]);
        assert_eq!(names(Some("0.11")), ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]);
        assert_eq!(names(Some("v0.33.0rc1")), ["vllm:kv_cache_usage_perc"]);
        assert_eq!(names(None).len(), 2);
    }

    #[test]
    fn the_bounds_of_a_histogram_are_in_the_unit_of_the_word() {
        let ray = Engines::built_in().get("ray-serve").expect("is built in");
        let bounds = ray.bounds("latency_seconds", None).expect("has a histogram").bounds;
        assert_eq!(bounds[0], Bound { le: "0.001".to_owned(), value: 0.001 });
        assert_eq!(bounds.last(), Some(&Bound { le: "600.0".to_owned(), value: 600.0 }));
        assert_eq!(ray.bounds("running", None), None);
    }
}
