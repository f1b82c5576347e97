//! A running Prometheus: what it scrapes, what it evaluates, what fires.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::{Labels, Unreached, encode, json, not_it, prove};
use crate::source::SourceFile;
use crate::stack;
use crate::values::HttpUrl;

pub struct Prometheus {
    base: HttpUrl,
    pub version: String,
    /// How far its clock is before this machine's, in seconds.
    pub clock: Option<f64>,
}

#[derive(Deserialize)]
struct Reply<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub labels: Labels,
    /// Before relabeling: `__address__` is what a file says.
    #[serde(default)]
    pub discovered_labels: Labels,
    pub scrape_pool: String,
    #[serde(default)]
    pub scrape_url: String,
    /// `up`, `down`, or `unknown` before the first scrape.
    pub health: String,
    #[serde(default)]
    last_error: String,
}

impl Target {
    /// What tells it from another one in a message.
    pub fn name(&self) -> &str {
        ["replica", "instance"].iter().find_map(|name| self.labels.get(*name)).map_or("", String::as_str)
    }

    /// `Get "http://…": dial tcp …` without the address, which may have a secret behind its `?`.
    pub fn plain_error(&self) -> &str {
        let rest = self.last_error.strip_prefix("Get \"").and_then(|rest| rest.split_once("\": "));
        rest.map_or(&self.last_error, |(_, why)| why)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub name: String,
    /// The path that Prometheus read it from.
    #[serde(default)]
    pub file: String,
    /// Seconds between two evaluations, and how long the last one took.
    #[serde(default)]
    pub interval: f64,
    #[serde(default)]
    pub evaluation_time: f64,
    pub rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub name: String,
    #[serde(default)]
    pub query: String,
    /// `for`, in seconds.
    #[serde(default)]
    pub duration: f64,
    #[serde(default)]
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Labels,
    /// `ok`, `err`, or `unknown` before the first evaluation.
    pub health: String,
    #[serde(default)]
    pub last_error: String,
    /// Empty for a recording.
    #[serde(default)]
    pub alerts: Vec<RuleState>,
    /// `alerting` or `recording`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One alert of a rule: pending or firing.
#[derive(Deserialize)]
pub struct RuleState {
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Labels,
    pub state: String,
}

impl Prometheus {
    pub fn prove(base: &HttpUrl) -> Result<Self, Unreached> {
        let path = "/api/v1/status/buildinfo";
        let (answer, clock) = prove("Prometheus", base, path)?;
        match answer["data"]["version"].as_str() {
            Some(version) => Ok(Self { base: base.clone(), version: version.to_owned(), clock }),
            None => Err(not_it("Prometheus", base, path)),
        }
    }

    /// The configuration that runs. Everything that is not written in the file is there with its default.
    pub fn configuration(&self) -> Result<stack::Prometheus> {
        let reply: Reply<Value> = json(&self.base, "/api/v1/status/config")?;
        let text = reply.data["yaml"].as_str().unwrap_or_default();
        Ok(stack::Prometheus::parse(SourceFile::new("prometheus.yml", text)))
    }

    /// Whether the configuration that was read last is the one that runs.
    pub fn has_loaded(&self) -> Result<bool> {
        let reply: Reply<Value> = json(&self.base, "/api/v1/status/runtimeinfo")?;
        Ok(reply.data["reloadConfigSuccess"] == true)
    }

    /// When it took up the configuration that runs, by its own clock.
    pub fn loaded_at(&self) -> Result<Option<f64>> {
        let series = self.query("max(prometheus_config_last_reload_success_timestamp_seconds)")?;
        Ok(series.first().map(|(_, value)| *value))
    }

    pub fn targets(&self) -> Result<Vec<Target>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Targets {
            active_targets: Vec<Target>,
        }
        let reply: Reply<Targets> = json(&self.base, "/api/v1/targets?state=active")?;
        Ok(reply.data.active_targets)
    }

    /// What each target says of its metrics: the type by name. Only those that are up, or were lately, say anything.
    pub fn metadata(&self) -> Result<BTreeMap<Labels, BTreeMap<String, String>>> {
        #[derive(Deserialize)]
        struct Entry {
            target: Labels,
            metric: String,
            r#type: String,
        }
        let reply: Reply<Vec<Entry>> = json(&self.base, "/api/v1/targets/metadata")?;
        let mut found: BTreeMap<Labels, BTreeMap<String, String>> = BTreeMap::new();
        for entry in reply.data {
            found.entry(entry.target).or_default().insert(entry.metric, entry.r#type);
        }
        Ok(found)
    }

    pub fn groups(&self) -> Result<Vec<Group>> {
        #[derive(Deserialize)]
        struct Groups {
            groups: Vec<Group>,
        }
        let reply: Reply<Groups> = json(&self.base, "/api/v1/rules")?;
        Ok(reply.data.groups)
    }

    /// How many Alertmanagers it sends to.
    pub fn alertmanagers(&self) -> Result<usize> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Found {
            active_alertmanagers: Vec<Value>,
        }
        let reply: Reply<Found> = json(&self.base, "/api/v1/alertmanagers")?;
        Ok(reply.data.active_alertmanagers.len())
    }

    /// The series of an expression, each with its value.
    pub fn query(&self, expr: &str) -> Result<Vec<(Labels, f64)>> {
        #[derive(Deserialize)]
        struct Vector {
            result: Vec<Series>,
        }
        #[derive(Deserialize)]
        struct Series {
            metric: Labels,
            value: (f64, String),
        }
        let reply: Reply<Vector> = json(&self.base, &format!("/api/v1/query?query={}", encode(expr)))?;
        let series = reply.data.result.into_iter();
        Ok(series.filter_map(|series| Some((series.metric, series.value.1.parse().ok()?))).collect())
    }
}
