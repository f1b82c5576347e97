//! An expression that Prometheus refuses: with it the whole file of rules, or the panel.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Check;
use super::shared::asked::{Said, surely_promql};
use super::shared::readers::Readers;
use crate::artifacts::{GrafanaVariable, without_variables};
use crate::diagnostics::{Report, Severity};
use crate::promql::is_value;
use crate::promql::refused::{Problem, Reader, problem};
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "expression-broken", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    // Its rules and panels are in a language that takes more.
    let has_victoria = stack.services().any(|(_, service)| is_victoria(service));
    let readers = Readers::of(stack);
    let mut said = Said::default();
    for one in surely_promql(stack) {
        let reader = readers.of_query(&one);
        // A panel that asks for nothing yet shows no error.
        let is_blank = !one.is_rule() && one.query.text.trim().is_empty();
        if is_blank || (has_victoria && *reader == Reader::Anyone) {
            continue;
        }
        let text = one.query.text.value.as_str();
        let text = if one.query.has_variables() { filled(text).map(Cow::Owned) } else { Some(text.into()) };
        let found = text.as_deref().and_then(|text| problem(text, reader));
        let Some(Problem::Refused(refused)) = found else {
            report.extend(one.query.tree().filter(|tree| one.is_rule() && !is_value(tree)).map(|_| {
                CHECK
                    .finding(format!("the value of {} is a range or a text, which no rule can have", one.subject()))
                    .at(one.query.text.place(), "every evaluation fails")
                    .help("take a `rate(…)` or an `…_over_time(…)` of the range, or compare a series with a number")
            }));
            continue;
        };
        let outcome =
            if one.is_rule() { "Prometheus refuses the whole file" } else { "the panel shows an error" };
        let at = one.query.part(&refused.word, refused.at);
        let finding = CHECK
            .finding(format!("the expression of {} is not PromQL: {}", one.subject(), refused.message))
            .at(at.place(), outcome)
            .help(refused.help);
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
