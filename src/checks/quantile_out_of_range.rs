//! A quantile of 99 and not of 0.99: what is outside of 0 to 1 is infinite, and so above every threshold.

use super::Check;
use super::shared::shapes::{function, number};
use super::shared::words::rounded;
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::{Binary, Op};
use crate::promql::{Expr, bare, walk};
use crate::stack::{Query, Stack};

pub(super) const CHECK: Check = Check { id: "quantile-out-of-range", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for rule in stack.rules() {
        find(&rule.expr, report);
    }
    for query in
        stack.dashboards.iter().flat_map(|dashboard| &dashboard.panels).flat_map(|panel| &panel.queries)
    {
        query.expr.iter().for_each(|query| find(query, report));
    }
}

fn find(query: &Query, report: &mut Report) {
    // A dashboard has many expressions, and few have a quantile.
    if !query.text.contains("quantile") {
        return;
    }
    let Some(tree) = query.tree() else { return };
    let outside = walk(tree).filter_map(quantile).find(|share| !(0.0..=1.0).contains(share));
    let Some(share) = outside else { return };
    let end = if share > 1.0 { "+Inf, above every threshold" } else { "-Inf, below every threshold" };
    let help = match share {
        share if share > 1.0 && share < 100.0 => format!("write `{}`", rounded(share / 100.0)),
        _ => "write a number between 0 and 1, as `0.99`".to_owned(),
    };
    report.push(
        CHECK
            .finding(format!("the quantile {share} is none: it is a share of 1"))
            .at(query.at(&share.to_string()).place(), format!("always {end}"))
            .help(help),
    );
}

/// The quantile that is asked for, if it is a number.
fn quantile(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Aggregate(one) if one.name == "quantile" => literal(one.param.as_ref()?),
        Expr::Call(call) if matches!(function(expr)?, "histogram_quantile" | "quantile_over_time") => {
            literal(call.args.first()?)
        }
        _ => None,
    }
}

/// A number, or one hundredth of one.
fn literal(expr: &Expr) -> Option<f64> {
    match bare(expr) {
        Expr::Negative(inner) => literal(inner).map(|number| -number),
        Expr::Binary(Binary { op: Op::Divide, left, right, .. }) => Some(number(left)? / number(right)?),
        other => number(other),
    }
}
