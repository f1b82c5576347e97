//! An alert that compares a counter itself with a number: it fires one day, and then for ever, until the process starts again.

use super::Check;
use super::shared::counters::Counters;
use super::shared::shapes::number;
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::{Op, VectorSelector};
use crate::promql::{Expr, bare, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "counter-compared-raw", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let counters = Counters::of(stack);
    for alert in stack.alerts() {
        let Some(tree) = alert.expr.tree() else { continue };
        let found = walk(tree).find_map(|expr| counters.name(compared(expr)?));
        let Some(name) = found else { continue };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` compares the counter `{name}` itself: once above, always above",
                    alert.name
                ))
                .at(alert.expr.at(name).place(), "only grows, until a restart")
                .help(format!("compare what was added: `increase({name}[5m])`, or `rate` for each second")),
        );
    }
}

/// What is said to be above a number, where it is one series or an aggregation of one. Above 0 asks whether it ever
/// happened, which one may want to know for ever.
fn compared(expr: &Expr) -> Option<&VectorSelector> {
    let Expr::Binary(binary) = expr else { return None };
    let limit = number(&binary.right)?;
    let is_above = match binary.op {
        Op::Greater => limit > 0.0,
        Op::GreaterOrEqual => limit > 1.0,
        _ => false,
    };
    is_above.then(|| raw(&binary.left))?
}

/// The series, if nothing but an aggregation is around it.
fn raw(expr: &Expr) -> Option<&VectorSelector> {
    match bare(expr) {
        Expr::Vector(selector) => Some(selector),
        Expr::Aggregate(one) if ["sum", "max", "min", "avg"].contains(&one.name) => match bare(&one.expr) {
            Expr::Vector(selector) => Some(selector),
            _ => None,
        },
        _ => None,
    }
}
