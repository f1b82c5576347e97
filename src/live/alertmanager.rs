//! A running Alertmanager: the routes that it really has, what its integrations count, and an alert sent to it.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use md5::{Digest as _, Md5};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Labels, Unreached, encode, not_it, page, prove};
use crate::exposition::Exposition;
use crate::http;
use crate::source::SourceFile;
use crate::stack;
use crate::values::HttpUrl;

pub struct Alertmanager {
    base: HttpUrl,
    pub version: String,
    /// How far its clock is before this machine's, in seconds.
    pub clock: Option<f64>,
    /// As it runs; it shows `<secret>` for every secret.
    pub config: stack::Alertmanager,
    names_receivers: bool,
}

/// What notifications are counted by: an integration of a receiver, or where Alertmanager does not name receivers in its
/// counters, all integrations of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    pub kind: String,
    receiver: Option<String>,
}

impl Counter {
    fn counts(&self, labels: &Labels) -> bool {
        let is = |name: &str, wanted: &str| labels.get(name).is_some_and(|value| value == wanted);
        is(INTEGRATION, &self.kind) && self.receiver.as_ref().is_none_or(|receiver| is(RECEIVER, receiver))
    }

    /// What counts the series with these labels.
    pub fn of(labels: &Labels) -> Self {
        let label = |name: &str| labels.get(name).cloned().filter(|value| !value.is_empty());
        Self { kind: label(INTEGRATION).unwrap_or_default(), receiver: label(RECEIVER) }
    }
}

const INTEGRATION: &str = "integration";
/// Only there with a feature flag, which the rendered stack sets.
const RECEIVER: &str = "receiver_name";

/// What the metrics say of one counter, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Notifications that were begun.
    pub begun: f64,
    /// Attempts; one that fails is repeated for as long as the group's interval.
    pub attempts: f64,
    pub refused: f64,
    /// Notifications that were given up.
    pub failed: f64,
}

impl Counts {
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            begun: self.begun - before.begun,
            attempts: self.attempts - before.attempts,
            refused: self.refused - before.refused,
            failed: self.failed - before.failed,
        }
    }

    /// Attempts that the other side took.
    pub fn delivered(&self) -> f64 {
        self.attempts - self.refused
    }
}

/// All counters of the integrations.
pub struct Metrics {
    page: Exposition,
}

/// An alert as Alertmanager has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    pub labels: Labels,
    starts_at: String,
    updated_at: String,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "silencedBy", default)]
    silences: Vec<String>,
    #[serde(rename = "inhibitedBy", default)]
    inhibitors: Vec<String>,
    #[serde(rename = "mutedBy", default)]
    intervals: Vec<String>,
}

impl Sent {
    /// Why nobody is told of it.
    pub fn muted(&self) -> Option<String> {
        let Status { silences, inhibitors, intervals } = &self.status;
        if let Some(silence) = silences.first() {
            return Some(format!("the silence {silence} covers it"));
        }
        if !inhibitors.is_empty() {
            return Some("another alert that fires mutes it (inhibition)".to_owned());
        }
        intervals.first().map(|interval| format!("the time interval `{interval}` mutes its route"))
    }
}

impl Alertmanager {
    pub fn prove(base: &HttpUrl) -> Result<Self, Unreached> {
        let path = "/api/v2/status";
        let (answer, clock) = prove("Alertmanager", base, path)?;
        let version = answer["versionInfo"]["version"].as_str();
        let (Some(version), Some(config)) = (version, answer["config"]["original"].as_str()) else {
            return Err(not_it("Alertmanager", base, path));
        };
        let config = stack::Alertmanager::parse(SourceFile::new("alertmanager.yml", config));
        let mut found =
            Self { base: base.clone(), version: version.to_owned(), clock, config, names_receivers: false };
        let names = |metrics: Metrics| metrics.has("alertmanager_notifications_total", RECEIVER);
        found.names_receivers = found.metrics().is_ok_and(names);
        Ok(found)
    }

    /// What counts an integration of a receiver.
    pub fn counter(&self, receiver: &str, kind: &str) -> Counter {
        Counter { kind: kind.to_owned(), receiver: self.names_receivers.then(|| receiver.to_owned()) }
    }

    pub fn metrics(&self) -> Result<Metrics> {
        Ok(Metrics { page: Exposition::parse(&page(&self.base, "/metrics")?) })
    }

    /// Begins an alert. It ends by itself after `resolve_timeout` (5m), should nobody end it.
    pub fn send(&self, labels: &Labels, annotations: &BTreeMap<&str, String>) -> Result<()> {
        self.post(&json!([{ "labels": labels, "annotations": annotations }]))
    }

