//! A program in a container that does not know by which address people reach it: the links in notifications lead nowhere.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "links-not-reachable", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    if stack.integrations().next().is_none() {
        return;
    }
    let programs = [(Program::Prometheus, 9090), (Program::Alertmanager, 9093)];
    for (program, port) in programs {
        for service in stack.running(program) {
            // A name of its own may be one that people reach.
            let has_name = service.get("hostname").is_some() || service.is_on_host_network();
            let is_known = !service.is_built && service.get("entrypoint").is_none();
            if !is_known || has_name || service.flag("web.external-url").is_some() {
                continue;
            }
            report.push(
                CHECK
                    .finding(format!(
                        "links to {} in notifications have the container's id for a host",
                        program.name()
                    ))
                    .at(service.name.place(), "does not know its own address")
                    .help(format!(
                        "add `--web.external-url=http://<where you reach it>:{port}` to its `command:`, after what stands there"
                    )),
            );
        }
    }
}
