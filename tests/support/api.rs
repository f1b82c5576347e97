//! What Prometheus and Alertmanager say of themselves, however they were started: targets, alerts, queries.
//!
//! Apart from `stack` and `docker`, which start them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::http;

/// The addresses of a running stack's two programs.
pub(crate) struct Api {
    prometheus: String,
    alertmanager: String,
    /// What the programs printed, for the message when one does not answer.
    logs: Box<dyn Fn() -> String + Send + Sync>,
}

/// A scrape target as Prometheus sees it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) job: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) url: String,
    /// `up`, `down` or `unknown`.
    pub(crate) health: String,
    pub(crate) error: String,
}

/// An alert as Prometheus sees it.
#[derive(Debug, Clone)]
pub(crate) struct Alert {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    /// `pending` or `firing`.
    pub(crate) state: String,
}

impl Api {
    /// For programs at these URLs, without a slash at the end.
    pub(crate) fn new(
        prometheus: String,
        alertmanager: String,
        logs: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self { prometheus, alertmanager, logs: Box::new(logs) }
    }

    /// `http://IP:9090`
    pub(crate) fn prometheus_url(&self) -> String {
        self.prometheus.clone()
    }

    /// `http://IP:9093`
    pub(crate) fn alertmanager_url(&self) -> String {
        self.alertmanager.clone()
    }

    /// The instant vector of an expression, now.
    #[track_caller]
    pub(crate) fn query(&self, promql: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let data = self.prometheus(&format!("/api/v1/query?query={}", http::encode(promql)));
        let series = data["result"].as_array().cloned().unwrap_or_default();
        let value = |sample: &Value| sample["value"][1].as_str().and_then(|v| v.parse().ok());
        series.iter().map(|s| (labels(&s["metric"]), value(s).expect("a vector"))).collect()
    }

    /// The active targets.
    #[track_caller]
    pub(crate) fn targets(&self) -> Vec<Target> {
        let data = self.prometheus("/api/v1/targets?state=active");
        let target = |value: &Value| Target {
            job: text(&value["scrapePool"]),
            labels: labels(&value["labels"]),
            url: text(&value["scrapeUrl"]),
            health: text(&value["health"]),
            error: text(&value["lastError"]),
        };
        data["activeTargets"].as_array().into_iter().flatten().map(target).collect()
    }

    /// Pending and firing alerts.
    #[track_caller]
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        let data = self.prometheus("/api/v1/alerts");
        let alert = |value: &Value| Alert {
            name: text(&value["labels"]["alertname"]),
            labels: labels(&value["labels"]),
            annotations: labels(&value["annotations"]),
            state: text(&value["state"]),
        };
        data["alerts"].as_array().into_iter().flatten().map(alert).collect()
    }

    /// `data` of one of Prometheus' API answers.
    #[track_caller]
    pub(crate) fn prometheus(&self, path: &str) -> Value {
        let answer = self.ask(&format!("{}{path}", self.prometheus));
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// One of Alertmanager's API answers: `/api/v2/alerts`.
    #[track_caller]
    pub(crate) fn alertmanager(&self, path: &str) -> Value {
        self.ask(&format!("{}{path}", self.alertmanager))
    }

    #[track_caller]
    fn ask(&self, url: &str) -> Value {
        let (_, body) = http::get(url).unwrap_or_else(|error| panic!("{url}: {error}\n{}", (self.logs)()));
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{url}: {error}: {body}"))
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}
