//! A share of one, compared with a number of percents: it is always below.

use super::Check;
use super::shared::values::Comparison;
use super::shared::verdicts::{Kind, verdicts};
use super::shared::words::rounded;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "percent-of-ratio", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for verdict in verdicts(stack).into_iter().filter(|verdict| verdict.kind == Kind::PercentOfRatio) {
        let Some(limit) = verdict.limit() else { continue };
        let (name, what, range) = (&verdict.rule.name, &verdict.what, verdict.compared.values.range);
        let passes = matches!(
            verdict.compared.comparison,
            Comparison::Below | Comparison::AtMost | Comparison::NotEqual
        );
        let result = if passes { "always" } else { "never" };
        let operator = verdict.compared.comparison.as_str();
        let share = rounded(limit / 100.0);
        report.push(
            CHECK
                .finding(format!("`{name}` compares a ratio with a percentage: `{what}` is {range}"))
                .at(verdict.place, format!("{result} true"))
                .help(format!("write `{operator} {share}`, or `* 100` on the other side")),
        );
    }
}
