//! A name that a service uses and that stands nowhere: a volume, a network, a secret, a config, another service.

use super::Check;
use super::shared::words;
use crate::diagnostics::{Report, Severity, nearest};
use crate::source::Spanned;
use crate::stack::{Compose, Declared, Origin, Service, Stack};

pub(super) const CHECK: Check = Check { id: "not-declared", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        // What is missing may be declared in a file that is not there, or is elsewhere.
        if compose.missing.iter().any(|one| one.key != "env_file") {
            continue;
        }
        for service in &compose.services {
            check(compose, service, report);
        }
    }
}

fn check(compose: &Compose, service: &Service, report: &mut Report) {
    let mut found = Vec::new();
    for mount in service.mounts.iter().filter(|mount| !mount.is_secret) {
        if let Origin::Volume(Some(name)) = &mount.origin {
            found.push(("volumes", Spanned::new(name.clone(), mount.at.clone()), &compose.volumes));
        }
    }
    found.extend(service.networks.iter().map(|name| ("networks", name.clone(), &compose.networks)));
    found.extend(service.secrets.iter().map(|name| ("secrets", name.clone(), &compose.secrets)));
    found.extend(service.configs.iter().map(|name| ("configs", name.clone(), &compose.configs)));
    for (section, name, declared) in found {
        // Always there, by this name.
        let is_default = section == "networks" && name.value == "default";
        if is_default || name.contains('$') || declared.iter().any(|one| one.name.value == name.value) {
            continue;
        }
        let kind = section.trim_end_matches('s');
        let near = nearest(&name, declared.iter().map(|one: &Declared| one.name.as_str()));
        if near.is_none() && !compose.is_whole {
            continue;
        }
        let help = match (near, section) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, "volumes") if name.contains('/') => format!("for a folder write `./{name}`"),
            (None, "secrets" | "configs") => format!("add to `{section}:` at the top `{name}: {{file: …}}`"),
            (None, _) => format!("add to `{section}:` at the top `{name}: {{}}`"),
        };
        report.push(
            CHECK
                .finding(format!("there is no {kind} `{name}`: compose refuses the whole file"))
                .at(name.place(), format!("not in `{section}:` at the top"))
                .help(help),
        );
    }
    for one in service.depends_on.iter().filter(|one| !one.is_optional) {
        let name = &one.service;
        if compose.service(name).is_some() || name.contains('$') {
            continue;
        }
        let services = || compose.services.iter().map(|service| service.name.as_str());
        let near = nearest(name, services());
        if near.is_none() && !compose.is_whole {
            continue;
        }
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", words::list(services())),
        };
        report.push(
            CHECK
                .finding(format!("there is no service `{name}`: compose refuses the whole file"))
                .at(name.place(), format!("`{}` waits for it", service.name))
                .help(help),
        );
    }
}
