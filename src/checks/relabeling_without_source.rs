//! A rule of relabeling that has nothing to write: its label is then taken away, and a target without an address is dropped.

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::Node;
use crate::stack::{Job, Stack};

pub(super) const CHECK: Check = Check { id: "relabeling-without-source", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for job in stack.prometheuses.iter().flat_map(|prometheus| &prometheus.jobs) {
        let (rules, series) = (job.relabelings(), job.metric_relabelings());
        report.extend(rules.iter().chain(&series).filter_map(|rule| writes_nothing(job, rule)));
    }
}

fn is_replace(rule: &Node) -> bool {
    rule.get("action").is_none_or(|node| node.text().is_some_and(|text| text.eq_ignore_ascii_case("replace")))
}

/// Neither a label to read nor a text to write. Where an empty text is written, that is meant.
fn writes_nothing(job: &Job, rule: &Node) -> Option<Diagnostic> {
    let target = rule.get("target_label")?.value()?;
    let reads = rule.get("source_labels").is_some_and(|node| !node.items().is_empty());
    if !is_replace(rule) || rule.get("replacement").is_some() || reads {
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
