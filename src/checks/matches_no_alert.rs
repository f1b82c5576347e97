//! A route or an inhibition for a word that no alert has: mostly a slip of the pen.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use super::shared::label_names::LabelNames;
use crate::diagnostics::{Report, Severity, is_misspelt, nearest};
use crate::promql::labels::Labels;
use crate::stack::{LabelMatcher, Stack, words};

pub(super) const CHECK: Check = Check { id: "matches-no-alert", severity: Severity::Warning, run };

/// Programs that send alerts of rules that are not read here.
const OTHER_SENDERS: [&str; 6] = ["cortex", "loki", "mimir", "ruler", "thanos", "vmalert"];

/// The words that people have for how bad it is: one that is nearly such a word is no other.
const SEVERITIES: [&str; 12] = [
    "critical",
    "debug",
    "disaster",
    "emergency",
    "error",
    "fatal",
    "high",
    "info",
    "major",
    "minor",
    "page",
    "warning",
];

fn run(stack: &Stack, report: &mut Report) {
    if !knows_all_alerts(stack) {
        return;
    }
    let alerts: Vec<&Labels> = stack.fired().map(|(_, labels)| labels).collect();
    let mut known =
        Known { alerts, values: BTreeMap::new(), names: LabelNames::of(stack), slips: BTreeMap::new() };
    for alertmanager in &stack.alertmanagers {
        for route in alertmanager.routes().into_iter().skip(1) {
            for one in &route.matchers {
                check(one, true, &mut known, report);
            }
        }
        for rule in &alertmanager.inhibit_rules {
            for one in rule.source.iter().chain(&rule.target) {
                check(one, false, &mut known, report);
            }
        }
    }
}

/// Whether another program of the stack evaluates rules too.
pub(super) fn has_other_senders(stack: &Stack) -> bool {
    let is_other = |name: &str| OTHER_SENDERS.iter().any(|other| name.contains(other));
    let mut images = stack.services().filter_map(|(_, service)| service.image.as_ref());
    images.any(|image| is_other(&image.repository))
}

/// Whether no rule is elsewhere.
fn knows_all_alerts(stack: &Stack) -> bool {
    let patterns = || stack.prometheuses.iter().flat_map(|one| &one.rule_files);
    stack.alerts().next().is_some()
        && patterns().next().is_some()
        && patterns().all(|pattern| pattern.files.is_some())
        && !has_other_senders(stack)
}

/// The values of labels.
struct Known<'a> {
    alerts: Vec<&'a Labels>,
    values: BTreeMap<String, Option<BTreeSet<&'a str>>>,
    names: LabelNames<'a>,
    /// What was found out of the names of labels.
    slips: BTreeMap<String, Option<&'a str>>,
}

impl<'a> Known<'a> {
    /// The label that was meant.
    fn slip(&mut self, label: &str) -> Option<&'a str> {
        let names = &self.names;
        *self.slips.entry(label.to_owned()).or_insert_with(|| names.slip(label))
    }

    /// All that a label can have; `None` where a series may bring others.
    fn values(&mut self, label: &str) -> Option<&BTreeSet<&'a str>> {
        let alerts = &self.alerts;
        let found = || {
            let able = alerts.iter().filter(|labels| labels.can_have(label));
            able.map(|labels| labels.value(label)).collect::<Option<BTreeSet<&str>>>()
        };
        self.values.entry(label.to_owned()).or_insert_with(found).as_ref()
    }
}

fn check(one: &LabelMatcher, is_route: bool, known: &mut Known<'_>, report: &mut Report) {
    let Some(matcher) = &one.matcher else { return };
    // What holds where the label is missing holds for all of them.
    if let Some(near) = known.slip(&matcher.name) {
        let outcome = if matcher.is_match("") { "it holds for every alert" } else { "it holds for none" };
        report.push(
            CHECK
                .finding(format!("no alert has a label `{}`: {outcome}", matcher.name))
                .at(one.text.place(), "a condition on nothing")
                .help(format!("did you mean `{near}`?")),
        );
        return;
    }
    let Some(wanted) = words(matcher) else { return };
    let Some(values) = known.values(&matcher.name).filter(|values| !values.is_empty()) else { return };
    let unknown: Vec<&str> =
        wanted.iter().copied().filter(|word| !word.is_empty() && !values.contains(word)).collect();
    let severity = |word: &str| {
        let is_plain = matcher.name == "severity" && !SEVERITIES.contains(&word);
        SEVERITIES.into_iter().find(|right| is_plain && is_misspelt(word, right))
    };
    let slip = unknown
        .iter()
        .find_map(|word| Some((*word, nearest(word, values.iter().copied()).or_else(|| severity(word))?)));
    let finding = match slip {
        Some((word, near)) => CHECK
            .finding(format!("no alert has the {} `{word}`", matcher.name))
            .help(format!("did you mean `{near}`?")),
        // A branch for an alert that is not there is nobody's; one for a severity may wait for the first alert of it.
        None if is_route && matcher.name == "alertname" && unknown.len() == wanted.len() => CHECK
            .finding(format!(
                "no alert is called {}: nothing comes this way",
                super::shared::words::list(unknown)
            ))
            .help("write the name of an alert of your rules, or remove the route"),
        None => return,
    };
    report.push(finding.at(one.text.place(), "nothing matches this"));
}
