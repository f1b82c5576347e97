//! Alerts that say nothing but their name: who is woken has to find out the rest.

use super::Check;
use super::shared::words::list;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "alert-without-summary", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for file in &stack.rule_files {
        // With an annotation of any name somebody has thought of who reads it.
        let silent: Vec<&Rule> =
            file.rules().filter(|rule| rule.is_alert && rule.node.get("annotations").is_none()).collect();
        let Some(first) = silent.first() else { continue };
        let names = list(silent.iter().map(|rule| rule.name.as_str()));
        let say = if silent.len() == 1 { "says" } else { "say" };
        report.push(
            CHECK
                .finding(format!("{names} {say} nothing but the name: there are no annotations"))
                .at(first.name.place(), "all that a message can show")
                .help("add `annotations: {summary: …}`: what is wrong, with `{{ $labels.… }}` and `{{ $value }}`"),
        );
    }
}
