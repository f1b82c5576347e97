//! A label that is named twice in `group_by`, or beside `...`: Alertmanager does not start.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "duplicate-group-by", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for route in stack.alertmanagers.iter().flat_map(|alertmanager| alertmanager.routes()) {
        let labels = route.group_by.as_deref().unwrap_or_default();
        let mut known = BTreeSet::new();
        let again = labels.iter().find(|label| !known.insert(label.as_str()));
        let all = labels.iter().find(|label| label.value == "..." && labels.len() > 1);
        let finding = match (again, all) {
            (Some(again), _) => CHECK
                .finding(format!("`group_by` names `{again}` twice: Alertmanager does not start"))
                .at(again.place(), "again")
                .help("name each label once"),
            (None, Some(all)) => CHECK
                .finding("`...` stands beside labels in `group_by`: Alertmanager does not start")
                .at(all.place(), "means all labels there are")
                .help("write either `['...']`, or the labels"),
            (None, None) => continue,
        };
        report.push(finding);
    }
}
