//! `match:` and `match_re:` of Alertmanager, which a coming version will not read.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "deprecated-match", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        for route in alertmanager.routes() {
            check(&route.node, "match", "match_re", "matchers", report);
        }
        for rule in &alertmanager.inhibit_rules {
            check(&rule.node, "source_match", "source_match_re", "source_matchers", report);
            check(&rule.node, "target_match", "target_match_re", "target_matchers", report);
        }
    }
}

fn check(node: &Node, equal: &str, regex: &str, new: &str, report: &mut Report) {
    let mut matchers = Vec::new();
    for (key, op) in [(equal, "="), (regex, "=~")] {
        let entries = node.get(key).map(|map| map.entries()).unwrap_or_default();
        matchers.extend(
            entries.iter().filter_map(|(name, value)| Some(format!("'{name}{op}\"{}\"'", value.text()?))),
        );
    }
    for key in [equal, regex] {
        if let Some(old) = node.get(key) {
            report.push(
                CHECK
                    .finding(format!("`{key}` is deprecated"))
                    .at(old.name_at().place(), "a coming version will not read it")
                    .help(format!("write `{new}: [{}]`", matchers.join(", "))),
            );
        }
    }
}
