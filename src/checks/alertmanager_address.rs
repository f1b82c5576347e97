//! An address of Alertmanager that leads to no Alertmanager of the stack.

use super::Check;
use super::shared::addresses::route_prefix;
use crate::diagnostics::{Report, Severity, nearest};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "alertmanager-address", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((compose, service)) = stack.service(&prometheus.service) else { continue };
        if service.network_mode.is_some() {
            continue;
        }
        let targets = prometheus
            .alertmanagers
            .iter()
            .flat_map(|one| one.targets.iter().map(move |target| (one, target)));
        for (section, target) in targets {
            let (host, port) = target.rsplit_once(':').unwrap_or((target.as_str(), ""));
            let (message, help) = match compose.named(host) {
                Some(found) if found.program == Some(Program::Alertmanager) => {
                    let own = found.listens().and_then(|ports| ports.first().copied());
                    let listens = own.unwrap_or(Program::Alertmanager.port()).to_string();
                    if target.contains("${") {
                        continue;
                    }
                    if port == listens {
                        let prefix = route_prefix(found).unwrap_or_default();
                        if section.path_prefix.trim_end_matches('/') == prefix {
                            continue;
                        }
                        let at = section
                            .node
                            .get("path_prefix")
                            .map_or_else(|| target.place(), |node| node.at().place());
                        report.push(
                            CHECK
                                .finding(format!("Alertmanager answers below `{prefix}/`, as its flags say"))
                                .at(at, "alerts are sent to another path")
                                .help(format!("write `path_prefix: {prefix}/`")),
                        );
                        continue;
                    }
                    let why = match found.ports.iter().find(|one| one.published == port) {
                        Some(_) => "that port is the machine's; inside it is another",
                        None => "it does not listen there",
                    };
                    (format!("Alertmanager is not at `{target}`: {why}"), format!("write `{host}:{listens}`"))
                }
                // Something else may stand between.
                Some(_) => continue,
                // A name of the stack has no dot; one elsewhere has, or the machine's own.
                None if host.contains('.')
                    || host.contains(':')
                    || host.contains("${")
                    || host == "localhost" =>
                {
                    continue;
                }
                None => {
                    let names = compose.services.iter().map(|service| service.name.as_str());
                    let alertmanager = compose.running(Program::Alertmanager).next();
                    let near =
                        alertmanager.map(|service| service.name.as_str()).or_else(|| nearest(host, names));
                    let Some(near) = near else { continue };
                    if service.get("external_links").is_some() || service.has_extra_host(host) {
                        continue;
                    }
                    (
                        format!("there is no service `{host}`: no alert reaches Alertmanager"),
                        format!("write `{near}:9093`"),
                    )
                }
            };
            report.push(CHECK.finding(message).at(target.place(), "alerts are sent here").help(help));
        }
    }
}
