//! prometheus.yml, the target files, and the blackbox exporter's module.

use anyhow::Result;
use minijinja::context;
use minijinja::value::{Serde, Value};

use super::Artifacts;
use crate::catalog::programs::{ALERTMANAGER, BLACKBOX, DOCKER_HOST, EXPORTER, PROMETHEUS, Program};
use crate::diagnostics::Diagnostic;
use crate::plan::{MachineJob, Plan, Service, SkyServe, Targets};
use crate::templates::Templates;
use crate::values::{DnsName, HostPort};

const CONFIG: &str = "prometheus/prometheus.yml";

pub(super) fn build(
    plan: &Plan,
    templates: &Templates,
    extra_rules: bool,
    artifacts: &mut Artifacts,
) -> Result<()> {
    // Their own metrics stand where Prometheus looks by default, unless they live below a path.
    let programs: Vec<Value> = plan
        .programs
        .iter()
        // What they say is not of themselves, and has jobs of its own.
        .filter(|program| *program.facts != EXPORTER && !watches_machines(plan, program.facts))
        .map(|program| {
            let name = program.facts.name;
            // It scrapes itself: no way over the network that could fail.
            let itself = name == PROMETHEUS.name;
            let address =
                if itself { format!("localhost:{}", program.facts.port) } else { program.facts.address() };
            let base = plan.base_path(program.facts);
            let metrics_path = (!base.is_empty()).then(|| format!("{base}/metrics"));
            context! { name, address, metrics_path }
        })
        .collect();
    let scraped: Vec<Value> = plan
        .services
        .iter()
        .filter(|service| !matches!(service.targets, Targets::None))
        .map(scrape_job)
        .collect();
    let probed: Vec<Value> = plan.services.iter().filter_map(probe_job).collect();
    let context = context! {
        name => plan.name.as_str(),
        interval => plan.scrape_interval.to_string(),
        programs,
        alertmanager => ALERTMANAGER.address(),
        blackbox => BLACKBOX.address(),
        services => scraped,
        skyserve => plan.skyserve.as_ref().map(skyserve_job),
        machines => plan.machines.iter().map(machine_job).collect::<Vec<_>>(),
        probes => probed,
        extra_rules,
    };
    let text = templates.render(CONFIG, context)?;
    if let Some(own) = templates.own(CONFIG).filter(|_| extra_rules && !text.contains("rules/extra/")) {
        let idle = Diagnostic::error("template-result", "the rules under `extra` would be loaded by nobody");
        let idle = idle.at_file(&own.name, "").help("add `- rules/extra/*.yml` to `rule_files`");
        return Err(idle.into());
    }
    artifacts.add(CONFIG, text);

    let mut targets = |file: &str, addresses: &[HostPort]| -> Result<()> {
        let replicas: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let text = templates.render("prometheus/targets.yml", context! { replicas })?;
        artifacts.add(&format!("prometheus/{file}"), text);
        Ok(())
    };
    for service in &plan.services {
        if let Targets::Static(replicas) = &service.targets {
            targets(&target_file(service), replicas)?;
        }
    }
    for job in plan.machines.iter().filter(|job| !job.targets.is_empty()) {
        targets(&machines_file(job), &job.targets)?;
    }
    if plan.services.iter().any(|service| service.probe.is_some()) {
        artifacts.add("blackbox/blackbox.yml", templates.render("blackbox/blackbox.yml", context! {})?);
    }
    Ok(())
}

/// What SkyServe says of its services, under their names here.
fn skyserve_job(skyserve: &SkyServe) -> Value {
    let names: Vec<Value> =
        skyserve.names.iter().map(|(name, key)| context! { name => regex_literal(name), key }).collect();
    context! { address => EXPORTER.address(), program => EXPORTER.name, names }
}

/// Of the characters that a name may have, only the dot means something in a regular expression.
fn regex_literal(name: &str) -> String {
    name.replace('.', "\\.")
}

fn watches_machines(plan: &Plan, program: &Program) -> bool {
    plan.machines.iter().filter_map(|job| job.local).any(|local| local == program)
}

fn machine_job(job: &MachineJob) -> Value {
    let files = (!job.targets.is_empty()).then(|| vec![machines_file(job)]);
    context! {
        name => format!("stack/{}", job.name),
        files,
        local => job.local.map(|program| context! { address => program.address(), program => program.name, host => DOCKER_HOST }),
    }
}

/// A `+` is in no service's name, so that no two files meet.
fn machines_file(job: &MachineJob) -> String {
    format!("targets/stack+{}.yml", job.name)
}

fn target_file(service: &Service) -> String {
    format!("targets/{}.yml", service.name)
}

fn scrape_job(service: &Service) -> Value {
    let (mut files, mut http, mut dns) = (None, None, None);
    match &service.targets {
        Targets::None => {}
        Targets::Static(_) => files = Some(vec![target_file(service)]),
        Targets::File(path) => files = Some(vec![path.clone()]),
        Targets::Http(url) => http = Some(url.to_string()),
        Targets::SkyServe { name, port } => http = Some(sd_url(name, *port, &service.scrape.path)),
        Targets::Dns(DnsName::Address { name, port }) => {
            dns = Some(context! { name => name.as_str(), port, types => ["A", "AAAA"] });
        }
        Targets::Dns(DnsName::Service { name }) => {
            dns = Some(context! { name => name.as_str(), port => Value::from(()), types => ["SRV"] });
        }
    }
    context! {
        job => service.name.as_str(),
        interval => service.scrape.interval.to_string(),
        path => service.scrape.path.as_str(),
        tls => Value::from(Serde(service.scrape.tls.clone())),
        auth => Value::from(Serde(service.scrape.auth.clone())),
        files,
        http,
        dns,
        on_skyserve => matches!(service.targets, Targets::SkyServe { .. }),
        labels => target_labels(service),
    }
}

/// Where the exporter lists a service's replicas.
fn sd_url(name: &str, port: Option<u16>, path: &str) -> String {
    let mut url = url::Url::parse(&format!("http://{}/sd", EXPORTER.address())).expect("a URL");
    url.query_pairs_mut().append_pair("service", name).append_pair("path", path);
    if let Some(port) = port {
        url.query_pairs_mut().append_pair("port", &port.to_string());
    }
    url.into()
}

fn probe_job(service: &Service) -> Option<Value> {
    let probe = service.probe.as_ref()?;
    Some(context! {
        // A service of that name cannot be: `/` is not in a service's name.
        job => format!("{}/endpoint", service.name),
        interval => probe.interval.to_string(),
        url => probe.url.as_str(),
        labels => target_labels(service),
    })
}

/// Labels that every target of the service gets. A relabelling replacement reads `$` as a reference.
fn target_labels(service: &Service) -> Vec<Value> {
    [("service", service.name.as_str())]
        .into_iter()
        .chain(service.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map(|(name, value)| context! { name, value => value.replace('$', "$$") })
        .collect()
}
