//! A rate over just two samples: one scrape that is lost is a gap, and the alert's `for` begins anew.

use super::Check;
use super::shared::scrapes::{Scrapes, written};
use super::shared::shapes::ranged;
use super::shared::words::LIKE_RATE;
use crate::diagnostics::{Report, Severity};
use crate::promql::{metric, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "range-without-slack", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    let scrapes = Scrapes::new(stack);
    for alert in stack.alerts() {
        let Some(tree) = alert.expr.tree() else { continue };
        // Without `for` the next evaluation is as good.
        if alert.hold.as_ref().is_none_or(|hold| hold.value.is_zero()) {
            continue;
        }
        let tight = walk(tree).filter_map(ranged).find_map(|(function, matrix)| {
            let interval = scrapes.shortest(&matrix.selector)?;
            let is_tight = matrix.range >= interval * 2 && matrix.range < interval * 3;
            (is_tight && LIKE_RATE.contains(&function)).then_some((matrix, interval))
        });
        let Some((matrix, interval)) = tight else { continue };
        let (range, often) = (written(matrix.range), written(interval));
        let what = metric(&matrix.selector).unwrap_or("it");
        report.push(
            CHECK
                .finding(format!(
                    "`{}` has just two samples of `{what}`: there is one each {often}",
                    alert.name
                ))
                .at(
                    alert.expr.at(&format!("[{range}]")).place(),
                    "a lost scrape is a gap, and `for` begins anew",
                )
                .help(format!("write `[{}]`", written(interval * 4))),
        );
    }
}
