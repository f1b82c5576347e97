//! A config that uses every key, and the same with hostile values in it.
//!
//! Each value stands on a line of its own, so that the line of a finding says which value was refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::fields::{self, Field};
use crate::support::values::{Random, yaml};

/// The keys and positions that lead to a value.
pub(crate) type Path = Vec<String>;

/// How many configs it takes to have every key.
pub(crate) const VARIANTS: usize = 4;

/// Every key of the config, with values that are right. Addresses and names lead nowhere: the real programs run this.
/// Where only one of two keys may stand, there are two services, receivers or variants.
pub(crate) fn base(variant: usize) -> Value {
    let heartbeat = ["url_file: files/heartbeat", "url_env: HEARTBEAT"][variant % 2];
    let certificate = [
        "cert_file: certs/web.pem, key_file: files/web.key",
        "acme: {email: ops@example.invalid, server: 'https://ca.invalid/directory', ca_file: certs/acme.pem}",
    ][variant % 2];
    let account = [
        "token_file: files/token-of-skypilot",
        "token_env: SKYPILOT",
        "basic_auth_file: files/user-of-skypilot",
        "basic_auth_env: SKYPILOT",
    ][variant % 4];
    let text = format!(
        "
version: 1
name: hostile
services:
  listed:
    engine: custom
    engine_version: '1.0'
    instrumentation: python
    endpoint: https://api.invalid/v1
    probe: {{path: /health, interval: 30s, enabled: true}}
    replicas: ['127.85.9.1:8000']
    metrics_path: /metrics
    scrape_interval: 1s
    labels: {{team: ml}}
    tls: {{ca_file: certs/ca.pem, cert_file: certs/client.pem, key_file: files/client.key, server_name: name.invalid}}
    auth: {{bearer_token_file: files/token}}
    capacity: {{max_concurrency: 4}}
    scale: {{min: 1, max: 2}}
    alerts:
      ServiceDown: {{labels: {{own: x}}}}
      HighErrorRate: {{enabled: true, threshold: 5%, for: 1m, severity: critical, min_requests: 5}}
    routes: {{critical: by-file, warning: by-env, info: by-env}}
  named:
    engine: custom
    discover: {{dns: 'named.invalid:8080'}}
    auth: {{bearer_token_env: TOKEN}}
    slo: {{window: 30d, availability: 99.9, latency: {{objective: 99, under: 5s}}}}
  asked:
    engine: vllm
    slo: {{time_to_first_token: {{objective: 95, under: 500ms}}, inter_token_latency: {{objective: 95, under: 100ms}}}}
    discover: {{http: 'http://asked.invalid/targets'}}
    auth: {{username: prometheus, password_file: files/password}}
  found:
    engine: custom
    discover: {{file: targets/found.yml}}
    auth: {{username: prometheus, password_env: PASSWORD}}
  followed:
    engine: custom
    discover: {{skyserve: followed, port: 9400}}
alerts:
  ServiceDown: {{labels: {{common: y}}}}
  HighErrorRate: {{enabled: true, threshold: 4%, for: 2m, severity: warning, min_requests: 6}}
receivers:
  by-file:
    slack: {{webhook_url_file: files/slack, channel: alerts}}
    pagerduty: {{routing_key_file: files/pagerduty, url: 'https://events.invalid/enqueue'}}
    email:
      to: [a@example.invalid]
      from: b@example.invalid
      smarthost: mail.invalid:465
      username: c
      password_file: files/mail
      implicit_tls: true
      ca_file: certs/mail.pem
    webhook: {{url_file: files/webhook}}
  by-env:
    slack: {{webhook_url_env: SLACK, channel: '#alerts'}}
    pagerduty: {{routing_key_env: PAGERDUTY}}
    email: {{to: [d@example.invalid], from: e@example.invalid, smarthost: 'mail.invalid:587', username: f, password_env: MAIL}}
    webhook: {{url_env: WEBHOOK}}
routes: {{critical: by-file, warning: by-env, info: by-file}}
heartbeat: {{{heartbeat}}}
prometheus: {{retention: {{time: 30d, size: 10GB}}, scrape_interval: 1s}}
ports: {{prometheus: 9090, alertmanager: 9093, grafana: 3000}}
images: {{registry: mirror.invalid, prometheus: 'p:1', alertmanager: 'a:1', grafana: 'g:1', blackbox: 'b:1', gate: 'c:1', exporter: 'e:1', node: 'n:1', cadvisor: 'v:1', dcgm: 'd:1'}}
skyserve: {{api_server: 'https://sky.invalid', services: [other], poll_interval: 60s, ca_file: certs/sky.pem, {account}}}
hosts: ['127.85.9.2:9100']
gpus: ['127.85.9.2:9400']
local: {{host: true, containers: true, gpus: true}}
cost: {{hourly: {{aws: 1}}, max_hourly: 5, max_cloud_replicas: 5}}
access: {{bind: 0.0.0.0, port: 443, host: pages.invalid, users_file: files/users, tls: {{{certificate}}}}}
engines: engines
templates: templates
extra: {{rules: rules, dashboards: dashboards}}
allow: {{single-file-mount: {{docker-compose.yml: a reason}}}}
links: {{runbook: 'https://wiki.invalid/runbooks'}}
"
    );
    serde_yaml::from_str(&text).expect("is YAML")
}

