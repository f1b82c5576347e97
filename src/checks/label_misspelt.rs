//! A label, or its value, with a letter forgotten, doubled or in its neighbour's place: nobody makes the one that is asked for, and
//! the right one is there.

use std::collections::BTreeMap;

use super::Check;
use super::shared::asked::{Said, surely_promql};
use super::shared::jobs::scraped;
use crate::diagnostics::{Diagnostic, Report, Severity, is_slip, times};
use crate::promql::labels::Fault;
use crate::source::Spanned;
use crate::stack::{Flow, Rule, Stack};

pub(super) const CHECK: Check = Check { id: "label-misspelt", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let scraped = scraped(stack);
    let mut said = Said::default();
    for one in surely_promql(stack) {
        for fault in flow.faults(one.query) {
            let mut is_sure = true;
            let (word, near, what) = match &fault {
                Fault::Misspelt { label, near, is_sure: none_else } => {
                    is_sure = *none_else;
                    (label.as_str(), near, "nothing here makes such a label".to_owned())
                }
                Fault::MisspeltValue(selector, matcher, value, near) => {
                    if scraped.as_ref().is_some_and(|scraped| scraped.lacks(selector, &matcher.name)) {
                        continue;
                    }
                    (*value, near, format!("no series has it as `{}`", matcher.name))
                }
                _ => continue,
            };
            if !said.is_new(&one, word) {
                continue;
            }
            let message = format!("{} asks for `{word}`, and {what}", one.subject());
            let severity = if is_sure { Severity::Error } else { Severity::Warning };
            report.push(
                Diagnostic::new(CHECK.id, one.severity(severity, Severity::Warning), message)
                    .at(one.query.at(word).place(), "nobody makes this")
                    .help(format!("did you mean `{near}`?")),
            );
        }
    }
    of_rules(stack, report);
}

/// How often a word is in use.
type Counted<'s> = BTreeMap<&'s str, usize>;

/// What one rule alone gives to its series, where many others give something that is nearly the same.
fn of_rules(stack: &Stack, report: &mut Report) {
    let mut names = Counted::new();
    let mut values: BTreeMap<&str, Counted<'_>> = BTreeMap::new();
    for (name, value) in stack.rules().flat_map(|rule| &rule.labels) {
        *names.entry(name).or_default() += 1;
        *values.entry(name).or_default().entry(value).or_default() += 1;
    }
    for (rule, own) in stack.series().filter(|(rule, _)| !rule.labels.is_empty()) {
        for (name, value) in &rule.labels {
            if let Some(near) = usual(&names, name).filter(|near| rule.label(near).is_none()) {
                let what =
                    format!("`{}` gets the label `{}`, which no other rule gives", rule.name, name.value);
                report.push(slip(what, name, near));
            }
            let of_series = own.values(name).into_iter().flatten().find(|one| is_slip(value, one));
            let others = values.get(name.as_str()).and_then(|values| usual(values, value));
            let near = of_series.map(String::as_str).or(others).filter(|_| !value.contains("{{"));
            // `severity-not-routed` tells of it.
            let near = near.filter(|_| name.value != "severity" || !ends_at_root(stack, rule));
            if let Some(near) = near.filter(|_| !is_used(stack, value)) {
                let what = format!(
                    "`{}` gets the {} `{}`, which nothing else has",
                    rule.name, name.value, value.value
                );
                report.push(slip(what, value, near));
            }
        }
    }
}

/// Whether a value is more than a rule's own: a target has it, a job or a service is called so, an expression or a route asks for it.
fn is_used(stack: &Stack, value: &str) -> bool {
    let is_in = |text: &str| times(value, text) > 0;
    let mut targets = stack.prometheuses.iter().flat_map(|one| &one.jobs).flat_map(|job| &job.targets);
    stack.prometheuses.iter().any(|one| is_in(&one.document.source.text))
        || stack.alertmanagers.iter().any(|one| is_in(&one.document.source.text))
        || targets.any(|target| target.labels.iter().any(|(_, own)| own.value == value))
        || stack.services().any(|(_, service)| service.name.value == value)
        || stack.rules().any(|rule| is_in(&rule.expr.text))
}

/// Whether no branch of the routes takes an alert.
fn ends_at_root(stack: &Stack, rule: &Rule) -> bool {
    let labels = stack.fired().find(|(alert, _)| std::ptr::eq(*alert, rule)).map(|(_, labels)| labels);
    let mut roots = stack.alertmanagers.iter().filter_map(|one| Some((one, one.route.as_ref()?)));
    labels.is_some_and(|labels| {
        roots.any(|(one, root)| one.journeys(labels).iter().any(|end| std::ptr::eq(end.route, root)))
    })
}

/// The word that was meant by one that stands alone: nearly the same, and in use again and again.
fn usual<'s>(counted: &Counted<'s>, word: &str) -> Option<&'s str> {
    if counted.get(word) != Some(&1) || counted.len() > MANY {
        return None;
    }
    counted.iter().find(|(one, count)| **count >= USUAL && is_slip(word, one)).map(|(one, _)| *one)
}

/// Of so many words, some are near each other.
const MANY: usize = 200;

/// So often, a word is no chance.
const USUAL: usize = 3;

fn slip(what: String, at: &Spanned<String>, near: &str) -> Diagnostic {
    let found = Diagnostic::new(CHECK.id, Severity::Warning, what).at(at.place(), "used once");
    found.help(format!("did you mean `{near}`?"))
}
