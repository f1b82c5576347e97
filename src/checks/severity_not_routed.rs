//! An alert whose severity no route knows, in a tree that routes by severity: it ends at the root, with whoever is there.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity, nearest};
use crate::stack::{Alertmanager, Stack};

pub(super) const CHECK: Check = Check { id: "severity-not-routed", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        let known = severities(alertmanager);
        let Some(root) = alertmanager.route.as_ref().filter(|_| !known.is_empty()) else { continue };
        for (alert, labels) in stack.fired() {
            let ends = alertmanager.journeys(labels);
            let [end] = ends.as_slice() else { continue };
            if !end.is_sure || !std::ptr::eq(end.route, root) {
                continue;
            }
            let finding = match alert.label("severity") {
                None => CHECK
                    .finding(format!("`{}` has no severity: no route is made for it", alert.name))
                    .at(alert.name.place(), "ends at the root of the routes")
                    .help("add `labels: {severity: …}`"),
                Some(severity) => {
                    // Another word is another choice; a word that is nearly one of them is a slip.
                    let Some(near) = close(severity, &known) else { continue };
                    CHECK
                        .finding(format!("no route knows the severity `{severity}` of `{}`", alert.name))
                        .at(severity.place(), "ends at the root of the routes")
                        .help(format!("did you mean `{near}`?"))
                }
            };
            report.push(finding);
        }
    }
}

/// The values that routes compare the severity with.
fn severities(alertmanager: &Alertmanager) -> BTreeSet<String> {
    let matchers = alertmanager.routes().into_iter().flat_map(|route| &route.matchers);
    matchers
        .filter_map(|one| one.matcher.as_ref())
        .filter(|matcher| matcher.name == "severity")
        .flat_map(|matcher| matcher.value.split('|').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn close<'k>(severity: &str, known: &'k BTreeSet<String>) -> Option<&'k str> {
    if severity.len() < 3 || severity.contains("{{") {
        return None;
    }
    let begins = known.iter().find(|word| word.starts_with(severity) || severity.starts_with(word.as_str()));
    begins.map(String::as_str).or_else(|| nearest(severity, known.iter().map(String::as_str)))
}
