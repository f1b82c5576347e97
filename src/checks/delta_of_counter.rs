//! A difference of a counter, taken as if it were a gauge: a restart in between makes it negative.

use super::Check;
use super::shared::asked::{Said, queries};
use super::shared::counters::Counters;
use crate::diagnostics::{Report, Severity};
use crate::promql::ast::VectorSelector;
use crate::promql::{Expr, bare, walk};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "delta-of-counter", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let counters = Counters::of(stack);
    let mut said = Said::default();
    for asked in queries(stack) {
        let Some(tree) = asked.query.tree() else { continue };
        for (function, instead, selector) in walk(tree).into_iter().filter_map(difference) {
            let Some(name) = counters.name(selector).filter(|name| said.is_new(&asked, name)) else {
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

/// The function, what to write in its place, and what it is taken of.
fn difference(expr: &Expr) -> Option<(&'static str, &'static str, &VectorSelector)> {
    let Expr::Call(call) = expr else { return None };
    let (name, instead) = match call.func.name {
        "delta" => ("delta", "increase"),
        "idelta" => ("idelta", "irate"),
        "deriv" => ("deriv", "rate"),
        _ => return None,
    };
    match bare(call.args.args.first()?) {
        Expr::MatrixSelector(matrix) => Some((name, instead, &matrix.vs)),
        _ => None,
    }
}
