//! A scrape job that scrapes nothing, and a Prometheus with rules and no job at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::asks_nothing;
use crate::source::{Document, Node};
use crate::stack::{Job, Prometheus, Rule, RuleFile, Stack};

pub(super) const CHECK: Check = Check { id: "job-without-targets", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let documents: BTreeMap<&str, &Arc<Document>> =
        stack.documents.iter().map(|document| (document.name(), document)).collect();
    for prometheus in &stack.prometheuses {
        for job in prometheus.jobs.iter().filter(|job| scrapes_nothing(job)) {
            report.push(
                CHECK
                    .finding(format!("`{}` scrapes nothing: it has no target", job.name))
                    .at(job.name.place(), "an empty job")
                    .help("add `static_configs: [{targets: ['host:port']}]`, or remove the job"),
            );
        }
        for job in prometheus.jobs.iter().filter(|job| !scrapes_nothing(job)) {
            report.extend(groups(job, &documents).iter().filter_map(|group| empty_group(job, group)));
        }
        if prometheus.jobs.is_empty() && is_asked(stack, prometheus) && !is_fed(stack, prometheus) {
            let at =
                prometheus.root.get("rule_files").map_or_else(|| prometheus.root.at(), |node| node.name_at());
            report.push(
                CHECK
                    .finding("there are rules, and nothing is scraped: none of them ever has a series")
                    .at(at.place(), "rules about nothing")
                    .help("add `scrape_configs:` with a job"),
            );
        }
    }
}

/// Not where a program may fill the list at run time: a file or an address that is asked.
fn scrapes_nothing(job: &Job) -> bool {
    job.targets.is_empty() && !job.discovers && job.target_files.is_empty()
}

/// The entries of its lists of targets, but for those of files that are there to be filled at run time.
fn groups(job: &Job, documents: &BTreeMap<&str, &Arc<Document>>) -> Vec<Node> {
    let mut groups = job.node.get("static_configs").map(|node| node.items()).unwrap_or_default();
    let files = job.target_files.iter().flat_map(|one| one.files.iter().flatten());
    for document in files.filter_map(|file| documents.get(file.as_str())) {
        let written = document.root().items().into_iter();
        groups.extend(written.filter(|group| group.get("targets").is_none()));
    }
    groups
}

fn empty_group(job: &Job, group: &Node) -> Option<Diagnostic> {
    let targets = group.get("targets");
    let is_empty =
        targets.as_ref().is_none_or(|node| node.is_nothing() || node.is_list() && node.items().is_empty());
    if !is_empty || !group.is_map() || !group.document().is_complete() {
        return None;
    }
    let at = targets.or_else(|| Some(group.entries().first()?.1.clone())).unwrap_or_else(|| group.clone());
    Some(
        CHECK
            .finding(format!("an entry of `{}` has no target: it scrapes nothing", job.name))
            .at(at.name_at().place(), "asks nobody")
            .help("write `targets: ['host:port']`, or remove the entry"),
    )
}

/// Whether a rule asks for series: `vector(1)` needs none.
fn is_asked(stack: &Stack, prometheus: &Prometheus) -> bool {
    let mut rules = stack.rule_files.iter().filter(|file| file.is_loaded).flat_map(RuleFile::rules);
    let asks = |rule: &Rule| rule.expr.tree().is_none_or(|tree| !asks_nothing(tree));
    prometheus.document.is_complete() && rules.any(asks)
}

/// Whether series come in another way.
fn is_fed(stack: &Stack, prometheus: &Prometheus) -> bool {
    let in_config =
        ["scrape_config_files", "remote_read", "otlp"].iter().any(|key| prometheus.root.get(key).is_some());
    let by_flag = |(_, service): (_, &crate::stack::Service)| {
        service.words.iter().any(|word| word.contains("-receiver") || word.contains("enable-feature"))
    };
    in_config || stack.service(&prometheus.service).is_some_and(by_flag)
}
