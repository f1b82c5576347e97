//! A secret and the file that holds it stand side by side: Prometheus and Alertmanager refuse to choose.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "secret-said-twice", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        search(&prometheus.root, "Prometheus", 0, report);
    }
    for alertmanager in &stack.alertmanagers {
        search(&alertmanager.root, "Alertmanager", 0, report);
    }
}

fn search(node: &Node, program: &str, depth: usize, report: &mut Report) {
    if depth > 16 {
        return;
    }
    let is_said = |node: &Node| node.text().is_some_and(|text| !text.is_empty());
    let entries = node.entries();
    let said: BTreeMap<&str, &Node> = entries
        .iter()
        .filter(|(_, value)| is_said(value))
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    for (key, value) in &said {
        if let Some(file) = said.get(format!("{key}_file").as_str()) {
            report.push(
                CHECK
                    .finding(format!("`{key}` stands beside `{key}_file`: {program} does not start"))
                    .at(value.name_at().place(), "only one of the two")
                    .at(file.name_at().place(), "")
                    .help(format!("remove `{key}`, and keep the secret in the file")),
            );
        }
    }
    for (_, value) in &entries {
        search(value, program, depth + 1, report);
    }
    for item in node.items() {
        search(&item, program, depth + 1, report);
    }
}
