//! An alert that compares nothing: any value fires, 0 too.

use super::Check;
use super::shared::shapes::calls;
use super::shared::values::{Presence, Reader};
use super::shared::verdicts::short;
use super::shared::words::is_heartbeat;
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::Op;
use crate::promql::{Expr, bare, is_value, metric, selectors, walk};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "no-comparison", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut reader = Reader::new(stack);
    // One whose value no rule can have does not fire at all.
    let has_value = |alert: &&Rule| alert.expr.tree().is_some_and(is_value);
    for alert in stack.alerts().filter(|alert| !is_heartbeat(alert)).filter(has_value) {
        let Some((name, is_state)) = compares_nothing(alert, &mut reader) else { continue };
        let example = match alert.expr.tree() {
            Some(tree) if !is_state => format!("{} > 5", short(tree)),
            _ => format!("{name} == 0"),
        };
        report.push(
            CHECK
                .finding(format!("`{}` compares nothing: it fires at any value, 0 too", alert.name))
                .at(alert.expr.at(&name).place(), "fires as long as it is there")
                .help(format!("write what is wrong, as in `{example}`")),
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

/// The word to show, where an alert is a value and nothing else, and means something by it; and whether it is 0 or 1.
fn compares_nothing(alert: &Rule, reader: &mut Reader) -> Option<(String, bool)> {
    let tree = alert.expr.tree()?;
    let first = selectors(tree).next()?;
    let name = metric(first)?;
    if let Some(name) = as_bool(tree) {
        return Some((name, true));
    }
    let (values, _) = reader.read(tree);
    // A sum of 1s, or something that is only there when it is wrong.
    if values.presence > Presence::Given || values.range.only().is_some() {
        return None;
    }
    let is_calculated =
        walk(tree).any(|one| matches!(one, Expr::Binary(one) if matches!(one.op, Op::Divide | Op::Subtract)));
    let is_counter = name.ends_with("_total") || name.ends_with("_bucket");
    // By the catalogue, or through what records it.
    let is_known = reader.knows(first) || !values.nan;
    let is_state = values.range.whole && values.range.high <= 1.0;
    (is_calculated || calls(tree, &OF_VALUES) || is_counter || is_known).then(|| (name.to_owned(), is_state))
}

/// `x > bool 5`: 0 or 1, and both fire.
fn as_bool(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::Binary(one) if one.matching.is_bool => {
            selectors(&one.left).next().and_then(metric).map(str::to_owned)
        }
        _ => None,
    }
}
