//! A program that runs the configuration of its image, because the one that was written is mounted elsewhere, or not at all.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "config-not-mounted", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
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
            if is_bitnami || service.origin(&path).is_some() {
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
