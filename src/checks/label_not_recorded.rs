//! A recorded series is asked for a label, or for a value, that its rule does not give it: nothing is ever selected.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::promql::labels::Fault;
use crate::promql::metric;
use crate::stack::{Flow, Stack};

pub(super) const CHECK: Check = Check { id: "label-not-recorded", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    for rule in stack.rules() {
        for fault in flow.faults(&rule.expr) {
            let Fault::NeverSelects(selector, label) = fault else { continue };
            let Some(recorded) = metric(selector) else { continue };
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