    /// Ends it, at a time of Alertmanager's own clock.
    pub fn resolve(&self, sent: &Sent, annotations: &BTreeMap<&str, String>) -> Result<()> {
        self.post(&json!([{
            "labels": sent.labels,
            "annotations": annotations,
            "startsAt": sent.starts_at,
            "endsAt": sent.updated_at,
        }]))
    }

    /// The alert with this name and this label, if it has it.
    pub fn find(&self, labels: &Labels) -> Result<Option<Sent>> {
        let found: Vec<Sent> = super::json(&self.base, &format!("/api/v2/alerts?{}", filter(labels)))?;
        Ok(found.into_iter().find(|sent| sent.labels == *labels))
    }

    /// How many other alerts are told of together with this one.
    pub fn companions(&self, labels: &Labels) -> Result<usize> {
        #[derive(Deserialize)]
        struct Group {
            alerts: Vec<Labelled>,
        }
        #[derive(Deserialize)]
        struct Labelled {
            labels: Labels,
        }
        let groups: Vec<Group> = super::json(&self.base, "/api/v2/alerts/groups")?;
        let is_it = |alert: &Labelled| alert.labels == *labels;
        let with_it = groups.iter().filter(|group| group.alerts.iter().any(is_it));
        Ok(with_it.map(|group| group.alerts.len() - 1).sum())
    }

    fn post(&self, alerts: &Value) -> Result<()> {
        let url = format!("{}/api/v2/alerts", self.base.base());
        let answer = http::post(&url, alerts).map_err(|error| anyhow!("cannot send to `{url}`: {error}"))?;
        if answer.status != 200 {
            bail!("`{url}` answers {}: {}", answer.status, answer.body.trim());
        }
        Ok(())
    }
}

fn filter(labels: &Labels) -> String {
    let one =
        |(name, value): (&String, &String)| format!("filter={}", encode(&format!("{name}={}", json!(value))));
    labels.iter().map(one).collect::<Vec<_>>().join("&")
}

impl Metrics {
    /// Whether the configuration that was read last is the one that runs.
    pub fn has_loaded(&self) -> bool {
        self.sum("alertmanager_config_last_reload_successful", |_| true) > 0.0
    }

    /// When it took up the configuration that runs, by its own clock.
    pub fn loaded_at(&self) -> Option<f64> {
        let at = self.sum("alertmanager_config_last_reload_success_timestamp_seconds", |_| true);
        (at > 0.0).then_some(at)
    }

    /// Whether this is the text that was read last; `None` where Alertmanager does not say.
    pub fn has_read(&self, text: &str) -> Option<bool> {
        let is = |hash: f64, text: &str| {
            let digest = Md5::digest(text.as_bytes());
            // As much of the sum as a float can hold.
            let own = digest[..6].iter().rev().fold(0.0, |own, byte| own * 256.0 + f64::from(*byte));
            (own - hash).abs() < 0.5
        };
        let name = "alertmanager_config_hash";
        let hash = self.page.metrics.contains_key(name).then(|| self.sum(name, |_| true))?;
        // A mark at the very beginning of a file is no part of what skymon reads of it.
        Some(is(hash, text) || is(hash, &format!("\u{feff}{text}")))
    }

    pub fn counts(&self, counter: &Counter) -> Counts {
        let sum = |name| self.sum(name, |labels| counter.counts(labels));
        Counts {
            begun: sum("alertmanager_notifications_total"),
            attempts: sum("alertmanager_notification_requests_total"),
            refused: sum("alertmanager_notification_requests_failed_total"),
            failed: sum("alertmanager_notifications_failed_total"),
        }
    }

    /// How Alertmanager names why a notification was given up since an earlier look.
    pub fn reason(&self, counter: &Counter, before: &Metrics) -> Option<String> {
        let name = "alertmanager_notifications_failed_total";
        let mut reasons = self.series(name).iter().filter(|(labels, _)| counter.counts(labels));
        let grown = |(labels, value): &&(Labels, f64)| *value > before.sum(name, |old| old == labels);
        reasons.find(grown).and_then(|(labels, _)| labels.get("reason").cloned())
    }

    fn has(&self, name: &str, label: &str) -> bool {
        self.series(name).iter().any(|(labels, _)| labels.contains_key(label))
    }

    fn sum(&self, name: &str, wanted: impl Fn(&Labels) -> bool) -> f64 {
        self.series(name).iter().filter(|(labels, _)| wanted(labels)).map(|(_, value)| value).sum()
    }

    fn series(&self, name: &str) -> &[(Labels, f64)] {
        self.page.metrics.get(name).map(|shown| shown.series.as_slice()).unwrap_or_default()
    }
}
