//! What the real programs read in a rendered folder.
//!
//! Either they only check the files (promtool, amtool, compose), which is quick; or they run, and are asked.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::project::{Project, files_below};
use crate::support::stack::Stack;
use crate::support::{tools, wait_until};

pub(crate) struct Reading {
    folder: PathBuf,
    pub(crate) compose: Value,
    pub(crate) prometheus: Value,
    alertmanager: Value,
    /// Receiver → the channel that Slack would be told.
    pub(crate) channels: BTreeMap<String, String>,
    targets: Vec<Value>,
    alerts: Vec<Value>,
    /// Service → the constants of its module.
    modules: Value,
    live: bool,
}

/// Says what Python reads in the modules of the folder, without running them.
const CONSTANTS: &str = r#"
import ast, json, pathlib
found = {}
for path in pathlib.Path().glob("*/skymon_metrics.py"):
    constants = found[path.parent.name] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            constants[node.targets[0].id] = node.value.value
print(json.dumps(found))
"#;

impl Reading {
    /// The programs check the files, and what stands in these is read here.
    #[track_caller]
    pub(crate) fn of_files(project: &Project) -> Self {
        let monitoring = project.path("monitoring");
        tools::promtool(&["check", "config", "prometheus/prometheus.yml", "--syntax-only"], &monitoring)
            .expect_success();
        let rules = files_below(&monitoring.join("prometheus/rules"));
        let rules = rules.iter().map(|path| format!("prometheus/rules/{}", path.display()));
        let args: Vec<String> = ["check", "rules", "--lint=all", "--lint-fatal"]
            .map(str::to_owned)
            .into_iter()
            .chain(rules)
            .collect();
        tools::promtool(&args, &monitoring).expect_success();
        tools::amtool(&["check-config", "alertmanager/alertmanager.yml"], &monitoring).expect_success();
        let read = |path: &str| yaml(&project.read(&format!("monitoring/{path}")));
        let prometheus = read("prometheus/prometheus.yml");
        Self::with(project, prometheus, read("alertmanager/alertmanager.yml"))
    }

    /// The programs run, and say what they have read.
    #[track_caller]
    pub(crate) fn of_running(project: &Project, stack: &Stack, services: &[String]) -> Self {
        let prometheus = yaml(stack.prometheus("/api/v1/status/config")["yaml"].as_str().unwrap_or_default());
        let alertmanager = stack.alertmanager("/api/v2/status");
        let alertmanager = yaml(alertmanager["config"]["original"].as_str().unwrap_or_default());
        let mut reading = Self::with(project, prometheus, alertmanager);
        reading.live = true;
        reading.alerts = wait_until("ServiceDown of every service", Duration::from_secs(60), || {
            let alerts = stack.prometheus("/api/v1/alerts")["alerts"].as_array().cloned().unwrap_or_default();
            let down = |service: &String| {
                alerts.iter().any(|alert| {
                    alert["labels"]["alertname"] == "ServiceDown"
                        && alert["labels"]["service"] == service.as_str()
                })
            };
            services.iter().all(down).then_some(alerts)
        });
        // Those from files come a little later.
        reading.targets = wait_until("a target of every file", Duration::from_secs(60), || {
            let targets = stack.prometheus("/api/v1/targets?state=active")["activeTargets"].clone();
            let targets = targets.as_array().cloned().unwrap_or_default();
            let is_there = |job: &Value| targets.iter().any(|target| target["scrapePool"] == job["job_name"]);
            let jobs = reading.prometheus["scrape_configs"].as_array().into_iter().flatten();
            jobs.filter(|job| job["file_sd_configs"].is_array()).all(is_there).then_some(targets)
        });
        reading
    }

