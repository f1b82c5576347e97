//! A quantile of buckets that an aggregation has put together: without `le` nobody knows which bucket is which, and the
//! result is empty.

use super::Check;
use super::shared::asked::{Said, surely_promql};
use super::shared::shapes::aggregation;
use crate::diagnostics::{Report, Severity};
use crate::promql::labels::Fault;
use crate::promql::tree::Grouping;
use crate::promql::{Expr, walk};
use crate::stack::{Flow, Stack};

pub(super) const CHECK: Check = Check { id: "quantile-without-le", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let mut said = Said::default();
    for one in surely_promql(stack).filter(|one| one.query.text.contains("histogram_quantile")) {
        for fault in flow.faults(one.query) {
            let Fault::QuantileWithoutLe(buckets) = fault else { continue };
            let finding = CHECK
                .finding(format!(
                    "{} takes a quantile of buckets without `le`: there is never a result",
                    one.subject()
                ))
                .at(one.query.at("histogram_quantile").place(), "the buckets below are summed up to one")
                .help(help(buckets));
            if one.is_rule() || said.is_new(&one, &buckets.to_string()) {
                report.push(finding);
            }
        }
    }
}

fn help(buckets: &Expr) -> String {
    let groups = walk(buckets).find_map(|expr| aggregation(expr, &["sum", "avg", "max", "min"]));
    let Some(one) = groups else { return "record the buckets with `le`".to_owned() };
    match &one.grouping {
        Some(Grouping::These(by)) => {
            let labels: Vec<&str> = ["le"].into_iter().chain(by.iter().map(String::as_str)).collect();
            format!("write `{} by ({})`", one.name, labels.join(", "))
        }
        Some(Grouping::AllBut(_)) => "take `le` out of `without (…)`".to_owned(),
        None => format!("write `{} by (le) (…)`", one.name),
    }
}
