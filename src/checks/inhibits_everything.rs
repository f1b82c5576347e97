//! An inhibition that mutes more than what follows from its source: by severity alone, without what ties both sides together, or
//! a grave alert by a lesser one.

use std::collections::BTreeSet;

use super::Check;
use super::shared::words;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::labels::Labels;
use crate::promql::{Matcher, asks_nothing, metric, selectors};
use crate::stack::{Inhibition, LabelMatcher, Rule, Stack, asks_for_presence, may_meet};

pub(super) const CHECK: Check = Check { id: "inhibits-everything", severity: Severity::Warning, run };

/// Labels that say how bad it is, and not what or where.
const LEVELS: [&str; 4] = ["level", "page", "priority", "severity"];
/// Labels that say what an alert is about, those that are meant most often first.
const SUBJECTS: [&str; 9] =
    ["service", "host", "node", "pod", "namespace", "cluster", "instance", "device", "replica"];
/// Severities of what can wait.
const LESSER: [&str; 5] = ["low", "minor", "moderate", "warn", "warning"];
/// Parts of the names of alerts that are there to mute.
const MUTING: [&str; 13] = [
    "backup", "deploy", "drain", "hours", "inhibit", "maint", "mute", "planned", "quiet", "reboot", "silenc",
    "upgrad", "window",
];

type Fired<'s> = (&'s Rule, &'s Labels);

fn run(stack: &Stack, report: &mut Report) {
    let fired: Vec<Fired> = stack.fired().collect();
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
        if rule.equal.is_empty() && are_broad(&rule.source) && are_broad(&rule.target) {
            let at = &rule.target[0].text;
            report.push(
                CHECK
                    .finding(format!("one alert with `{}` anywhere mutes all of these", rule.source[0].text))
                    .at(at.place(), "whatever they are about")
                    .help("add `equal: [service]`, with the labels that say that both are about the same"),
            );
            continue;
        }
        let sources = alerts(&fired, &rule.source);
        report.extend(of_others(stack, &fired, rule, &sources).or_else(|| lesser(&fired, rule, &sources)));
    }
}

fn are_broad(conditions: &[LabelMatcher]) -> bool {
    conditions.iter().all(|one| matcher(one).is_some_and(|matcher| LEVELS.contains(&matcher.name.as_str())))
}

fn matcher(one: &LabelMatcher) -> Option<&Matcher> {
    one.matcher.as_ref()
}

/// Nothing ties the two sides together, and the alerts of each say what they are about.
fn of_others(stack: &Stack, fired: &[Fired], rule: &Inhibition, sources: &[Fired]) -> Option<Diagnostic> {
    let is_subject = |label: &str| label != "alertname" && !LEVELS.contains(&label);
    let conditions = || rule.source.iter().chain(&rule.target);
    // Who asks for more than that such a label is there has thought of where.
    let is_narrow = |one: &LabelMatcher| {
        matcher(one).is_none_or(|own| is_subject(&own.name) && asks_for_presence(own) != Some(true))
    };
    if !rule.equal.is_empty() || !rule.node.document().is_complete() || conditions().any(is_narrow) {
        return None;
    }
    let targets = alerts(fired, &rule.target);
    let varies = |label: &str| {
        let is_open = |(_, labels): &Fired| labels.surely_has(label) && labels.value(label).is_none();
        let some = |those: &[Fired]| !those.is_empty() && those.iter().all(is_open);
        let is_tie = || label != "instance" || has_several(stack, sources) && share_job(sources, &targets);
        some(sources) && some(&targets) && may_share(label, sources, &targets) != Some(false) && is_tie()
    };
    let asked = rule.source.iter().filter_map(matcher).find(|own| is_subject(&own.name));
    let can_have =
        |label: &str| targets.is_empty() || targets.iter().any(|(_, labels)| labels.can_have(label));
    let asked = asked.map(|own| own.name.as_str()).filter(|label| can_have(label));
    let label = asked.or_else(|| SUBJECTS.into_iter().find(|label| varies(label)))?;
    Some(
        CHECK
            .finding(format!(
                "an alert with `{}` mutes these of every `{label}`, not only of its own",
                rule.source[0].text
            ))
            .at(rule.target[0].text.place(), "nothing ties both together")
            .help(format!("add `equal: [{label}]`")),
    )
}

