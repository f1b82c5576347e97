//! A rate over a range in which there are not two samples: it has no value.

use std::time::Duration;

use super::Check;
use super::shared::scrapes::{Scrapes, written};
use super::shared::shapes::ranged;
use super::shared::words::LIKE_RATE;
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::MatrixSelector;
use crate::promql::{metric, walk};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "range-too-short", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let scrapes = Scrapes::new(stack);
    for rule in stack.rules() {
        let Some((range, interval, what)) = too_short(rule, &scrapes) else { continue };
        let (range, twice) = (written(range), written(interval * 2));
        let often = written(interval);
        report.push(
            CHECK
                .finding(format!(
                    "`{}` needs two samples of `{what}` in {range}: there is one each {often}",
                    rule.name
                ))
                .at(rule.expr.at(&format!("[{range}]")).place(), "no value, or only for some targets")
                .help(format!(
                    "write a range of four samples, `[{}]`, and at least `[{twice}]`",
                    written(interval * 4)
                )),
        );
    }
}

/// The range, how often there is a new sample, and of what.
fn too_short<'s>(rule: &'s Rule, scrapes: &Scrapes) -> Option<(Duration, Duration, &'s str)> {
    let tree = rule.expr.tree()?;
    walk(tree).filter_map(ranged).find_map(|(function, matrix)| {
        let interval = interval_if_short(function, matrix, scrapes)?;
        Some((matrix.range, interval, metric(&matrix.selector)?))
    })
}

/// How often there is a new sample, where the range does not hold two.
pub(super) fn interval_if_short(
    function: &str,
    matrix: &MatrixSelector,
    scrapes: &Scrapes,
) -> Option<Duration> {
    let interval = scrapes.shortest(&matrix.selector)?;
    (LIKE_RATE.contains(&function) && matrix.range < interval * 2).then_some(interval)
}
