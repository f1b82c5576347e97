//! A program in a container that does not know by which address people reach it, or is told one of this machine at which
//! nothing of the project answers: the links in notifications do not lead to it.

use super::Check;
use super::shared::addresses::Address;
use super::shared::words;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::Spanned;
use crate::stack::{Compose, Port, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "links-not-reachable", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        report.extend(compose.running_any().filter_map(|service| answered_by_nobody(compose, service)));
    }
    if stack.integrations().next().is_none() {
        return;
    }
    let unknown: Vec<&Service> = [Program::Prometheus, Program::Alertmanager]
        .into_iter()
        .flat_map(|program| stack.running(program))
        .filter(|service| !knows_its_address(service))
        .collect();
    let Some((first, rest)) = unknown.split_first() else { return };
    let names = words::list(unknown.iter().map(|service| service.name.as_str()));
    let finding = CHECK
        .finding(format!("links to {names} in notifications have the id of a container for a host"))
        .at(first.name.place(), "does not know its own address")
        .help("add `--web.external-url=http://<where people reach it>` to its `command:`, after what the image has there");
    report.push(
        rest.iter().fold(finding, |finding, service| finding.at(service.name.place(), "nor does this one")),
    );
}

fn knows_its_address(service: &Service) -> bool {
    // A name of its own may be one that people reach, and a script may add the flag.
    service.flag("web.external-url").is_some()
        || service.get("hostname").is_some()
        || service.is_on_host_network()
        || service.is_built
        || service.get("entrypoint").is_some()
}

/// An address of this machine, with a port that nothing of the project takes there.
fn answered_by_nobody(compose: &Compose, service: &Service) -> Option<Diagnostic> {
    let url = address_of_its_own(service).filter(|url| !url.contains(['$', '%', '{', '<']))?;
    let address = Address::parse(&url);
    let is_here = ["localhost", "127.0.0.1", "::1", "0.0.0.0"].contains(&address.host);
    let port = match (address.port, address.scheme?) {
        (Some(port), _) => port.parse().ok()?,
        (None, "https") => 443,
        (None, _) => 80,
    };
    // What another file, or a container in a network of its own kind, has is not known.
    let is_known = compose.is_whole && compose.services.iter().all(|one| one.network_mode.is_none());
    // That a port is another one after each start is for `port-not-fixed` to say.
    let is_fixed = service.ports.iter().all(|one| !one.published.is_empty());
    if !is_here || !is_known || !is_fixed || may_be_taken(compose, port) {
        return None;
    }
    let own = service.listens().and_then(|own| own.first().copied());
    let published = service.ports.iter().find(|one| own.is_some_and(|own| one.target == own.to_string()));
    let help = match (published.and_then(Port::taken), own) {
        (Some((port, _)), _) => {
            // The path is part of where the program answers: without it, its own pages move.
            let (scheme, path) = (address.scheme?, address.path);
            format!("write `{scheme}://{}:{port}{path}/`, where it is published", address.host)
        }
        (None, Some(own)) => format!("publish it: `ports: [\"127.0.0.1:{port}:{own}\"]`"),
        (None, None) => "write the address at which people reach it".to_owned(),
    };
    let message =
        format!("nothing of this project is at port {port}, where links to `{}` lead", service.name);
    Some(
        Diagnostic::new(CHECK.id, Severity::Warning, message)
            .at(url.place(), "its own address, as it is told")
            .help(help),
    )
}

fn address_of_its_own(service: &Service) -> Option<Spanned<String>> {
    match service.program? {
        Program::Prometheus | Program::Alertmanager => service.flag("web.external-url"),
        Program::Grafana => service.set("GF_SERVER_ROOT_URL").cloned(),
        _ => None,
    }
}

/// Whether some service takes this port of the machine. One that is not known may be it.
fn may_be_taken(compose: &Compose, port: u16) -> bool {
    let takes = |one: &Port| match one.taken() {
        Some((first, last)) => (first..=last).contains(&port),
        None => !one.published.is_empty(),
    };
    compose.services.iter().flat_map(|service| &service.ports).any(takes)
}
