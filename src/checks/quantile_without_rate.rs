//! A quantile of buckets as they are: of everything since the process began. The longer it runs, the less a bad hour moves it.

use super::Check;
use super::shared::asked::{Said, queries};
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::VectorSelector;
use crate::promql::{Expr, bare, metric, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "quantile-without-rate", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let metrics = stack.metrics();
    let mut said = Said::default();
    for asked in queries(stack) {
        let Some(tree) = asked.query.tree() else { continue };
        for buckets in walk(tree).filter_map(quantile).filter_map(raw) {
            let Some(name) = metric(buckets).filter(|name| name.ends_with("_bucket")) else { continue };
            if metrics.is_recorded(name) || !said.is_new(&asked, name) {
                continue;
            }
            report.push(
                CHECK
                    .finding(format!("a quantile of `{name}` since each process began, not of now"))
                    .at(asked.query.at(name).place(), "without `rate`")
                    .help(format!(
                        "write `sum by (le) (rate({name}[5m]))` inside, with the labels to keep beside `le`"
                    )),
            );
        }
    }
}

/// What a quantile is taken of.
fn quantile(expr: &Expr) -> Option<&Expr> {
    let Expr::Call(call) = expr else { return None };
    (call.name == "histogram_quantile").then(|| call.args.get(1))?
}

/// The buckets, where at most sums are around them.
fn raw(expr: &Expr) -> Option<&VectorSelector> {
    match bare(expr) {
        Expr::Vector(selector) => Some(selector),
        Expr::Aggregate(one) => raw(&one.expr),
        _ => None,
    }
}
