//! The config as written: what each key of `skymon.yaml` may hold, and nothing decided yet. `plan` decides.

pub mod parse;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::catalog::alerts::AlertChange;
use crate::catalog::engines::Version;
use crate::catalog::receivers::Receiver;
use crate::mounts::Literal;
use crate::values::{
    BindAddress, Count, DnsName, Duration, EnvName, FilePath, FolderPath, Host, HostPort, HttpUrl, Line,
    MailAddress, Objective, Port, Rate, Size, SkyName, StackName, UrlPath,
};

/// One monitoring stack. What is required may be missing here, so that all other faults are still found; `plan` says so.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "skymon.yaml", extend("required" = ["version", "name", "services", "receivers", "routes"]))]
pub struct Config {
    /// The version of this format: 1.
    #[schemars(with = "FormatVersion")]
    pub version: Option<FormatVersion>,
    /// The stack's name: compose project, dashboard folder and `stack` label.
    #[schemars(with = "StackName")]
    pub name: Option<StackName>,
    /// The services to watch, by the name that becomes the label `service`.
    pub services: BTreeMap<String, Service>,
    /// Changes to alerts, by the alert's name, for all services.
    pub alerts: BTreeMap<String, AlertChange>,
    /// Where alerts go, by a name of your own.
    pub receivers: BTreeMap<String, Receiver>,
    /// Severity → receiver.
    #[schemars(with = "Routes")]
    pub routes: Option<Routes>,
    /// Dead man's switch: called every minute while the monitoring lives.
    pub heartbeat: Option<Heartbeat>,
    /// Where SkyPilot says what SkyServe does.
    pub skyserve: Option<SkyServe>,
    /// What replicas cost.
    pub cost: Cost,
    /// Addresses of node exporters: the machines to watch, with or without replicas on them.
    pub hosts: Vec<HostPort>,
    /// Addresses of dcgm-exporters: the machines whose GPUs to watch.
    pub gpus: Vec<HostPort>,
    /// Exporters that the stack itself runs, for the machine that it runs on.
    pub local: Local,
    pub prometheus: Prometheus,
    /// Where the pages are published on 127.0.0.1, unless `access` opens them.
    pub ports: Ports,
    /// One front door before all pages, with TLS and users.
    pub access: Option<Access>,
    /// Other images than the built-in ones.
    pub images: Images,
    pub links: Links,
    /// A folder of engine files of your own.
    pub engines: Option<FolderPath>,
    /// A folder of templates that take the place of built-in ones.
    pub templates: Option<FolderPath>,
    pub extra: Extra,
    /// Findings that are meant to be so: the check, the file of the stack, and the reason.
    pub allow: BTreeMap<String, BTreeMap<String, Line>>,
}

/// A model behind an endpoint, and the replicas that serve it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What serves the model: a built-in engine, or one of your own in `engines`.
    pub engine: Line,
    /// The engine's version; without it rules work on the current and the last versions.
    pub engine_version: Option<Version>,
    /// For `engine: custom`: a module for the server that measures its requests is rendered too.
    pub instrumentation: Option<Instrumentation>,
    /// What users call. Probed from outside, never scraped: behind it each request meets another replica.
    pub endpoint: Option<HttpUrl>,
    /// How the endpoint is probed.
    #[serde(default)]
    pub probe: Probe,
    /// Addresses of the replicas.
    #[serde(default)]
    pub replicas: Vec<HostPort>,
    /// Where replicas are found instead.
    pub discover: Option<Discover>,
    /// Where a replica serves its metrics, if not where the engine does.
    pub metrics_path: Option<UrlPath>,
    /// How often replicas are scraped, if not as all.
    pub scrape_interval: Option<Duration>,
    /// Labels on every scraped series and every alert of the service.
    #[serde(default)]
    pub labels: BTreeMap<String, Line>,
    /// TLS towards the replicas; `{}` trusts the system's authorities.
    pub tls: Option<Tls>,
    /// How Prometheus proves to the replicas who it is.
    pub auth: Option<Auth>,
    #[serde(default)]
    pub capacity: Capacity,
    #[serde(default)]
    pub scale: Scale,
    /// What its users were promised; alerts are then about that.
    pub slo: Option<Slo>,
    /// Changes to alerts for this service; they win over the stack's.
    #[serde(default)]
    pub alerts: BTreeMap<String, AlertChange>,
    /// Severity → receiver for this service; the stack's for the rest.
    #[serde(default)]
    pub routes: Routes,
}

