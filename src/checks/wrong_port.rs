//! A published port behind which nobody is: the program listens on another one.

use super::Check;
use super::addresses::listens;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "wrong-port", severity: Severity::Error, run };

/// Alertmanager's gossip has a port of its own.
const GOSSIP: u16 = 9094;

fn run(stack: &Stack, report: &mut Report) {
    for (compose, service) in stack.services() {
        // Others may answer in the place of a program whose network they share. What engines listen on is not all known.
        let Some(program) = service.program.filter(|_| !compose.is_network_shared(service)) else { continue };
        let Some(own) = listens(service) else { continue };
        for port in service.ports.iter().filter(|port| port.protocol == "tcp") {
            let Ok(target) = port.target.parse::<u16>() else { continue };
            if target == own || program == Program::Alertmanager && target == GOSSIP {
                continue;
            }
            let published =
                if port.published.is_empty() { String::new() } else { format!("{}:", port.published) };
            report.push(
                CHECK
                    .finding(format!("nothing of `{}` listens on port {target}", service.name))
                    .at(port.at.place(), format!("inside it is {own}"))
                    .help(format!("write `{published}{own}`: the port inside comes last")),
            );
        }
    }
}
