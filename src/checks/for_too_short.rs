//! A `for` that is shorter than the time between two scrapes: one bad sample is all that there is in it.

use std::time::Duration;

use super::Check;
use super::shared::scrapes::{Scrapes, written};
use crate::diagnostics::{Report, Severity};
use crate::promql::{Expr, metric, selectors, walk};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "for-too-short", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let scrapes = Scrapes::new(stack);
    for alert in stack.alerts() {
        let Some(hold) = alert.hold.as_ref().filter(|hold| !hold.value.is_zero()) else { continue };
        let Some((interval, what)) = between_samples(alert, &scrapes) else { continue };
        if hold.value >= interval {
            continue;
        }
        let (length, often) = (written(hold.value), written(interval));
        report.push(
            CHECK
                .finding(format!("`{}` fires at one bad sample: `{what}` has one each {often}", alert.name))
                .at(hold.place(), format!("within {length} the same sample is asked again"))
                .help(format!("write `for: {}`, or no `for` where one is enough", written(interval * 2))),
        );
    }
}

/// How often there is a new sample, where the alert is about samples as they are.
fn between_samples<'s>(alert: &'s Rule, scrapes: &Scrapes) -> Option<(Duration, &'s str)> {
    let tree = alert.expr.tree()?;
    // A range holds several, and what is recorded may be of one.
    let has_range = walk(tree).any(|one| matches!(one, Expr::Matrix(_) | Expr::Subquery(_)));
    if has_range || selectors(tree).any(|selector| scrapes.is_recorded(selector)) {
        return None;
    }
    let intervals: Option<Vec<Duration>> =
        selectors(tree).map(|selector| scrapes.shortest(selector)).collect();
    Some((intervals?.into_iter().min()?, metric(selectors(tree).next()?)?))
}
