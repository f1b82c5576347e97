//! An alert on the burn of an error budget that compares with the objective itself: it pages as soon as the budget is spent as fast
//! as it may be.

use super::Check;
use super::shared::values::{Comparison, Interval, Reader};
use super::shared::words::rounded;
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::{Binary, Op};
use crate::promql::{Expr, bare};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "burn-factor-one", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut reader = Reader::new(stack);
    for alert in stack.alerts().filter(|alert| is_burn_page(alert)) {
        let Some(limit) = alert.expr.tree().and_then(|tree| same_limit(tree, &mut reader)) else { continue };
        let lost = if limit < 0.5 { limit } else { 1.0 - limit };
        let fast = rounded(14.4 * lost);
        let write = if limit < 0.5 { format!("> {fast}") } else { format!("< {}", rounded(1.0 - fast)) };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` pages when the budget burns as fast as it may: at factor 1",
                    alert.name
                ))
                .at(alert.expr.at(&limit.to_string()).place(), "the objective itself")
                .help(format!("write `{write}`: at 14.4 times, 2% of a month's budget are gone in an hour")),
        );
    }
}

/// Whether somebody is woken, and the alert says itself that it is about a budget.
fn is_burn_page(alert: &Rule) -> bool {
    let wakes = alert.label("severity").is_some_and(|severity| {
        matches!(severity.to_lowercase().as_str(), "critical" | "page" | "emergency" | "p1")
    });
    let name = alert.name.to_lowercase();
    wakes && (name.contains("burn") || name.contains("budget"))
}

/// The number, where two ratios are compared with the same one, and it looks like an objective or what it leaves.
fn same_limit(expr: &Expr, reader: &mut Reader) -> Option<f64> {
    let Expr::Binary(one) = bare(expr) else { return None };
    let (long, short) = (compared(&one.left, reader)?, compared(&one.right, reader)?);
    let is_same = long == short && one.op == Op::And;
    let is_objective = match long.0 {
        Comparison::Below | Comparison::AtMost => (0.9..1.0).contains(&long.1),
        Comparison::Above | Comparison::AtLeast => long.1 > 0.0 && is_round(long.1) && long.1 <= 0.01,
        _ => false,
    };
    (is_same && is_objective).then_some(long.1)
}

/// 0.01, 0.005, 0.001 and the like: what an objective leaves, and no multiple of it.
fn is_round(limit: f64) -> bool {
    [0.01, 0.005, 0.0025, 0.001, 0.0005, 0.0001].iter().any(|one: &f64| (one - limit).abs() < 1e-9)
}

fn compared(expr: &Expr, reader: &mut Reader) -> Option<(Comparison, f64)> {
    let Expr::Binary(Binary { op, right, .. }) = bare(expr) else { return None };
    let comparison = Comparison::of(*op)?;
    let (values, _) = reader.read(right);
    Some((comparison, Interval::only(values.range)?))
}
