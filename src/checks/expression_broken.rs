//! An expression that Prometheus refuses: with it the whole file of rules, or the panel.

use std::collections::BTreeSet;

use super::Check;
use super::shared::asked::{Said, surely_promql};
use crate::artifacts::{GrafanaVariable, without_variables};
use crate::diagnostics::{Report, Severity};
use crate::promql::refused::{Problem, problem};
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "expression-broken", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    // Its rules and panels are in a language that takes more.
    if stack.services().any(|(_, service)| is_victoria(service)) {
        return;
    }
    let mut said = Said::default();
    for one in surely_promql(stack).filter(|one| one.query.tree().is_none()) {
        let text = if one.query.has_variables() {
            filled(&one.query.text)
        } else {
            Some(one.query.text.value.clone())
        };
        let Some(Problem::Refused(refused)) = text.as_deref().and_then(problem) else { continue };
        let outcome =
            if one.is_rule() { "Prometheus refuses the whole file" } else { "the panel shows an error" };
        let finding = CHECK
            .finding(format!("the expression of {} is not PromQL: {}", one.subject(), refused.message))
            .at(one.query.at(&refused.word).place(), outcome)
            .help(refused.help.clone());
        if one.is_rule() || said.is_new(&one, &one.query.text) {
            report.push(finding);
        }
    }
}

fn is_victoria(service: &Service) -> bool {
    service.image.as_ref().is_some_and(|image| image.repository.contains("victoriametrics"))
}

/// A panel's query with something in place of its variables. `None` where one may hold more than a time or a text.
fn filled(text: &str) -> Option<String> {
    let starts: BTreeSet<usize> = GrafanaVariable::all(text).map(|one| one.range.start).collect();
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        let is_filled = letter == '$' || starts.contains(&at);
        match quote {
            Some(open) if letter == open && before != '\\' => quote = None,
            None if matches!(letter, '"' | '\'' | '`') => quote = Some(letter),
            None if is_filled && !matches!(before, '[' | ':') => return None,
            _ => {}
        }
        before = letter;
    }
    Some(without_variables(text))
}
