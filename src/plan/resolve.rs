//! Config → plan. All faults are reported, each at its place; a plan only comes out where there was none.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use minijinja::context;

use super::alerts::{self, Scope, bad_value};
use super::recordings::{self, Subject};
use super::{Auth, Plan, Probe, Receiver, RunningProgram, Scrape, Service, Targets, Tls, incidents, routes};
use crate::catalog::alerts::Pack;
use crate::catalog::engines::{self, Engine};
use crate::catalog::nearest;
use crate::catalog::programs::{ALERTMANAGER, BLACKBOX, GRAFANA, PROMETHEUS, Program};
use crate::config::{self, Config};
use crate::diagnostics::{Diagnostic, Report};
use crate::mounts::{Mounts, Secret, SecretKeys, SecretSource};
use crate::source::{ConfigPath, SpanIndex};
use crate::templates::Templates;
use crate::values::{self, Duration, Line, Port};

/// Set by skymon on every series; a user's label of that name would be overwritten or would break the rules.
const RESERVED_LABELS: &[&str] = &[
    "alertname",
    "cloud",
    "instance",
    "job",
    "le",
    "program",
    "quantile",
    "region",
    "replica",
    "replica_id",
    "service",
    "severity",
    "spot",
    "stack",
];

/// Rates look back 5 minutes and need several samples in them.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// `templates` renders the alerts' expressions. An error is a bug of skymon; what the user can mend goes to `report`.
pub fn resolve(
    config: &Config,
    index: &SpanIndex,
    templates: &Templates,
    report: &mut Report,
) -> Result<Option<Plan>> {
    let root = ConfigPath::root();
    check_required(config, index, report);
    for section in ["services", "receivers"] {
        check_keys(&root.key(section), index, report);
    }

    let scrape_interval = interval(
        &root.key("prometheus").key("scrape_interval"),
        config.prometheus.scrape_interval,
        15,
        report,
    );
    alerts::check_changes(&root.key("alerts"), &config.alerts, report);

    let mut mounts = Mounts::default();
    let mut services = Vec::new();
    for (name, service) in &config.services {
        let resolver = ServiceResolver {
            config,
            name,
            written: service,
            at: root.key("services").key(name),
            scrape_interval,
        };
        services.extend(resolver.resolve(templates, &mut mounts, report)?);
    }

    let receivers = resolve_receivers(config, &mut mounts, report);
    let heartbeat =
        config.heartbeat.as_ref().and_then(|heartbeat| resolve_heartbeat(heartbeat, &mut mounts, report));
    let routing = routes::resolve(config, index, report);
    warn_of_idle_receivers(config, &routing, report);
    let programs = resolve_programs(config, services.iter().any(|service| service.probe.is_some()), report);
    mounts.secrets.push(grafana_password());

    let exposed: BTreeSet<String> =
        programs.iter().flat_map(|program| program.facts.metrics).map(ToString::to_string).collect();
    let scope = Scope {
        service: None,
        labels: &BTreeMap::new(),
        exposed: &exposed,
        scale_to_zero: false,
        scrape_interval,
        changes: vec![(Some(root.key("alerts")), &config.alerts)],
        largest_bucket: &|_| None,
    };
    let mut stack_alerts = alerts::resolve(Pack::Stack, &scope, templates, report)?;
    if config.heartbeat.is_none() {
        // It would fire for nobody.
        stack_alerts.retain(|alert| alert.entry.name != "Watchdog");
    }
    let mut stack_tests = Vec::new();
    for alert in &stack_alerts {
        stack_tests.extend(incidents::test_alert(alert, incidents::test_step(scrape_interval))?);
    }

    let Some(name) = config.name.as_ref().filter(|_| !report.has_errors()) else {
        return Ok(None);
    };
    let names: Vec<String> = receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let branches = routing.branches(&names, heartbeat.is_some());
    let default_receiver = routing.stack[&values::Severity::Critical].to_owned();
    let mut all_receivers = receivers;
    all_receivers.extend(heartbeat);
    if branches.iter().any(|branch| branch.receiver == routes::NOBODY) {
        all_receivers.push(Receiver { name: routes::NOBODY.to_owned(), integrations: Vec::new() });
    }
    let inhibitions = routes::inhibitions(services.iter().flat_map(|service| &service.alerts));
    let retention = &config.prometheus.retention;
    Ok(Some(Plan {
        name: name.as_str().to_owned(),
        services,
        alerts: stack_alerts,
        tests: stack_tests,
        receivers: all_receivers,
        default_receiver,
        routes: branches,
        inhibitions,
        programs,
        scrape_interval,
        retention_time: retention.time.unwrap_or(Duration::from_secs(30 * 86_400)),
        retention_size: retention.size.as_ref().map_or_else(|| "10GB".to_owned(), ToString::to_string),
        runbook: config.links.runbook.as_ref().map(|url| url.base().to_owned()),
        mounts,
    }))
}

