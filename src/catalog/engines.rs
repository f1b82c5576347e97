//! The engines: one data file each in `templates/engines/`, found by its name. A file names sources, not queries; the
//! queries are made from it in `plan::recordings`.

mod instrumented;
mod set;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::Deserialize;

pub use self::set::Engines;
use super::alerts::AlertChange;
use crate::promql::{self, Matchers};
use crate::values::UrlPath;

/// Every engine that a config may name; those without a data file yet are refused as "not available".
pub const NAMES: &[&str] = &[
    "custom",
    "vllm",
    "sglang",
    "tgi",
    "tei",
    "triton",
    "tensorrt-llm",
    "llamacpp",
    "ray-serve",
    "ray-serve-llm",
    "lmdeploy",
    "litellm",
    "nim",
    "ollama",
];

#[derive(Debug, Deserialize)]
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
    pub port: u16,
    pub metrics_path: UrlPath,
    /// What answers 200 when the engine can serve.
    pub ready_path: Option<UrlPath>,
    /// What turns the metrics on.
    pub enable: String,
    pub metrics: BTreeMap<String, Metric>,
    /// What tells its answers apart.
    pub traffic: Option<Traffic>,
    pub vocabulary: BTreeMap<String, Source>,
    /// Defaults of alerts that this engine needs otherwise.
    #[serde(default)]
    pub alerts: BTreeMap<String, AlertChange>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub r#type: MetricType,
    pub unit: String,
    #[serde(default)]
    pub labels: Vec<String>,
    /// Upper bounds as the engine prints them, without `+Inf`.
    #[serde(default)]
    pub buckets: Vec<String>,
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

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    Counter,
    Gauge,
    Histogram,
}

/// The counter of all answers, and which of its labels say where to and how they ended. It is drawn as it is and recorded
/// nowhere: what its labels hold is the engine's, and so no alert is written over them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    pub metric: String,
    pub endpoint: Option<String>,
    pub status: Option<String>,
}

/// Where a word of the vocabulary is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub metric: String,
    /// Matchers that select the series that count, as they stand in the braces.
    #[serde(rename = "where")]
    pub matchers: Option<String>,
    #[serde(skip)]
    parsed: OnceLock<Matchers>,
}

impl Source {
    /// Whether a series with these labels counts.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let matchers = self.parsed.get_or_init(|| {
            promql::parse_matchers(self.matchers.as_deref().unwrap_or_default())
                .expect("engine files are tested")
        });
        matchers.matchers.iter().all(|m| m.is_match(labels.get(&m.name).map_or("", String::as_str)))
    }
}

impl Engine {
    /// The metrics to read for a source: the current one first, then those it replaces, as far as `version` has them.
    /// Without a version all are read, so that the same rules work across an upgrade.
    pub fn metrics_of(&self, source: &Source, version: Option<&Version>) -> Vec<(&str, &Metric)> {
        self.metrics_named(&source.metric, version)
    }

    /// The same for the name of a metric.
    pub fn metrics_named(&self, name: &str, version: Option<&Version>) -> Vec<(&str, &Metric)> {
        std::iter::successors(self.metrics.get_key_value(name), |(_, metric)| {
            metric.replaces.as_ref().and_then(|name| self.metrics.get_key_value(name))
        })
        .filter(|(_, metric)| version.is_none_or(|version| metric.exists_in(version)))
        .map(|(name, metric)| (name.as_str(), metric))
        .collect()
    }
}

impl Metric {
    fn exists_in(&self, version: &Version) -> bool {
        self.since.as_ref().is_none_or(|since| version >= since)
            && self.until.as_ref().is_none_or(|until| version < until)
    }
}

/// A version as engines write it: `0.11`, `0.33.0`; a leading `v` and what follows a `-`, `+` or letter is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a version\nwrite it as the engine prints it: `\"0.11\"`");
        if text.contains(|c: char| !c.is_ascii_alphanumeric() && !".-+_".contains(c)) {
            return Err(wrong());
        }
        let core = text.strip_prefix('v').unwrap_or(text);
        let core = &core[..core.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(core.len())];
        let parts: Option<Vec<u32>> =
            core.trim_end_matches('.').split('.').map(|part| part.parse().ok()).collect();
        let mut parts = parts.ok_or_else(wrong)?;
        // `0.11` and `0.11.0` are one version.
        while parts.last() == Some(&0) {
            parts.pop();
        }
        Ok(Self(parts))
    }
}

crate::values::scalar!(Version, "a version such as `0.11`", {
    "type": ["string", "number"],
    "description": "The engine's version, as it prints it: `\"0.11\"`."
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::vocabulary::{self, Shape};

    #[test]
    fn every_engine_names_only_metrics_and_words_that_exist() {
        let instrumented = Engine::instrumented(&[]);
        for engine in Engines::built_in().iter().map(AsRef::as_ref).chain([&instrumented]) {
            assert!(NAMES.contains(&engine.name.as_str()), "{} may be named in a config", engine.name);
            for (word, source) in &engine.vocabulary {
                let shape = vocabulary::word(word)
                    .unwrap_or_else(|| panic!("{}: no word `{word}`", engine.name))
                    .shape;
                let metric = engine
                    .metrics
                    .get(&source.metric)
                    .unwrap_or_else(|| panic!("no metric {}", source.metric));
                let expected = match shape {
                    Shape::Counter { .. } => MetricType::Counter,
                    Shape::Histogram => MetricType::Histogram,
                    Shape::Gauge(_) | Shape::StartTime => MetricType::Gauge,
                };
                assert_eq!(metric.r#type, expected, "{}: {word}", engine.name);
                promql::parse_matchers(source.matchers.as_deref().unwrap_or_default())
                    .expect("matchers parse");
            }
            if let Some(traffic) = &engine.traffic {
                let metric = &engine.metrics[&traffic.metric];
                assert_eq!(metric.r#type, MetricType::Counter, "{}: traffic", engine.name);
                for label in traffic.endpoint.iter().chain(&traffic.status) {
                    assert!(metric.labels.contains(label), "{}: traffic by `{label}`", engine.name);
                }
            }
            for (name, metric) in &engine.metrics {
                assert!(
                    metric.replaces.as_ref().is_none_or(|old| engine.metrics.contains_key(old)),
                    "{name}"
                );
                assert_eq!(metric.buckets.is_empty(), metric.r#type != MetricType::Histogram, "{name}");
                for labels in &metric.series {
                    assert!(labels.keys().all(|label| metric.labels.contains(label)), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_version_chooses_among_names_and_without_one_all_are_read() {
        let vllm = Engines::built_in().get("vllm").expect("is built in");
        let names = |version: Option<&str>| -> Vec<&str> {
            let version = version.map(|v| v.parse().expect("a version"));
            vllm.metrics_of(&vllm.vocabulary["kv_cache_usage"], version.as_ref())
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        };
        assert_eq!(names(Some("0.8.5")), ["vllm:gpu_cache_usage_perc"]);
        assert_eq!(names(Some("0.11")), ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]);
        assert_eq!(names(Some("v0.33.0rc1")), ["vllm:kv_cache_usage_perc"]);
        assert_eq!(names(None).len(), 2);
    }
}
