//! Whether Prometheus evaluates the rules that are in the files, and can.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Expected, said, section};
use crate::checks::list;
use crate::diagnostics::{Diagnostic, Report};
use crate::live;
use crate::promql;
use crate::stack::{self, Group, Rule, RuleFile};

pub(super) fn compare(
    expected: &Expected<'_>,
    file: &stack::Prometheus,
    groups: &[live::Group],
    report: &mut Report,
) {
    let reload = &expected.reload.prometheus;
    let folder = &expected.stack.folder;
    let named: BTreeSet<String> = file
        .rule_files
        .iter()
        .flat_map(|one| one.files.iter().flatten())
        .map(|path| folder.name(path))
        .collect();
    let mut taken = BTreeSet::new();
    for rules in expected.stack.rule_files.iter().filter(|one| named.contains(one.document.name())) {
        compare_file(rules, groups, &mut taken, reload, report);
    }
    // A pattern that leads to where nobody can look names groups that nobody here knows.
    let is_known = file.rule_files.iter().all(|one| one.files.is_some());
    let left: Vec<&str> = groups
        .iter()
        .enumerate()
        .filter(|(at, _)| is_known && !taken.contains(at))
        .map(|(_, group)| group.name.as_str())
        .collect();
    if !left.is_empty() {
        report.push(
            left_over(
                format!("Prometheus still evaluates the groups {}, which no file has", list(left)),
                reload,
            )
            .at(section(&file.root, "rule_files"), ""),
        );
    }
}

fn compare_file(
    file: &RuleFile,
    groups: &[live::Group],
    taken: &mut BTreeSet<usize>,
    reload: &str,
    report: &mut Report,
) {
    let mut missing = Vec::new();
    for group in &file.groups {
        let Some(name) = &group.name else { continue };
        let found = groups
            .iter()
            .enumerate()
            .filter(|(at, other)| other.name == name.value && !taken.contains(at))
            .max_by_key(|(at, other)| (common(file.document.name(), &other.file), std::cmp::Reverse(*at)));
        match found {
            Some((at, other)) => {
                taken.insert(at);
                compare_group(group, &name.value, other, reload, report);
            }
            None => missing.push(name),
        }
    }
    let Some(first) = missing.first() else { return };
    let rules: usize = file.groups.iter().map(|group| group.rules.len()).sum();
    let message = if missing.len() == file.groups.len() {
        format!("Prometheus has not loaded this file: {rules} rules are not evaluated")
    } else {
        format!("Prometheus has not loaded the groups {}", list(missing.iter().map(|name| name.as_str())))
    };
    report.push(not_loaded(message, reload).at(first.place(), "not loaded"));
}

/// How many names at their ends two paths have in common: a file is mounted from elsewhere, and mostly keeps its name.
fn common(one: &str, other: &str) -> usize {
    let names = |path| Path::new(path).components().rev();
    names(one).zip(names(other)).take_while(|(a, b)| a == b).count()
}

fn compare_group(group: &Group, name: &str, running: &live::Group, reload: &str, report: &mut Report) {
    if let Some(interval) = &group.interval
        && (interval.value.as_secs_f64() - running.interval).abs() > 0.001
    {
        report.push(
            differs(format!("the group `{name}` is evaluated every {}s", running.interval), reload)
                .at(interval.place(), "the file says so"),
        );
    }
    // What is wholly the same goes together first: names may be there several times.
    let mut left: Vec<&live::Rule> = running.rules.iter().collect();
    let mut changed = Vec::new();
    for rule in &group.rules {
        match left.iter().position(|other| difference(rule, other) == Some("")) {
            Some(at) => fails(rule, left.remove(at), report),
            None => changed.push(rule),
        }
    }
    for rule in changed {
        let Some(at) = left.iter().position(|other| difference(rule, other).is_some()) else {
            let message = format!("Prometheus does not evaluate {}", what(rule));
            report.push(not_loaded(message, reload).at(rule.name.place(), "not loaded"));
            continue;
        };
        let other = left.remove(at);
        let part = difference(rule, other).unwrap_or_default();
        let at = rule.node.get(part).map_or_else(|| rule.name.at.clone(), |node| node.at());
        let runs = match part {
            "expr" => format!("`{}` is evaluated", said(&other.query)),
            "for" => format!("`{}s` runs", other.duration),
            _ => "another one runs".to_owned(),
        };
        let message = format!("Prometheus evaluates {} with another `{part}`", what(rule));
        report.push(differs(message, reload).at(at.place(), runs));
        fails(rule, other, report);
    }
    let names: Vec<&str> = left.iter().map(|rule| rule.name.as_str()).collect();
    if !names.is_empty() {
        let message =
            format!("Prometheus still evaluates {}, which the group `{name}` does not have", list(names));
        let found = left_over(message, reload);
        report.push(match &group.name {
            Some(name) => found.at(name.place(), ""),
            None => found,
        });
    }
}

fn what(rule: &Rule) -> String {
    format!("the {} `{}`", if rule.is_alert { "alert" } else { "recording" }, rule.name)
}

/// The first key that differs; empty where none does, `None` where it is another rule.
fn difference(rule: &Rule, running: &live::Rule) -> Option<&'static str> {
    let is_alert = running.kind == "alerting";
    if rule.name.value != running.name || rule.is_alert != is_alert {
        return None;
    }
    let pairs = |texts: &[(crate::source::Spanned<String>, crate::source::Spanned<String>)]| {
        texts.iter().map(|(key, value)| (key.value.clone(), value.value.clone())).collect::<live::Labels>()
    };
    let hold = rule.hold.as_ref().map_or(0.0, |hold| hold.value.as_secs_f64());
    let is_for_other = is_alert && (hold - running.duration).abs() > 0.001;
    Some(if !is_same_query(&rule.expr.text, &running.query) {
        "expr"
    } else if is_for_other {
        "for"
    } else if pairs(&rule.labels) != running.labels {
        "labels"
    } else if is_alert && pairs(&rule.annotations) != running.annotations {
        "annotations"
    } else {
        ""
    })
}

/// Prometheus shows what it has read, not the text. What skymon cannot read is taken for the same.
fn is_same_query(written: &str, running: &str) -> bool {
    match (promql::tree(written), promql::tree(running)) {
        // Conditions are written in the order of their names, by both.
        (Some(one), Some(other)) => one.to_string() == other.to_string(),
        _ => true,
    }
}

fn fails(rule: &Rule, running: &live::Rule, report: &mut Report) {
    if running.health == "err" {
        report.push(
            Diagnostic::error("rule-fails", format!("Prometheus cannot evaluate {}", what(rule)))
                .at(rule.expr.text.place(), said(&running.last_error))
                .help("make it one series on each side, with `by` or `on`, or mend what the message names"),
        );
    }
}

fn not_loaded(message: String, reload: &str) -> Diagnostic {
    Diagnostic::error("rule-not-loaded", message).help(format!(
        "have it read its rules again: `{reload}`; if that is not it, see that the file is mounted"
    ))
}

fn differs(message: String, reload: &str) -> Diagnostic {
    Diagnostic::error("rule-differs", message).help(format!("have it read its rules again: `{reload}`"))
}

fn left_over(message: String, reload: &str) -> Diagnostic {
    Diagnostic::warning("rule-left-over", message)
        .help(format!("have it read its rules again: `{reload}`; or put them into a file of this stack"))
}
