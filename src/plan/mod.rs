//! The stack as meant: every default filled in, every name looked up, every expression parsed. What comes after only
//! prints it.

mod alerts;
mod cost;
mod door;
mod incidents;
mod programs;
mod proofs;
mod recordings;
mod resolve;
mod routes;
mod series;
mod services;
mod skyserve;

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;
use serde::Serialize;

pub use alerts::Alert;
pub use door::{Certificate, Door};
pub use incidents::{Check, LONG_TEST_STEP, RuleTest};
pub use programs::GRAFANA_PASSWORD_FILE;
pub use recordings::{Recording, Sample};
pub use resolve::resolve;
pub use routes::{Inhibition, Route};
pub use skyserve::SkyServe;

use crate::catalog::engines::Engine;
use crate::catalog::programs::{GRAFANA, Program};
use crate::catalog::receivers::Kind;
use crate::mounts::Mounts;
use crate::values::{BindAddress, DnsName, Duration, HostPort, HttpUrl};

pub struct Plan {
    pub name: String,
    pub services: Vec<Service>,
    pub skyserve: Option<SkyServe>,
    /// Recordings of the stack: what its replicas cost.
    pub recordings: Vec<Recording>,
    /// Alerts of the stack itself, and of SkyServe.
    pub alerts: Vec<Alert>,
    pub tests: Vec<RuleTest>,
    pub receivers: Vec<Receiver>,
    /// What no other route matches.
    pub default_route: Route,
    pub routes: Vec<Route>,
    pub inhibitions: Vec<Inhibition>,
    pub programs: Vec<RunningProgram>,
    /// `None`: each page is published on 127.0.0.1 by itself.
    pub door: Option<Door>,
    pub scrape_interval: Duration,
    pub retention_time: Duration,
    pub retention_size: String,
    /// Where the user's own runbooks are.
    pub runbook: Option<String>,
    pub mounts: Mounts,
}

impl Plan {
    /// Where people reach a program's pages: through the door, or on the machine that runs the stack.
    pub fn external_url(&self, program: &RunningProgram) -> String {
        match (&self.door, &program.published) {
            (Some(door), _) => door.url(program.facts.name),
            (None, Some(published)) => format!("http://{}:{}", published.bind, published.port),
            // Nobody comes there.
            (None, None) => format!("http://{}", program.facts.address()),
        }
    }

    pub fn grafana_url(&self) -> String {
        let grafana = self.programs.iter().find(|program| program.facts.name == GRAFANA.name);
        grafana.map(|grafana| self.external_url(grafana)).unwrap_or_default()
    }

    /// All alerts of the stack, the services' first.
    pub fn all_alerts(&self) -> impl Iterator<Item = &Alert> {
        self.services.iter().flat_map(|service| &service.alerts).chain(&self.alerts)
    }
}

pub struct Service {
    pub name: String,
    pub engine: &'static Engine,
    pub probe: Option<Probe>,
    pub targets: Targets,
    pub scrape: Scrape,
    pub labels: BTreeMap<String, String>,
    pub recordings: Vec<Recording>,
    pub alerts: Vec<Alert>,
    /// Proves the recordings on the engine's own series, and each alert on its incident.
    pub tests: Vec<RuleTest>,
}

impl Service {
    pub fn recorded(&self) -> BTreeSet<String> {
        self.recordings.iter().map(|recording| recording.name.clone()).collect()
    }
}

/// How the replicas are scraped.
pub struct Scrape {
    pub path: String,
    pub interval: Duration,
    /// `Some` is https, with paths in Prometheus' container.
    pub tls: Option<Tls>,
    pub auth: Option<Auth>,
}

/// What Prometheus shows and wants to see; files are paths in its container.
#[derive(Clone, Serialize)]
pub struct Tls {
    pub ca_file: Option<String>,
    pub cert_file: Option<String>,
    pub key_file: Option<String>,
    pub server_name: Option<String>,
}

/// A bearer token, or a user and a password.
#[derive(Clone, Default, Serialize)]
pub struct Auth {
    pub bearer_token_file: Option<String>,
    pub username: Option<String>,
    pub password_file: Option<String>,
}

/// Where the replicas are found.
pub enum Targets {
    /// Nothing is scraped: the service is only probed.
    None,
    Static(Vec<HostPort>),
    Dns(DnsName),
    Http(HttpUrl),
    /// A file in Prometheus' container.
    File(String),
    /// The exporter follows them.
    SkyServe {
        name: String,
        port: Option<u16>,
    },
}

/// How the endpoint is asked from outside.
pub struct Probe {
    pub url: String,
    pub https: bool,
    /// Whether only 2xx is good; otherwise any answer below 500.
    pub readiness: bool,
    pub interval: Duration,
}

pub struct Receiver {
    pub name: String,
    pub integrations: Vec<(&'static Kind, Value)>,
}

/// A program as this stack runs it.
pub struct RunningProgram {
    pub facts: &'static Program,
    pub image: String,
    pub published: Option<Published>,
}

/// A port of the machine that leads into a container.
pub struct Published {
    pub bind: BindAddress,
    pub port: u16,
    /// In the container.
    pub target: u16,
}
