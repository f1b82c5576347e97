//! `localhost` in the configuration of a program in a container: that is the container, not the machine.

use super::Check;
use super::shared::joins::{Join, joins};
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "localhost-in-container", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for join in joins(stack).into_iter().filter(|join| is_local(&join.host)) {
        check(&join, report);
    }
}

fn check(join: &Join<'_>, report: &mut Report) {
    let Join { compose, service, address, port, .. } = join;
    let own = service.listens().or_else(|| Some(vec![service.program.map(Program::port)?]));
    let is_itself = port.is_none_or(|port| own.is_some_and(|own| own.contains(&port)));
    // Containers may share the network of the machine, or of one another.
    if is_itself || compose.is_network_shared(service) {
        return;
    }
    let there = compose.services.iter().find(|other| {
        other.program.map(Program::port) == *port
            || other.ports.iter().any(|one| one.published.parse().ok() == *port)
    });
    let help = match (there, port) {
        (Some(other), Some(port)) => {
            let published = other.ports.iter().find(|one| one.published.parse().ok() == Some(*port));
            let target = published.map_or(port.to_string(), |one| one.target.clone());
            let scheme = address.split_once("://").map_or(String::new(), |(scheme, _)| format!("{scheme}://"));
            format!("name the service: `{scheme}{}:{target}`", other.name)
        }
        _ => "for a program on the machine itself write `host.docker.internal`, with `extra_hosts: [host.docker.internal:host-gateway]`".to_owned(),
    };
    report.push(
        CHECK
            .finding(format!(
                "`{address}` is the container of `{}` itself: nothing else listens there",
                service.name
            ))
            .at(address.place(), "not the machine that runs it")
            .help(help),
    );
}

/// Whether a host is on the loopback.
fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "::1" | "0.0.0.0") || host.starts_with("127.")
}
