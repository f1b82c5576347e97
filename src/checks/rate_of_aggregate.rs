//! A rate of a sum of counters: when one process starts again, the sum falls, and the rate takes all of it for new.

use std::collections::BTreeMap;

use super::Check;
use super::shared::shapes::{aggregation, function, is_rate, ranged};
use crate::diagnostics::{Report, Severity};
use crate::promql::{Expr, bare, metric, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "rate-of-aggregate", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let sums: BTreeMap<&str, &str> = stack
        .rules()
        .filter(|rule| !rule.is_alert)
        .filter_map(|rule| Some((rule.name.as_str(), summed(rule.expr.tree()?)?)))
        .collect();
    for rule in stack.rules() {
        let Some(tree) = rule.expr.tree() else { continue };
        let found = walk(tree).find_map(|one| of_sum(one, &sums));
        let Some((function, shown, counter)) = found else { continue };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` takes a `{function}` of a sum: when one process starts again, all of `{counter}` counts as new",
                    rule.name
                ))
                .at(rule.expr.at(shown).place(), "a spike at each restart")
                .help(format!("write `sum({function}({counter}[5m]))`: first the rate of each, then their sum")),
        );
    }
}

/// The function, the word to show and the counter, where a rate is taken of a sum.
fn of_sum<'e>(expr: &'e Expr, sums: &BTreeMap<&'e str, &'e str>) -> Option<(&'static str, &'e str, &'e str)> {
    let name = function(expr).filter(|name| is_rate(name))?;
    if let Some((_, matrix)) = ranged(expr) {
        let recorded = metric(&matrix.selector)?;
        return Some((name, recorded, sums.get(recorded)?));
    }
    let Expr::Call(call) = expr else { return None };
    let Expr::Subquery(subquery) = bare(call.args.first()?) else { return None };
    let counter = summed(&subquery.expr)?;
    Some((name, counter, counter))
}

/// The counter, where an expression is a sum of one as it is.
fn summed(expr: &Expr) -> Option<&str> {
    match bare(&aggregation(expr, &["sum", "avg"])?.expr) {
        Expr::Vector(selector) => metric(selector).filter(|name| name.ends_with("_total")),
        _ => None,
    }
}