/// A config with the hostile values that are still in it.
pub(crate) struct Config {
    root: Value,
    plain: BTreeMap<Path, Value>,
    pub(crate) hostile: BTreeMap<Path, String>,
    /// Maps whose entry was put there for its hostile key.
    pub(crate) keys: BTreeSet<Path>,
}

impl Config {
    /// `copies` of each service and receiver; `on_disk` where the files that it names are to be made.
    pub(crate) fn new(variant: usize, copies: usize, on_disk: bool, random: &mut Random) -> Self {
        let mut root = base(variant);
        for section in ["services", "receivers"] {
            let entries = std::mem::take(root[section].as_object_mut().expect("a map"));
            let all = (0..copies)
                .flat_map(|copy| entries.iter().map(move |(key, entry)| (copy_of(key, copy), entry.clone())))
                .map(|(key, mut entry)| {
                    // A service of SkyServe is one service here.
                    if let Some(name) = entry.pointer_mut("/discover/skyserve") {
                        *name = json!(key);
                    }
                    (key, entry)
                });
            root[section] = Value::Object(all.collect());
        }
        let mut config =
            Self { root, plain: BTreeMap::new(), hostile: BTreeMap::new(), keys: BTreeSet::new() };
        for (number, path) in leaves(&config.root).into_iter().enumerate() {
            let field = fields::of(&pattern(&path));
            let plain = config.at(&path).clone();
            let value = field.hostile(number, on_disk, random);
            let often = if field.back.is_some() { !random.once_in(6) } else { random.once_in(6) };
            if often && Some(value.as_str()) != plain.as_str() {
                *config.at(&path) = json!(value);
                config.hostile.insert(path.clone(), value);
            }
            config.plain.insert(path, plain);
        }
        config.add_keys(random);
        config
    }

    fn add_keys(&mut self, random: &mut Random) {
        let places: [(&[&str], Value); 6] = [
            (&["cost", "hourly"], json!(1)),
            (&["services"], json!({"engine": "custom", "replicas": ["127.85.9.9:1"]})),
            (&["receivers"], json!({"webhook": {"url_file": "files/x"}})),
            (&["alerts"], json!({"enabled": true})),
            (&["services", "listed", "labels"], json!("x")),
            (&["alerts", "ServiceDown", "labels"], json!("x")),
        ];
        for (place, entry) in places {
            for _ in 0..3 {
                let key = random.hostile();
                let place: Path = place.iter().map(ToString::to_string).collect();
                let map = self.at(&place).as_object_mut().expect("a map");
                if map.insert(key.clone(), entry.clone()).is_none() {
                    self.keys.insert([place, vec![key]].concat());
                }
            }
        }
    }

    /// Whether a value or key that is to be refused may stand there.
    pub(crate) fn is_hostile(&self, path: &Path) -> bool {
        self.hostile.contains_key(path) || self.key_of(path).is_some()
    }

    fn key_of(&self, path: &Path) -> Option<Path> {
        self.keys.iter().find(|key| path.starts_with(key)).cloned()
    }

