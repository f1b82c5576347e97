//! A rate of something that goes up and down: each fall is read as the restart of a counter, and makes a spike that never was.

use super::Check;
use super::shared::asked::{Asked, Said, queries};
use super::shared::shapes::{is_rate, ranged};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::{metric, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "rate-of-gauge", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let metrics = stack.metrics();
    let mut said = Said::default();
    for asked in queries(stack) {
        let Some(tree) = asked.query.tree() else { continue };
        let rates = walk(tree).filter_map(ranged).filter(|(function, _)| is_rate(function));
        for (function, matrix) in rates {
            let Some(name) = metric(&matrix.selector) else { continue };
            if !is_time(name) && metrics.is_gauge(&matrix.selector) && said.is_new(&asked, name) {
                report.push(finding(&asked, function, name));
            }
        }
    }
}

fn finding(asked: &Asked<'_>, function: &str, name: &str) -> Diagnostic {
    CHECK
        .finding(format!("`{function}` of `{name}`, which is a gauge: each fall counts as a restart from 0"))
        .at(asked.query.at(name).place(), "goes up and down")
        .help(format!("write `delta({name}[…])` for its change, or `avg_over_time({name}[…])` for its level"))
}

/// A time only grows, although its type is that of a gauge.
fn is_time(name: &str) -> bool {
    ["timestamp", "last_seen", "mtime", "_time_seconds", "_time_ms"].iter().any(|part| name.contains(part))
}
