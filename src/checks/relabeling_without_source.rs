//! A rule of relabeling that has nothing to write: its label is then taken away, and a target without an address is dropped.

use std::collections::BTreeSet;

use super::Check;
use super::shared::words::is_slip;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::{Node, Spanned};
use crate::stack::{Job, Stack};

pub(super) const CHECK: Check = Check { id: "relabeling-without-source", severity: Severity::Error, run };

/// The labels that Prometheus gives to a target before its rules, and reads after them.
const SPECIAL: [&str; 5] =
    ["__address__", "__metrics_path__", "__scheme__", "__scrape_interval__", "__scrape_timeout__"];

fn run(stack: &Stack, report: &mut Report) {
    for job in stack.prometheuses.iter().flat_map(|prometheus| &prometheus.jobs) {
        let (rules, series) = (job.relabelings(), job.metric_relabelings());
        report.extend(rules.iter().chain(&series).filter_map(|rule| writes_nothing(job, rule)));
        report.extend(misspelt(job, &rules));
    }
}

fn is_replace(rule: &Node) -> bool {
    rule.get("action").is_none_or(|node| node.text().is_some_and(|text| text.eq_ignore_ascii_case("replace")))
}

fn sources(rule: &Node) -> Vec<Spanned<String>> {
    rule.get("source_labels").map(|node| node.texts()).unwrap_or_default()
}

/// Neither a label to read nor a text to write. Where an empty text is written, that is meant.
fn writes_nothing(job: &Job, rule: &Node) -> Option<Diagnostic> {
    let target = rule.get("target_label")?.value()?;
    if !is_replace(rule) || rule.get("replacement").is_some() || !sources(rule).is_empty() {
        return None;
    }
    let (outcome, help) = if target.value == "__address__" {
        ("its targets have no address, and are dropped", "add `replacement: …` with the address to ask")
    } else {
        ("the label is taken away", "add `source_labels: [__address__]`, or `replacement: …` with a text")
    };
    Some(
        CHECK
            .finding(format!("in `{}` nothing is written into `{}`: {outcome}", job.name, target))
            .at(target.place(), "from no label, and with no text")
            .help(help),
    )
}

/// A label of Prometheus' own with a letter wrong: nobody has it, or nobody reads it.
fn misspelt(job: &Job, rules: &[Node]) -> Vec<Diagnostic> {
    let targets = rules.iter().filter_map(|rule| rule.get("target_label")?.value());
    let written: BTreeSet<String> = targets.map(|label| label.value).collect();
    let read: BTreeSet<String> = rules.iter().flat_map(sources).map(|label| label.value).collect();
    let is_labelled =
        |name: &str| job.targets.iter().any(|target| target.labels.iter().any(|one| one.0.value == name));
    let right = |label: &str| SPECIAL.into_iter().find(|right| is_slip(label, right));
    let mut found = Vec::new();
    for rule in rules {
        for label in sources(rule) {
            let Some(right) =
                right(&label).filter(|_| !written.contains(&label.value) && !is_labelled(&label))
            else {
                continue;
            };
            found.push(said(format!("no target has a label `{label}`: it is read as empty"), &label, right));
        }
        let Some(label) = rule.get("target_label").and_then(|node| node.value()) else { continue };
        if let Some(right) = right(&label).filter(|_| !read.contains(&label.value)) {
            found.push(said(
                format!("nobody reads the label `{label}`: it is gone after the rules"),
                &label,
                right,
            ));
        }
    }
    found
}

fn said(message: String, label: &Spanned<String>, right: &str) -> Diagnostic {
    CHECK
        .finding(message)
        .at(label.place(), "not one of Prometheus' own")
        .help(format!("did you mean `{right}`?"))
}
