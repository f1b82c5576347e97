//! A recorded series is asked for a label, or for a value, that its rule does not give it: nothing is ever selected.

use super::Check;
use super::shared::asked::{Said, surely_promql};
use super::shared::jobs::scraped;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::labels::Fault;
use crate::promql::metric;
use crate::stack::{Flow, Stack};

pub(super) const CHECK: Check = Check { id: "label-not-recorded", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let scraped = scraped(stack);
    let mut said = Said::default();
    for one in surely_promql(stack) {
        for fault in flow.faults(one.query) {
            let Fault::NeverSelects(selector, matcher) = fault else { continue };
            let label = matcher.name.as_str();
            let recorded = metric(selector).filter(|name| stack.metrics().is_recorded(name));
            let Some(recorded) = recorded else { continue };
            if scraped.as_ref().is_some_and(|scraped| scraped.lacks(selector, label)) {
                continue;
            }
            if !one.is_rule() && !said.is_new(&one, &format!("{recorded} {label}")) {
                continue;
            }
            let message = format!(
                "{} asks for series of `{recorded}` that are never recorded: there is never a result",
                one.subject()
            );
            report.push(
                Diagnostic::new(CHECK.id, one.severity(Severity::Error, Severity::Warning), message)
                    .at(one.query.at(label).place(), format!("not with such a `{label}`"))
                    .help(format!("keep `{label}` in the expression of `{recorded}`, or ask without it")),
            );
        }
    }
}
