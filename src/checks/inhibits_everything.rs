//! An inhibition by severity alone: one critical alert anywhere mutes every warning everywhere.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{LabelMatcher, Stack};

pub(super) const CHECK: Check = Check { id: "inhibits-everything", severity: Severity::Warning, run };

/// Labels that say how bad it is, and not what or where.
const LEVELS: [&str; 4] = ["level", "page", "priority", "severity"];

fn run(stack: &Stack, report: &mut Report) {
    for rule in stack.alertmanagers.iter().flat_map(|alertmanager| &alertmanager.inhibit_rules) {
        let without = [(&rule.source, "source_matchers"), (&rule.target, "target_matchers")];
        if let Some((_, key)) = without.iter().find(|(conditions, _)| conditions.is_empty()) {
            report.push(
                CHECK
                    .finding(format!("an inhibition without `{key}` is about every alert"))
                    .at(rule.node.at().place(), "no condition")
                    .help(format!("add `{key}:` with what tells these alerts from others")),
            );
            continue;
        }
        let are_broad = |conditions: &[LabelMatcher]| {
            !conditions.is_empty()
                && conditions.iter().all(|one| {
                    one.matcher.as_ref().is_some_and(|matcher| LEVELS.contains(&matcher.name.as_str()))
                })
        };
        if !rule.equal.is_empty() || !are_broad(&rule.source) || !are_broad(&rule.target) {
            continue;
        }
        let at = &rule.target[0].text;
        report.push(
            CHECK
                .finding(format!("one alert with `{}` anywhere mutes all of these", rule.source[0].text))
                .at(at.place(), "whatever they are about")
                .help("add `equal: [service]`, with the labels that say that both are about the same"),
        );
    }
}
