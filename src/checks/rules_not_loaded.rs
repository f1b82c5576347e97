//! `rule_files` that name nothing: Prometheus starts, is green, and has no alert.

use super::Check;
use super::matches_no_alert::has_other_senders;
use super::shared::folders::{inside, is_below};
use super::shared::words;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::{Program, Prometheus, RulePattern, Stack};

pub(super) const CHECK: Check = Check { id: "rules-not-loaded", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    if stack.prometheuses.iter().all(|prometheus| prometheus.rule_files.is_empty()) {
        report.extend(stack.prometheuses.iter().filter_map(|prometheus| not_named(stack, prometheus)));
        return;
    }
    let left_out: Vec<&str> =
        stack.rule_files.iter().filter(|file| !file.is_loaded).map(|file| file.document.name()).collect();
    for prometheus in &stack.prometheuses {
        for entry in &prometheus.rule_files {
            // A pattern may wait for files that others do not need: rules are loaded, and none is left out.
            let loads = |one: &RulePattern| one.files.as_ref().is_none_or(|files| !files.is_empty());
            let is_pattern = entry.pattern.contains(['*', '?', '[']);
            if is_pattern && left_out.is_empty() && prometheus.rule_files.iter().any(loads) {
                continue;
            }
            if loads(entry) {
                continue;
            }
            let mut finding = CHECK
                .finding(format!("`{}` names no file inside the container: it loads no rule", entry.pattern))
                .at(entry.pattern.place(), "Prometheus starts all the same");
            if let Some((_, service)) = stack.service(&prometheus.service) {
                finding = finding.at(service.name.place(), "has no such file");
            }
            report.push(if left_out.is_empty() {
                finding.help("put the rule files there, or remove the entry")
            } else {
                let files = words::list(left_out.iter().copied());
                finding.help(format!(
                    "mount the folder of {files}, then `docker compose up -d`: a restart keeps the old mounts"
                ))
            });
        }
    }
}

/// Rule files that Prometheus could read, and a configuration that names none.
fn not_named(stack: &Stack, prometheus: &Prometheus) -> Option<Diagnostic> {
    let config = &prometheus.document;
    let service = stack.service(&prometheus.service).map(|(_, service)| service);
    // An agent evaluates no rules, and what is written elsewhere may be evaluated there.
    let is_agent = service.is_some_and(|service| service.words.iter().any(|word| word.contains("agent")));
    if is_agent
        || !config.is_complete()
        || prometheus.root.get("remote_write").is_some()
        || has_other_senders(stack)
    {
        return None;
    }
    let folder = config.name().rsplit_once('/').map_or("", |(folder, _)| folder);
    // By itself a configuration in a folder of its own speaks for that folder.
    let can_read = |file: &&str| match service {
        Some(service) => inside(stack, service, file).is_some(),
        None => is_below(file, folder),
    };
    // Whoever else has them mounted may evaluate them.
    let is_given = |file: &&str| {
        let mut others = stack.services().filter(|(_, other)| other.program != Some(Program::Prometheus));
        others.any(|(_, other)| inside(stack, other, file).is_some())
    };
    let all = stack.rule_files.iter().map(|file| file.document.name());
    let files: Vec<&str> = all.filter(can_read).filter(|file| !is_given(file)).collect();
    let at = prometheus.root.get("rule_files").or_else(|| prometheus.root.get("scrape_configs"))?;
    let named = files.iter().map(|file| match service {
        Some(service) => inside(stack, service, file).unwrap_or_else(|| (*file).to_owned()),
        None => file.strip_prefix(folder).unwrap_or(file).trim_start_matches('/').to_owned(),
    });
    let pattern = pattern(&named.collect::<Vec<_>>())?;
    Some(
        CHECK
            .finding(format!(
                "`rule_files` names nothing: Prometheus loads no rule of {}",
                words::list(files)
            ))
            .at(at.name_at().place(), "no alert can fire")
            .help(format!("write `rule_files: ['{pattern}']`")),
    )
}

/// The file, or a pattern for several of one folder.
fn pattern(files: &[String]) -> Option<String> {
    let first = files.first()?;
    let folder = |file: &str| file.rfind('/').map_or("", |at| &file[..=at]).to_owned();
    let ending = first.rfind('.').map_or("", |at| &first[at..]);
    let is_like = |file: &String| folder(file) == folder(first) && file.ends_with(ending);
    let is_pattern = files.len() > 1 && files.iter().all(is_like);
    Some(if is_pattern { format!("{}*{ending}", folder(first)) } else { first.clone() })
}
