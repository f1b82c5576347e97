//! An alert on a target that does not answer, without `for`: one scrape that takes too long is a page.

use super::Check;
use super::shared::shapes::{comparison, number};
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::Op;
use crate::promql::{Expr, bare, metric};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "one-lost-scrape", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        // Who writes `for: 0s` means it.
        let Some(what) = asks_the_last_sample(alert).filter(|_| alert.node.get("for").is_none()) else {
            continue;
        };
        report.push(
            CHECK
                .finding(format!("`{}` fires at the first scrape that fails", alert.name))
                .at(alert.expr.at(what).place(), "one timeout is enough")
                .help("write `for: 1m` below, or `for: 0s` where it is meant so"),
        );
    }
}

/// `up == 0` and nothing else.
fn asks_the_last_sample(alert: &Rule) -> Option<&str> {
    let comparison = comparison(alert.expr.tree()?)?;
    let limit = number(&comparison.right)?;
    let asks = match comparison.op {
        Op::Equal => limit.abs() < 0.5,
        Op::NotEqual | Op::Less => (limit - 1.0).abs() < 0.5,
        _ => false,
    };
    match bare(&comparison.left) {
        Expr::Vector(selector) if asks => {
            metric(selector).filter(|name| matches!(*name, "up" | "probe_success"))
        }
        _ => None,
    }
}
