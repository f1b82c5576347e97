//! A file that a configuration names by a path to which nothing is mounted: it is read when it is needed, and is not there.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::{Node, Spanned};
use crate::stack::{Service, ServiceName, Stack};

pub(super) const CHECK: Check = Check { id: "secret-not-mounted", severity: Severity::Error, run };

/// What the images have themselves, or the machine gives to each container.
const OWN: [&str; 6] = ["/dev/", "/etc/hostname", "/etc/pki/", "/etc/ssl/", "/proc/", "/usr/"];

fn run(stack: &Stack, report: &mut Report) {
    let prometheus = stack.prometheuses.iter().map(|one| (&one.root, &one.service));
    let alertmanager = stack.alertmanagers.iter().map(|one| (&one.root, &one.service));
    for (root, service) in prometheus.chain(alertmanager) {
        if let Some(service) = known(stack, service) {
            search(root, service, 0, report);
        }
    }
}

/// The service, where all its mounts are known.
fn known<'s>(stack: &'s Stack, name: &ServiceName) -> Option<&'s Service> {
    let (_, service) = stack.service(name)?;
    let extends = service.get("extends").is_some_and(|node| node.get("file").is_some());
    let is_known = !service.is_built
        && !extends
        && service.get("volumes_from").is_none()
        && service.get("entrypoint").is_none();
    is_known.then_some(service)
}

fn search(node: &Node, service: &Service, depth: usize, report: &mut Report) {
    if depth > 16 {
        return;
    }
    for (key, value) in node.entries() {
        if key.ends_with("_file")
            && let Some(path) = value.value()
        {
            check(&path, service, report);
        }
        search(&value, service, depth + 1, report);
    }
    for item in node.items() {
        search(&item, service, depth + 1, report);
    }
}

fn check(path: &Spanned<String>, service: &Service, report: &mut Report) {
    let is_plain = path.starts_with('/') && !path.contains(['$', '{']);
    if !is_plain || OWN.iter().any(|own| path.starts_with(own)) || service.mount(path).is_some() {
        return;
    }
    report.push(
        CHECK
            .finding(format!("`{path}` is not there in the container of `{}`", service.name))
            .at(path.place(), "nothing is mounted there")
            .at(service.name.place(), "the service that reads it")
            .help(match path.strip_prefix("/run/secrets/") {
                Some(name) if !name.contains('/') => format!(
                    "add `secrets: [{name}]` to the service, and `{name}: {{file: ./secrets/{name}}}` to `secrets:` at the top"
                ),
                _ => "mount the file or its folder, or write the path that it has inside".to_owned(),
            }),
    );
}
