//! A stack with every kind of every engine in every version as a service, and its rendered rules.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use skymon::promql::PromQl;

use crate::support::expositions::{self, Exposition};
use crate::support::project::Project;

/// Where everything of the test is.
pub(crate) const IP: &str = "127.85.1.1";

/// A service of the stack, and what its replicas show.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) shown: &'static Exposition,
    /// Whether the config says which version it is.
    pub(crate) pinned: bool,
}

/// One for each exposition; of an engine that is played in several versions also one that does not say which it is.
pub(crate) fn all() -> Vec<Service> {
    let mut services = Vec::new();
    for shown in expositions::all() {
        let name = shown.name();
        if shown.version.is_some() {
            services.push(Service { name: format!("{name}-any"), shown, pinned: false });
        }
        services.push(Service { name, pinned: shown.version.is_some(), shown });
    }
    services
}

/// The stack of these services, rendered. The replicas of a service and of its twin without a version are the same.
pub(crate) fn render(services: &[Service]) -> Project {
    let ports = ports(services);
    let mut config = String::from("version: 1\nname: engines\nservices:\n");
    for service in services {
        let port = ports[&service.shown.name()];
        config.push_str(&format!(
            "  {}:\n    engine: {}\n    replicas: ['{IP}:{port}', '{IP}:{}']\n",
            service.name,
            service.shown.engine,
            port + 1
        ));
        if let Some(version) = service.shown.version.as_ref().filter(|_| service.pinned) {
            config.push_str(&format!("    engine_version: \"{version}\"\n"));
        }
        if service.shown.wire.bearer.is_some() {
            config.push_str(&format!("    auth: {{bearer_token_file: secrets/{}}}\n", service.name));
        }
    }
    config.push_str("receivers: {team: {webhook: {url_file: secrets/hook}}}\n");
    config.push_str("routes: {critical: team, warning: team}\nprometheus: {scrape_interval: 3s}\n");
    let project = Project::new(&config);
    project.write("secrets/hook", "http://127.0.0.1:9/\n");
    for service in services {
        if let Some(key) = &service.shown.wire.bearer {
            project.write(&format!("secrets/{}", service.name), key);
        }
    }
    project.render();
    project
}

/// The first of the two ports of each exposition.
pub(crate) fn ports(services: &[Service]) -> BTreeMap<String, u16> {
    let names: BTreeSet<String> = services.iter().map(|service| service.shown.name()).collect();
    names.into_iter().zip((8000..).step_by(2)).collect()
}

impl Service {
    /// What its replicas may show, as far as the config says.
    pub(crate) fn may_be(&self) -> Vec<&'static Exposition> {
        if self.pinned {
            return vec![self.shown];
        }
        expositions::all().iter().filter(|shown| shown.engine == self.shown.engine).collect()
    }

    /// Whether nothing that its replicas may show says this word.
    pub(crate) fn cannot_say(&self, word: &str) -> bool {
        let always = ["up", "replicas_up", "replicas", "restarts"].contains(&word);
        !always && !self.may_be().iter().any(|shown| shown.says.contains_key(word))
    }
}

/// The rendered rules of a service.
pub(crate) struct Rules {
    pub(crate) recordings: BTreeMap<String, PromQl>,
    pub(crate) alerts: BTreeMap<String, PromQl>,
}

impl Rules {
    pub(crate) fn read(project: &Project, service: &str) -> Self {
        let text = project.read(&format!("monitoring/prometheus/rules/{service}.yml"));
        let file: Value = serde_yaml::from_str(&text).expect("rules are YAML");
        let rules = file["groups"][0]["rules"].as_array().expect("rules");
        let of = |kind: &str| {
            rules
                .iter()
                .filter_map(|rule| {
                    let expr = rule["expr"].as_str().expect("an expression");
                    Some((rule[kind].as_str()?.to_owned(), PromQl::parse(expr).expect("is PromQL")))
                })
                .collect()
        };
        Self { recordings: of("record"), alerts: of("alert") }
    }

    /// Whether it can only be there after hours.
    pub(crate) fn waits(&self, recording: &str) -> bool {
        let ago = |expr: &PromQl| {
            let mut times = expr.as_str().split(" offset ").skip(1);
            times.any(|time| {
                time.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['h', 'd', 'w'])
            })
        };
        self.recordings.get(recording).is_some_and(ago)
    }
}

/// The word that a recorded series is of.
pub(crate) fn word_of(name: &str) -> &str {
    let word = name.split(':').nth(1).unwrap_or_default();
    word.strip_suffix("_bucket").unwrap_or(word)
}
