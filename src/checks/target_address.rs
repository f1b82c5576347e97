//! A target that names no service of the stack, or one that has its metrics at another path. `wrong_port` looks at ports.

use super::Check;
use super::shared::addresses::{Address, near_service, route_prefix};
use super::shared::serving::{engine, engine_port, option};
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
    let near = near_service(stack, compose, own, address.host)?;
    let port = address.port.map(|port| format!(":{port}")).unwrap_or_default();
    Some(
        CHECK
            .finding(format!("there is no service `{}`: `{}` scrapes nothing", address.host, job.name))
            .at(target.address.place(), "not in the compose file")
            .help(format!("write `{near}{port}`")),
    )
}

/// A program that has its pages below a path has its metrics there too; an engine has one place for them.
fn wrong_path(service: &Service, job: &Job, target: &Target) -> Option<Diagnostic> {
    let asked = job.metrics_path.trim_end_matches('/');
    if sets_path(job, target) {
        return None;
    }
    let path = if let Some(engine) = engine(service).filter(|_| !service.is_built) {
        // Versions of the others differ, or a flag moves the path.
        let is_known = ["vllm", "sglang", "tgi", "tei", "llamacpp", "triton", "lmdeploy", "ollama"]
            .contains(&engine.name.as_str());
        let moves = ["--root-path", "--api-prefix", "--middleware"];
        if !is_known || option(service, &moves).is_some() || engine_port(service).is_none() {
            return None;
        }
        let Some(path) = &engine.metrics_path else {
            return Some(
                CHECK
                    .finding(format!(
                        "{} has no metrics: `{}` finds nothing at `{}`",
                        engine.title, job.name, target.address
                    ))
                    .at(target.address.place(), "an engine without metrics")
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
    let at = job.node.get("metrics_path").map_or_else(|| target.address.place(), |node| node.at().place());
    Some(
        CHECK
            .finding(format!("`{}` has its metrics at `{path}`, and `{asked}` is asked", service.name))
            .at(at, "answers 404")
            .help(format!("write `metrics_path: {path}`")),
    )
}

/// Whether a label or a relabeling gives a target another path.
fn sets_path(job: &Job, target: &Target) -> bool {
    target.labels.iter().any(|(name, _)| name.value == "__metrics_path__") || job.relabels("__metrics_path__")
}
