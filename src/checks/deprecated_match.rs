//! `match:` and `match_re:` of Alertmanager, which a coming version will not read.

use super::Check;
use crate::diagnostics::{Edit, Report, Severity};
use crate::source::Node;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "deprecated-match", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        for route in alertmanager.routes() {
            check(&route.node, ["match", "match_re"], "matchers", report);
        }
        for rule in &alertmanager.inhibit_rules {
            check(&rule.node, ["source_match", "source_match_re"], "source_matchers", report);
            check(&rule.node, ["target_match", "target_match_re"], "target_matchers", report);
        }
    }
}

fn check(node: &Node, keys: [&str; 2], new: &str, report: &mut Report) {
    let mut matchers = Vec::new();
    for (key, op) in keys.into_iter().zip(["=", "=~"]) {
        let entries = node.get(key).map(|map| map.entries()).unwrap_or_default();
        matchers.extend(
            entries
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}{op}\"{}\"", escaped(value.text()?)))),
        );
    }
    let quoted: Vec<String> = matchers.iter().map(|one| format!("'{}'", one.replace('\'', "''"))).collect();
    let replacement = format!("{new}: [{}]", quoted.join(", "));
    let old: Vec<Node> = keys.into_iter().filter_map(|key| node.get(key)).collect();
    let mut fix =
        if node.get(new).is_none() { rewritten(&old, &replacement).unwrap_or_default() } else { Vec::new() };
    for (key, old) in keys.into_iter().filter_map(|key| Some((key, node.get(key)?))) {
        report.push(
            CHECK
                .finding(format!("`{key}` is deprecated"))
                .at(old.name_at().place(), "a coming version will not read it")
                .help(format!("write `{replacement}`"))
                .fix(std::mem::take(&mut fix)),
        );
    }
}

/// The first of the old keys becomes the new one, the other goes. `None` where something else would be lost with them.
fn rewritten(old: &[Node], replacement: &str) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    for node in old {
        let entry = node.entry()?;
        // A comment inside; or an anchor, an alias, a tag, which may be needed elsewhere.
        if entry.text().contains(['#', '&', '*', '!']) {
            return None;
        }
        edits.push(if edits.is_empty() { entry.replaced(replacement) } else { entry.lines()?.replaced("") });
    }
    Some(edits)
}

/// As it stands between double quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
