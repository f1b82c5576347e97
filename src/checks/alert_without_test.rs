//! Rules are tested here, and some alerts are not: those are the ones that break unnoticed.

use std::collections::{BTreeSet, HashSet};

use super::Check;
use super::shared::words::list;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::{Rule, RuleFile, Stack};

pub(super) const CHECK: Check = Check { id: "alert-without-test", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    if stack.rule_tests.is_empty() {
        return;
    }
    let tested = tested(stack);
    for file in stack.rule_files.iter().filter(|file| file.is_loaded && is_under_test(stack, file)) {
        let mut untested: Vec<&Rule> =
            file.rules().filter(|rule| rule.is_alert && !tested.contains(rule.name.as_str())).collect();
        let mut names = BTreeSet::new();
        untested.retain(|rule| names.insert(rule.name.as_str()));
        let Some(first) = untested.first() else { continue };
        let list = list(untested.iter().map(|rule| rule.name.as_str()));
        let is = if untested.len() == 1 { "is" } else { "are" };
        report.push(
            CHECK
                .finding(format!("{list} {is} in no rule test"))
                .at(first.name.place(), "never seen to fire")
                .help(format!(
                    "add `alertname: {}` to the `alert_rule_test` of a test, with series that make it fire",
                    first.name
                )),
        );
    }
}

/// Whether a test loads the file. Of one that none does, somebody may have decided so.
fn is_under_test(stack: &Stack, file: &RuleFile) -> bool {
    let name = file.document.name();
    let mut patterns = stack.rule_tests.iter().flat_map(|tests| &tests.rule_files);
    patterns.any(|pattern| {
        let below = pattern.trim_start_matches("../").trim_start_matches("./");
        match below.split_once('*') {
            Some((folder, _)) => name.contains(folder),
            None => name.ends_with(below),
        }
    })
}

/// The alerts whose names stand in the tests.
fn tested(stack: &Stack) -> BTreeSet<&str> {
    let alerts: HashSet<&str> = stack.alerts().map(|alert| alert.name.as_str()).collect();
    let tests = stack.rule_tests.iter().flat_map(|tests| &tests.tests);
    let asked =
        tests.flat_map(|test| test.get("alert_rule_test").map(|node| node.items()).unwrap_or_default());
    let of = |one: Node| alerts.get(one.get("alertname")?.text()?).copied();
    let mut names: BTreeSet<&str> = asked.filter_map(of).collect();
    if names.len() == alerts.len() {
        return names;
    }
    // An expression may ask for `ALERTS{alertname="…"}`.
    let files = stack.rule_tests.iter().map(|tests| tests.document.source.text.as_str());
    for text in files.filter(|text| text.contains("ALERTS")) {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        names.extend(words.filter_map(|word| alerts.get(word).copied()));
    }
    names
}
