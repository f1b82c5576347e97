//! Quantiles of several series, averaged or added: a number that is no quantile of anything.

use super::Check;
use super::shared::asked::{Said, queries};
use super::shared::shapes::aggregation;
use crate::catalog::metrics::{Kind, Part};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::{Expr, bare, metric, walk};
use crate::stack::{Metrics, Stack};

pub(super) const CHECK: Check = Check { id: "average-of-quantiles", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let metrics = stack.metrics();
    let mut said = Said::default();
    for asked in queries(stack) {
        let Some(tree) = asked.query.tree() else { continue };
        for (kind, of) in walk(tree).filter_map(averaged) {
            let Some((what, place, help)) = quantiles(metrics, of) else { continue };
            if !said.is_new(&asked, &what) {
                continue;
            }
            let severity = asked.severity(Severity::Warning, Severity::Note);
            let wrong = format!("`{kind}` of {what}: the result is a quantile of nothing");
            let found = Diagnostic::new(CHECK.id, severity, wrong);
            report.push(found.at(asked.query.at(place).place(), "one for each series").help(help));
        }
    }
}

fn averaged(expr: &Expr) -> Option<(&'static str, &Expr)> {
    let one = aggregation(expr, &["avg", "sum"]).filter(|_| matches!(expr, Expr::Aggregate(_)))?;
    Some((one.name, &one.expr))
}

/// What the quantiles are, the word that shows where, and what to write instead.
fn quantiles<'e>(metrics: &Metrics, expr: &'e Expr) -> Option<(String, &'e str, String)> {
    match bare(expr) {
        Expr::Call(call) if call.name == "histogram_quantile" => Some((
            "quantiles".to_owned(),
            "histogram_quantile",
            "sum first, then take the quantile: `histogram_quantile(…, sum by (le) (rate(…)))`".to_owned(),
        )),
        Expr::Vector(selector) => {
            let name = metric(selector)?;
            let mut matchers = selector.matchers.iter();
            let asks = matchers.any(|one| one.name == "quantile" && is_quantile(&one.value));
            let known = metrics.known(selector);
            let is_summary = !known.is_empty()
                && known.iter().all(|one| one.metric.kind == Kind::Summary && one.part == Part::Whole);
            (asks || is_summary).then(|| {
                (
                    format!("the quantiles `{name}`"),
                    name,
                    format!("take the worst with `max({name}…)`, or the mean: `sum(rate({name}_sum[5m])) / sum(rate({name}_count[5m]))`"),
                )
            })
        }
        _ => None,
    }
}

/// Whether a text is a quantile: 0 to 1.
fn is_quantile(text: &str) -> bool {
    text.parse().is_ok_and(|value: f64| (0.0..=1.0).contains(&value))
}
