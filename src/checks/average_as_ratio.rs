//! A sum divided by how many there are, read as a share: 3 requests on one replica are "300% in use".

use super::Check;
use super::shared::shapes::{aggregation, comparison, number, only_metric};
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::{Binary, Op};
use crate::promql::{Expr, bare};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "average-as-ratio", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        let Some((sum, count)) = alert.expr.tree().and_then(average) else { continue };
        if !is_said_in_percent(alert) {
            continue;
        }
        report.push(
            CHECK
                .finding(format!(
                    "`{}` takes `{sum}` for each `{count}` as a share: it has no upper end",
                    alert.name
                ))
                .at(alert.expr.text.place(), "an average, printed in percent")
                .help("divide by what can be held at most, as `sum(used) / sum(limit)`"),
        );
    }
}

/// `sum(a) / count(b) > 0.8`: the names of both.
fn average(expr: &Expr) -> Option<(&str, &str)> {
    let comparison = comparison(expr)?;
    number(&comparison.right).filter(|limit| (0.0..=1.0).contains(limit))?;
    let Expr::Binary(Binary { op: Op::Divide, left, right, .. }) = bare(&comparison.left) else {
        return None;
    };
    let sum = only_metric(&aggregation(left, &["sum"])?.expr)?;
    let count = only_metric(&aggregation(right, &["count"])?.expr)?;
    // Of one and the same it is its mean, which may well be a share.
    (sum != count).then_some((sum, count))
}

fn is_said_in_percent(alert: &Rule) -> bool {
    alert
        .annotations
        .iter()
        .any(|(_, text)| text.contains("humanizePercentage") || text.contains("$value }}%"))
}
