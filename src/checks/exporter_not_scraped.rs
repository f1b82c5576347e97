//! An exporter or an engine that runs beside a Prometheus whose jobs all pass it by.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::Check;
use super::shared::addresses::{Address, leads_to};
use super::shared::engines::engine;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Compose, Job, Program, Prometheus, Service, Stack};

pub(super) const CHECK: Check = Check { id: "exporter-not-scraped", severity: Severity::Warning, run };

/// Parts of the names of images that scrape too.
const COLLECTORS: [&str; 15] = [
    "agent",
    "alloy",
    "beat",
    "checkmk",
    "collector",
    "datadog",
    "fluent",
    "mimir",
    "netdata",
    "otel",
    "telegraf",
    "thanos",
    "vector",
    "victoria",
    "zabbix",
];

/// Parts of the names of images that hand on to others what they are asked.
const PROXIES: [&str; 9] =
    ["caddy", "envoy", "gateway", "httpd", "ingress", "kong", "nginx", "prox", "traefik"];

/// What stands before `-exporter` in the names of those that Prometheus scrapes. Another word may be one that writes out pages,
/// or data.
const EXPORTERS: [&str; 40] = [
    "apache",
    "bind",
    "celery",
    "clickhouse",
    "cloudflare",
    "consul",
    "couchdb",
    "dcgm",
    "elasticsearch",
    "fritzbox",
    "haproxy",
    "ipmi",
    "jmx",
    "kafka",
    "kafka-lag",
    "keepalived",
    "memcached",
    "mongodb",
    "mysqld",
    "nginx",
    "node",
    "nvidia-gpu",
    "nvidia-smi",
    "pgbouncer",
    "php-fpm",
    "ping",
    "postgres",
    "process",
    "proxysql",
    "rabbitmq",
    "redis",
    "smartctl",
    "snmp",
    "speedtest",
    "squid",
    "ssl",
    "statsd",
    "systemd",
    "windows",
    "zookeeper",
];

/// The ports that exporters agree on among themselves.
const PORTS: RangeInclusive<u16> = 9100..=9999;

fn run(stack: &Stack, report: &mut Report) {
    for (project, compose) in stack.composes.iter().enumerate() {
        let of_project = |one: &&Prometheus| one.service.as_ref().is_some_and(|(own, _)| *own == project);
        let all: Vec<&Prometheus> = stack.prometheuses.iter().filter(of_project).collect();
        let jobs: Vec<&Job> = all.iter().flat_map(|one| &one.jobs).collect();
        if jobs.is_empty() || !are_known(compose, &all, &jobs) {
            continue;
        }
        let Some((_, own)) = all.first().and_then(|one| stack.service(&one.service)) else { continue };
        let asked = Asked::of(compose, &jobs);
        for service in compose.services.iter().filter(|service| has_metrics(stack, service)) {
            if !is_beside(compose, own, service) || asked.may_be(stack, compose, service) {
                continue;
            }
            let port = service.listens().and_then(|ports| ports.first().copied());
            let port = port.or_else(|| engine(stack, service).map(|engine| engine.port));
            let port = port.map_or_else(|| "…".to_owned(), |port| port.to_string());
            let name = &service.name;
            // Who is in the network of another has no name of its own.
            let is_inside = std::ptr::eq(home(compose, service), home(compose, own));
            let host = if is_inside { "localhost" } else { name.as_str() };
            let honors =
                if service.program == Some(Program::Pushgateway) { "honor_labels: true, " } else { "" };
            report.push(
                CHECK
                    .finding(format!("`{name}` runs, and no job of Prometheus asks it"))
                    .at(name.place(), "its metrics go nowhere")
                    .help(format!(
                        "add `- {{job_name: {name}, {honors}static_configs: [{{targets: ['{host}:{port}']}}]}}` to `scrape_configs`"
                    )),
            );
        }
    }
}

/// Whether all that is scraped was read, and nobody else scrapes.
fn are_known(compose: &Compose, all: &[&Prometheus], jobs: &[&Job]) -> bool {
    let is_collector = |service: &Service| {
        let image = service.image.as_ref();
        image.is_some_and(|image| COLLECTORS.iter().any(|part| image.repository.contains(part)))
    };
    compose.running(Program::Prometheus).count() == all.len()
        && all.iter().all(|one| one.document.is_complete() && !one.reads_elsewhere())
        && !jobs.iter().any(|job| job.discovers)
        && !compose.services.iter().any(is_collector)
}

/// Whether a start of Prometheus brings it up too, where Prometheus can reach it.
fn is_beside(compose: &Compose, own: &Service, service: &Service) -> bool {
    let replicas = service.get("deploy").and_then(|node| node.get("replicas"));
    let is_none = service.text("scale").is_some_and(|scale| scale.value == "0")
        || replicas.is_some_and(|node| node.text() == Some("0"));
    // One with a profile that Prometheus does not have is for some hours only.
    let is_always = service.profiles.is_empty() || !own.profiles.is_empty();
    let is_near =
        [own, service].iter().any(|one| one.network_mode.is_some()) || compose.share_network(own, service);
    !is_none && is_always && is_near && service.runs_beside(own)
}

