//! Grafana's provisioning, mounted elsewhere or not at all: it starts without, and says nothing.

use super::{CHECK, starts_as_known};
use crate::checks::shared::prepared::is_prepared;
use crate::diagnostics::Diagnostic;
use crate::stack::{Compose, Kind, Origin, Service, Stack, join};

const PROVISIONED: [&str; 5] = ["access-control", "alerting", "dashboards", "datasources", "plugins"];

pub(crate) fn fault(stack: &Stack, compose: &Compose, grafana: &Service) -> Option<Diagnostic> {
    // A command may say `cfg:default.paths.provisioning`.
    if !starts_as_known(grafana) || grafana.get("command").is_some() || grafana.has_unread_variables {
        return None;
    }
    // A configuration of its own may name another folder.
    let ini =
        grafana.mount("/etc/grafana/grafana.ini").is_some_and(|one| one.target.starts_with("/etc/grafana"));
    if ini || grafana.variable("GF_PATHS_CONFIG").is_some() {
        return None;
    }
    let path = folder(grafana);
    let below = format!("{path}/");
    if path.contains('$') || grafana.mounts.iter().any(|mount| mount.target.starts_with(&below)) {
        return None;
    }
    // A mount without a source is told of already.
    let written = grafana.get("volumes").map(|node| node.items()).unwrap_or_default();
    if written.iter().any(|one| one.get("source").is_none() && one.get("target").is_some()) {
        return None;
    }
    let holds = |host: &str| {
        PROVISIONED
            .iter()
            .any(|folder| join(host, folder).is_some_and(|below| stack.folder.kind(&below) == Kind::Folder))
    };
    let here = grafana.mount(path);
    // What another service writes there is not known.
    if here.is_some_and(|mount| is_prepared(compose, grafana, &mount.origin)) {
        return None;
    }
    let is_empty = match here.and_then(|mount| mount.origin_of(path)) {
        None | Some(Origin::Volume(Some(_)) | Origin::Memory) => true,
        Some(Origin::Host(host)) => stack.folder.kind(&host) == Kind::Folder && !holds(&host),
        Some(_) => false,
    };
    let other = grafana.mounts.iter().find(|mount| match &mount.origin {
        Origin::Host(host) => mount.target != path && provisions(stack, host),
        _ => false,
    });
    let finding = |message: String| {
        CHECK.finding(message).at(here.map_or(grafana.name.place(), |mount| mount.at.place()), "")
    };
    if let Some(other) = other.filter(|_| is_empty) {
        return Some(
            finding(format!(
                "Grafana is provisioned with nothing: what is for it is mounted at `{}`",
                other.target
            ))
            .at(other.at.place(), "mounted here instead")
            .help(format!("mount it at `{path}`")),
        );
    }
    let lost = stack.datasources.iter().find(|datasource| datasource.service.is_none())?;
    if here.is_some() || !compose.is_whole || stack.composes.len() > 1 {
        return None;
    }
    let file = lost.node.document().name();
    Some(
        finding(format!("Grafana does not know the datasources of `{file}`: nothing is mounted at `{path}`"))
            .help(format!("mount the folder of your provisioning at `{path}`")),
    )
}

/// Where it looks for its provisioning.
pub(crate) fn folder(grafana: &Service) -> &str {
    let said = grafana.set("GF_PATHS_PROVISIONING");
    said.map_or("/etc/grafana/provisioning", |path| path.trim_end_matches('/'))
}

/// Whether a folder is made as Grafana wants its provisioning.
fn provisions(stack: &Stack, host: &str) -> bool {
    ["dashboards", "datasources"].iter().any(|folder| {
        let Some(folder) = join(host, folder) else { return false };
        stack
            .folder
            .files_in(&folder, false)
            .iter()
            .any(|file| file.ends_with(".yml") || file.ends_with(".yaml"))
    })
}
