//! A running Prometheus: what it scrapes, what it evaluates, what fires.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::{Unreached, encode, json, not_it, prove};
use crate::source::{Document, SourceFile};
use crate::values::HttpUrl;

pub struct Prometheus {
    base: HttpUrl,
    pub version: String,
}

#[derive(Deserialize)]
struct Reply<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub labels: BTreeMap<String, String>,
    pub scrape_pool: String,
    /// `up`, `down`, or `unknown` before the first scrape.
    pub health: String,
    #[serde(default)]
    pub last_error: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub name: String,
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
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    pub state: String,
}

impl Prometheus {
    pub fn prove(base: &HttpUrl) -> Result<Self, Unreached> {
        let path = "/api/v1/status/buildinfo";
        let answer = prove("Prometheus", base, path)?;
        match answer["data"]["version"].as_str() {
            Some(version) => Ok(Self { base: base.clone(), version: version.to_owned() }),
            None => Err(not_it("Prometheus", base, path)),
        }
    }

    /// The external label `stack` of the configuration that runs.
    pub fn stack(&self) -> Result<Option<String>> {
        let reply: Reply<Value> = json(&self.base, "/api/v1/status/config")?;
        let text = reply.data["yaml"].as_str().unwrap_or_default();
        let (document, _) = Document::yaml(SourceFile::new("prometheus.yml", text));
        let label = document.root().find(&["global", "external_labels", "stack"]);
        Ok(label.and_then(|node| node.value()).map(|stack| stack.value))
    }

    /// Whether the configuration that was read last is the one that runs.
    pub fn has_loaded(&self) -> Result<bool> {
        let reply: Reply<Value> = json(&self.base, "/api/v1/status/runtimeinfo")?;
        Ok(reply.data["reloadConfigSuccess"] == true)
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

    pub fn rules(&self) -> Result<Vec<Rule>> {
        #[derive(Deserialize)]
        struct Groups {
            groups: Vec<Group>,
        }
        #[derive(Deserialize)]
        struct Group {
            rules: Vec<Rule>,
        }
        let reply: Reply<Groups> = json(&self.base, "/api/v1/rules")?;
        Ok(reply.data.groups.into_iter().flat_map(|group| group.rules).collect())
    }

    /// The value of each series of an expression, by one of its labels.
    pub fn query(&self, expr: &str, label: &str) -> Result<BTreeMap<String, f64>> {
        #[derive(Deserialize)]
        struct Vector {
            result: Vec<Series>,
        }
        #[derive(Deserialize)]
        struct Series {
            metric: BTreeMap<String, String>,
            value: (f64, String),
        }
        let reply: Reply<Vector> = json(&self.base, &format!("/api/v1/query?query={}", encode(expr)))?;
        let series = reply.data.result.into_iter().filter_map(|mut series| {
            Some((series.metric.remove(label).unwrap_or_default(), series.value.1.parse().ok()?))
        });
        Ok(series.collect())
    }
}
