//! An error ratio without a least number of requests: at night, one failure of three is an alert, and without traffic 0/0 is
//! neither above nor below. A success ratio has no value at all until something succeeds.

use super::Check;
use super::shared::shapes::{aggregation, comparison, function, is_rate, number};
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::{Binary, Op};
use crate::promql::{Expr, bare, metric, selectors};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "ratio-without-minimum", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        let Some((requests, of_success)) = alert.expr.tree().and_then(bare_ratio) else { continue };
        let (example, label) = if of_success {
            ("two of three are 67%", "and before the first success there is no ratio at all")
        } else {
            ("one failure of three is 33%", "and 0/0 without traffic, which is no value")
        };
        report.push(
            CHECK
                .finding(format!("`{}` compares a ratio at any traffic: {example}", alert.name))
                .at(alert.expr.text.place(), label)
                .help(if of_success {
                    format!(
                        "write `(successes or 0 * requests) / requests`, with `and sum(increase({requests}[5m])) >= 20`"
                    )
                } else {
                    format!(
                        "add `and sum(increase({requests}[5m])) >= 20`, and another alert for no traffic at all"
                    )
                }),
        );
    }
}

/// The requests, where the expression is `errors / requests > x` over one counter and nothing else, or `successes / requests < x`.
fn bare_ratio(expr: &Expr) -> Option<(&str, bool)> {
    let comparison = comparison(expr)?;
    let is_below = match comparison.op {
        Op::Less | Op::LessOrEqual => true,
        Op::Greater | Op::GreaterOrEqual => false,
        _ => return None,
    };
    number(&comparison.right)?;
    let mut share = bare(&comparison.left);
    // `… * 100`
    if let Expr::Binary(Binary { op: Op::Multiply, left, right, .. }) = share
        && number(right).is_some()
    {
        share = bare(left);
    }
    let Expr::Binary(Binary { op: Op::Divide, left, right, .. }) = share else { return None };
    let (errors, all) = (rate(left)?, rate(right)?);
    (errors.0 == all.0 && errors.1 > all.1).then_some((all.0, is_below))
}

/// The counter behind a rate, summed or not, and how many conditions it is asked with.
fn rate(expr: &Expr) -> Option<(&str, usize)> {
    let inner = aggregation(expr, &["sum"]).map_or(expr, |sum| &sum.expr);
    function(inner).filter(|name| is_rate(name))?;
    let mut asked = selectors(inner);
    let one = asked.next().filter(|_| asked.next().is_none())?;
    Some((metric(one)?, one.matchers.len()))
}
