//! An exporter or an engine that runs beside a Prometheus whose jobs all pass it by.

use std::collections::BTreeSet;

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
const PROXIES: [&str; 7] = ["caddy", "envoy", "httpd", "kong", "nginx", "prox", "traefik"];

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
            if !is_beside(compose, own, service) || asked.may_be(service) {
                continue;
            }
            let port = service.listens().and_then(|ports| ports.first().copied());
            let port = port.or_else(|| engine(stack, service).map(|engine| engine.port));
            let port = port.map_or_else(|| "…".to_owned(), |port| port.to_string());
            let name = &service.name;
            report.push(
                CHECK
                    .finding(format!("`{name}` runs, and no job of Prometheus asks it"))
                    .at(name.place(), "its metrics go nowhere")
                    .help(format!(
                        "add `- {{job_name: {name}, static_configs: [{{targets: ['{name}:{port}']}}]}}` to `scrape_configs`"
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

fn is_proxy(service: &Service) -> bool {
    service.image.as_ref().is_some_and(|image| {
        let name = image.name();
        !name.contains("exporter") && PROXIES.iter().any(|part| name.contains(part))
    })
}

/// Whether it is there to be scraped.
fn has_metrics(stack: &Stack, service: &Service) -> bool {
    let is_exporter = match service.program {
        Some(Program::Prometheus | Program::Alertmanager | Program::Grafana) => return false,
        Some(_) => true,
        None => service.image.as_ref().is_some_and(|image| {
            let name = image.name();
            name.ends_with("-exporter") || name.ends_with("_exporter")
        }),
    };
    is_exporter || engine(stack, service).is_some_and(|engine| engine.metrics_path.is_some())
}

/// Whom the jobs ask.
struct Asked<'s> {
    services: Vec<&'s Service>,
    /// Addresses that lead to no service by its name: of a machine, or of what is called so elsewhere.
    hosts: BTreeSet<String>,
    ports: BTreeSet<String>,
    /// Whether an address is only known at run time.
    is_open: bool,
}

impl<'s> Asked<'s> {
    fn of(compose: &'s Compose, jobs: &[&Job]) -> Asked<'s> {
        let mut asked =
            Asked { services: Vec::new(), hosts: BTreeSet::new(), ports: BTreeSet::new(), is_open: false };
        for job in jobs {
            let given = job.relabelings().into_iter().filter_map(|rule| rule.get("replacement")?.value());
            // A rule may take the address from any label.
            let labels = job.targets.iter().filter(|_| job.is_redirected()).flat_map(|one| &one.labels);
            let given = given.chain(labels.map(|(_, value)| value.clone()));
            let given: Vec<String> = given.map(|text| text.value).filter(|text| text.contains(':')).collect();
            for address in job.addresses().map(|one| one.as_str()).chain(given.iter().map(String::as_str)) {
                asked.is_open |= address.contains(['$', '{']);
                let parts = Address::parse(address);
                if let Some(service) = leads_to(compose, address) {
                    asked.is_open |= is_proxy(service);
                    asked.services.push(service);
                } else {
                    asked.hosts.insert(parts.host.to_owned());
                    asked.ports.extend(parts.port.map(str::to_owned));
                }
            }
        }
        asked
    }

    /// Whether they ask a service, or what may be it: its port somewhere else, or a name with its own in it.
    fn may_be(&self, service: &Service) -> bool {
        let listens = service.listens().unwrap_or_default().into_iter().map(|port| port.to_string());
        let published = service.ports.iter().flat_map(|port| [port.published.clone(), port.target.clone()]);
        self.is_open
            || self.services.iter().any(|one| std::ptr::eq(*one, service))
            || listens.chain(published).any(|port| self.ports.contains(&port))
            || self.hosts.iter().any(|host| host.contains(service.name.as_str()))
            || service.network_mode.is_some() && !self.ports.is_empty()
    }
}
