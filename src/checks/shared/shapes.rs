//! Shapes of expressions that several checks ask for.

use crate::promql::tree::{Aggregation, Binary, MatrixSelector};
use crate::promql::{Expr, Matcher, bare, selectors, walk};
use crate::stack::{Query, Rule};

/// The comparison that an alert comes down to, if its whole expression is one.
pub(crate) fn comparison(expr: &Expr) -> Option<&Binary> {
    match bare(expr) {
        Expr::Binary(binary) if binary.op.is_comparison() => Some(binary),
        _ => None,
    }
}

pub(crate) fn number(expr: &Expr) -> Option<f64> {
    match bare(expr) {
        Expr::Number(number) => Some(*number),
        _ => None,
    }
}

/// An aggregation of one of these kinds.
pub(crate) fn aggregation<'e>(expr: &'e Expr, kinds: &[&str]) -> Option<&'e Aggregation> {
    match bare(expr) {
        Expr::Aggregate(one) if kinds.contains(&one.name) => Some(one),
        _ => None,
    }
}

/// The name of a function that is called.
pub(crate) fn function(expr: &Expr) -> Option<&'static str> {
    match bare(expr) {
        Expr::Call(call) => Some(call.name),
        _ => None,
    }
}

/// Whether anything in the expression is a call of one of these functions.
pub(crate) fn calls(expr: &Expr, names: &[&str]) -> bool {
    walk(expr).any(|one| function(one).is_some_and(|name| names.contains(&name)))
}

/// The function, and the series with their range, where a function of a range is called.
pub(crate) fn ranged(expr: &Expr) -> Option<(&'static str, &MatrixSelector)> {
    let Expr::Call(call) = expr else { return None };
    call.args.iter().find_map(|arg| match bare(arg) {
        Expr::Matrix(matrix) => Some((call.name, matrix)),
        _ => None,
    })
}

/// Whether a function says how fast a counter grows, or by how much.
pub(crate) fn is_rate(function: &str) -> bool {
    matches!(function, "rate" | "irate" | "increase")
}

/// The one series that an expression is about, if it is one.
pub(crate) fn only_metric(expr: &Expr) -> Option<&str> {
    let mut names = selectors(expr).map(crate::promql::metric);
    let first = names.next()??;
    names.all(|name| name == Some(first)).then_some(first)
}

/// The series of which an alert asks whether they are there at all.
pub(crate) fn asked_for_absence(rule: &Rule) -> Vec<&str> {
    let is_absence = |expr: &&Expr| function(expr).is_some_and(|name| name.starts_with("absent"));
    let Some(tree) = rule.expr.tree() else { return Vec::new() };
    walk(tree).filter(is_absence).filter_map(only_metric).collect()
}

/// Whether the value stands in the text itself: where a variable was, anything may come.
pub(crate) fn is_written(query: &Query, matcher: &Matcher) -> bool {
    let plain: String = query.text.chars().filter(|c| !c.is_whitespace()).collect();
    let value: String = matcher.value.chars().filter(|c| !c.is_whitespace()).collect();
    ["\"", "'", "`"]
        .iter()
        .any(|quote| plain.contains(&format!("{}{}{quote}{value}{quote}", matcher.name, matcher.op)))
        || !query.has_variables()
}

/// Whether a rule is a number and nothing else, as `vector(1)`: a heartbeat.
pub(crate) fn always_fires(rule: &Rule) -> bool {
    let is_constant = |tree: &Expr| match bare(tree) {
        Expr::Call(call) => {
            call.name == "vector" && call.args.first().is_some_and(|one| number(one).is_some())
        }
        _ => false,
    };
    rule.expr.tree().is_some_and(is_constant)
}
