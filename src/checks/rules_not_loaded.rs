//! `rule_files` that name nothing: Prometheus starts, is green, and has no alert.

use super::Check;
use super::shared::words;
use crate::diagnostics::{Report, Severity};
use crate::stack::{RulePattern, Stack};

pub(super) const CHECK: Check = Check { id: "rules-not-loaded", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
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
