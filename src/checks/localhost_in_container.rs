//! `localhost` in the configuration of a program in a container: that is the container, not the machine.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Compose, Job, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "localhost-in-container", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((compose, service)) = stack.service(&prometheus.service) else { continue };
        let scraped = prometheus.jobs.iter().filter(|job| !job.is_redirected()).flat_map(Job::addresses);
        let alertmanagers = prometheus.alertmanagers.iter().flat_map(|one| &one.targets);
        for address in scraped.chain(alertmanagers) {
            check(compose, service, address, report);
        }
    }
    for datasource in &stack.datasources {
        let Some((compose, service)) = stack.service(&datasource.service) else { continue };
        // `direct` is asked by the browser, whose `localhost` is another.
        let is_direct = datasource
            .node
            .get("access")
            .is_some_and(|node| matches!(node.text(), Some("direct" | "browser")));
        if let Some(url) = datasource.url.as_ref().filter(|_| !is_direct) {
            check(compose, service, url, report);
        }
    }
    for alertmanager in &stack.alertmanagers {
        let Some((compose, service)) = stack.service(&alertmanager.service) else { continue };
        let integrations = alertmanager.receivers.iter().flat_map(|receiver| &receiver.integrations);
        for url in
            integrations.filter_map(|one| one.node.get("url").or_else(|| one.node.get("smarthost"))?.value())
        {
            check(compose, service, &url, report);
        }
    }
}

fn check(compose: &Compose, service: &Service, address: &Spanned<String>, report: &mut Report) {
    let Some(Local { port }) = local(address) else { return };
    let own = service.program.map(Program::port);
    let listens = service.flag("web.listen-address").and_then(|flag| flag.rsplit(':').next()?.parse().ok());
    let is_itself = port.is_none() || port == listens || (listens.is_none() && port == own);
    // Containers may share the network of the machine, or of one another.
    if is_itself || service.network_mode.is_some() || shares_network(compose, service) {
        return;
    }
    let there = compose.services.iter().find(|other| {
        other.program.map(Program::port) == port
            || other.ports.iter().any(|one| one.published.parse().ok() == port)
    });
    let help = match (there, port) {
        (Some(other), Some(port)) => {
            let published = other.ports.iter().find(|one| one.published.parse().ok() == Some(port));
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

/// An address on the loopback, with its port if one is written.
struct Local {
    port: Option<u16>,
}

/// `None` for any other address.
fn local(address: &str) -> Option<Local> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match rest.strip_prefix("[::1]") {
        Some(port) => ("[::1]", port.strip_prefix(':')),
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let is_local = matches!(host, "localhost" | "[::1]" | "0.0.0.0") || host.starts_with("127.");
    is_local.then(|| Local { port: port.and_then(|port| port.parse().ok()) })
}

/// Whether another container lives in the network of this one.
fn shares_network(compose: &Compose, service: &Service) -> bool {
    let mode = format!("service:{}", service.name);
    compose.services.iter().any(|other| other.network_mode.as_ref().is_some_and(|own| own.value == mode))
}
