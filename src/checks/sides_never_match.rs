//! An operator whose two sides can never have the same labels: nothing matches, and there is no result.

use super::Check;
use super::shared::asked::{Said, surely_promql};
use crate::diagnostics::{Report, Severity};
use crate::promql::ast::{BinaryExpr, LabelModifier};
use crate::promql::labels::{Fault, Reason};
use crate::stack::{Flow, Stack};

pub(super) const CHECK: Check = Check { id: "sides-never-match", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let mut said = Said::default();
    for one in surely_promql(stack) {
        for fault in flow.faults(one.query) {
            let Fault::NeverMatch(binary, reason) = fault else { continue };
            let op = binary.op.to_string();
            let outcome = if op == "unless" { "it takes nothing away" } else { "there is never a result" };
            let finding = CHECK
                .finding(format!("in {} the two sides of `{op}` never match: {outcome}", one.subject()))
                .at(one.query.at(label(&reason)).place(), why(&reason))
                .help(help(binary, &reason));
            if one.is_rule() || said.is_new(&one, &format!("{op} {reason:?}")) {
                report.push(finding);
            }
        }
    }
}

fn label(reason: &Reason) -> &str {
    match reason {
        Reason::OnlyLeft(label)
        | Reason::OnlyRight(label)
        | Reason::Both(label, _)
        | Reason::Values { label, .. } => label,
    }
}

fn why(reason: &Reason) -> String {
    match reason {
        Reason::OnlyLeft(label) => format!("only the left side has `{label}`"),
        Reason::OnlyRight(label) => format!("only the right side has `{label}`"),
        Reason::Both(left, right) => format!("only the left side has `{left}`, only the right one `{right}`"),
        Reason::Values { label, left, right } => {
            format!("`{label}` is `{left}` on the left and `{right}` on the right")
        }
    }
}

fn help(binary: &BinaryExpr, reason: &Reason) -> String {
    let op = binary.op.to_string();
    let matching = binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref());
    let is_set = binary.op.is_set_operator();
    match reason {
        _ if matching.is_some_and(LabelModifier::is_include) => {
            "name in `on (…)` only labels that both sides have, and keep them in each `by (…)`".to_owned()
        }
        Reason::Values { label, .. } => format!("write `{op} ignoring ({label})`"),
        Reason::Both(..) => {
            "group both sides by the same labels, or name what they share in `on (…)`".to_owned()
        }
        Reason::OnlyLeft(label) | Reason::OnlyRight(label) if is_set => {
            format!(
                "write `{op} on (…)` with the labels that both have, `{op} on ()` for none, or keep `{label}` on both sides"
            )
        }
        Reason::OnlyLeft(label) => {
            format!(
                "keep `{label}` on both sides, or write `{op} on (…) group_left ()` with the labels that both have"
            )
        }
        Reason::OnlyRight(label) => {
            format!(
                "keep `{label}` on both sides, or write `{op} on (…) group_right ()` with the labels that both have"
            )
        }
    }
}