fn check_required(config: &Config, index: &SpanIndex, report: &mut Report) {
    let root = ConfigPath::root();
    let lines = [
        ("version", "version: 1"),
        ("name", "name: demo"),
        ("services", "services: {demo: {engine: custom, replicas: ['host.docker.internal:8080']}}"),
        ("receivers", "receivers: {team: {slack: {webhook_url_file: secrets/slack_webhook_url}}}"),
        ("routes", "routes: {critical: team, warning: team}"),
    ];
    for (key, line) in lines {
        if !index.contains(&root.key(key)) {
            report.push(
                Diagnostic::error("missing-key", format!("`{key}` is missing"))
                    .at_key(root.clone(), "")
                    .help(format!("write `{line}`")),
            );
        }
    }
    for (key, empty) in [("services", config.services.is_empty()), ("receivers", config.receivers.is_empty())]
    {
        let at = root.key(key);
        // Entries that were refused for a fault of their own are not missing.
        if empty && index.contains(&at) && index.keys_under(&at).is_empty() {
            report.push(
                Diagnostic::error("missing-key", format!("`{key}` is empty"))
                    .at_key(at, "needs at least one entry")
                    .help(format!(
                        "write `{}`",
                        lines.iter().find(|(k, _)| *k == key).map_or("", |(_, line)| line)
                    )),
            );
        }
    }
}

/// Keys that become label values, file names and URLs.
fn check_keys(at: &ConfigPath, index: &SpanIndex, report: &mut Report) {
    for key in index.keys_under(at) {
        if let Err(help) = values::check_key(key) {
            report.push(
                Diagnostic::error("bad-key", format!("`{}` cannot be a name here", key.escape_debug()))
                    .at_key(at.key(key), "becomes a label and a file name")
                    .help(help),
            );
        } else if at.to_string() == "receivers" && [routes::NOBODY, routes::HEARTBEAT].contains(&key) {
            report.push(
                Diagnostic::error("bad-key", format!("`{key}` is skymon's own receiver"))
                    .at_key(at.key(key), "taken")
                    .help("choose another name"),
            );
        } else if at.to_string() == "services" && key == "stack" {
            report.push(
                Diagnostic::error(
                    "bad-key",
                    "a service cannot be called `stack`: `rules/stack.yml` is skymon's own",
                )
                .at_key(at.key(key), "taken")
                .help("choose another name"),
            );
        }
    }
}

pub(super) fn check_labels(at: &ConfigPath, labels: &BTreeMap<String, Line>, report: &mut Report) {
    for label in labels.keys() {
        let problem = match values::check_label_name(label) {
            Err(help) => Some((format!("`{}` cannot name a label", label.escape_debug()), help)),
            Ok(()) if RESERVED_LABELS.contains(&label.as_str()) => {
                Some((format!("the label `{label}` is skymon's own"), "choose another name".to_owned()))
            }
            Ok(()) => None,
        };
        if let Some((message, help)) = problem {
            report.push(Diagnostic::error("bad-label", message).at_key(at.key(label), "").help(help));
        }
    }
}

fn interval(
    at: &ConfigPath,
    written: Option<Duration>,
    default_seconds: u64,
    report: &mut Report,
) -> Duration {
    let interval = written.unwrap_or(Duration::from_secs(default_seconds));
    if interval < Duration::from_secs(1) || interval > LONGEST_INTERVAL {
        report.push(bad_value(
            at.clone(),
            &format!("{interval} is not an interval that rules can work with\nwrite `15s`; from 1s to 1m is possible"),
        ));
    }
    interval
}

