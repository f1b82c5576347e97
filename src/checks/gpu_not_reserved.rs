//! The DCGM exporter in a container that is given no GPU.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "gpu-not-reserved", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for service in stack.running(Program::DcgmExporter).filter(|service| !has_gpu(service)) {
        report.push(
            CHECK
                .finding(format!("`{}` is given no GPU: it finds none, and ends", service.name))
                .at(service.name.place(), "none reserved, and no `runtime: nvidia`")
                .help("add `deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}`"),
        );
    }
}

/// Whether it gets one in any of the ways there are, or asks an engine of DCGM elsewhere.
fn has_gpu(service: &Service) -> bool {
    let reserved =
        service.get("deploy").and_then(|node| node.find(&["resources", "reservations", "devices"]));
    let given = ["runtime", "gpus", "devices", "device_requests", "privileged"];
    let is_remote = service.variable("DCGM_REMOTE_HOSTENGINE_INFO").is_some()
        || service
            .words
            .iter()
            .any(|word| word.value == "-r" || word.starts_with("--remote-hostengine-info"));
    reserved.is_some() || is_remote || given.iter().any(|key| service.get(key).is_some())
}
