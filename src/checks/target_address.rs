//! A target that names a service of the stack, and nothing answers there: another name, another port, another path.

use super::Check;
use super::addresses::{Address, engine, listens, route_prefix};
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::source::Spanned;
use crate::stack::{Compose, Declared, Job, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "target-address", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((compose, own)) = stack.service(&prometheus.service) else { continue };
        if own.network_mode.is_some() {
            continue;
        }
        for job in prometheus.jobs.iter().filter(|job| !job.is_redirected()) {
            for target in job.addresses() {
                report.extend(fault(stack, compose, own, job, target));
            }
        }
    }
}

fn fault(
    stack: &Stack,
    compose: &Compose,
    own: &Service,
    job: &Job,
    target: &Spanned<String>,
) -> Option<Diagnostic> {
    let address = Address::parse(target);
    if address.host == "localhost" {
        let is_itself = address.port.and_then(|port| port.parse().ok()) == listens(own);
        return wrong_path(own, job, target).filter(|_| is_itself && address.port.is_some());
    }
    if !address.is_name() {
        return None;
    }
    match compose.named(address.host) {
        Some(service) => {
            wrong_port(service, job, &address, target).or_else(|| wrong_path(service, job, target))
        }
        None => {
            let near = near_service(stack, compose, own, address.host)?;
            let port = address.port.map(|port| format!(":{port}")).unwrap_or_default();
            Some(
                CHECK
                    .finding(format!(
                        "there is no service `{}`: `{}` scrapes nothing",
                        address.host, job.name
                    ))
                    .at(target.place(), "not in the compose file")
                    .help(format!("write `{near}{port}`")),
            )
        }
    }
}

/// The service whose name was meant, where the name can be nobody else's.
pub(super) fn near_service<'c>(
    stack: &Stack,
    compose: &'c Compose,
    own: &Service,
    host: &str,
) -> Option<&'c str> {
    let is_elsewhere = own.get("external_links").is_some()
        || own.extra_hosts.iter().any(|one| one.starts_with(host))
        || compose.networks.iter().any(Declared::is_external)
        || stack.composes.iter().any(|other| other.named(host).is_some());
    let names = compose.services.iter().map(|service| service.name.as_str());
    // `project-service-1` is a name of a service too, and `gpu1` may be a machine beside a service `gpu`.
    let is_part = |near: &str| host.contains(near) || near.contains(host);
    nearest(host, names).filter(|near| !is_elsewhere && !is_part(near))
}

fn wrong_port(
    service: &Service,
    job: &Job,
    address: &Address<'_>,
    target: &Spanned<String>,
) -> Option<Diagnostic> {
    let (message, port) = closed_port(service, address, &job.scheme)?;
    Some(
        CHECK
            .finding(message)
            .at(target.place(), "nothing answers there")
            .help(format!("write `{}:{port}`", address.host)),
    )
}

/// Why nothing answers at the port of a service, and which port is meant.
pub(super) fn closed_port(
    service: &Service,
    address: &Address<'_>,
    scheme: &str,
) -> Option<(String, String)> {
    let port = address.port.unwrap_or(if scheme == "https" { "443" } else { "80" });
    let asked: u16 = port.parse().ok()?;
    let name = &service.name;
    let is_machines = service.ports.iter().find(|one| one.published == port && one.target != port);
    let is_inside = service.ports.iter().any(|one| one.target == port) || is_exposed(service, port);
    if let Some(listens) = listens(service) {
        // Of an engine somebody may know better: then the port is named for others, too.
        let is_sure = listens != asked && (engine(service).is_none() || !is_inside);
        let why = match (is_machines, address.port) {
            (_, None) => format!("without a port it is {asked} that is asked, and it listens at {listens}"),
            (Some(_), _) => format!("{port} is the machine's port; inside it is {listens}"),
            _ => format!("it listens at {listens}"),
        };
        return is_sure
            .then(|| (format!("`{name}` does not answer at `{asked}`: {why}"), listens.to_string()));
    }
    let published = is_machines.filter(|_| !is_inside && service.network_mode.is_none())?;
    let inside = &published.target;
    Some((
        format!("`{name}` is not at `{port}`: that is the machine's port, inside it is {inside}"),
        inside.clone(),
    ))
}

fn is_exposed(service: &Service, port: &str) -> bool {
    let exposed = service.get("expose").map(|node| node.texts()).unwrap_or_default();
    exposed.iter().any(|one| one.split('/').next() == Some(port))
}

/// A program that has its pages below a path has its metrics there too; an engine has one place for them.
fn wrong_path(service: &Service, job: &Job, target: &Spanned<String>) -> Option<Diagnostic> {
    let asked = job.metrics_path.trim_end_matches('/');
    if sets_path(job, target) {
        return None;
    }
    let path = if let Some(engine) = engine(service).filter(|_| !service.is_built) {
        // Versions of the others differ, or a flag moves the path.
        let is_known = ["vllm", "sglang", "tgi", "tei", "llamacpp", "triton", "lmdeploy", "ollama"]
            .contains(&engine.name.as_str());
        let moves = ["--root-path", "--api-prefix", "--middleware"];
        if !is_known || super::addresses::option(service, &moves).is_some() || listens(service).is_none() {
            return None;
        }
        let Some(path) = &engine.metrics_path else {
            return Some(
                CHECK
                    .finding(format!(
                        "{} has no metrics: `{}` finds nothing at `{target}`",
                        engine.title, job.name
                    ))
                    .at(target.place(), "an engine without metrics")
                    .help("remove the job; the blackbox exporter can ask whether the engine answers"),
            );
        };
        path.as_str().to_owned()
    } else if matches!(service.program, Some(Program::Prometheus | Program::Alertmanager)) {
        let prefix = route_prefix(service)?;
        if asked.ends_with("/federate") || service.is_built || service.get("entrypoint").is_some() {
            return None;
        }
        format!("{prefix}/metrics")
    } else {
        return None;
    };
    if asked == path {
        return None;
    }
    let at = job.node.get("metrics_path").map_or_else(|| target.place(), |node| node.at().place());
    Some(
        CHECK
            .finding(format!("`{}` has its metrics at `{path}`, and `{asked}` is asked", service.name))
            .at(at, "answers 404")
            .help(format!("write `metrics_path: {path}`")),
    )
}

/// Whether a label or a relabeling gives a target another path.
fn sets_path(job: &Job, target: &Spanned<String>) -> bool {
    let by_label = job
        .targets
        .iter()
        .filter(|one| one.address.at.range == target.at.range)
        .any(|one| one.labels.iter().any(|(name, _)| name.value == "__metrics_path__"));
    by_label || job.relabels("__metrics_path__")
}
