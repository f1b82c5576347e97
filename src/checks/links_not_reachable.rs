//! A program in a container that does not know by which address people reach it: the links in notifications lead nowhere.

use super::Check;
use super::shared::words;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "links-not-reachable", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
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
