//! A relabeling that reads or writes a label of Prometheus' own under a name that it does not have.

use super::Check;
use crate::diagnostics::{Report, Severity, is_misspelt, is_slip};
use crate::source::{Node, Spanned};
use crate::stack::{HIDDEN, Job, Stack, is_given};

pub(super) const CHECK: Check = Check { id: "relabeling-misspelt", severity: Severity::Error, run };

/// Those that a job may write beside: what a blackbox exporter and its like are asked with.
const WRITTEN: [&str; 2] = ["__param_module", "__param_target"];

fn run(stack: &Stack, report: &mut Report) {
    for job in stack.prometheuses.iter().flat_map(|one| &one.jobs) {
        let rules = job.relabelings();
        for rule in &rules {
            names(job, &rules, rule, report);
            visible(stack, job, rule, report);
        }
    }
}

/// A label that this job alone writes and nobody asks for, near one that every target or another job's has.
fn visible(stack: &Stack, job: &Job, rule: &Node, report: &mut Report) {
    let Some(target) = rule.get("target_label").and_then(|node| node.value()) else { return };
    let others = stack
        .prometheuses
        .iter()
        .flat_map(|one| &one.jobs)
        .filter(|other| other.name.value != job.name.value);
    let written = others.flat_map(|other| {
        let relabeled = other
            .relabelings()
            .into_iter()
            .filter_map(|rule| rule.get("target_label")?.text().map(str::to_owned));
        let labels = other.targets.iter().flat_map(|one| &one.labels).map(|(name, _)| name.value.clone());
        relabeled.chain(labels).collect::<Vec<_>>()
    });
    let mut known = ["instance".to_owned()].into_iter().chain(written);
    if target.starts_with("__") || target.value == "instance" {
        return;
    }
    let Some(near) = known.find(|one| is_slip(&target, one)) else { return };
    let asks = |text: &str| text.contains(target.as_str());
    let panels = stack.dashboards.iter().flat_map(|one| &one.panels).flat_map(|panel| &panel.queries);
    let mut queries = panels.filter_map(|query| query.expr.as_ref());
    if stack.rules().any(|rule| asks(&rule.expr.text)) || queries.any(|query| asks(&query.text)) {
        return;
    }
    report.push(
        CHECK
            .finding(format!(
                "the job `{}` writes the label `{}`, which nobody asks for",
                job.name.value, target.value
            ))
            .at(target.place(), "written here only")
            .help(format!("did you mean `{near}`?")),
    );
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
