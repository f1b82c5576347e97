//! Expressions that skymon does not read: Prometheus may, but nothing is proven of them.

use super::Check;
use super::shared::readers::Readers;
use super::shared::words::list;
use crate::diagnostics::{Report, Severity};
use crate::promql::refused::problem;
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "expression-not-read", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    let readers = Readers::of(stack);
    for file in &stack.rule_files {
        let reader = readers.of_file(file);
        let is_unread =
            |rule: &&Rule| rule.expr.tree().is_none() && problem(&rule.expr.text, &reader).is_none();
        let unread: Vec<&Rule> = file.rules().filter(is_unread).collect();
        let Some(first) = unread.first() else { continue };
        let names = list(unread.iter().map(|rule| rule.name.as_str()));
        let expressions = if unread.len() == 1 { "expression" } else { "expressions" };
        report.push(
            CHECK
                .finding(format!(
                    "the {expressions} of {names} could not be read: no other check says anything of it"
                ))
                .at(first.expr.text.place(), "newer PromQL, or another language")
                .help("let `promtool check rules` of your version read the file"),
        );
    }
}
