//! Alerts as they will stand in the rules: an entry of a pack with the engine's, the stack's and the service's changes
//! laid over it.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::{Value, context};

use super::slo::Slo;
use crate::catalog::alerts::{AlertChange, AlertEntry, Pack};
use crate::catalog::engines::{Bound, Bounds};
use crate::diagnostics::nearest;
use crate::diagnostics::{Diagnostic, Report};
use crate::promql::PromQl;
use crate::source::ConfigPath;
use crate::templates::Templates;
use crate::values::{Duration, Severity};

pub struct Alert {
    pub entry: &'static AlertEntry,
    pub severity: Severity,
    /// How long the condition must hold.
    pub hold: Duration,
    /// In the unit that the expression compares.
    pub threshold: Option<f64>,
    pub expr: PromQl,
    /// Beside `severity` and `service`; text, not templates.
    pub labels: BTreeMap<String, String>,
    /// Prometheus templates.
    pub summary: String,
    pub description: String,
    pub service: Option<String>,
    /// The incident of its rule test, rendered with the effective values.
    pub incident: String,
}

/// What an alert is rendered for.
pub(super) struct Scope<'a> {
    pub service: Option<&'a str>,
    /// Labels of the service, that its alerts carry too.
    pub labels: &'a BTreeMap<String, String>,
    /// All metrics that its expression may ask for, and how often each is seen anew.
    pub exposed: &'a BTreeMap<String, Duration>,
    pub scale_to_zero: bool,
    /// Changes, the weakest first, each with its place in the config (the engine's has none).
    pub changes: Vec<(Option<ConfigPath>, &'a BTreeMap<String, AlertChange>)>,
    /// The buckets of a word's histogram.
    pub bounds: &'a dyn Fn(&str) -> Option<Bounds<'a>>,
    /// What the service's users were promised.
    pub slo: Option<&'a Slo>,
}

/// One alert with all changes laid over it.
struct Effective {
    severity: Severity,
    hold: Option<Duration>,
    threshold: Option<f64>,
    min_requests: Option<u32>,
    labels: BTreeMap<String, String>,
    enabled: bool,
}

/// Changes that name no alert, or something that the alert does not have.
pub(super) fn check_changes(
    at: &ConfigPath,
    changes: &BTreeMap<String, AlertChange>,
    of_service: bool,
    report: &mut Report,
) {
    for (name, change) in changes {
        let at = at.key(name);
        let Some(entry) = AlertEntry::find(name) else {
            let known = AlertEntry::all().iter().map(|entry| entry.name.as_str());
            let help = match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the alerts are {}", known.collect::<Vec<_>>().join(", ")),
            };
            report.push(
                Diagnostic::error("unknown-alert", format!("there is no alert `{name}`"))
                    .at_key(at, "not an alert")
                    .help(help),
            );
            continue;
        };
        if of_service && !matches!(entry.pack, Pack::Service | Pack::Slo) {
            report.push(
                Diagnostic::error(
                    "misplaced-alert",
                    format!("`{name}` is an alert of the stack, not of a service"),
                )
                .at_key(at, "changes nothing here")
                .help(format!("write it at the top: `alerts: {{{name}: …}}`")),
            );
            continue;
        }
        if let Some(threshold) = &change.threshold {
            match entry.unit {
                None => report.push(not_of(&at, "threshold", name)),
                Some(unit) => {
                    if let Err(message) = unit.parse(threshold) {
                        report.push(bad_value(at.key("threshold"), &message));
                    }
                }
            }
        }
        if change.min_requests.is_some() && entry.min_requests.is_none() {
            report.push(not_of(&at, "min_requests", name));
        }
        let longest = entry.longest_for;
        if change.hold.is_some_and(|hold| hold > longest) {
            report.push(bad_value(
                at.key("for"),
                &format!(
                    "`{name}` tells nobody in time if it waits longer than {longest}\nwrite `for: {longest}` or less"
                ),
            ));
        }
        super::resolve::check_labels(&at.key("labels"), &change.labels, report);
    }
}

fn not_of(at: &ConfigPath, key: &str, alert: &str) -> Diagnostic {
    Diagnostic::error("unknown-key", format!("`{alert}` has no `{key}`"))
        .at_key(at.key(key), "has no effect here")
        .help(format!("remove it; `skymon explain {alert}` says what can be changed"))
}

/// A diagnostic from a value's message.
pub(super) fn bad_value(at: ConfigPath, message: &str) -> Diagnostic {
    Diagnostic::from_words("bad-value", message).at_value(at, "")
}

