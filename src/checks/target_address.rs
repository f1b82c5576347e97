//! A target that names no service of the stack, or a program that has its metrics at another path. `wrong_port` looks at
//! ports, `metrics_elsewhere` at the paths of engines.

use super::Check;
use super::shared::addresses::{Address, is_nowhere, near_service, route_prefix};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::{Compose, Job, Program, Service, Stack, Target};

pub(super) const CHECK: Check = Check { id: "target-address", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((compose, own)) = stack.service(&prometheus.service) else { continue };
        if own.network_mode.is_some() {
            continue;
        }
        for job in prometheus.jobs.iter().filter(|job| !job.is_redirected()) {
            for target in &job.targets {
                report.extend(fault(stack, compose, own, job, target));
            }
        }
    }
}

fn fault(stack: &Stack, compose: &Compose, own: &Service, job: &Job, target: &Target) -> Option<Diagnostic> {
    let address = Address::parse(&target.address);
    if address.host == "localhost" {
        let port: Option<u16> = address.port.and_then(|port| port.parse().ok());
        let is_itself = port.is_some_and(|port| own.listens().is_some_and(|own| own.contains(&port)));
        return wrong_path(own, job, target).filter(|_| is_itself);
    }
    if !address.is_name() {
        return None;
    }
    if let Some(service) = compose.named(address.host) {
        return wrong_path(service, job, target);
    }
    let port = address.port.map(|port| format!(":{port}")).unwrap_or_default();
    let help = match near_service(stack, compose, own, address.host) {
        Some(near) => format!("write `{near}{port}`"),
        None if is_nowhere(stack, compose, own, address.host) => {
            format!("add a service `{}`, or remove this target", address.host)
        }
        None => return None,
    };
    Some(
        CHECK
            .finding(format!("there is no service `{}`: `{}` scrapes nothing", address.host, job.name))
            .at(target.address.place(), "not in the compose file")
            .help(help),
    )
}

/// A program that has its pages below a path has its metrics there too.
fn wrong_path(service: &Service, job: &Job, target: &Target) -> Option<Diagnostic> {
    let asked = job.metrics_path.trim_end_matches('/');
    let is_known = matches!(service.program, Some(Program::Prometheus | Program::Alertmanager))
        && !service.is_built
        && service.get("entrypoint").is_none();
    if !is_known || asked.ends_with("/federate") || job.moves_path(target) {
        return None;
    }
    let path = format!("{}/metrics", route_prefix(service)?);
    if asked == path {
        return None;
    }
    let at = job.node.get("metrics_path").map_or_else(|| target.address.place(), |node| node.at().place());
    Some(
        CHECK
            .finding(format!("`{}` has its metrics at `{path}`, and `{asked}` is asked", service.name))
            .at(at, "answers 404")
            .help(format!("write `metrics_path: {path}`")),
    )
}
