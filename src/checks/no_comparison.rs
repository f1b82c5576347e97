//! An alert that compares nothing: any value fires, 0 too.

use super::Check;
use super::shapes::{calls, operator};
use super::values::{Presence, Reader};
use super::words::is_heartbeat;
use crate::diagnostics::{Report, Severity};
use crate::promql::ast::BinaryExpr;
use crate::promql::{Expr, bare, metric, selectors, walk};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "no-comparison", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut reader = Reader::new(stack);
    for alert in stack.alerts().filter(|alert| !is_heartbeat(alert)) {
        let Some(what) = compares_nothing(alert, &mut reader) else { continue };
        report.push(
            CHECK
                .finding(format!("`{}` compares nothing: it fires at any value, 0 too", alert.name))
                .at(alert.expr.at(&what).place(), "fires as long as it is there")
                .help(format!("write what is wrong with it: `{what} == 0`, or `> 5`")),
        );
    }
}

/// Functions of which nobody asks whether they have a result.
const OF_VALUES: [&str; 16] = [
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "predict_linear",
    "histogram_quantile",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "quantile_over_time",
    "changes",
    "resets",
    "time",
];

/// The word to show, where an alert is a value and nothing else, and means something by it.
fn compares_nothing(alert: &Rule, reader: &mut Reader) -> Option<String> {
    let tree = alert.expr.tree()?;
    let asked = selectors(tree);
    let first = asked.first()?;
    let name = metric(first)?;
    if let Some(rhs) = as_bool(tree) {
        return Some(rhs);
    }
    let (values, _) = reader.read(tree);
    // A sum of 1s, or something that is only there when it is wrong.
    if values.presence > Presence::Given || values.range.only().is_some() {
        return None;
    }
    let is_calculated = walk(tree)
        .into_iter()
        .any(|one| matches!(one, Expr::Binary(one) if matches!(operator(one).as_str(), "/" | "-")));
    let is_counter = name.ends_with("_total") || name.ends_with("_bucket");
    // By the catalogue, or through what records it.
    let is_known = reader.knows(first) || !values.nan;
    (is_calculated || calls(tree, &OF_VALUES) || is_counter || is_known).then(|| name.to_owned())
}

/// `x > bool 5`: 0 or 1, and both fire.
fn as_bool(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::Binary(one @ BinaryExpr { lhs, .. }) if one.return_bool() => {
            selectors(lhs).first().and_then(|selector| metric(selector)).map(str::to_owned)
        }
        _ => None,
    }
}