pub(super) fn unknown_receiver(at: ConfigPath, receiver: &str, config: &Config) -> Diagnostic {
    let known = config.receivers.keys().map(String::as_str);
    let help = match nearest(receiver, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the receivers are {}", known.collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error("unknown-receiver", format!("there is no receiver `{}`", receiver.escape_debug()))
        .at_value(at, "not in `receivers`")
        .help(help)
}

struct ServiceResolver<'a> {
    config: &'a Config,
    name: &'a str,
    written: &'a config::Service,
    at: ConfigPath,
    scrape_interval: Duration,
}

impl ServiceResolver<'_> {
    fn resolve(
        &self,
        templates: &Templates,
        mounts: &mut Mounts,
        report: &mut Report,
    ) -> Result<Option<Service>> {
        let Self { written, at, .. } = self;
        check_labels(&at.key("labels"), &written.labels, report);
        alerts::check_changes(&at.key("alerts"), &written.alerts, report);
        let targets = self.targets(mounts, report);
        let scrape_interval = match written.scrape_interval {
            Some(_) => interval(&at.key("scrape_interval"), written.scrape_interval, 15, report),
            None => self.scrape_interval,
        };
        let tls = written.tls.as_ref().and_then(|tls| self.tls(tls, mounts, report));
        let auth = written.auth.as_ref().and_then(|auth| self.auth(auth, mounts, report));
        let Some(engine) = self.engine(report) else {
            return Ok(None);
        };
        let scrape = Scrape {
            path: written.metrics_path.as_ref().unwrap_or(&engine.metrics_path).as_str().to_owned(),
            interval: scrape_interval,
            tls,
            auth,
        };
        let probe = self.probe(engine, report);
        self.check_capacity(report);

        let version = written.engine_version.as_ref();
        let step = incidents::test_step(self.scrape_interval);
        let subject = Subject {
            service: self.name,
            engine,
            version,
            scraped: !matches!(targets, Targets::None),
            probe: probe.as_ref(),
            max_concurrency: written.capacity.max_concurrency.map(|count| count.get()),
        };
        let recorded = recordings::record(&subject, step);
        let labels: BTreeMap<String, String> =
            written.labels.iter().map(|(label, value)| (label.clone(), value.as_str().to_owned())).collect();
        let scope = Scope {
            service: Some(self.name),
            labels: &labels,
            exposed: &recorded.recordings.iter().map(|recording| recording.name.clone()).collect(),
            scale_to_zero: written.scale.min.is_some_and(|min| min.get() == 0),
            scrape_interval: scrape_interval.max(self.scrape_interval),
            changes: vec![
                (None, &engine.alerts),
                (Some(ConfigPath::root().key("alerts")), &self.config.alerts),
                (Some(at.key("alerts")), &written.alerts),
            ],
            largest_bucket: &|word| recordings::largest_bucket(engine, version, word),
        };
        let alerts = alerts::resolve(Pack::Service, &scope, templates, report)?;
        let mut tests = recorded.tests;
        for alert in &alerts {
            tests.extend(incidents::test_alert(alert, step)?);
        }
        Ok(Some(Service {
            name: self.name.to_owned(),
            engine,
            probe,
            targets,
            scrape,
            labels,
            recordings: recorded.recordings,
            alerts,
            tests,
        }))
    }

    fn engine(&self, report: &mut Report) -> Option<&'static Engine> {
        let name = self.written.engine.as_str();
        if let Some(engine) = Engine::all().get(name) {
            return Some(engine);
        }
        let at = self.at.key("engine");
        let available =
            Engine::all().keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        report.push(if engines::NAMES.contains(&name) {
            Diagnostic::error("not-yet", format!("the engine `{name}` is not available in this version"))
                .at_value(at, "not yet")
                .help(format!("this version knows {available}"))
        } else {
            let help = match nearest(name, engines::NAMES.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("this version knows {available}"),
            };
            Diagnostic::error("unknown-engine", format!("there is no engine `{}`", name.escape_debug()))
                .at_value(at, "not an engine")
                .help(help)
        });
        None
    }

    fn targets(&self, mounts: &mut Mounts, report: &mut Report) -> Targets {
        let Self { written, at, .. } = self;
        self.check_duplicate_replicas(report);
        let Some(discover) = &written.discover else {
            if written.replicas.is_empty() && written.endpoint.is_none() {
                report.push(
                    Diagnostic::error("nothing-to-watch", format!("`{}` has nothing to watch", self.name))
                        .at_key(at.clone(), "no replicas, no discovery, no endpoint")
                        .help("write `replicas: [10.0.1.100:8080]` with the address of each replica"),
                );
            }
            return if written.replicas.is_empty() {
                Targets::None
            } else {
                Targets::Static(written.replicas.clone())
            };
        };
        let at = at.key("discover");
        if !written.replicas.is_empty() {
            report.push(
                Diagnostic::error(
                    "two-sources",
                    format!("`{}` both lists its replicas and discovers them", self.name),
                )
                .at_key(at.clone(), "discovers")
                .at_key(self.at.key("replicas"), "lists")
                .help("keep one of the two"),
            );
        }
        match (&discover.dns, &discover.http, &discover.file) {
            (Some(dns), None, None) => Targets::Dns(dns.clone()),
            (None, Some(http), None) => Targets::Http(http.clone()),
            (None, None, Some(file)) => {
                let extension = file.as_str().rsplit('.').next().unwrap_or_default();
                if !["yml", "yaml", "json"].contains(&extension) {
                    report.push(bad_value(
                        at.key("file"),
                        "Prometheus reads target files that end in `.yml`, `.yaml` or `.json`\nrename the file: `targets.yml`",
                    ));
                }
                Targets::File(mounts.file(&PROMETHEUS, at.key("file"), file))
            }
            _ => {
                report.push(
                    Diagnostic::error("one-of", "`discover` takes exactly one of `dns`, `http` and `file`")
                        .at_key(at, "")
                        .help("write `discover: {dns: 'replicas.internal:8000'}`"),
                );
                Targets::None
            }
        }
    }

    fn check_duplicate_replicas(&self, report: &mut Report) {
        let mut first = BTreeMap::new();
        let at = self.at.key("replicas");
        for (position, replica) in self.written.replicas.iter().enumerate() {
            if let Some(earlier) = first.insert(replica, position) {
                report.push(
                    Diagnostic::error("duplicate-replica", format!("`{replica}` is listed twice"))
                        .at_value(at.item(position), "again")
                        .at_value(at.item(earlier), "first")
                        .help("remove one: it would be counted twice"),
                );
            }
        }
    }

    fn tls(&self, tls: &config::Tls, mounts: &mut Mounts, report: &mut Report) -> Option<Tls> {
        let at = self.at.key("tls");
        if tls.cert_file.is_some() != tls.key_file.is_some() {
            let (there, missing) =
                if tls.cert_file.is_some() { ("cert_file", "key_file") } else { ("key_file", "cert_file") };
            report.push(
                Diagnostic::error("missing-key", format!("`{there}` needs its `{missing}`"))
                    .at_key(at.key(there), "useless alone")
                    .help(format!(
                        "write `{missing}: {}`",
                        if missing == "key_file" { "secrets/client.key" } else { "certs/client.pem" }
                    )),
            );
            return None;
        }
        let mut file = |key: &str, path: Option<&values::FilePath>| {
            path.map(|path| mounts.file(&PROMETHEUS, at.key(key), path))
        };
        let (ca_file, cert_file) =
            (file("ca_file", tls.ca_file.as_ref()), file("cert_file", tls.cert_file.as_ref()));
        let key_file = match &tls.key_file {
            None => None,
            Some(path) => {
                let keys = SecretKeys {
                    key: "key",
                    file: Some(path),
                    env: None,
                    literal: None,
                    proposal: "secrets/client.key",
                };
                Some(mounts.secret(&PROMETHEUS, &at, &keys, report)?)
            }
        };
        Some(Tls {
            ca_file,
            cert_file,
            key_file,
            server_name: tls.server_name.as_ref().map(|name| name.as_str().to_owned()),
        })
    }

    fn auth(&self, auth: &config::Auth, mounts: &mut Mounts, report: &mut Report) -> Option<Auth> {
        let at = self.at.key("auth");
        let token = SecretKeys {
            key: "bearer_token",
            file: auth.bearer_token_file.as_ref(),
            env: auth.bearer_token_env.as_ref(),
            literal: auth.bearer_token,
            proposal: "secrets/replica_token",
        };
        let password = SecretKeys {
            key: "password",
            file: auth.password_file.as_ref(),
            env: auth.password_env.as_ref(),
            literal: auth.password,
            proposal: "secrets/replica_password",
        };
        match (token.is_named(), &auth.username) {
            (true, None) if !password.is_named() => {
                let path = mounts.secret(&PROMETHEUS, &at, &token, report)?;
                Some(Auth { bearer_token_file: Some(path), ..Auth::default() })
            }
            (false, Some(username)) => {
                let path = mounts.secret(&PROMETHEUS, &at, &password, report)?;
                Some(Auth {
                    username: Some(username.as_str().to_owned()),
                    password_file: Some(path),
                    ..Auth::default()
                })
            }
            _ => {
                report.push(
                    Diagnostic::error(
                        "one-of",
                        "`auth` takes a bearer token, or a user name and a password",
                    )
                    .at_key(at, "")
                    .help(
                        "write `bearer_token_file: secrets/replica_token`, or `username` and `password_file`",
                    ),
                );
                None
            }
        }
    }

    fn probe(&self, engine: &Engine, report: &mut Report) -> Option<Probe> {
        let Self { written, at, .. } = self;
        let interval = interval(&at.key("probe").key("interval"), written.probe.interval, 30, report);
        let endpoint = written.endpoint.as_ref()?;
        if written.probe.enabled == Some(false) {
            return None;
        }
        let path = written.probe.path.as_ref().or(engine.ready_path.as_ref());
        let url = path.map_or_else(|| endpoint.to_string(), |path| endpoint.with_path(path.as_str()));
        Some(Probe { url, https: endpoint.is_https(), readiness: path.is_some(), interval })
    }

    fn check_capacity(&self, report: &mut Report) {
        if self.written.capacity.max_concurrency.is_some_and(|count| count.get() == 0) {
            report.push(bad_value(
                self.at.key("capacity").key("max_concurrency"),
                "a replica that can hold no request serves nobody\nwrite how many it can hold at once: `8`",
            ));
        }
        let scale = &self.written.scale;
        if let (Some(min), Some(max)) = (scale.min, scale.max)
            && min > max
        {
            report.push(bad_value(
                self.at.key("scale").key("max"),
                &format!("`max` is below `min`\nwrite `max: {}` or more", min.get()),
            ));
        }
    }
}

