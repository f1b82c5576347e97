//! `irate` in an alert that has to hold: it looks at two samples, and one quiet moment begins `for` anew.

use std::time::Duration;

use super::Check;
use super::shared::scrapes::written;
use super::shared::shapes::ranged;
use crate::diagnostics::{Report, Severity};
use crate::promql::walk;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "irate-in-alert", severity: Severity::Note, run };

/// Shorter than this, a moment is what the alert is about.
const LONG: Duration = Duration::from_secs(60);

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        let Some(hold) = alert.hold.as_ref().filter(|hold| hold.value >= LONG) else { continue };
        let Some(tree) = alert.expr.tree() else { continue };
        let found = walk(tree).filter_map(ranged).find(|(function, _)| *function == "irate");
        let Some((_, matrix)) = found else { continue };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` has to hold for {}, and `irate` sees two samples only",
                    alert.name,
                    written(hold.value)
                ))
                .at(alert.expr.at("irate").place(), "one quiet moment begins `for` anew")
                .help(format!("write `rate(…[{}])`", written(matrix.range))),
        );
    }
}
