//! An operator whose two sides can never have the same labels: nothing matches, and there is no result.

use super::Check;
use super::shared::asked::{Said, surely_promql};
use crate::diagnostics::{Report, Severity};
use crate::promql::labels::{Fault, Reason};
use crate::promql::tree::{Binary, Group, Grouping, Matching, Op};
use crate::stack::{Flow, Stack};

pub(super) const CHECK: Check = Check { id: "sides-never-match", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let mut said = Said::default();
    for one in surely_promql(stack) {
        for fault in flow.faults(one.query) {
            let Fault::NeverMatch(binary, reason) = fault else { continue };
            let op = binary.op;
            let outcome = if op == Op::Unless { "it takes nothing away" } else { "there is never a result" };
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

/// What is to be written. Of what the operator has already, `bool`, `ignoring (…)` and `group_left (…)` stay.
fn help(binary: &Binary, reason: &Reason) -> String {
    let Matching { is_bool, on, group, .. } = &binary.matching;
    let op = format!("{}{}", binary.op, if *is_bool { " bool" } else { "" });
    let is_set = binary.op.is_set();
    let group = group.as_ref();
    match on {
        Some(Grouping::These(on)) => joined(&op, on, group, reason),
        Some(Grouping::AllBut(ignored)) => ignoring(&op, ignored, group, is_set, reason),
        None => matched_by_all(&op, is_set, reason),
    }
}

/// What groups, behind what is matched on.
fn written(group: Option<&Group>) -> String {
    group.map(|group| format!(" {group}")).unwrap_or_default()
}

/// Of an operator with `on (…)`.
fn joined(op: &str, on: &[String], group: Option<&Group>, reason: &Reason) -> String {
    let Reason::Values { label, .. } = reason else {
        return "name in `on (…)` only labels that both sides have, and keep them in each `by (…)`"
            .to_owned();
    };
    let rest: Vec<&str> = on.iter().map(String::as_str).filter(|one| one != label).collect();
    let same = format!("ask for the same `{label}` on both sides");
    if rest.is_empty() {
        return format!("{same}, or name another label in `on (…)`");
    }
    format!("{same}, or write `{op} on ({}){}`", rest.join(", "), written(group))
}

/// Of an operator with `ignoring (…)`.
fn ignoring(op: &str, ignored: &[String], group: Option<&Group>, is_set: bool, reason: &Reason) -> String {
    let with = |more: &[&String], group: Option<&Group>| {
        let all: Vec<&str> = ignored.iter().chain(more.iter().copied()).map(String::as_str).collect();
        format!("`{op} ignoring ({}){}`", all.join(", "), written(group))
    };
    match (reason, group) {
        (Reason::Values { label, .. }, _) => format!("write {}", with(&[label], group)),
        (Reason::Both(left, right), _) => {
            format!("group both sides by the same labels, or write {}", with(&[left, right], group))
        }
        (Reason::OnlyLeft(label) | Reason::OnlyRight(label), _) if is_set => {
            format!("keep `{label}` on both sides, or write {}", with(&[label], None))
        }
        (Reason::OnlyLeft(label), None) => {
            format!(
                "keep `{label}` on both sides, or write {}",
                with(&[label], Some(&Group::Left(Vec::new())))
            )
        }
        (Reason::OnlyRight(label), None) => {
            format!(
                "keep `{label}` on both sides, or write {}",
                with(&[label], Some(&Group::Right(Vec::new())))
            )
        }
        (Reason::OnlyLeft(label), Some(Group::Left(_)))
        | (Reason::OnlyRight(label), Some(Group::Right(_))) => {
            format!("keep `{label}` on both sides, or write {}", with(&[label], group))
        }
        // Of the side of which there is to be one for many.
        (Reason::OnlyLeft(label), Some(Group::Right(_)))
        | (Reason::OnlyRight(label), Some(Group::Left(_))) => {
            format!("keep `{label}` on both sides, or take it away with `without ({label})`")
        }
    }
}

/// Of an operator that says nothing of labels.
fn matched_by_all(op: &str, is_set: bool, reason: &Reason) -> String {
    match reason {
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
