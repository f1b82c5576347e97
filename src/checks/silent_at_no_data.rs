//! An alert that compares a sum with zero: when all series are gone, the sum is nothing, not zero, and the alert is silent.

use std::collections::BTreeSet;

use super::Check;
use super::shared::shapes::{aggregation, asked_for_absence, calls, comparison, number, only_metric};
use crate::diagnostics::{Report, Severity};
use crate::promql::Expr;
use crate::promql::tree::Op;
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "silent-at-no-data", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    // Somebody else says it.
    let missed: BTreeSet<&str> = stack.alerts().flat_map(asked_for_absence).collect();
    let sees_targets = stack.rules().any(asks_for_up);
    for alert in stack.alerts() {
        let Some(metric) = alert.expr.tree().and_then(wants_none) else { continue };
        if missed.contains(metric) || (metric != "up" && sees_targets) {
            continue;
        }
        report.push(
            CHECK
                .finding(format!(
                    "`{}` is silent when `{metric}` is gone: the sum of nothing is nothing, not 0",
                    alert.name
                ))
                .at(alert.expr.text.place(), "empty in a total outage")
                .help(format!("add `or absent({metric})`, or an alert on `up == 0`")),
        );
    }
}

/// The series, where the expression means "nothing is left": a sum below or at a number, with nothing beside it. A count is
/// never that low, whatever else is there: `never-fires` tells of it.
fn wants_none(expr: &Expr) -> Option<&str> {
    let comparison = comparison(expr)?;
    let limit = number(&comparison.right)?;
    let means_none = match comparison.op {
        Op::Equal | Op::LessOrEqual => limit == 0.0,
        Op::Less => limit <= 1.0,
        _ => false,
    };
    let sum = aggregation(&comparison.left, &["sum"])?;
    (means_none && !calls(expr, &["absent", "absent_over_time", "vector"])).then_some(())?;
    // With an `or` inside something stands in for what is gone.
    let is_plain = !crate::promql::walk(&sum.expr).any(|one| matches!(one, Expr::Binary(_)));
    is_plain.then(|| only_metric(&sum.expr))?
}

/// Whether a rule sees a target that is gone: an alert, or a recording that one reads.
fn asks_for_up(rule: &Rule) -> bool {
    rule.expr.metrics().any(|name| name == "up")
}
