//! An expression that Prometheus refuses: with it the whole file of rules, or the panel.

use super::Check;
use super::expressions::{Once, all};
use crate::diagnostics::{Report, Severity};
use crate::promql::refused::{Problem, problem};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "expression-broken", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut once = Once::default();
    for one in all(stack).filter(|one| !one.query.has_variables() && one.query.tree().is_none()) {
        let Some(Problem::Refused(refused)) = problem(&one.query.text) else { continue };
        let outcome =
            if one.is_panel { "the panel shows an error" } else { "Prometheus refuses the whole file" };
        let finding = CHECK
            .finding(format!("the expression of {} is not PromQL: {}", one.subject, refused.message))
            .at(one.query.at(&refused.word).place(), outcome)
            .help(refused.help.clone());
        once.push(report, &one, &one.query.text, finding);
    }
}
