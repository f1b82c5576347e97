//! An address with a port on which that program does not listen, and a published port behind which nobody is.

use super::Check;
use super::shared::engines::{engine, metrics_port};
use super::shared::joins::joins;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Compose, Service, Stack};

pub(super) const CHECK: Check = Check { id: "wrong-port", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for join in joins(stack) {
        // Where alerts go is looked at by a check of its own.
        let Some(other) = join.other().filter(|_| !join.is_alertmanager) else { continue };
        let own = ports(join.compose, other).or_else(|| guessed(stack, join.compose, other, join.port?));
        let (Some(port), Some(own)) = (join.port, own) else { continue };
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

/// Where an engine, or a program that is not known, most likely listens: unless somebody says that it also does at this port.
fn guessed(stack: &Stack, compose: &Compose, service: &Service, port: u16) -> Option<Vec<u16>> {
    let is_it = |text: &str| text.split('/').next().and_then(|text| text.parse().ok()) == Some(port);
    let exposed = service.get("expose").map(|node| node.texts()).unwrap_or_default();
    let is_said = service.ports.iter().any(|one| is_it(&one.target)) || exposed.iter().any(|one| is_it(one));
    if is_said || compose.is_network_shared(service) || service.program.is_some() {
        return None;
    }
    let published = service.ports.iter().find(|one| one.published.parse() == Ok(port));
    let engine = engine(stack, service);
    // One that has its metrics at a port of their own answers elsewhere too.
    if engine.is_some_and(|engine| engine.ready_port.is_some()) {
        return None;
    }
    let own = engine.and_then(|engine| metrics_port(engine, service));
    let inside = own.or_else(|| published?.target.parse().ok())?;
    Some(vec![inside])
}