fn resolve_receivers(config: &Config, mounts: &mut Mounts, report: &mut Report) -> Vec<Receiver> {
    let mut receivers = Vec::new();
    for (name, receiver) in &config.receivers {
        let at = ConfigPath::root().key("receivers").key(name);
        let integrations = receiver.integrations();
        if integrations.is_empty() {
            report.push(
                Diagnostic::error("empty-receiver", format!("`{name}` notifies nobody"))
                    .at_key(at.clone(), "has no integration")
                    .help("write `slack: {webhook_url_file: secrets/slack_webhook_url}`"),
            );
        }
        let integrations = integrations
            .into_iter()
            .filter_map(|(kind, integration)| {
                Some((kind, integration.resolve(&at.key(kind.name), mounts, report)?))
            })
            .collect();
        receivers.push(Receiver { name: name.clone(), integrations });
    }
    receivers
}

fn resolve_heartbeat(
    heartbeat: &config::Heartbeat,
    mounts: &mut Mounts,
    report: &mut Report,
) -> Option<Receiver> {
    let keys = SecretKeys {
        key: "url",
        file: heartbeat.url_file.as_ref(),
        env: heartbeat.url_env.as_ref(),
        literal: heartbeat.url,
        proposal: "secrets/heartbeat_url",
    };
    let url_file = mounts.secret(&ALERTMANAGER, &ConfigPath::root().key("heartbeat"), &keys, report)?;
    let webhook = crate::catalog::receivers::kind("webhook");
    // A heartbeat that "resolves" would tell the service outside that all is well while nothing is.
    let settings = context! { url_file, send_resolved => false };
    Some(Receiver { name: routes::HEARTBEAT.to_owned(), integrations: vec![(webhook, settings)] })
}

