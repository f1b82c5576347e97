//! An address of Alertmanager that leads to no Alertmanager of the stack, or past the path that it answers below.

use super::Check;
use super::shared::addresses::{Address, is_nowhere, route_prefix};
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::source::Spanned;
use crate::stack::{AlertmanagerTargets, Compose, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "alertmanager-address", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((compose, own)) = stack.service(&prometheus.service) else { continue };
        if own.network_mode.is_some() {
            continue;
        }
        for section in &prometheus.alertmanagers {
            let found =
                section.targets.iter().filter_map(|target| fault(stack, compose, own, section, target));
            report.extend(found);
        }
    }
}

fn fault(
    stack: &Stack,
    compose: &Compose,
    own: &Service,
    section: &AlertmanagerTargets,
    target: &Spanned<String>,
) -> Option<Diagnostic> {
    let address = Address::parse(target);
    // That it is no `host:port` is for `target-not-an-address` to say.
    if address.scheme.is_some() || !address.path.is_empty() || target.contains("${") {
        return None;
    }
    let Some(found) = compose.named(address.host) else {
        return unknown(stack, compose, own, &address, target);
    };
    // Something else may stand between.
    if found.program != Some(Program::Alertmanager) {
        return None;
    }
    let listens = found.listens()?;
    if !listens.iter().any(|port| address.port == Some(port.to_string().as_str())) {
        let is_published = found.ports.iter().any(|one| Some(one.published.as_str()) == address.port);
        let why = if is_published {
            "that port is the machine's; inside it is another"
        } else {
            "it does not listen there"
        };
        return Some(said(
            format!("Alertmanager is not at `{target}`: {why}"),
            target,
            format!("write `{}:{}`", address.host, listens.first()?),
        ));
    }
    let prefix = route_prefix(found)?;
    if section.path_prefix.trim_end_matches('/') == prefix {
        return None;
    }
    let at = section.node.get("path_prefix").map_or_else(|| target.place(), |node| node.at().place());
    Some(
        CHECK
            .finding(format!("Alertmanager answers below `{prefix}/`, as its flags say"))
            .at(at, "alerts are sent to another path")
            .help(format!("write `path_prefix: {prefix}/`")),
    )
}

/// A name that no service has. One elsewhere has a dot.
fn unknown(
    stack: &Stack,
    compose: &Compose,
    own: &Service,
    address: &Address<'_>,
    target: &Spanned<String>,
) -> Option<Diagnostic> {
    let is_elsewhere = own.get("external_links").is_some() || own.has_extra_host(address.host);
    if is_elsewhere || !address.is_name() {
        return None;
    }
    let alertmanager = compose.running(Program::Alertmanager).next().map(|service| service.name.as_str());
    let names = compose.services.iter().map(|service| service.name.as_str());
    let help = match alertmanager.or_else(|| nearest(address.host, names)) {
        Some(near) => format!("write `{near}:{}`", Program::Alertmanager.port()),
        None if is_nowhere(stack, compose, own, address.host) => {
            format!("add a service `{}` that runs Alertmanager, or remove this target", address.host)
        }
        None => return None,
    };
    let message = format!("there is no service `{}`: no alert reaches Alertmanager", address.host);
    Some(said(message, target, help))
}

fn said(message: String, target: &Spanned<String>, help: String) -> Diagnostic {
    CHECK.finding(message).at(target.place(), "alerts are sent here").help(help)
}
