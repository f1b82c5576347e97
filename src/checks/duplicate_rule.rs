//! The same rule twice: each firing is told twice, or a series is written twice.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "duplicate-rule", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    // Files that nobody loads may be copies of each other.
    let mut loaded = BTreeMap::new();
    for file in &stack.rule_files {
        let mut alone = BTreeMap::new();
        let seen = if file.is_loaded { &mut loaded } else { &mut alone };
        for rule in file.rules() {
            if let Some(first) = seen.insert(identity(rule), rule) {
                report.push(
                    CHECK
                        .finding(format!("`{}` is there twice, word for word", rule.name))
                        .at(rule.name.place(), "the same expression and labels")
                        .at(first.name.place(), "first here")
                        .help("take one of them away"),
                );
            }
        }
    }
}

/// What makes two rules one: what they are called, what they ask, and the labels that they give.
fn identity(rule: &Rule) -> (bool, &str, String, BTreeMap<&str, &str>) {
    let asked = rule.expr.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let labels = rule.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    (rule.is_alert, &rule.name, asked, labels)
}