fn warn_of_idle_receivers(config: &Config, routing: &routes::Routing, report: &mut Report) {
    let used: BTreeSet<&str> = routing
        .stack
        .values()
        .chain(routing.services.iter().flat_map(|(_, routes)| routes.values()))
        .copied()
        .collect();
    for name in config.receivers.keys().filter(|name| !used.contains(name.as_str())) {
        report.push(
            Diagnostic::warning("idle-receiver", format!("no route leads to `{name}`"))
                .at_key(ConfigPath::root().key("receivers").key(name), "is never notified")
                .help(format!("name it in `routes`, as `info: {name}`, or remove it")),
        );
    }
}

fn resolve_programs(config: &Config, probes: bool, report: &mut Report) -> Vec<RunningProgram> {
    let (images, ports) = (&config.images, &config.ports);
    let mut programs = vec![
        (&PROMETHEUS, &images.prometheus, ports.prometheus),
        (&ALERTMANAGER, &images.alertmanager, ports.alertmanager),
        (&GRAFANA, &images.grafana, ports.grafana),
    ];
    if probes {
        programs.push((&BLACKBOX, &images.blackbox, None));
    }
    let programs: Vec<RunningProgram> = programs
        .into_iter()
        .map(|(facts, image, port)| RunningProgram {
            facts,
            image: resolve_image(facts, image.as_ref(), images.registry.as_ref(), report),
            published: facts.published.then(|| port.map_or(facts.port, Port::get)),
        })
        .collect();
    check_ports(&programs, report);
    programs
}

