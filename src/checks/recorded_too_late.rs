//! A rule reads what its group records only after it: the rules of a group run in order, so that it sees the last round's
//! value, and at the start none.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::promql::tree::When;
use crate::promql::{Expr, metric, walk};
use crate::stack::{Group, Rule, Stack};

pub(super) const CHECK: Check = Check { id: "recorded-too-late", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut recorders: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in stack.rules().filter(|rule| !rule.is_alert) {
        *recorders.entry(&rule.name).or_default() += 1;
    }
    for group in stack.rule_files.iter().flat_map(|file| &file.groups) {
        let places = places(group);
        for (at, rule) in group.rules.iter().enumerate() {
            let late = asked_now(rule).into_iter().find(|name| {
                // Where several record it, one of them may be in time.
                recorders.get(name) == Some(&1) && places.get(name).is_some_and(|place| *place > at)
            });
            let Some(name) = late else { continue };
            report.push(
                CHECK
                    .finding(format!("`{}` reads `{name}` before its group records it", rule.name))
                    .at(rule.expr.at(name).place(), "the value of one interval ago")
                    .at(group.rules[places[name]].name.place(), "recorded here")
                    .help(format!("write the rule that records `{name}` above it")),
            );
        }
    }
}

fn places(group: &Group) -> BTreeMap<&str, usize> {
    let recordings = group.rules.iter().enumerate().filter(|(_, rule)| !rule.is_alert);
    recordings.map(|(at, rule)| (rule.name.as_str(), at)).collect()
}

/// The series of which a rule wants the value of now: over a range, or of an hour ago, one interval does not matter.
fn asked_now(rule: &Rule) -> Vec<&str> {
    let all = rule.expr.tree().into_iter().flat_map(walk);
    let now = all.filter_map(|expr| match expr {
        Expr::Vector(one) if one.when == When::default() => metric(one),
        _ => None,
    });
    now.collect()
}
