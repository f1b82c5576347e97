//! A comparison that no value can pass: the alert is silent whatever happens.

use super::Check;
use super::shared::shapes::function;
use super::shared::values::Cause;
use super::shared::verdicts::{Kind, Verdict, verdicts};
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "never-fires", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for verdict in verdicts(stack) {
        let name = &verdict.rule.name;
        let whose = match (verdict.kind, verdict.rule.is_alert) {
            (Kind::Never, true) => format!("`{name}` can never fire"),
            (Kind::Never, false) => format!("`{name}` never records anything"),
            (Kind::NeverInPart, _) => format!("a part of `{name}` can never be true"),
            _ => continue,
        };
        let (what, range) = (&verdict.what, verdict.compared.values.range);
        report.push(
            CHECK
                .finding(format!("{whose}: `{what}` is {range}"))
                .at(verdict.place.clone(), format!("no value is `{}`", verdict.condition))
                .help(help(&verdict)),
        );
    }
}

fn help(verdict: &Verdict) -> String {
    let (what, condition) = (&verdict.what, &verdict.condition);
    match verdict.compared.values.cause {
        Some(Cause::Count | Cause::Targets(_)) if !verdict.asks_for_more() => format!(
            "what is not there is not counted as 0: write `({what} or vector(0)) {condition}`, or ask with `absent(…)`"
        ),
        Some(Cause::Targets(count)) => {
            format!("the configuration of Prometheus lists {count}: write a smaller number")
        }
        _ if function(verdict.compared.side) == Some("vector") => {
            "`or` takes in less than a comparison: write `(… or vector(0)) > 5` where both sides are meant"
                .to_owned()
        }
        _ if what.starts_with("absent") => format!("write `{what}` alone: it has the value 1 or none"),
        _ => format!("write a number that `{what}` can pass and can fail"),
    }
}
