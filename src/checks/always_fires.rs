//! A comparison that every value passes: the alert fires as long as there is anything to compare.

use super::Check;
use super::shared::values::Cause;
use super::shared::verdicts::{Kind, verdicts};
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "always-fires", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for verdict in verdicts(stack).into_iter().filter(|verdict| verdict.kind == Kind::Always) {
        let (name, what, range) = (&verdict.rule.name, &verdict.what, verdict.compared.values.range);
        let help = match verdict.compared.values.cause {
            Some(Cause::Targets(count)) => {
                format!("the configuration of Prometheus lists {count}: write a number up to that")
            }
            _ => format!("write a number that `{what}` can pass and can fail"),
        };
        report.push(
            CHECK
                .finding(format!("`{name}` always fires: `{what}` is {range}"))
                .at(verdict.place, format!("every value is `{}`", verdict.condition))
                .help(help),
        );
    }
}