    /// Puts what is right in the place of what was refused there. Gives the pattern of a value, `None` for a key.
    pub(crate) fn mend(&mut self, path: &Path) -> Option<&'static str> {
        if self.hostile.remove(path).is_some() {
            *self.at(path) = self.plain[path].clone();
            return Some(fields::of(&pattern(path)).pattern);
        }
        let key = self.key_of(path)?;
        self.keys.remove(&key);
        let (last, parent) = key.split_last()?;
        self.at(parent).as_object_mut()?.remove(last);
        None
    }

    /// A change of an alert that is not rendered, or a label that another one overrides, comes back nowhere.
    pub(crate) fn is_hidden(&self, path: &Path) -> bool {
        let probe_off = |service: &str| self.get(&["services", service, "probe", "enabled"]) == "false";
        match path[0].as_str() {
            "services" if matches!(path[2].as_str(), "endpoint" | "probe") => probe_off(&path[1]),
            _ => false,
        }
    }

    /// The URL that is probed for a service with an endpoint.
    pub(crate) fn probed(&self, service: &str) -> String {
        let service = self.get(&["services", service]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let endpoint = url::Url::parse(&text(&service["endpoint"])).expect("was taken for a URL");
        let origin = endpoint.origin().ascii_serialization();
        fields::canonical(&format!("{origin}{}", text(&service["probe"]["path"])))
    }

    fn at(&mut self, path: &[String]) -> &mut Value {
        at(&mut self.root, path)
    }

    pub(crate) fn get(&self, path: &[&str]) -> &Value {
        path.iter().fold(&self.root, |value, step| &value[*step])
    }

    /// All values, hostile or not.
    pub(crate) fn values(&self) -> impl Iterator<Item = (Path, &'static Field, String)> {
        leaves(&self.root).into_iter().filter(|path| self.plain.contains_key(path)).map(|path| {
            let value = path.iter().fold(&self.root, |value, step| match value {
                Value::Array(items) => &items[step.parse::<usize>().expect("a position")],
                other => &other[step.as_str()],
            });
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let field = fields::of(&pattern(&path));
            (path, field, text)
        })
    }

    /// The text, and what stands on each of its lines.
    pub(crate) fn write(&self, random: &mut Random) -> (String, Vec<Path>) {
        let (mut text, mut lines) = (String::new(), Vec::new());
        write_map(self.root.as_object().expect("a map"), &Path::new(), &mut text, &mut lines, random);
        (text, lines)
    }
}

/// The first keeps its name, so that references to it hold.
fn copy_of(key: &str, copy: usize) -> String {
    if copy == 0 { key.to_owned() } else { format!("{key}-{copy}") }
}

fn write_map(
    map: &Map<String, Value>,
    at: &Path,
    text: &mut String,
    lines: &mut Vec<Path>,
    random: &mut Random,
) {
    for (key, value) in map {
        let path = [at.clone(), vec![key.clone()]].concat();
        text.push_str(&"  ".repeat(at.len()));
        text.push_str(&yaml(key, random));
        text.push(':');
        write_value(value, &path, text, lines, random);
    }
}

fn write_value(value: &Value, path: &Path, text: &mut String, lines: &mut Vec<Path>, random: &mut Random) {
    match value {
        Value::Object(map) => {
            text.push('\n');
            lines.push(path.clone());
            write_map(map, path, text, lines, random);
        }
        Value::Array(items) => {
            text.push('\n');
            lines.push(path.clone());
            for (position, item) in items.iter().enumerate() {
                text.push_str(&"  ".repeat(path.len()));
                text.push('-');
                write_value(item, &[path.clone(), vec![position.to_string()]].concat(), text, lines, random);
            }
        }
        Value::String(word) => {
            text.push(' ');
            text.push_str(&yaml(word, random));
            text.push('\n');
            lines.push(path.clone());
        }
        other => {
            text.push_str(&format!(" {other}\n"));
            lines.push(path.clone());
        }
    }
}

pub(crate) fn at<'a>(config: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(config, |value, step| match value {
        Value::Array(items) => &mut items[step.parse::<usize>().expect("a position")],
        other => &mut other[step.as_str()],
    })
}

/// The ways to all scalars.
pub(crate) fn leaves(value: &Value) -> Vec<Path> {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => return vec![Path::new()],
    };
    let deeper = |(step, value): (String, &Value)| {
        leaves(value).into_iter().map(move |rest| [vec![step.clone()], rest].concat()).collect::<Vec<_>>()
    };
    below.into_iter().flat_map(deeper).collect()
}

/// The path with `*` for a name of the user's own, as the schema has it.
pub(crate) fn pattern(path: &[String]) -> String {
    let mut steps: Vec<&str> = path.iter().map(String::as_str).collect();
    for position in 1..steps.len() {
        let above = steps[position - 1];
        let named = position == 1 && ["services", "receivers", "alerts", "allow"].contains(&above)
            || position == 2 && steps[0] == "allow"
            || position == 3 && above == "alerts"
            || ["labels", "hourly"].contains(&above);
        let listed =
            ["replicas", "to", "hosts", "gpus"].contains(&above) || position == 2 && above == "services";
        if named || listed {
            steps[position] = "*";
        }
    }
    steps.join(".")
}
