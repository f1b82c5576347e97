//! A recorded series is asked for a label, or for a value, that its rule does not give it: nothing is ever selected.

use super::Check;
use super::shared::jobs::{Scraped, scraped};
use crate::diagnostics::{Report, Severity};
use crate::promql::ast::VectorSelector;
use crate::promql::labels::Fault;
use crate::promql::metric;
use crate::stack::{Flow, Stack};

pub(super) const CHECK: Check = Check { id: "label-not-recorded", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let scraped = scraped(stack);
    for file in &stack.rule_files {
        let scraped = scraped.as_ref().filter(|_| file.is_loaded);
        for rule in file.rules() {
            for fault in flow.faults(&rule.expr) {
                let Fault::NeverSelects(selector, label) = fault else { continue };
                let Some(recorded) = metric(selector) else { continue };
                if scraped.is_some_and(|scraped| is_of_no_job(scraped, selector, &label)) {
                    continue;
                }
                report.push(
                    CHECK
                        .finding(format!(
                            "`{}` asks for series of `{recorded}` that are never recorded: there is never a result",
                            rule.name
                        ))
                        .at(rule.expr.at(&label).place(), format!("not with such a `{label}`"))
                        .help(format!("keep `{label}` in the expression of `{recorded}`, or ask without it")),
                );
            }
        }
    }
}

/// Whether no target of the stack has it either: `job-not-scraped` tells of that.
fn is_of_no_job(scraped: &Scraped, selector: &VectorSelector, label: &str) -> bool {
    let Some(known) = scraped.known(label).filter(|_| scraped.is_sure) else { return false };
    let mut asked = selector.matchers.matchers.iter().filter(|matcher| matcher.name == label);
    asked.any(|matcher| !matcher.is_match("") && !known.iter().any(|value| matcher.is_match(value)))
}
