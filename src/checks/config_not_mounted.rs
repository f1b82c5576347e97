//! A program that runs the configuration of its image, because the one that was written is mounted elsewhere, or not at all.

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::{Compose, Kind, Mount, Origin, Program, Service, Stack, join};

pub(super) const CHECK: Check = Check { id: "config-not-mounted", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        report.extend(
            compose.running(Program::Grafana).filter_map(|grafana| of_grafana(stack, compose, grafana)),
        );
    }
    for program in [Program::Prometheus, Program::Alertmanager, Program::Blackbox] {
        for service in stack.running(program) {
            // Another start may write the file first.
            if !service.is_upstream() || service.get("entrypoint").is_some() {
                continue;
            }
            let flag = service.flag("config.file").filter(|path| path.starts_with('/'));
            let Some(path) =
                flag.as_ref().map(|flag| flag.value.clone()).or_else(|| program.config().map(str::to_owned))
            else {
                continue;
            };
            let is_bitnami = service.image.as_ref().is_some_and(|image| image.repository.contains("bitnami"));
            if is_bitnami {
                continue;
            }
            if let Some(mount) = service.mount(&path) {
                let found = elsewhere(stack, service, program.name(), mount, &path);
                report.extend(found.or_else(|| of_another_name(stack, program, mount, &path)));
                continue;
            }
            let own = program.config() == Some(path.as_str());
            // The modules that the blackbox exporter brings are of use as they are.
            if own && program == Program::Blackbox {
                continue;
            }
            let message = if own {
                format!("{} runs the configuration of its image: none is mounted at `{path}`", program.name())
            } else {
                format!("{} cannot start: nothing is mounted at `{path}`", program.name())
            };
            let mut finding = CHECK.finding(message).at(service.name.place(), "");
            if let Some(flag) = flag {
                finding = finding.at(flag.place(), "what it is told to read");
            }
            for mount in
                service.mounts.iter().filter(|mount| mount.target.ends_with(".yml") && !mount.is_secret)
            {
                finding = finding.at(mount.at.place(), "mounted here instead");
            }
            let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
            report.push(finding.help(format!("mount the folder of your configuration at `{folder}`")));
        }
    }
}

/// What is mounted where the configuration is read has none, and another mount of the service brings it.
fn elsewhere(stack: &Stack, service: &Service, name: &str, here: &Mount, path: &str) -> Option<Diagnostic> {
    let brings = |host: &str, file: &str| {
        let below = join(host, file);
        below.is_some_and(|below| stack.folder.kind(&below) == Kind::File)
    };
    let is_empty = match here.origin_of(path)? {
        Origin::Volume(Some(_)) | Origin::Memory => true,
        Origin::Host(host) => stack.folder.kind(&host) == Kind::Missing && here.target != path,
        _ => false,
    };
    let file = path.rsplit('/').next()?;
    let other = service.mounts.iter().find(|mount| match &mount.origin {
        Origin::Host(host) => !mount.is_secret && (host.ends_with(&format!("/{file}")) || brings(host, file)),
        _ => false,
    });
    let other = other.filter(|_| is_empty)?;
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    Some(
        CHECK
            .finding(format!("{name} does not find `{path}`: your `{file}` is mounted at `{}`", other.target))
            .at(here.at.place(), "mounted where the configuration is read")
            .at(other.at.place(), "the configuration is in here")
            .help(format!("mount this one at `{folder}`, and the other in its place")),
    )
}

/// The folder that is mounted has a configuration of another name than the one that is read.
fn of_another_name(stack: &Stack, program: Program, here: &Mount, path: &str) -> Option<Diagnostic> {
    let word = match program {
        Program::Prometheus => "prometheus",
        Program::Alertmanager => "alertmanager",
        _ => "blackbox",
    };
    let Origin::Host(host) = here.origin_of(path)? else { return None };
    if stack.folder.kind(&host) != Kind::Missing || stack.folder.is_ignored(&host) {
        return None;
    }
    let (folder, file) = host.rsplit_once('/').unwrap_or(("", &host));
    let files = stack.folder.files_in(folder, false);
    let names = || files.iter().filter_map(|path| path.rsplit('/').next());
    // One that is made of a template is there when it starts.
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if names().any(|name| name.contains(stem) && !name.ends_with(".yml") && !name.ends_with(".yaml")) {
        return None;
    }
    let mut other = names().filter(|name| {
        let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
        stem.is_some_and(|stem| stem == word)
    });
    let other = other.next()?;
    let inside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(
        CHECK
            .finding(format!("{} does not find `{path}`: the folder has `{other}`", program.name()))
            .at(here.at.place(), format!("there is no `{file}` in here"))
            .help(format!("write `--config.file={inside}/{other}`")),
    )
}

const PROVISIONED: [&str; 5] = ["access-control", "alerting", "dashboards", "datasources", "plugins"];

/// Grafana starts without its provisioning, and says nothing.
fn of_grafana(stack: &Stack, compose: &Compose, grafana: &Service) -> Option<Diagnostic> {
    if !grafana.is_upstream() || grafana.get("entrypoint").is_some() || grafana.has_unread_variables {
        return None;
    }
    // A configuration of its own may name another folder.
    let ini =
        grafana.mount("/etc/grafana/grafana.ini").is_some_and(|one| one.target.starts_with("/etc/grafana"));
    if ini || grafana.variable("GF_PATHS_CONFIG").is_some() {
        return None;
    }
    let said = grafana.set("GF_PATHS_PROVISIONING");
    let path = said.map_or("/etc/grafana/provisioning", |path| path.trim_end_matches('/'));
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
