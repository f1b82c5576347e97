//! The programs of the stack: which are needed, from which image, on which port.

use std::collections::BTreeMap;

use super::alerts::bad_value;
use super::{Door, Published, RunningProgram};
use crate::catalog::programs::{
    ALERTMANAGER, BLACKBOX, CADVISOR, DCGM, EXPORTER, GATE, GATE_PORT, GRAFANA, NODE, PROMETHEUS, Program,
};
use crate::config::Config;
use crate::diagnostics::{Diagnostic, Report};
use crate::mounts::{FileKind, Secret, SecretSource};
use crate::source::ConfigPath;
use crate::values::{BindAddress, Line, Port};

/// The programs that this stack needs.
pub(super) fn resolve(
    config: &Config,
    probes: bool,
    door: Option<&Door>,
    report: &mut Report,
) -> Vec<RunningProgram> {
    let (images, ports) = (&config.images, &config.ports);
    let mut programs = vec![
        (&PROMETHEUS, &images.prometheus, ports.prometheus),
        (&ALERTMANAGER, &images.alertmanager, ports.alertmanager),
        (&GRAFANA, &images.grafana, ports.grafana),
    ];
    if probes {
        programs.push((&BLACKBOX, &images.blackbox, None));
    }
    if config.skyserve.is_some() {
        programs.push((&EXPORTER, &images.exporter, None));
    }
    if config.access.is_some() {
        programs.push((&GATE, &images.gate, None));
    }
    let local = &config.local;
    let exporters = [
        (local.host, &NODE, &images.node),
        (local.containers, &CADVISOR, &images.cadvisor),
        (local.gpus, &DCGM, &images.dcgm),
    ];
    for (wanted, program, image) in exporters {
        if wanted == Some(true) {
            programs.push((program, image, None));
        }
    }
    let published = |facts: &Program, port: Option<Port>| match door {
        Some(door) if facts.name == GATE.name => {
            Some(Published { bind: door.bind, port: door.port, target: GATE_PORT })
        }
        None if facts.pages => Some(Published {
            bind: BindAddress::LOOPBACK,
            port: port.map_or(facts.port, Port::get),
            target: facts.port,
        }),
        _ => None,
    };
    let programs: Vec<RunningProgram> = programs
        .into_iter()
        .map(|(facts, image, port)| RunningProgram {
            facts,
            image: resolve_image(facts, image.as_ref(), images.registry.as_ref(), report),
            published: published(facts, port),
        })
        .collect();
    check_ports(&programs, report);
    programs
}

fn resolve_image(
    program: &Program,
    image: Option<&Line>,
    registry: Option<&Line>,
    report: &mut Report,
) -> String {
    let at = ConfigPath::root().key("images");
    let image = match image {
        None => format!("{}:{}", program.image, program.tag),
        Some(image) => {
            let name = image.as_str().rsplit('/').next().unwrap_or_default();
            let pinned = image.as_str().contains("@sha256:")
                || name.split_once(':').is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest");
            if !pinned {
                report.push(bad_value(
                    at.key(program.name),
                    &format!(
                        "`{}` names no version: it would change by accident\nwrite `{}:{}`",
                        image.as_str(),
                        program.image,
                        program.tag
                    ),
                ));
            }
            check_reference(&at.key(program.name), image, report);
            image.as_str().to_owned()
        }
    };
    match registry {
        None => image,
        Some(registry) => {
            check_reference(&at.key("registry"), registry, report);
            format!("{}/{image}", registry.as_str().trim_end_matches('/'))
        }
    }
}

/// `mirror.example.com:5000/prom/prometheus:v3.5.3`, whole or a part of it.
fn check_reference(at: &ConfigPath, reference: &Line, report: &mut Report) {
    let text = reference.as_str();
    if let Some((_, bare)) = text.split_once("://") {
        report.push(bad_value(
            at.clone(),
            &format!("an image has no scheme\nwrite `{}`", bare.trim_end_matches('/')),
        ));
        return;
    }
    let (path, digest) = text.split_once('@').map_or((text, None), |(path, digest)| (path, Some(digest)));
    let part_ok = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b))
    };
    let digest_ok = digest.is_none_or(|digest| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    if !path.trim_end_matches('/').split('/').all(part_ok) || !digest_ok {
        report.push(bad_value(
            at.clone(),
            &format!("`{text}` is not an image reference\nwrite `mirror.example.com/prom/prometheus:v3.5.3`"),
        ));
    }
}

fn check_ports(programs: &[RunningProgram], report: &mut Report) {
    let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
    for program in programs {
        let Some(Published { port, .. }) = program.published else { continue };
        if let Some(other) = taken.insert(port, program.facts.name) {
            let at = ConfigPath::root().key("ports");
            report.push(
                Diagnostic::error(
                    "port-taken",
                    format!("`{other}` and `{}` are both published on port {port}", program.facts.name),
                )
                .at_value(at.key(program.facts.name), "the second")
                .at_value(at.key(other), "the first")
                .help("give each a port of its own"),
            );
        }
    }
}

/// Grafana's first administrator; `init` makes the file.
pub(super) fn grafana_password() -> Secret {
    Secret {
        name: "grafana_admin_password".to_owned(),
        source: SecretSource::File(GRAFANA_PASSWORD_FILE.parse().expect("a path")),
        kind: FileKind::Secret,
        program: GRAFANA.name,
        at: None,
    }
}

/// Beside the config, like all secrets.
pub const GRAFANA_PASSWORD_FILE: &str = "secrets/grafana_admin_password";
