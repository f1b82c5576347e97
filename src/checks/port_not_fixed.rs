//! A page for people that is at another port of the machine after each start.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "port-not-fixed", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for program in [Program::Prometheus, Program::Alertmanager, Program::Grafana] {
        for service in stack.running(program) {
            // Of several containers only one can have a port of the machine.
            let is_one = ["scale", "deploy"].iter().all(|key| service.get(key).is_none());
            let Some(page) = service.listens().filter(|_| is_one).and_then(|ports| ports.first().copied())
            else {
                continue;
            };
            let is_page = |target: &str| target.parse() == Ok(page);
            // The same port may be published twice.
            if service.ports.iter().any(|port| is_page(&port.target) && !port.published.is_empty()) {
                continue;
            }
            let Some(port) = service.ports.iter().find(|port| is_page(&port.target)) else { continue };
            report.push(
                CHECK
                    .finding(format!("{} is at another port of the machine after each start", program.name()))
                    .at(port.at.place(), format!("only the port inside is said: {page}"))
                    .help(format!("write `\"127.0.0.1:{page}:{page}\"`, or `published: \"{page}\"`")),
            );
        }
    }
}
