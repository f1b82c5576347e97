//! A rendered folder brought to life **as it is**: the real programs, started the way `docker-compose.yml` says, with
//! the real compose resolving it, and each in a root of its own (`container`) where its mounts are.
//!
//! Every service answers on the test's own loopback address and its usual port, and `/etc/hosts` of each says so:
//! `prometheus`, `alertmanager:9093`, `host.docker.internal` all lead there, and no other name leads anywhere. Only
//! `prometheus`, `alertmanager` and `blackbox` are started: Grafana cannot be had as a program here, the exporter and
//! the gate have tests of their own.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::compose::{IMAGES, Image, Project};
use super::container::Container;
use super::{http, wait_until};

/// How long a program may take to say that it is ready.
const READY: Duration = Duration::from_secs(30);

/// The running programs; dropping it ends them all.
pub(crate) struct Stack {
    ip: IpAddr,
    // Before `scratch`, so that the programs end before their folders go.
    containers: BTreeMap<&'static str, Container>,
    scratch: TempDir,
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

impl Stack {
    /// Starts what `dir/docker-compose.yml` describes on `ip`, and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(dir: &Path, ip: &str) -> Self {
        Self::start_with_env(dir, ip, &[])
    }

    /// The same, with variables for compose (interpolation, and secrets from the environment).
    #[track_caller]
    pub(crate) fn start_with_env(dir: &Path, ip: &str, env: &[(&str, &str)]) -> Self {
        let ip: IpAddr = ip.parse().expect("an IP address");
        assert!(ip.is_loopback(), "{ip} is not a loopback address: a test stack stays on this machine");
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let project = Project::resolve(dir, env, ip, scratch.path());
        let mut containers = BTreeMap::new();
        for image in &IMAGES {
            if let Some(spec) = project.spec(image) {
                let folder = scratch.path().join(image.service);
                fs::create_dir(&folder).expect("a folder per service");
                containers.insert(image.service, Container::start(&spec, &folder));
            }
        }
        assert!(!containers.is_empty(), "no service in {} that can be started", dir.display());
        let mut stack = Self { ip, containers, scratch };
        for image in &IMAGES {
            stack.wait_ready(image);
        }
        stack
    }

    /// `http://IP:9090`
    pub(crate) fn prometheus_url(&self) -> String {
        format!("http://{}:9090", self.ip)
    }

    /// `http://IP:9093`
    pub(crate) fn alertmanager_url(&self) -> String {
        format!("http://{}:9093", self.ip)
    }

    /// `http://IP:9115`
    pub(crate) fn blackbox_url(&self) -> String {
        format!("http://{}:9115", self.ip)
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
        let answer = self.ask("prometheus", &format!("{}{path}", self.prometheus_url()));
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// One of Alertmanager's API answers: `/api/v2/alerts`.
    #[track_caller]
    pub(crate) fn alertmanager(&self, path: &str) -> Value {
        self.ask("alertmanager", &format!("{}{path}", self.alertmanager_url()))
    }

    /// What a service printed so far.
    pub(crate) fn logs(&self, service: &str) -> String {
        self.containers.get(service).map(Container::log).unwrap_or_default()
    }

    /// Makes a service read its files again, as `docker compose kill -s SIGHUP` does.
    #[track_caller]
    pub(crate) fn reload(&mut self, service: &str) {
        let container = self.containers.get_mut(service);
        container.unwrap_or_else(|| panic!("no service `{service}` is running")).signal("HUP");
    }

    /// Ends one service, for tests of the monitoring of the monitoring.
    pub(crate) fn stop(&mut self, service: &str) {
        self.containers.remove(service);
    }

    #[track_caller]
    fn ask(&self, service: &str, url: &str) -> Value {
        let (_, body) =
            http::get(url).unwrap_or_else(|error| panic!("{url}: {error}; its log:\n{}", self.logs(service)));
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{url}: {error}: {body}"))
    }

    #[track_caller]
    fn wait_ready(&mut self, image: &Image) {
        let url = format!("http://{}:{}{}", self.ip, image.port, image.ready);
        let Some(container) = self.containers.get_mut(image.service) else {
            return;
        };
        let start = std::time::Instant::now();
        wait_until(&format!("`{}` is ready", image.service), READY + Duration::from_secs(1), || {
            let ready = http::get(&url).is_ok_and(|(status, _)| status == 200);
            let ended = container.has_ended();
            let trouble = if ended { "ended" } else { "is not ready in time" };
            assert!(
                !ended && (ready || start.elapsed() < READY),
                "`{}` {trouble}; its log:\n{}",
                image.service,
                container.log()
            );
            ready.then_some(())
        });
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
