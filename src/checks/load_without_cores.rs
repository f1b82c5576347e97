//! A load average compared with a number: it counts what wants to run, and how many can is another number.

use super::Check;
use super::shared::shapes::{comparison, number};
use crate::diagnostics::{Report, Severity};
use crate::promql::{Expr, bare, metric};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "load-without-cores", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        let Some(load) = raw_load(alert) else { continue };
        report.push(
            CHECK
                .finding(format!("`{}` takes `{load}` without the number of cores", alert.name))
                .at(alert.expr.at(load).place(), "idle on 64 cores, overloaded on one")
                .help(format!(
                    "write `{load} / count without (cpu, mode) (node_cpu_seconds_total{{mode=\"idle\"}}) > 2`"
                )),
        );
    }
}

fn raw_load(alert: &Rule) -> Option<&str> {
    let comparison = comparison(alert.expr.tree()?)?;
    number(&comparison.right)?;
    match bare(&comparison.left) {
        Expr::Vector(selector) => {
            metric(selector).filter(|name| matches!(*name, "node_load1" | "node_load5" | "node_load15"))
        }
        _ => None,
    }
}
