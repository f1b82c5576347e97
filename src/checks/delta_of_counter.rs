//! A difference of a counter, taken as if it were a gauge: a restart in between makes it negative.

use super::Check;
use super::shared::asked::{Said, queries};
use super::shared::counters::Counters;
use super::shared::shapes::ranged;
use crate::diagnostics::{Report, Severity};
use crate::promql::walk;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "delta-of-counter", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let counters = Counters::of(stack);
    let mut said = Said::default();
    for asked in queries(stack) {
        let Some(tree) = asked.query.tree() else { continue };
        for (function, matrix) in walk(tree).filter_map(ranged) {
            let Some(instead) = instead(function) else { continue };
            let Some(name) = counters.name(&matrix.selector).filter(|name| said.is_new(&asked, name)) else {
                continue;
            };
            report.push(
                CHECK
                    .finding(format!("`{function}` of the counter `{name}`: a restart makes it negative"))
                    .at(asked.query.at(name).place(), "begins again at 0 with its process")
                    .help(format!("write `{instead}({name}[…])`, which sees a restart for what it is")),
            );
        }
    }
}

/// Of a function that takes a difference, what does the same for counters.
fn instead(function: &str) -> Option<&'static str> {
    Some(match function {
        "delta" => "increase",
        "idelta" => "irate",
        "deriv" => "rate",
        _ => return None,
    })
}
