//! A label that is the value of the expression: each evaluation makes another alert of it, and none lasts.

use super::Check;
use super::shared::shapes::{comparison, function, number};
use crate::diagnostics::{Report, Severity};
use crate::gotemplate::{Action, Base, Kind, Term};
use crate::promql::tree::Op;
use crate::promql::{Expr, bare};
use crate::stack::{Filled, Stack};

pub(super) const CHECK: Check = Check { id: "value-in-label", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alert in stack.alerts() {
        if alert.expr.tree().is_none_or(is_constant) {
            continue;
        }
        for Filled { name, text, template, fault, .. } in alert.filled().filter(|one| one.is_label) {
            let Some(action) = template.actions.iter().find(|action| fault.is_none() && prints_value(action))
            else {
                continue;
            };
            let hold = alert.hold.as_ref().is_some_and(|hold| !hold.value.is_zero());
            let outcome =
                if hold { "it never lasts as long as `for` wants" } else { "each is another alert" };
            let at = text.at.part(text.get(action.range.clone()).unwrap_or_default());
            report.push(
                CHECK
                    .finding(format!(
                        "the label `{name}` of `{}` changes with the value: {outcome}",
                        alert.name
                    ))
                    .at(at.place(), "an alert is known by its labels")
                    .help(format!("move `{name}` from `labels` to `annotations`")),
            );
        }
    }
}

/// Whether all values of the expression are the same.
fn is_constant(expr: &Expr) -> bool {
    let equal = comparison(expr).is_some_and(|one| {
        one.op == Op::Equal && (number(&one.right).is_some() || number(&one.left).is_some())
    });
    equal || function(bare(expr)).is_some_and(|name| name.starts_with("absent"))
}

/// Whether the value itself becomes text, and not only what it is compared to.
fn prints_value(action: &Action) -> bool {
    const CONDITIONS: [&str; 9] = ["and", "eq", "ge", "gt", "le", "lt", "ne", "not", "or"];
    let is_condition =
        |term: &Term| matches!(&term.base, Base::Function(name) if CONDITIONS.contains(&name.as_str()));
    let is_value = |term: &Term| match &term.base {
        Base::Variable(name) if name == "$" => term.fields == ["Value"],
        Base::Variable(name) => name == "$value",
        Base::Dot => action.is_top && term.fields == ["Value"],
        _ => false,
    };
    action.kind == Kind::Print && action.terms.iter().any(is_value) && !action.terms.iter().any(is_condition)
}
