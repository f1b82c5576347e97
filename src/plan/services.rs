//! A service: where its replicas are, how they are scraped and probed, what is recorded and alerted on.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;

use super::alerts::{self, Scope, bad_value};
use super::recordings::{self, Subject};
use super::resolve::{LONGEST_INTERVAL, check_labels, interval};
use super::{Auth, Probe, Scrape, Service, Targets, Tls, Traffic, incidents, slo};
use crate::catalog::alerts::Pack;
use crate::catalog::engines::{Engine, Engines, Version};
use crate::catalog::programs::PROMETHEUS;
use crate::config::{self, Config};
use crate::diagnostics::{Diagnostic, Report, nearest, shortened};
use crate::mounts::{Mounts, SecretKeys};
use crate::source::{ConfigPath, SpanIndex};
use crate::templates::Templates;
use crate::values::{self, Count, Duration, HostPort, HttpUrl, Port, UrlPath};

/// Seconds between two probes that the autoscaler counts as traffic.
const RARE: u64 = 300;
const LONGEST_PROBE: Duration = Duration::from_secs(600);

/// A service as written, with what the whole stack says of it.
pub(super) struct ServiceResolver<'a> {
    pub(super) config: &'a Config,
    pub(super) index: &'a SpanIndex,
    pub(super) engines: &'a Engines,
    pub(super) name: &'a str,
    pub(super) written: &'a config::Service,
    pub(super) at: ConfigPath,
    /// The stack's.
    pub(super) scrape_interval: Duration,
    pub(super) retention: Duration,
}

/// What of a service needs the user's own files.
pub(super) struct Mounted {
    targets: Targets,
    tls: Option<Tls>,
    auth: Option<Auth>,
}

