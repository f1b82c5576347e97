//! The stack as meant: every default filled in, every name looked up, every expression parsed. What comes after only
//! prints it.

mod alerts;
mod cost;
mod door;
mod engines;
mod hosts;
mod incidents;
mod instrumentation;
mod programs;
mod proofs;
mod recordings;
mod resolve;
mod routes;
mod series;
mod services;
mod skyserve;
mod slo;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::Value;
use serde::Serialize;

pub use alerts::Alert;
pub use door::{Certificate, Door};
pub use engines::{engines, is_engine_name};
pub use hosts::MachineJob;
pub use incidents::{Check, LONG_TEST_STEP, LONGEST_TEST_STEP, RuleTest};
pub use instrumentation::Instrumentation;
pub use programs::GRAFANA_PASSWORD_FILE;
pub use recordings::{Recording, Sample};
pub use resolve::{RESERVED_LABELS, resolve};
pub use routes::{Inhibition, Route, WATCHDOG};
pub use skyserve::SkyServe;
pub use slo::{BUDGET_INTERVAL, BUDGET_REMAINING};

use crate::catalog::engines::{Engine, Version};
use crate::catalog::programs::{GRAFANA, Program};
use crate::catalog::receivers::Kind;
use crate::mounts::Mounts;
use crate::values::{BindAddress, DnsName, Duration, HostPort, HttpUrl};

pub struct Plan {
    pub name: String,
    pub services: Vec<Service>,
    pub skyserve: Option<SkyServe>,
    /// Machines, GPUs and containers, as exporters see them.
    pub machines: Vec<MachineJob>,
    /// Recordings of the stack: what its replicas cost, and how its machines are.
    pub recordings: Vec<Recording>,
    /// Alerts of the stack itself, of SkyServe, and of machines.
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
    pub fn external_url(&self, facts: &Program) -> String {
        let published = self.programs.iter().find(|program| program.facts == facts);
        match (&self.door, published.and_then(|program| program.published.as_ref())) {
            (Some(door), _) => door.url(facts.name),
            (None, Some(published)) => format!("http://{}:{}", published.bind, published.port),
            // Nobody comes there.
            (None, None) => format!("http://{}", facts.address()),
        }
    }

    /// Where the paths of a program itself begin. Grafana behind the door sends everything that is asked for elsewhere to
    /// the door, also its health and its metrics; the others do not know that they lie below a path.
    pub fn base_path(&self, program: &Program) -> String {
        if self.door.is_some() && *program == GRAFANA { format!("/{}", program.name) } else { String::new() }
    }

    /// What each service runs: the name of its engine, and the version as far as the config says.
    pub fn versions(&self) -> BTreeMap<String, (String, Option<Version>)> {
        let runs = |service: &Service| (service.engine.name.clone(), service.version.clone());
        self.services.iter().map(|service| (service.name.clone(), runs(service))).collect()
    }

    /// All alerts of the stack, the services' first.
    pub fn all_alerts(&self) -> impl Iterator<Item = &Alert> {
        self.services.iter().flat_map(|service| &service.alerts).chain(&self.alerts)
    }
}

pub struct Service {
    pub name: String,
    pub engine: Arc<Engine>,
    pub version: Option<Version>,
    /// `None`: what the server exposes is its own affair.
    pub instrumentation: Option<Instrumentation>,
    pub probe: Option<Probe>,
    pub targets: Targets,
    pub scrape: Scrape,
    pub labels: BTreeMap<String, String>,
    /// `None` if nothing is scraped, or if the engine does not tell its answers apart.
    pub traffic: Option<Traffic>,
    pub recordings: Vec<Recording>,
    /// What is left of the error budget of each objective; recorded seldom, since it looks far back.
    pub budget: Vec<Recording>,
    pub alerts: Vec<Alert>,
    /// Proves the recordings on the engine's own series, and each alert on its incident.
    pub tests: Vec<RuleTest>,
}

impl Service {
    pub fn recorded(&self) -> BTreeSet<String> {
        self.recordings.iter().chain(&self.budget).map(|recording| recording.name.clone()).collect()
    }
}

/// The engine's own counter of its answers, under every name that its version may have for it.
#[derive(Clone)]
pub struct Traffic {
    pub metrics: Vec<String>,
    pub endpoint: Option<String>,
    pub status: Option<String>,
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