/// All alerts of a pack that this scope can fire. One whose series are not there is left out, not left dead.
pub(super) fn resolve(
    pack: Pack,
    scope: &Scope,
    templates: &Templates,
    report: &mut Report,
) -> Result<Vec<Alert>> {
    let mut alerts = Vec::new();
    let promised = scope.slo.map(Slo::covered).unwrap_or_default();
    for entry in AlertEntry::all().iter().filter(|entry| entry.pack == pack) {
        if entry.of.as_deref().is_some_and(|word| promised.contains(word)) {
            let why =
                "with an objective for it, `SLOBurnFast` and `SLOBurnSlow` take its place; remove the change";
            warn_of_idle_changes(entry, scope, why, report);
            continue;
        }
        if pack == Pack::Slo && scope.slo.is_none() {
            let why = "the service has no objective: write `slo: {availability: 99.9}`, or remove the change";
            warn_of_idle_changes(entry, scope, why, report);
            continue;
        }
        let effective = lay_over(entry, scope, report);
        if entry.unit.is_some() && effective.threshold.is_none() {
            continue;
        }
        let enabled = effective.enabled;
        let alert = instantiate(entry, effective, scope, templates)?;
        let missing: Vec<&String> =
            alert.expr.metrics().iter().filter(|metric| !scope.exposed.contains_key(*metric)).collect();
        if !missing.is_empty() {
            warn_of_idle_changes(entry, scope, why_missing(&missing, scope), report);
        } else if enabled {
            alerts.push(alert);
        }
    }
    Ok(alerts)
}

/// The service's own change of an alert that it does not have is most likely a mistake; the stack's is not.
fn warn_of_idle_changes(entry: &AlertEntry, scope: &Scope, why: &str, report: &mut Report) {
    let Some(service) = scope.service else { return };
    let Some((Some(at), changes)) = scope.changes.last() else {
        return;
    };
    if changes.contains_key(&entry.name) {
        report.push(
            Diagnostic::warning("idle-alert", format!("`{}` does not exist for `{service}`", entry.name))
                .at_key(at.key(&entry.name), "changes nothing")
                .help(why),
        );
    }
}

/// Why a service does not have an alert that needs these series.
fn why_missing(missing: &[&String], scope: &Scope) -> &'static str {
    // What is compared is there, and what it is compared with is gone by then.
    let is_not_kept = |metric: &&String| {
        let compared = metric.strip_suffix(":ratio1w").or_else(|| metric.strip_suffix(":ratio1d"));
        compared.is_some_and(|word| scope.exposed.contains_key(&format!("{word}:rate5m")))
    };
    if missing.iter().all(is_not_kept) {
        "it compares with what is not kept so long; write `prometheus: {retention: {time: 8d}}` or more"
    } else {
        "the service does not expose what this alert needs; remove the change"
    }
}

fn lay_over(entry: &AlertEntry, scope: &Scope, report: &mut Report) -> Effective {
    let parse = |threshold| entry.unit.and_then(|unit| unit.parse(threshold).ok());
    let mut effective = Effective {
        severity: entry.severity,
        hold: None,
        threshold: entry.threshold.as_ref().and_then(parse),
        min_requests: entry.min_requests.map(super::super::values::Count::get),
        labels: scope.labels.clone(),
        enabled: true,
    };
    let mut set_at = None;
    for (at, changes) in &scope.changes {
        let Some(change) = changes.get(&entry.name) else {
            continue;
        };
        effective.severity = change.severity.unwrap_or(effective.severity);
        effective.hold = change.hold.or(effective.hold);
        effective.min_requests =
            change.min_requests.map(super::super::values::Count::get).or(effective.min_requests);
        effective.enabled = change.enabled.unwrap_or(effective.enabled);
        effective
            .labels
            .extend(change.labels.iter().map(|(label, text)| (label.clone(), text.as_str().to_owned())));
        if let Some(threshold) = change.threshold.as_ref().and_then(parse) {
            effective.threshold = Some(threshold);
            set_at = at.as_ref().map(|at| at.key(&entry.name).key("threshold"));
        }
    }
    if let (Some(threshold), Some(at), true) = (effective.threshold, set_at, effective.enabled) {
        check_buckets(entry, threshold, at, scope, report);
    }
    effective
}

/// Beyond the largest bucket a histogram only knows "more": a quantile never gets there, and the alert never fires. Below the
/// smallest one it knows no better than "less": a quantile is guessed, and the alert fires whenever there is traffic.
fn check_buckets(entry: &AlertEntry, threshold: f64, at: ConfigPath, scope: &Scope, report: &mut Report) {
    let Some(Bounds { bounds, flag }) = entry.of.as_deref().and_then(|word| (scope.bounds)(word)) else {
        return;
    };
    let (Some(smallest), Some(largest)) = (bounds.first(), bounds.last()) else { return };
    let does = match threshold {
        threshold if threshold >= largest.value => "could never fire",
        threshold if threshold < smallest.value => "would fire at any traffic",
        _ => return,
    };
    let (smallest, largest) = (smallest.value, largest.value);
    let change =
        flag.map(|flag| format!("; `{flag}` changes them, and an engine file of your own says so to skymon"));
    let service = scope.service.unwrap_or_default();
    report.push(
        Diagnostic::error("beyond-buckets", format!("`{}` {does} for `{service}`", entry.name))
            .at_value(at, format!("its histogram tells times from {smallest}s to {largest}s apart"))
            .help(format!(
                "write a threshold from {smallest}s to below {largest}s\nthe buckets are {} seconds{}",
                listed(&bounds),
                change.unwrap_or_default()
            )),
    );
}

