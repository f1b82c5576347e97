//! A group that is evaluated less often than its ranges are long: what happens in between is seen by nobody.

use super::Check;
use super::range_too_short::interval_if_short;
use super::shared::scrapes::{Scrapes, written};
use super::shared::shapes::ranged;
use crate::diagnostics::{Report, Severity};
use crate::promql::{metric, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "interval-longer-than-range", severity: Severity::Warning, run };

/// Functions that look at the whole range: of others the last samples are all that counts.
const OF_ALL: [&str; 9] = [
    "rate",
    "increase",
    "changes",
    "resets",
    "max_over_time",
    "min_over_time",
    "sum_over_time",
    "count_over_time",
    "avg_over_time",
];

fn run(stack: &Stack, report: &mut Report) {
    let scrapes = Scrapes::new(stack);
    for group in stack.rule_files.iter().flat_map(|file| &file.groups) {
        let Some(interval) = scrapes.evaluation(group) else { continue };
        for rule in &group.rules {
            let Some(tree) = rule.expr.tree() else { continue };
            let missed = walk(tree)
                .filter_map(ranged)
                .filter(|(function, matrix)| OF_ALL.contains(function) && matrix.range < interval)
                // Where there is no value at all, that is told.
                .find(|(function, matrix)| interval_if_short(function, matrix, &scrapes).is_none());
            let Some((_, matrix)) = missed else { continue };
            let (range, often) = (written(matrix.range), written(interval));
            let what = metric(&matrix.selector).unwrap_or("what it asks for");
            report.push(
                CHECK
                    .finding(format!("`{}` looks at {range} of `{what}` each {often}", rule.name))
                    .at(
                        rule.expr.at(&format!("[{range}]")).place(),
                        "what happens in between is seen by nobody",
                    )
                    .help(format!("write `[{often}]` or longer, or a shorter `interval` of the group")),
            );
        }
    }
}