/// How an endpoint is probed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// The path that answers 2xx when all is well. Without one here or in the engine, any answer below 500 is good.
    pub path: Option<UrlPath>,
    /// How often; 30s if not said.
    pub interval: Option<Duration>,
    /// `false` turns the probe off.
    pub enabled: Option<bool>,
}

/// Where replicas are found: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discover {
    /// `name:port` for A and AAAA records, a name such as `_metrics._tcp.example` for SRV.
    pub dns: Option<DnsName>,
    /// A URL that answers in Prometheus' HTTP service discovery format.
    pub http: Option<HttpUrl>,
    /// A file in Prometheus' file service discovery format; Prometheus follows its changes.
    pub file: Option<FilePath>,
    /// The service's name in SkyServe; replicas are followed as they come and go.
    pub skyserve: Option<SkyName>,
    /// With `skyserve`: the port of the metrics, where it is not the one that users are served on.
    pub port: Option<Port>,
}

/// TLS towards a server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The authority that signed the server's certificate.
    pub ca_file: Option<FilePath>,
    /// The client certificate.
    pub cert_file: Option<FilePath>,
    /// The client certificate's private key.
    pub key_file: Option<FilePath>,
    /// The name that the server's certificate holds, where it is not the address.
    pub server_name: Option<Line>,
}

/// Authentication towards a server: a bearer token, or a user and a password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// A file that holds the token.
    pub bearer_token_file: Option<FilePath>,
    /// A variable that holds the token.
    pub bearer_token_env: Option<EnvName>,
    #[schemars(skip)]
    pub bearer_token: Option<Literal>,
    pub username: Option<Line>,
    /// A file that holds the password.
    pub password_file: Option<FilePath>,
    /// A variable that holds the password.
    pub password_env: Option<EnvName>,
    #[schemars(skip)]
    pub password: Option<Literal>,
}

/// What one replica can do.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capacity {
    /// Requests that one replica can hold at once.
    pub max_concurrency: Option<Count>,
}

/// How many replicas there should be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scale {
    /// With 0, no replica at all is healthy.
    pub min: Option<Count>,
    pub max: Option<Count>,
}

/// Service-level objectives: which share of the requests must be good, within which time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slo {
    /// The time that the objectives are about: 30d, also if not said, or 28d.
    pub window: Option<Duration>,
    /// Percent of the requests that must not end in a server error.
    pub availability: Option<Objective>,
    /// How long a whole answer may take.
    pub latency: Option<SpeedObjective>,
    /// How long users may wait for the first token.
    pub time_to_first_token: Option<SpeedObjective>,
    /// How long users may wait for each further token.
    pub inter_token_latency: Option<SpeedObjective>,
}

/// An objective for speed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeedObjective {
    /// Percent that must be fast enough.
    pub objective: Objective,
    /// What is fast enough: the bound of a bucket of the engine's histogram.
    pub under: Duration,
}

/// Severity → receiver.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Routes {
    /// Somebody must act now.
    pub critical: Option<String>,
    /// Somebody should act today.
    pub warning: Option<String>,
    /// Worth knowing. Without a receiver it is shown and not sent.
    pub info: Option<String>,
}

/// A service outside that complains when it is no longer called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// A file that holds the URL.
    pub url_file: Option<FilePath>,
    /// A variable that holds the URL.
    pub url_env: Option<EnvName>,
    #[schemars(skip)]
    pub url: Option<Literal>,
}

/// SkyPilot's API server, and which of its services are watched.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkyServe {
    /// The address of the API server.
    pub api_server: HttpUrl,
    /// A file that holds a service account's token; the role `viewer` is enough.
    pub token_file: Option<FilePath>,
    /// A variable that holds the token.
    pub token_env: Option<EnvName>,
    #[schemars(skip)]
    pub token: Option<Literal>,
    /// A file that holds `user:password`, where the API server asks for these instead.
    pub basic_auth_file: Option<FilePath>,
    /// A variable that holds `user:password`.
    pub basic_auth_env: Option<EnvName>,
    #[schemars(skip)]
    pub basic_auth: Option<Literal>,
    /// The authority that signed the API server's certificate.
    pub ca_file: Option<FilePath>,
    /// The services to watch, by their names in SkyServe; all if none is named.
    #[serde(default)]
    pub services: Vec<SkyName>,
    /// How often the API server is asked; 1m if not said.
    pub poll_interval: Option<Duration>,
}

