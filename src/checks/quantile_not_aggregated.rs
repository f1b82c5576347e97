//! A quantile of raw buckets: one alert for each instance and path, from whatever few requests each had.

use super::Check;
use super::shared::shapes::{comparison, function, is_rate, only_metric};
use crate::diagnostics::{Report, Severity};
use crate::promql::{Expr, bare};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "quantile-not-aggregated", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        let Some(metric) = alert.expr.tree().and_then(raw_quantile) else { continue };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` takes a quantile of each series: one alert for each instance and label",
                    alert.name
                ))
                .at(alert.expr.text.place(), "without `sum by (le)`")
                .help(format!(
                    "write `sum by (le) (rate({metric}[5m]))` inside, with the labels to keep beside `le`"
                )),
        );
    }
}

/// The buckets, where a quantile of their rate is compared and nothing sums them.
fn raw_quantile(expr: &Expr) -> Option<&str> {
    let Expr::Call(quantile) = bare(&comparison(expr)?.left) else { return None };
    let inner = (quantile.name == "histogram_quantile").then(|| quantile.args.get(1))??;
    function(inner).filter(|name| is_rate(name))?;
    only_metric(inner).filter(|name| name.ends_with("_bucket"))
}