/// By its image or, where that is somebody's own, by what it is called.
fn is_proxy(service: &Service) -> bool {
    let names = [service.image.as_ref().map(|image| image.name()), Some(service.name.as_str())];
    let is_one = |name: &str| !name.contains("exporter") && PROXIES.iter().any(|part| name.contains(part));
    service.program.is_none() && names.into_iter().flatten().any(is_one)
}

/// A name as far as it matters in a path.
fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

/// Whether it is there to be scraped.
fn has_metrics(stack: &Stack, service: &Service) -> bool {
    let is_exporter = match service.program {
        Some(Program::Prometheus | Program::Alertmanager | Program::Grafana) => return false,
        Some(_) => true,
        None => is_exporter(service),
    };
    is_exporter || engine(stack, service).is_some_and(|engine| engine.metrics_path.is_some())
}

/// Whether its image is called so, and is one of Prometheus' and not of somebody's wiki: by its name or its port.
fn is_exporter(service: &Service) -> bool {
    let Some(image) = &service.image else { return false };
    let name = image.name().replace('_', "-");
    let Some(of) = name.strip_suffix("-exporter") else { return false };
    let is_port = |port: &String| port.parse().is_ok_and(|port: u16| PORTS.contains(&port));
    let exposed = service.get("expose").map(|node| node.texts()).unwrap_or_default();
    EXPORTERS.contains(&of)
        || image.repository.contains("prom")
        || !service.flags("web.listen-address").is_empty()
        || service.ports.iter().any(|port| is_port(&port.target))
        || exposed.iter().any(|port| is_port(&port.value))
}

/// The container whose network a service is in: mostly its own.
fn home<'c>(compose: &'c Compose, service: &'c Service) -> &'c Service {
    let next = |of: &Service| {
        let mode = of.network_mode.as_ref()?.as_str();
        let container = || compose.named(mode.strip_prefix("container:")?);
        mode.strip_prefix("service:").and_then(|name| compose.service(name)).or_else(container)
    };
    // Nobody builds chains of it.
    next(service).map_or(service, |one| next(one).unwrap_or(one))
}

/// Whom the jobs ask.
struct Asked<'s> {
    /// Those in whose network somebody is asked.
    services: Vec<&'s Service>,
    /// The words of the paths that are asked for.
    path_words: BTreeSet<String>,
    /// Addresses that lead to no service by its name: of a machine, or of what is called so elsewhere.
    hosts: BTreeSet<String>,
    ports: BTreeSet<String>,
    /// Whether an address is only known at run time.
    is_open: bool,
}

impl<'s> Asked<'s> {
    fn of(compose: &'s Compose, jobs: &[&Job]) -> Asked<'s> {
        let mut asked = Asked {
            services: Vec::new(),
            path_words: BTreeSet::new(),
            hosts: BTreeSet::new(),
            ports: BTreeSet::new(),
            is_open: false,
        };
        for job in jobs {
            // Names mean there what the proxy takes them for.
            asked.is_open |=
                ["proxy_url", "proxy_from_environment"].iter().any(|key| job.node.get(key).is_some());
            let given = job.relabelings().into_iter().filter_map(|rule| rule.get("replacement")?.value());
            // A rule may take the address from any label.
            let labels = job.targets.iter().filter(|_| job.is_redirected()).flat_map(|one| &one.labels);
            let given = given.chain(labels.map(|(_, value)| value.clone()));
            let given: Vec<String> = given.map(|text| text.value).collect();
            let paths = given.iter().map(String::as_str).filter(|text| text.starts_with('/'));
            let labels = job.targets.iter().flat_map(|one| &one.labels);
            let labels = labels.filter(|(name, _)| name.value == "__metrics_path__");
            let labels = labels.map(|(_, path)| path.as_str());
            for path in paths.chain(labels).chain([job.metrics_path.as_str()]) {
                asked.path_words.extend(path.split('/').map(plain));
            }
            let given = given.iter().map(String::as_str).filter(|text| text.contains(':'));
            for address in job.addresses().map(|one| one.as_str()).chain(given) {
                asked.is_open |= address.contains(['$', '{']);
                let parts = Address::parse(address);
                if let Some(service) = leads_to(compose, address) {
                    asked.is_open |= is_proxy(service);
                    asked.services.push(home(compose, service));
                } else {
                    asked.hosts.insert(parts.host.to_owned());
                    asked.ports.extend(parts.port.map(str::to_owned));
                }
            }
        }
        asked
    }

    /// Whether they ask a service, or what may be it: whoever shares its network, its port somewhere else, a name with its own
    /// in it, or a path that leads on to it.
    fn may_be(&self, stack: &Stack, compose: &Compose, service: &Service) -> bool {
        let home = home(compose, service);
        let engine = engine(stack, service).map(|engine| engine.name.as_str());
        let image = service.image.as_ref().map(|image| image.name());
        let listens = service.listens().unwrap_or_default().into_iter().map(|port| port.to_string());
        let published = service.ports.iter().flat_map(|port| [port.published.clone(), port.target.clone()]);
        self.is_open
            || self.services.iter().any(|one| std::ptr::eq(*one, home))
            || [Some(service.name.as_str()), engine, image]
                .into_iter()
                .flatten()
                .any(|name| self.path_words.contains(&plain(name)))
            || listens.chain(published).any(|port| self.ports.contains(&port))
            || self.hosts.iter().any(|host| host.contains(service.name.as_str()))
            || service.network_mode.is_some() && !self.ports.is_empty()
    }
}