/// What replicas cost, and how much is too much.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cost {
    /// Cloud → currency per replica and hour. `aws/spot`, `aws/L4` and `aws/L4/spot` say it more narrowly.
    pub hourly: BTreeMap<String, Rate>,
    /// More replicas than this that cost something are worth an alert.
    pub max_cloud_replicas: Option<Count>,
    /// More than this an hour is worth an alert.
    pub max_hourly: Option<Rate>,
}

/// The machine that the stack runs on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Local {
    /// Runs node exporter: `true` or `false`.
    pub host: Option<bool>,
    /// Runs cAdvisor, as root: it asks Docker which containers there are.
    pub containers: Option<bool>,
    /// Runs dcgm-exporter; Docker must be able to hand out GPUs.
    pub gpus: Option<bool>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prometheus {
    pub retention: Retention,
    /// How often everything is scraped and every rule evaluated; 15s if not said, 1m at the most.
    pub scrape_interval: Option<Duration>,
}

/// How long series are kept: until the first of the two limits.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// 30d if not said.
    pub time: Option<Duration>,
    /// 10GB if not said.
    pub size: Option<Size>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ports {
    /// 9090 if not said.
    pub prometheus: Option<Port>,
    /// 9093 if not said.
    pub alertmanager: Option<Port>,
    /// 3000 if not said.
    pub grafana: Option<Port>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Images {
    /// A registry that mirrors the built-in images.
    pub registry: Option<Line>,
    pub prometheus: Option<Line>,
    pub alertmanager: Option<Line>,
    pub grafana: Option<Line>,
    pub blackbox: Option<Line>,
    pub gate: Option<Line>,
    pub exporter: Option<Line>,
    pub node: Option<Line>,
    pub cadvisor: Option<Line>,
    pub dcgm: Option<Line>,
}

/// The front door: what is behind it is reached through it alone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The address of this machine that is listened on; 127.0.0.1 if not said.
    pub bind: Option<BindAddress>,
    /// 443 if not said.
    pub port: Option<Port>,
    /// What people type into a browser, and where links in notifications lead.
    pub host: Host,
    pub tls: DoorTls,
    /// Who may come in: a name and a bcrypt hash a line. `skymon passwd` writes it.
    pub users_file: FilePath,
}

/// The door's certificate: your own, or one that an authority gives and renews by itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorTls {
    /// The certificate, with those between it and its authority.
    pub cert_file: Option<FilePath>,
    /// Its private key.
    pub key_file: Option<FilePath>,
    pub acme: Option<Acme>,
}

/// An authority that is asked for the certificate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// Whom the authority tells of trouble.
    pub email: MailAddress,
    /// The authority's directory; a public one if not said.
    pub server: Option<HttpUrl>,
    /// The authority that signed the server's own certificate, where it is not a public one.
    pub ca_file: Option<FilePath>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// Your own runbooks: the alert's name is put behind it.
    pub runbook: Option<HttpUrl>,
}

/// Rule files and dashboards of your own, which become part of the stack.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Extra {
    /// A folder of Prometheus rule files.
    pub rules: Option<FolderPath>,
    /// A folder of Grafana dashboards, as JSON.
    pub dashboards: Option<FolderPath>,
}

/// The version of the config's format.
#[derive(Debug)]
pub struct FormatVersion;

impl std::str::FromStr for FormatVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1" => Ok(Self),
            _ => Err(format!("`{text}` is not a version of this format\nwrite `version: 1`")),
        }
    }
}

crate::values::scalar!(FormatVersion, "the version 1", { "const": 1 });

/// The language of a server that is measured by a module of skymon.
#[derive(Clone, Copy, Debug)]
pub enum Instrumentation {
    Python,
}

impl std::str::FromStr for Instrumentation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "python" => Ok(Self::Python),
            _ => Err(format!("there is no instrumentation for `{text}`\nwrite `instrumentation: python`")),
        }
    }
}

crate::values::scalar!(Instrumentation, "a language", { "enum": ["python"] });
