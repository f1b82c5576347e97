//! A file of targets that Prometheus could read, and that no job names: what is in it is not scraped.

use super::Check;
use super::shared::folders::{inside, is_below};
use crate::diagnostics::{Report, Severity};
use crate::stack::{Job, Prometheus, Stack};

pub(super) const CHECK: Check = Check { id: "targets-not-read", severity: Severity::Warning, run };

/// Words in the name of a file that is not meant to be read.
const ASIDE: [&str; 7] = ["bak", "disabled", "dist", "example", "old", "sample", "template"];

fn run(stack: &Stack, report: &mut Report) {
    // Who reads files that are not known may read this one, and a path that leads nowhere may be meant for it: that is told
    // first.
    let is_known = |one: &Prometheus| {
        let reads = |job: &Job| {
            job.target_files.iter().all(|one| one.files.as_ref().is_some_and(|files| !files.is_empty()))
        };
        let by_file =
            |section: &crate::stack::AlertmanagerTargets| section.node.get("file_sd_configs").is_some();
        one.document.is_complete()
            && one.root.get("scrape_config_files").is_none()
            && one.jobs.iter().all(reads)
            && !one.alertmanagers.iter().any(by_file)
    };
    let [prometheus] = stack.prometheuses.as_slice() else { return };
    if !is_known(prometheus) || prometheus.jobs.is_empty() {
        return;
    }
    let service = stack.service(&prometheus.service);
    // Another file of the project may have it read another configuration.
    if service.is_some_and(|(compose, _)| !compose.is_whole) {
        return;
    }
    let service = service.map(|(_, service)| service);
    let is_of_another = |name: &str| {
        let mut others =
            stack.services().filter(|(_, one)| !service.is_some_and(|own| std::ptr::eq(own, *one)));
        others.any(|(_, other)| inside(stack, other, name).is_some())
    };
    let folder = prometheus.document.name().rsplit_once('/').map_or("", |(folder, _)| folder);
    for document in &stack.unread_targets {
        let name = document.name();
        let is_near = match service {
            Some(service) => inside(stack, service, name).is_some(),
            None => is_below(name, folder),
        };
        let count: usize = document
            .root()
            .items()
            .iter()
            .filter_map(|group| Some(group.get("targets")?.texts().len()))
            .sum();
        let is_aside = ASIDE.iter().any(|part| name.contains(part));
        if !is_near || is_aside || count == 0 || is_of_another(name) {
            continue;
        }
        let file = service.and_then(|service| inside(stack, service, name));
        let file = file.unwrap_or_else(|| name[folder.len()..].trim_start_matches('/').to_owned());
        report.push(
            CHECK
                .finding(format!("no job reads `{name}`: none of its {count} targets is scraped"))
                .at(document.at(0..0).place(), "a list of targets")
                .help(format!("add `file_sd_configs: [{{files: ['{file}']}}]` to a job, or remove the file")),
        );
    }
}