/// Whether a value of this label can be one of both sides, where all of them are known.
fn may_share(label: &str, sources: &[Fired], targets: &[Fired]) -> Option<bool> {
    let values = |those: &[Fired]| -> Option<BTreeSet<String>> {
        let each = those.iter().map(|(_, labels)| labels.values(label).cloned());
        each.collect::<Option<Vec<_>>>().map(|sets| sets.into_iter().flatten().collect())
    };
    Some(!values(sources)?.is_disjoint(&values(targets)?))
}

/// Whether both sides may be about the targets of one job: only there an instance is the same. Where the jobs are not known,
/// one exporter's metrics begin alike, and `up` is of each.
fn share_job(sources: &[Fired], targets: &[Fired]) -> bool {
    may_share("job", sources, targets).unwrap_or_else(|| {
        let (of_sources, of_targets) = (families(sources), families(targets));
        let are_any = |those: &BTreeSet<&str>| those.contains("up");
        are_any(&of_sources) || are_any(&of_targets) || !of_sources.is_disjoint(&of_targets)
    })
}

/// How the names of the metrics begin that these alerts read; `up` only where it may be of any job.
fn families<'s>(alerts: &[Fired<'s>]) -> BTreeSet<&'s str> {
    let of = |(alert, labels): &Fired<'s>| {
        let read = alert.expr.tree().into_iter().flat_map(selectors).filter_map(metric);
        let has_job = labels.values("job").is_some();
        read.filter_map(|name| name.split(['_', ':']).next()).filter(move |name| !has_job || *name != "up")
    };
    alerts.iter().flat_map(of).collect()
}

/// Whether the instances that these alerts are about can be more than one.
fn has_several(stack: &Stack, alerts: &[Fired]) -> bool {
    let jobs = || stack.prometheuses.iter().flat_map(|prometheus| &prometheus.jobs);
    alerts.iter().all(|(_, labels)| {
        let asked = jobs().filter(|job| labels.value("job").is_none_or(|name| job.name.value == name));
        let (targets, discovers) =
            asked.fold((0, false), |(count, any), job| (count + job.targets.len(), any || job.discovers));
        discovers || targets > 1
    })
}

/// A warning mutes what somebody is woken for.
fn lesser(fired: &[Fired], rule: &Inhibition, sources: &[Fired]) -> Option<Diagnostic> {
    let names = |conditions: &[LabelMatcher]| {
        conditions.iter().filter_map(matcher).any(|own| own.name == "alertname")
    };
    let is_lesser = |(alert, labels): &Fired| {
        let name = alert.name.to_lowercase();
        // What asks for nothing but the time says when, and not that something is wrong.
        let is_measured = alert.expr.tree().is_none_or(|tree| !asks_nothing(tree));
        labels.value("severity").is_some_and(|word| LESSER.contains(&word.to_lowercase().as_str()))
            && is_measured
            && !MUTING.iter().any(|part| name.contains(part))
    };
    // Two that are named are a pair that somebody chose.
    if sources.is_empty() || !sources.iter().all(is_lesser) || names(&rule.source) && names(&rule.target) {
        return None;
    }
    let is_muted = |(_, labels): &&Fired| {
        labels.value("severity").is_some_and(words::is_grave)
            && rule.target.iter().all(|one| one.holds(labels) == Some(true))
    };
    let muted: Vec<&str> = fired.iter().filter(is_muted).map(|(alert, _)| alert.name.as_str()).collect();
    if muted.is_empty() {
        return None;
    }
    Some(
        CHECK
            .finding(format!("a lesser alert mutes {}", words::list(muted)))
            .at(rule.target[0].text.place(), "somebody is to be woken by these")
            .help("add `severity=\"critical\"` to `source_matchers`, or `severity=\"warning\"` to `target_matchers`"),
    )
}

/// Those that may meet the conditions.
fn alerts<'s>(fired: &[Fired<'s>], conditions: &[LabelMatcher]) -> Vec<Fired<'s>> {
    fired.iter().filter(|(_, labels)| may_meet(labels, conditions)).copied().collect()
}