/// The bounds, without the middle of a long list.
fn listed(bounds: &[Bound]) -> String {
    let values: Vec<String> = bounds.iter().map(|bound| bound.value.to_string()).collect();
    match values.as_slice() {
        [first @ .., _, _] if first.len() > 8 => {
            format!("{}, …, {}", values[..6].join(", "), values[values.len() - 2..].join(", "))
        }
        _ => values.join(", "),
    }
}

fn instantiate(
    entry: &'static AlertEntry,
    effective: Effective,
    scope: &Scope,
    templates: &Templates,
) -> Result<Alert> {
    let values = context! {
        service => scope.service,
        threshold => effective.threshold.map(number),
        min_requests => effective.min_requests,
        scale_to_zero => scope.scale_to_zero,
        recorded => scope.exposed.keys().map(String::as_str).collect::<Value>(),
        for_seconds => effective.hold.unwrap_or(entry.hold).as_millis() / 1000,
        slo => scope.slo.map(Slo::values),
    };
    let expr = templates.render_snippet("alert.promql", &entry.expr, &values)?;
    let expr =
        PromQl::parse(&expr).map_err(|error| anyhow::anyhow!("bug: alert `{}`: {error}", entry.name))?;
    // What the user asks for is taken as it is.
    let hold = effective.hold.unwrap_or_else(|| default_hold(entry, &expr, scope));
    let texts = context! {
        threshold_text => entry.unit.zip(effective.threshold).map(|(unit, threshold)| unit.text(threshold)),
        for_text => hold.to_string(),
    };
    Ok(Alert {
        entry,
        severity: effective.severity,
        hold,
        threshold: effective.threshold,
        expr,
        labels: effective.labels,
        summary: templates.render_snippet("alert.txt", &entry.summary, &texts)?,
        description: templates.render_snippet("alert.txt", &entry.description, &texts)?,
        service: scope.service.map(ToOwned::to_owned),
        incident: templates.render_snippet("incident.promql", &entry.test, &values)?,
    })
}

/// A condition must be seen twice, or one bad scrape or probe would page.
fn default_hold(entry: &AlertEntry, expr: &PromQl, scope: &Scope) -> Duration {
    if entry.hold == Duration::from_secs(0) {
        return entry.hold;
    }
    let intervals = expr.metrics().iter().filter_map(|metric| scope.exposed.get(metric).copied());
    let twice = intervals.max().map_or(0, |interval| interval.as_millis() * 2);
    entry.hold.max(Duration::from_millis(twice))
}

/// A whole number prints without `.0`.
pub(super) fn number(value: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "compared back")]
    let whole = value as i64;
    #[allow(clippy::cast_precision_loss, clippy::float_cmp, reason = "exact only where nothing was lost")]
    let exact = whole as f64 == value;
    if exact { Value::from(whole) } else { Value::from(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::engines::Engines;

    #[test]
    fn every_default_threshold_lies_within_the_buckets_of_every_engine_and_version() {
        let mut compared = 0;
        for engine in Engines::built_in().iter() {
            let borders = engine.metrics.values().flat_map(|metric| [&metric.since, &metric.until]);
            let versions: Vec<_> = borders.flatten().map(Some).chain([None]).collect();
            for entry in AlertEntry::all() {
                let (Some(word), Some(unit)) = (&entry.of, entry.unit) else { continue };
                let own = engine.alerts.get(&entry.name).and_then(|change| change.threshold.as_ref());
                let threshold = own.or(entry.threshold.as_ref()).expect("has a default");
                let threshold = unit.parse(threshold).expect("fits its unit");
                for bounds in versions.iter().filter_map(|version| engine.bounds(word, *version)) {
                    compared += 1;
                    let (first, last) = (&bounds.bounds[0], &bounds.bounds[bounds.bounds.len() - 1]);
                    assert!(
                        first.value <= threshold && threshold < last.value,
                        "{}: `{}` has a default of {threshold}s and buckets of {}s to {}s: give it another one under `alerts`",
                        engine.name,
                        entry.name,
                        first.value,
                        last.value,
                    );
                }
            }
        }
        assert!(compared > 0);
    }

    #[test]
    fn a_long_list_of_buckets_is_shortened() {
        let bounds = |count: u32| -> Vec<Bound> {
            (1..=count).map(|value| Bound { le: String::new(), value: f64::from(value) / 2.0 }).collect()
        };
        assert_eq!(listed(&bounds(4)), "0.5, 1, 1.5, 2");
        assert_eq!(listed(&bounds(20)), "0.5, 1, 1.5, 2, 2.5, 3, …, 9.5, 10");
    }
}
