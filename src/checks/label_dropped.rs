//! A text or a grouping asks for a label that the expression before it has dropped: it is empty.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Check;
use super::shared::alert_texts::labels;
use super::shared::asked::{Said, surely_promql};
use super::shared::words::list;
use crate::diagnostics::{Report, Severity};
use crate::gotemplate::{Action, Base, Kind, Template, Term};
use crate::promql::labels::{Fault, Labels, NAME};
use crate::source::At;
use crate::stack::{Filled, Flow, Rule, Stack};

pub(super) const CHECK: Check = Check { id: "label-dropped", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let mut said = Said::default();
    for one in surely_promql(stack) {
        for fault in flow.faults(one.query) {
            let (label, wrong) = match &fault {
                Fault::NoSuchGroup(by, label) => (label, format!("`{}` groups by `{label}`", by.name)),
                Fault::NothingToTake(op, label) => (label, format!("`{}` takes over `{label}`", op.op)),
                _ => continue,
            };
            if !one.is_rule() && !said.is_new(&one, &wrong) {
                continue;
            }
            report.push(
                CHECK
                    .finding(format!("in {} {wrong}, which is not there any more", one.subject()))
                    .at(one.query.at(label).place(), "always empty")
                    .help(format!("keep `{label}` in the aggregation below, or take it out here")),
            );
        }
    }
    for (rule, series) in stack.series().filter(|(rule, _)| rule.is_alert) {
        texts(series, rule, report);
    }
}

fn texts(series: &Labels, rule: &Rule, report: &mut Report) {
    // The labels of the series that are not there, and those of the rule itself.
    let (mut lost, mut own): (Lost, Lost) = Default::default();
    for Filled { text, template, .. } in rule.filled() {
        for (label, range) in printed(template).into_iter().filter(|(label, _)| !series.can_have(label)) {
            let is_own = rule.label(label).is_some() || label == "alertname";
            let one = if is_own { &mut own } else { &mut lost };
            one.labels.insert(label.to_owned());
            one.at.get_or_insert_with(|| text.at.part(text.get(range).unwrap_or_default()));
        }
    }
    let mut say = |lost: &Lost, why: &str, help: &dyn Fn(&str) -> String| {
        let (Some(at), Some(label)) = (&lost.at, lost.labels.first()) else { return };
        let labels = list(lost.labels.iter().map(String::as_str));
        report.push(
            CHECK
                .finding(format!("a text of `{}` asks for {labels} and gets nothing", rule.name))
                .at(at.place(), why)
                .help(help(label)),
        );
    };
    say(&lost, "its expression has no such label", &|label| {
        format!("keep it in the expression, as in `by ({label})`, or take it out of the text")
    });
    say(&own, "`$labels` has the labels of the series, not those of the rule", &|label| {
        format!("write the value itself in place of `{{{{ $labels.{label} }}}}`")
    });
}

#[derive(Default)]
struct Lost {
    labels: BTreeSet<String>,
    /// Where the first is asked for.
    at: Option<At>,
}

/// The labels that a text prints, and does not ask for first whether they are there; each with where.
fn printed(template: &Template) -> Vec<(&str, Range<usize>)> {
    let asks = |action: &Action| {
        let or = |term: &Term| matches!(&term.base, Base::Function(name) if name == "or" || name == "and");
        action.kind != Kind::Print || action.terms.iter().any(or)
    };
    let asking = template.actions.iter().filter(|action| asks(action)).flat_map(labels);
    let asked: Vec<&str> = asking.map(|(label, _)| label).collect();
    let printed = template.actions.iter().filter(|action| !asks(action)).flat_map(labels);
    printed.filter(|(label, _)| *label != NAME && !asked.contains(label)).collect()
}
