//! An address with a port on which that program does not listen, and a published port behind which nobody is.

use super::Check;
use super::joins::joins;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Compose, Service, Stack};

pub(super) const CHECK: Check = Check { id: "wrong-port", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for join in joins(stack) {
        // Where alerts go is looked at by a check of its own.
        let Some(other) = join.other().filter(|_| !join.is_alertmanager) else { continue };
        let (Some(port), Some(own)) = (join.port, ports(join.compose, other)) else { continue };
        if own.contains(&port) {
            continue;
        }
        let is_published = other.ports.iter().any(|one| one.published.parse() == Ok(port));
        let why = if is_published {
            "that port is the machine's; inside it is another"
        } else {
            "nobody listens there"
        };
        report.push(
            CHECK
                .finding(format!("`{}` does not answer at port {port}: it listens on {}", join.host, own[0]))
                .at(join.address.place(), why)
                .help(format!("write `{}:{}`", join.host, own[0])),
        );
    }
    for (compose, service) in stack.services() {
        let Some(own) = ports(compose, service) else { continue };
        for port in &service.ports {
            let Ok(target) = port.target.parse::<u16>() else { continue };
            // Alertmanager's gossip has a port of its own.
            if own.contains(&target) || target == 9094 || port.protocol != "tcp" {
                continue;
            }
            let published =
                if port.published.is_empty() { String::new() } else { format!("{}:", port.published) };
            report.push(
                CHECK
                    .finding(format!("nothing of `{}` listens on port {target}", service.name))
                    .at(port.at.place(), format!("inside it is {}", own[0]))
                    .help(format!("write `{published}{}`: the port inside comes last", own[0])),
            );
        }
    }
}

/// Where a program listens; `None` where others may answer in its place.
fn ports(compose: &Compose, service: &Service) -> Option<Vec<u16>> {
    if compose.is_network_shared(service) {
        None
    } else {
        service.listens().filter(|ports| !ports.is_empty())
    }
}
