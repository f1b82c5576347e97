//! Alerts are grouped by a label that none of them has: the word splits nothing.

use std::collections::BTreeSet;

use super::Check;
use super::shared::label_names::LabelNames;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "group-by-unknown-label", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    if stack.alerts().next().is_none() {
        return;
    }
    let names = LabelNames::of(stack);
    for alertmanager in &stack.alertmanagers {
        let mut said = BTreeSet::new();
        for label in alertmanager.routes().into_iter().flat_map(|route| route.group_by.iter().flatten()) {
            if label.value == "..." || !said.insert(label.as_str()) {
                continue;
            }
            let Some(near) = names.slip(label) else { continue };
            report.push(
                CHECK
                    .finding(format!("no alert has the label `{label}`: grouping by it does nothing"))
                    .at(label.place(), "nobody sets it")
                    .help(format!("did you mean `{near}`?")),
            );
        }
    }
}
