//! A program that runs the configuration of its image, because the one that was written is mounted elsewhere, or not at all.

pub(super) mod grafana;

use super::Check;
use super::shared::prepared::is_prepared;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::{Compose, Kind, Mount, Origin, Program, Service, Stack, join};

pub(super) const CHECK: Check = Check { id: "config-not-mounted", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        let all = compose.running(Program::Grafana);
        report.extend(all.filter_map(|service| grafana::fault(stack, compose, service)));
        for program in [Program::Prometheus, Program::Alertmanager, Program::Blackbox] {
            let all = compose.running(program);
            report.extend(all.filter_map(|service| fault(stack, compose, program, service)));
        }
    }
}

fn fault(stack: &Stack, compose: &Compose, program: Program, service: &Service) -> Option<Diagnostic> {
    if !starts_as_known(service) {
        return None;
    }
    let flag = service.flag("config.file").filter(|path| path.starts_with('/'));
    let path =
        flag.as_ref().map(|flag| flag.value.clone()).or_else(|| program.config().map(str::to_owned))?;
    if let Some(mount) = service.mount(&path) {
        // What another service writes there is not known.
        if is_prepared(compose, service, &mount.origin) {
            return None;
        }
        return elsewhere(stack, service, program.name(), mount, &path)
            .or_else(|| of_another_name(stack, program, mount, &path));
    }
    let own = program.config() == Some(path.as_str());
    // The modules that the blackbox exporter brings are of use as they are.
    if own && program == Program::Blackbox {
        return None;
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
    for mount in service.mounts.iter().filter(|mount| mount.target.ends_with(".yml") && !mount.is_secret) {
        finding = finding.at(mount.at.place(), "mounted here instead");
    }
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    Some(finding.help(format!("mount the folder of your configuration at `{folder}`")))
}

/// Whether it is known where the program looks: another start may write the file first, and Bitnami's images keep it elsewhere.
fn starts_as_known(service: &Service) -> bool {
    let is_bitnami = service.image.as_ref().is_some_and(|image| image.repository.contains("bitnami"));
    service.is_upstream() && service.get("entrypoint").is_none() && !is_bitnami
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