impl ServiceResolver<'_> {
    /// Comes first, one service after the other: they share the files.
    pub(super) fn mount(&self, mounts: &mut Mounts, report: &mut Report) -> Mounted {
        Mounted {
            targets: self.targets(mounts, report),
            tls: self.written.tls.as_ref().and_then(|tls| self.tls(tls, mounts, report)),
            auth: self.written.auth.as_ref().and_then(|auth| self.auth(auth, mounts, report)),
        }
    }

    pub(super) fn resolve(
        &self,
        Mounted { targets, tls, auth }: Mounted,
        templates: &Templates,
        report: &mut Report,
    ) -> Result<Option<Service>> {
        let Self { written, at, .. } = self;
        check_labels(&at.key("labels"), &written.labels, report);
        alerts::check_changes(&at.key("alerts"), &written.alerts, true, report);
        let scrape_interval = match written.scrape_interval {
            Some(_) => {
                interval(&at.key("scrape_interval"), written.scrape_interval, 15, LONGEST_INTERVAL, report)
            }
            None => self.scrape_interval,
        };
        let Some(engine) = self.engine(report) else {
            return Ok(None);
        };
        let (engine, instrumentation) = self.instrument(engine, report);
        self.check_engine_labels(&engine, report);
        self.check_scraping(&engine, &targets, report);
        self.check_metrics_path(report);
        let targets = match targets {
            // The port that SkyServe knows is the one that answers users.
            Targets::SkyServe { name, port: None } if engine.ready_port.is_some() => {
                Targets::SkyServe { name, port: Some(engine.port) }
            }
            targets => targets,
        };
        let scrape = Scrape {
            // Without a path there are no targets, see `check_scraping`.
            path: written
                .metrics_path
                .as_ref()
                .or(engine.metrics_path.as_ref())
                .map_or_else(String::new, |path| path.as_str().to_owned()),
            interval: scrape_interval,
            tls,
            auth,
        };
        let probe = self.probe(&engine, report);
        self.check_capacity(report);

        let version = written.engine_version.as_ref();
        let step = incidents::test_step(self.scrape_interval);
        let subject = Subject {
            service: self.name,
            engine: &engine,
            version,
            // Rules are evaluated as often as the stack scrapes, whatever the service does.
            scraped: (!matches!(targets, Targets::None)).then(|| scrape_interval.max(self.scrape_interval)),
            probe: probe.as_ref(),
            max_concurrency: written.capacity.max_concurrency.map(Count::get),
            retention: self.retention,
        };
        let mut recorded = recordings::record(&subject, step);
        let slo = written.slo.as_ref().and_then(|slo| self.slo(slo, &subject, report));
        if let Some(slo) = &slo {
            recorded.recordings.extend(slo.recordings());
            recorded.tests.extend(slo.tests(step));
        }
        let budget = slo.as_ref().map(slo::Slo::budget).unwrap_or_default();
        let traffic = subject.scraped.and_then(|_| traffic(&engine, version));
        let labels: BTreeMap<String, String> =
            written.labels.iter().map(|(label, value)| (label.clone(), value.as_str().to_owned())).collect();
        let scope = Scope {
            service: Some(self.name),
            labels: &labels,
            exposed: &recorded
                .recordings
                .iter()
                .chain(&budget)
                .map(|recording| (recording.name.clone(), recording.interval))
                .collect(),
            scale_to_zero: self.scales_to_zero(),
            changes: vec![
                (None, &engine.alerts),
                (Some(ConfigPath::root().key("alerts")), &self.config.alerts),
                (Some(at.key("alerts")), &written.alerts),
            ],
            bounds: &|word| engine.bounds(word, version),
            slo: slo.as_ref(),
        };
        let mut alerts = alerts::resolve(Pack::Service, &scope, templates, report)?;
        alerts.extend(alerts::resolve(Pack::Slo, &scope, templates, report)?);
        let mut tests = recorded.tests;
        for alert in &alerts {
            tests.extend(incidents::test_alert(alert, step)?);
        }
        Ok(Some(Service {
            name: self.name.to_owned(),
            engine,
            version: version.cloned(),
            instrumentation,
            probe,
            targets,
            scrape,
            labels,
            traffic,
            recordings: recorded.recordings,
            budget,
            alerts,
            tests,
        }))
    }

    fn engine(&self, report: &mut Report) -> Option<Arc<Engine>> {
        let name = self.written.engine.as_str();
        if let Some(engine) = self.engines.get(name) {
            return Some(engine.clone());
        }
        if self.engines.knows(name) {
            // What is wrong with its file has been said.
            return None;
        }
        let at = self.at.key("engine");
        let known = self.engines.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let help = match nearest(name, self.engines.names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the engines are {known}"),
        };
        report.push(
            Diagnostic::error(
                "unknown-engine",
                format!("there is no engine `{}`", shortened(name).escape_debug()),
            )
            .at_value(at, "not an engine")
            .help(help),
        );
        None
    }

    /// What the engine's metrics ask for before they can be scraped.
    fn check_scraping(&self, engine: &Engine, targets: &Targets, report: &mut Report) {
        if matches!(targets, Targets::None) {
            return;
        }
        let (name, title) = (self.name, &engine.title);
        if engine.metrics_path.is_none() {
            let key = if self.written.discover.is_some() { "discover" } else { "replicas" };
            report.push(
                Diagnostic::error(
                    "no-metrics",
                    format!("{title} exposes no metrics: nothing of `{name}` can be scraped"),
                )
                .at_key(self.at.key(key), "nobody would answer")
                .help(format!(
                    "remove it, and write `endpoint: http://gpu-1.internal:{}`, which is probed",
                    engine.port
                )),
            );
        } else if let (Some(auth), None) = (&engine.auth, &self.written.auth) {
            report.push(
                Diagnostic::note("no-auth", format!("`{name}` is scraped without a key: {auth}"))
                    .at_value(self.at.key("engine"), "")
                    .help("write `auth: {bearer_token_file: secrets/replica_token}`"),
            );
        }
    }

    fn targets(&self, mounts: &mut Mounts, report: &mut Report) -> Targets {
        let Self { written, at, .. } = self;
        // Where an address was refused, the positions of the rest are no longer those of the file.
        if self.index.items_under(&at.key("replicas")) == written.replicas.len() {
            self.check_duplicate_replicas(report);
        }
        let Some(discover) = &written.discover else {
            let probed = written.endpoint.is_some() && written.probe.enabled != Some(false);
            if written.replicas.is_empty() && !probed {
                report.push(
                    Diagnostic::error("nothing-to-watch", format!("`{}` has nothing to watch", self.name))
                        .at_key(at.clone(), "no replicas, no discovery, no endpoint that is probed")
                        .help(match self.engines.get(written.engine.as_str()) {
                            Some(engine) if engine.metrics_path.is_none() => probing(engine),
                            _ => "write `replicas: [10.0.1.100:8080]` with the address of each replica"
                                .to_owned(),
                        }),
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
        if discover.port.is_some() && !self.index.contains(&at.key("skyserve")) {
            report.push(
                Diagnostic::error("one-of", "`port` belongs to `discover.skyserve`")
                    .at_key(at.key("port"), "useless here")
                    .help("remove it; the other ways name the port themselves"),
            );
        }
        match (&discover.dns, &discover.http, &discover.file, &discover.skyserve) {
            (Some(dns), None, None, None) => Targets::Dns(dns.clone()),
            (None, None, None, Some(name)) => {
                Targets::SkyServe { name: name.as_str().to_owned(), port: discover.port.map(Port::get) }
            }
            (None, Some(http), None, None) => {
                check_reachable(&at.key("http"), http, report);
                Targets::Http(http.clone())
            }
            (None, None, Some(file), None) => {
                let extension = file.as_str().rsplit('.').next().unwrap_or_default();
                if !["yml", "yaml", "json"].contains(&extension) {
                    report.push(bad_value(
                        at.key("file"),
                        "Prometheus reads target files that end in `.yml`, `.yaml` or `.json`\nrename the file: `targets.yml`",
                    ));
                }
                // A `*` finds itself; these do not.
                if file.as_str().rsplit('/').next().is_some_and(|name| name.contains(['[', '\\'])) {
                    report.push(bad_value(
                        at.key("file"),
                        "Prometheus takes the name of a target file for a pattern, and finds none with `[` or `\\`\nrename the file: `targets.yml`",
                    ));
                }
                Targets::File(mounts.file(PROMETHEUS.name, at.key("file"), file))
            }
            _ => {
                report.push(
                    Diagnostic::error(
                        "one-of",
                        "`discover` takes exactly one of `dns`, `http`, `file` and `skyserve`",
                    )
                    .at_key(at, "")
                    .help("write `discover: {dns: 'replicas.internal:8000'}`"),
                );
                Targets::None
            }
        }
    }

    fn check_duplicate_replicas(&self, report: &mut Report) {
        let at = self.at.key("replicas");
        for (position, earlier) in duplicates(&self.written.replicas) {
            let replica = &self.written.replicas[position];
            report.push(
                Diagnostic::error("duplicate-replica", format!("`{replica}` is listed twice"))
                    .at_value(at.item(position), "again")
                    .at_value(at.item(earlier), "first")
                    .help("remove one: it would be counted twice"),
            );
        }
    }

    fn tls(&self, tls: &config::Tls, mounts: &mut Mounts, report: &mut Report) -> Option<Tls> {
        let at = self.at.key("tls");
        if tls.cert_file.is_some() != tls.key_file.is_some() {
            let (there, missing) =
                if tls.cert_file.is_some() { ("cert_file", "key_file") } else { ("key_file", "cert_file") };
            // One that was refused for a fault of its own is not missing.
            if !self.index.contains(&at.key(missing)) {
                report.push(
                    Diagnostic::error("missing-key", format!("`{there}` needs its `{missing}`"))
                        .at_key(at.key(there), "useless alone")
                        .help(format!(
                            "write `{missing}: {}`",
                            if missing == "key_file" { "secrets/client.key" } else { "certs/client.pem" }
                        )),
                );
            }
            return None;
        }
        let mut file = |key: &str, path: Option<&values::FilePath>| {
            path.map(|path| mounts.file(PROMETHEUS.name, at.key(key), path))
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
                Some(mounts.secret(PROMETHEUS.name, &at, &keys, report)?)
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
                let path = mounts.secret(PROMETHEUS.name, &at, &token, report)?;
                Some(Auth { bearer_token_file: Some(path), ..Auth::default() })
            }
            (false, Some(username)) => {
                let path = mounts.secret(PROMETHEUS.name, &at, &password, report)?;
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

    /// Prometheus escapes what it takes for a part of the path's name: it would ask for `/metrics%3Fformat=text`.
    fn check_metrics_path(&self, report: &mut Report) {
        let path = self.written.metrics_path.as_ref().map(UrlPath::as_str).unwrap_or_default();
        if let Some(mark) = path.chars().find(|c| matches!(c, '?' | '%')) {
            report.push(bad_value(
                self.at.key("metrics_path"),
                &format!("Prometheus would not take the `{mark}` of a metrics path for what it means in a URL\nwrite the path as it is, without query: `/metrics`"),
            ));
        }
    }

    fn scales_to_zero(&self) -> bool {
        self.written.scale.min.is_some_and(|min| min.get() == 0)
    }

    fn slo(&self, written: &config::Slo, subject: &Subject, report: &mut Report) -> Option<slo::Slo> {
        let at = self.at.key("slo");
        if self.index.keys_under(&at).iter().all(|key| *key == "window") {
            report.push(
                Diagnostic::error("missing-key", "`slo` promises nothing")
                    .at_key(at, "has no objective")
                    .help("write `availability: 99.9`"),
            );
            return None;
        }
        // Replicas that were refused for a fault of their own are not missing.
        let scraped = self.index.items_under(&self.at.key("replicas")) > 0
            || self.index.contains(&self.at.key("discover"));
        if !scraped {
            let help = if subject.engine.metrics_path.is_none() {
                format!(
                    "remove it; {} exposes no metrics, a proxy in front of it (`engine: litellm`) does",
                    subject.engine.title
                )
            } else {
                format!(
                    "write `replicas: ['10.0.1.100:{}']` with the address of each replica, or remove it",
                    subject.engine.port
                )
            };
            report.push(
                Diagnostic::error(
                    "slo-unmeasurable",
                    format!("nothing counts the requests of `{}`", self.name),
                )
                .at_key(at, "no replica is scraped")
                .help(help),
            );
            return None;
        }
        slo::resolve(written, &at, self.index, subject, self.scales_to_zero(), report)
    }

    fn probe(&self, engine: &Engine, report: &mut Report) -> Option<Probe> {
        let Self { written, at, .. } = self;
        // To SkyServe's autoscaler a probe is traffic: rare, and none where it would wake a service that may sleep.
        let on_skyserve = written.discover.as_ref().is_some_and(|discover| discover.skyserve.is_some());
        let default = if on_skyserve { RARE } else { 30 };
        let place = at.key("probe").key("interval");
        let interval = interval(&place, written.probe.interval, default, LONGEST_PROBE, report);
        let endpoint = written.endpoint.as_ref()?;
        if !written.probe.enabled.unwrap_or(!(on_skyserve && self.scales_to_zero())) {
            return None;
        }
        check_reachable(&at.key("endpoint"), endpoint, report);
        let path = written.probe.path.as_ref().or(engine.ready_path.as_ref());
        let url = path.map_or_else(|| endpoint.to_string(), |path| endpoint.with_path(path.as_str()));
        Some(Probe { url, https: endpoint.is_https(), readiness: path.is_some(), interval })
    }

    /// Prometheus renames a scraped label that a target's label of that name is in the way of, and every selector of
    /// the engine's own labels would find nothing.
    fn check_engine_labels(&self, engine: &Engine, report: &mut Report) {
        for label in self.written.labels.keys() {
            if engine.metrics.values().any(|metric| metric.labels.contains(label)) {
                report.push(
                    Diagnostic::error("bad-label", format!("the label `{label}` is the engine's own"))
                        .at_key(self.at.key("labels").key(label), "would hide what the engine says")
                        .help("choose another name"),
                );
            }
        }
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

/// What can be watched of an engine without metrics.
fn probing(engine: &Engine) -> String {
    format!("write `endpoint: http://gpu-1.internal:{}`, which is probed", engine.port)
}

fn traffic(engine: &Engine, version: Option<&Version>) -> Option<Traffic> {
    let traffic = engine.traffic.as_ref()?;
    let metrics = engine.metrics_named(&traffic.metric, version);
    (!metrics.is_empty()).then(|| Traffic {
        metrics: metrics.into_iter().map(|(name, _)| name.to_owned()).collect(),
        endpoint: traffic.endpoint.clone(),
        status: traffic.status.clone(),
    })
}

/// The positions of addresses that a list has twice: again, and first.
pub(super) fn duplicates(addresses: &[HostPort]) -> Vec<(usize, usize)> {
    let mut first = BTreeMap::new();
    let places = addresses.iter().enumerate();
    places
        .filter_map(|(position, address)| Some((position, first.insert(address.identity(), position)?)))
        .collect()
}

pub(super) fn check_reachable(at: &ConfigPath, url: &HttpUrl, report: &mut Report) {
    if url.is_this_container() {
        report.push(bad_value(
            at.clone(),
            &format!(
                "this would be the container that asks, not this machine\nwrite `{}`",
                url.on_docker_host().base()
            ),
        ));
    }
}