fn resolve_image(
    program: &Program,
    image: Option<&Line>,
    registry: Option<&Line>,
    report: &mut Report,
) -> String {
    let at = ConfigPath::root().key("images");
    let image = match image {
        None => format!("{}:{}", program.image, program.tag),
        Some(image) => {
            let name = image.as_str().rsplit('/').next().unwrap_or_default();
            let pinned = image.as_str().contains("@sha256:")
                || name.split_once(':').is_some_and(|(_, tag)| tag != "latest");
            if !pinned {
                report.push(bad_value(
                    at.key(program.name),
                    &format!(
                        "`{}` names no version: it would change by accident\nwrite `{}:{}`",
                        image.as_str(),
                        program.image,
                        program.tag
                    ),
                ));
            }
            check_reference(&at.key(program.name), image, report);
            image.as_str().to_owned()
        }
    };
    match registry {
        None => image,
        Some(registry) => {
            check_reference(&at.key("registry"), registry, report);
            format!("{}/{image}", registry.as_str().trim_end_matches('/'))
        }
    }
}

fn check_reference(at: &ConfigPath, reference: &Line, report: &mut Report) {
    let legal = |c: char| c.is_ascii_alphanumeric() || "./:@_-".contains(c);
    if !reference.as_str().chars().all(legal) {
        report.push(bad_value(
            at.clone(),
            &format!(
                "`{}` is not an image reference\nwrite `mirror.example.com/prom/prometheus:v3.5.3`",
                reference.as_str()
            ),
        ));
    }
}

fn check_ports(programs: &[RunningProgram], report: &mut Report) {
    let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
    for program in programs {
        let Some(port) = program.published else { continue };
        if let Some(other) = taken.insert(port, program.facts.name) {
            let at = ConfigPath::root().key("ports");
            report.push(
                Diagnostic::error(
                    "port-taken",
                    format!("`{other}` and `{}` are both published on port {port}", program.facts.name),
                )
                .at_value(at.key(program.facts.name), "the second")
                .at_value(at.key(other), "the first")
                .help("give each a port of its own"),
            );
        }
    }
}

/// Grafana's first administrator; `init` makes the file.
fn grafana_password() -> Secret {
    Secret {
        name: "grafana_admin_password".to_owned(),
        source: SecretSource::File(GRAFANA_PASSWORD_FILE.parse().expect("a path")),
        program: GRAFANA.name,
        at: None,
    }
}

/// Beside the config, like all secrets.
pub const GRAFANA_PASSWORD_FILE: &str = "secrets/grafana_admin_password";