    #[track_caller]
    fn with(project: &Project, prometheus: Value, alertmanager: Value) -> Self {
        let monitoring = project.path("monitoring");
        let said = tools::compose(&["config", "--format", "json"], &monitoring, &[]).expect_success();
        let compose = unescape(serde_json::from_str(&said.stdout).expect("compose prints JSON"));
        let folder = project.path("").canonicalize().expect("is there");
        let channels = channels(&alertmanager, &project.path("channels.tmpl"));
        let mut python = Command::new("python3");
        python.args(["-c", CONSTANTS]).current_dir(monitoring.join("instrumentation"));
        let modules = tools::run(&mut python).expect_success().stdout;
        Self {
            folder,
            modules: serde_json::from_str(&modules).expect("is JSON"),
            compose,
            prometheus,
            alertmanager,
            channels,
            targets: Vec::new(),
            alerts: Vec::new(),
            live: false,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Prometheus' scrape job of a service.
    pub(crate) fn job(&self, service: &str) -> &Value {
        named(&self.prometheus["scrape_configs"], "job_name", service)
    }

    pub(crate) fn receiver(&self, name: &str) -> &Value {
        named(&self.alertmanager["receivers"], "name", name)
    }

    /// The file on this machine that a program finds at a path of its container, as the config would name it.
    #[track_caller]
    pub(crate) fn file(&self, program: &str, inside: &Value) -> Vec<(&'static str, String)> {
        let inside = inside.as_str().unwrap_or_else(|| panic!("{program} reads no file: {inside}"));
        let outside = if let Some(secret) = inside.strip_prefix("/run/secrets/") {
            self.compose["secrets"][secret]["file"].as_str().unwrap_or_default().to_owned()
        } else {
            let volumes = self.compose["services"][program]["volumes"].as_array().into_iter().flatten();
            let mut found = volumes.filter_map(|volume| {
                let rest = inside.strip_prefix(volume["target"].as_str()?)?.strip_prefix('/')?;
                Some(format!("{}/{rest}", volume["source"].as_str()?))
            });
            found.next().unwrap_or_else(|| panic!("{program} has nothing at {inside}"))
        };
        vec![("a file", self.in_project(&outside))]
    }

    /// Where a path leads, seen from the config's folder; for comparing two of them.
    pub(crate) fn in_project(&self, path: &str) -> String {
        let clean = self.folder.join(path).components().fold(PathBuf::new(), |mut clean, part| {
            match part {
                Component::ParentDir => drop(clean.pop()),
                Component::CurDir => {}
                other => clean.push(other),
            }
            clean
        });
        clean.display().to_string()
    }

    /// The variable behind a secret of the container.
    pub(crate) fn variable(&self, inside: &Value) -> Vec<(&'static str, String)> {
        let name = inside.as_str().and_then(|path| path.strip_prefix("/run/secrets/")).unwrap_or_default();
        texts("a variable", &self.compose["secrets"][name]["environment"])
    }

    /// Registry and image.
    pub(crate) fn image(&self, program: &str) -> (String, String) {
        let image = self.compose["services"][program]["image"].as_str().unwrap_or_default();
        // The registry of the config may have paths itself; the images of the config have none.
        let (registry, image) = image.rsplit_once('/').unwrap_or_default();
        (registry.to_owned(), image.to_owned())
    }

    /// The URL that the blackbox exporter is told.
    pub(crate) fn probed(&self, service: &str) -> Vec<(&'static str, String)> {
        let job = format!("{service}/endpoint");
        let urls = self.targets.iter().filter(|target| target["scrapePool"] == job.as_str()).map(|target| {
            let url = url::Url::parse(target["scrapeUrl"].as_str().unwrap_or_default()).expect("a URL");
            let target = url.query_pairs().find(|(name, _)| name == "target");
            target.map(|(_, target)| target.into_owned()).unwrap_or_default()
        });
        urls.map(|url| ("the probed URL", url)).collect()
    }

    /// The path that a service's replica is asked, as it is understood there.
    pub(crate) fn asked_path(&self, service: &str) -> Vec<(&'static str, String)> {
        let asked = self.targets.iter().filter(|target| target["scrapePool"] == service);
        asked
            .map(|target| {
                let url = target["scrapeUrl"].as_str().unwrap_or_default();
                let path =
                    url.split("://").nth(1).and_then(|rest| rest.split_once('/')).unwrap_or_default().1;
                ("the path that is asked", format!("/{path}"))
            })
            .collect()
    }

    /// A text that stands in the module which measures a service.
    pub(crate) fn module(&self, service: &str, constant: &str) -> Vec<(&'static str, String)> {
        texts("a constant of its module", &self.modules[service][constant])
    }

    pub(crate) fn target_label(&self, service: &str, label: &str) -> Vec<(&'static str, String)> {
        let targets = self.targets.iter().filter(|target| target["scrapePool"] == service);
        targets
            .map(|target| {
                ("a target's label", target["labels"][label].as_str().unwrap_or_default().to_owned())
            })
            .collect()
    }

    /// A label of the alert `ServiceDown`, of one service or of all.
    pub(crate) fn alert_label(&self, service: Option<&str>, label: &str) -> Vec<(&'static str, String)> {
        let alerts = self.alerts.iter().map(|alert| &alert["labels"]).filter(|labels| {
            labels["alertname"] == "ServiceDown" && service.is_none_or(|service| labels["service"] == service)
        });
        alerts
            .map(|labels| ("an alert's label", labels[label].as_str().unwrap_or_default().to_owned()))
            .collect()
    }

    /// A variable of a program's container.
    pub(crate) fn environment(&self, program: &str, name: &str) -> Vec<(&'static str, String)> {
        texts("its environment", &self.compose["services"][program]["environment"][name])
    }

    /// The front door's lines that begin and end so.
    pub(crate) fn caddyfile(&self, start: &str, end: &str) -> Vec<(&'static str, String)> {
        let text =
            std::fs::read_to_string(self.folder.join("monitoring/gate/Caddyfile")).expect("is rendered");
        let found = text.lines().filter_map(|line| line.strip_prefix(start)?.strip_suffix(end));
        found.map(|value| ("Caddyfile", value.to_owned())).collect()
    }

    pub(crate) fn runbook(&self) -> Vec<(&'static str, String)> {
        let urls = self.alerts.iter().filter_map(|alert| alert["annotations"]["runbook_url"].as_str());
        urls.map(|url| ("a runbook's link", url.rsplit_once('/').map_or(url, |(base, _)| base).to_owned()))
            .collect()
    }
}

/// Alertmanager takes the channel for a template: what does it become?
#[track_caller]
fn channels(alertmanager: &Value, scratch: &Path) -> BTreeMap<String, String> {
    let receivers = alertmanager["receivers"].as_array().into_iter().flatten();
    let channels: Vec<(&str, &str)> = receivers
        .filter_map(|receiver| {
            Some((receiver["name"].as_str()?, receiver["slack_configs"][0]["channel"].as_str()?))
        })
        .collect();
    let lines: Vec<&str> = channels.iter().map(|(_, channel)| *channel).collect();
    let template = format!("{{{{ define \"all\" }}}}{}\n{{{{ end }}}}", lines.join("\n"));
    std::fs::write(scratch, template).expect("the project's folder can be written");
    let glob = format!("--template.glob={}", scratch.display());
    let args = ["template", "render", &glob, "--template.text={{ template \"all\" . }}"];
    let said = tools::amtool(&args, Path::new("/")).expect_success().stdout;
    channels
        .iter()
        .zip(said.split('\n'))
        .map(|((name, _), shown)| ((*name).to_owned(), shown.to_owned()))
        .collect()
}

/// A text that must be there.
#[track_caller]
pub(crate) fn texts(place: &'static str, value: &Value) -> Vec<(&'static str, String)> {
    vec![(place, value.as_str().unwrap_or_else(|| panic!("no {place}: {value}")).to_owned())]
}

fn named<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    let found = list.as_array().into_iter().flatten().find(|entry| entry[key] == name);
    found.unwrap_or_else(|| panic!("nothing has the {key} {name:?}"))
}

#[track_caller]
fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error} in what a program printed"))
}

/// `compose config` prints what could be read again, so a `$` is doubled there.
fn unescape(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("$$", "$")),
        Value::Array(items) => Value::Array(items.into_iter().map(unescape).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, unescape(value))).collect())
        }
        other => other,
    }
}
