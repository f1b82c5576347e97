//! A relabeling that reads or writes a label of Prometheus' own under a name that it does not have.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, is_misspelt, is_slip, times};
use crate::source::{Node, Spanned};
use crate::stack::{HIDDEN, Job, Stack, is_given};

pub(super) const CHECK: Check = Check { id: "relabeling-misspelt", severity: Severity::Error, run };

/// Those that a job may write beside: what a blackbox exporter and its like are asked with.
const WRITTEN: [&str; 2] = ["__param_module", "__param_target"];

/// Label → the jobs that write it.
type Written = BTreeMap<String, BTreeSet<String>>;

fn run(stack: &Stack, report: &mut Report) {
    let mut written = Written::new();
    for job in stack.prometheuses.iter().flat_map(|one| &one.jobs) {
        let relabelings = job.relabelings();
        let relabeled =
            relabelings.iter().filter_map(|rule| rule.get("target_label")?.text().map(str::to_owned));
        let labels = job.targets.iter().flat_map(|one| &one.labels).map(|(name, _)| name.value.clone());
        for label in relabeled.chain(labels) {
            written.entry(label).or_default().insert(job.name.value.clone());
        }
    }
    for job in stack.prometheuses.iter().flat_map(|one| &one.jobs) {
        let rules = job.relabelings();
        for rule in &rules {
            names(job, &rules, rule, report);
            visible(stack, &written, job, rule, report);
        }
    }
}

/// A label that this job alone writes and nothing asks for, near one that every target or another job's has.
fn visible(stack: &Stack, written: &Written, job: &Job, rule: &Node, report: &mut Report) {
    let Some(target) = rule.get("target_label").and_then(|node| node.value()) else { return };
    let is_of_others = |jobs: &BTreeSet<String>| jobs.iter().any(|one| *one != job.name.value);
    let others = written.iter().filter(|(_, jobs)| is_of_others(jobs)).map(|(label, _)| label.as_str());
    let mut known = ["instance"].into_iter().chain(others);
    if target.starts_with("__") || known.clone().any(|one| one == target.value) {
        return;
    }
    let Some(near) = known.find(|one| is_slip(&target, one)) else { return };
    if is_asked(stack, job, &target) {
        return;
    }
    report.push(
        Diagnostic::new(
            CHECK.id,
            Severity::Warning,
            format!(
                "the job `{}` writes the label `{}`, and nothing here asks for it",
                job.name.value, target.value
            ),
        )
        .at(target.place(), "written here only")
        .help(format!("did you mean `{near}`?")),
    );
}

/// Whether a label that a job writes stands anywhere else: routes, templates, legends and many more may ask for it.
fn is_asked(stack: &Stack, job: &Job, label: &str) -> bool {
    let writes = |rule: &&Node| rule.get("target_label").is_some_and(|node| node.text() == Some(label));
    let written = job.relabelings().iter().filter(writes).count();
    let found: usize = stack.documents.iter().map(|one| times(label, &one.source.text)).sum();
    found > written
}

/// Hidden labels that nobody knows, near one that is known.
fn names(job: &Job, rules: &[Node], rule: &Node, report: &mut Report) {
    let sources = rule.get("source_labels").map(|node| node.texts()).unwrap_or_default();
    let target = rule.get("target_label").and_then(|node| node.value());
    let is_own = |name: &str| {
        let is_label = |(label, _): &(Spanned<String>, _)| label.value == name;
        job.targets.iter().any(|one| one.labels.iter().any(is_label))
    };
    for name in sources.into_iter().chain(target) {
        let known = HIDDEN.iter().chain(&WRITTEN).find(|known| is_misspelt(&name, known));
        let (Some(near), true) = (known, name.starts_with("__")) else { continue };
        // Two relabelings may pass something on under any name.
        let uses = rules.iter().filter(|rule| mentions(rule, &name)).count();
        if uses > 1 || is_own(&name) || HIDDEN.contains(&name.as_str()) {
            continue;
        }
        let label = if is_given(&name) { "nobody reads this" } else { "never there" };
        report.push(
            CHECK
                .finding(format!(
                    "a relabeling of the job `{}` names `{}`, and nothing has that name",
                    job.name.value, name.value
                ))
                .at(name.place(), label)
                .help(format!("did you mean `{near}`?")),
        );
    }
}

fn mentions(rule: &Node, name: &str) -> bool {
    let sources = rule.get("source_labels").map(|node| node.texts()).unwrap_or_default();
    let target = rule.get("target_label").and_then(|node| node.value());
    sources.iter().chain(&target).any(|one| one.value == name)
}
