//! What would make an engine's file useless or its rules wrong, though each value in it is right by itself. The built-in
//! files pass the same checks.

use std::collections::{BTreeMap, BTreeSet};

use super::super::alerts::{bad_value, check_changes};
use super::super::recordings::largest_bucket;
use super::super::resolve::RESERVED_LABELS;
use crate::catalog::alerts::AlertEntry;
use crate::catalog::engines::{Engine, Metric, MetricType, Source};
use crate::catalog::vocabulary::{self, Shape, WORDS};
use crate::diagnostics::{Diagnostic, Report, nearest, shortened};
use crate::promql;
use crate::source::ConfigPath;
use crate::values::{Line, check_label_name};

/// Each series has a value of its own in the rule tests, twice that of the one before.
const MOST_SERIES: usize = 16;

pub(super) fn check(engine: &Engine, report: &mut Report) {
    let root = ConfigPath::root();
    for (key, text) in [
        ("title", &engine.title),
        ("about", &engine.about),
        ("source", &engine.source),
        ("enable", &engine.enable),
    ] {
        if let Err(message) = text.parse::<Line>() {
            report.push(bad_value(root.key(key), &message));
        }
    }
    if let Some(mark) = engine.metrics_path.as_str().chars().find(|c| matches!(c, '?' | '%')) {
        report.push(bad_value(
            root.key("metrics_path"),
            &format!("Prometheus would not take the `{mark}` of a metrics path for what it means in a URL\nwrite the path as it is, without query: `/metrics`"),
        ));
    }
    for (name, metric) in &engine.metrics {
        check_metric(engine, name, metric, report);
    }
    // What is made of a metric that is wrong in itself is not looked at.
    let metrics_are_right = !report.has_errors();
    check_traffic(engine, report);
    for (word, source) in &engine.vocabulary {
        check_word(engine, word, source, metrics_are_right, report);
    }
    check_changes(&root.key("alerts"), &engine.alerts, true, report);
    if metrics_are_right {
        check_thresholds(engine, report);
    }
}

fn check_metric(engine: &Engine, name: &str, metric: &Metric, report: &mut Report) {
    let at = ConfigPath::root().key("metrics").key(name);
    if !is_metric_name(name) {
        report.push(
            Diagnostic::error(
                "bad-engine",
                format!("`{}` cannot name a metric", shortened(name).escape_debug()),
            )
            .at_key(at.clone(), "")
            .help("letters, digits, `_` and `:`, no digit first, as it stands at the start of a line of `/metrics`"),
        );
    }
    check_labels(&at, metric, report);
    check_buckets(&at, metric, report);
    check_series(&at, metric, report);
    if let (Some(since), Some(until)) = (&metric.since, &metric.until)
        && since >= until
    {
        report.push(bad_value(at.key("until"), "no version has this metric: `until` is the first one without it\nwrite a later version, or remove the key"));
    }
    let Some(old) = &metric.replaces else { return };
    let place = at.key("replaces");
    match engine.metrics.get(old) {
        None => report.push(unknown_metric(place, old, engine)),
        Some(replaced) if replaced.r#type != metric.r#type => report.push(
            Diagnostic::error("bad-engine", format!("`{name}` and `{old}` are of two types"))
                .at_value(place, format!("a {}", replaced.r#type.as_str()))
                .at_value(at.key("type"), "")
                .help("one replaces another only where it is read the same way; remove `replaces`"),
        ),
        Some(_) if replaces_itself(engine, name) => report.push(
            Diagnostic::error("bad-engine", format!("`{name}` replaces itself in the end"))
                .at_value(place, "leads back to it")
                .help("remove `replaces` where the oldest name stands"),
        ),
        Some(_) => {}
    }
}

fn replaces_itself(engine: &Engine, name: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = Some(name);
    while let Some(current) = next {
        if !seen.insert(current) {
            return current == name;
        }
        next = engine.metrics.get(current).and_then(|metric| metric.replaces.as_deref());
    }
    false
}

fn check_labels(at: &ConfigPath, metric: &Metric, report: &mut Report) {
    for (position, label) in metric.labels.iter().enumerate() {
        let (message, help) = match check_label_name(label) {
            Err(help) => (format!("`{}` cannot name a label", shortened(label).escape_debug()), help),
            Ok(()) if RESERVED_LABELS.contains(&label.as_str()) => (
                format!("the label `{label}` is skymon's own"),
                "leave it out; where a target has it too, Prometheus calls the engine's `exported_…`"
                    .to_owned(),
            ),
            Ok(()) => continue,
        };
        report.push(
            Diagnostic::error("bad-label", message).at_value(at.key("labels").item(position), "").help(help),
        );
    }
}

fn check_buckets(at: &ConfigPath, metric: &Metric, report: &mut Report) {
    let at = at.key("buckets");
    if metric.r#type != MetricType::Histogram {
        if !metric.buckets.is_empty() {
            report
                .push(bad_value(at, &format!("a {} has no buckets\nremove the key", metric.r#type.as_str())));
        }
        return;
    }
    if metric.buckets.is_empty() {
        report.push(
            Diagnostic::error("missing-key", "a histogram has buckets")
                .at_key(at, "needs `buckets`")
                .help("write the values of `le` as they are printed, without `+Inf`: `buckets: ['0.1', '1.0', '10.0']`"),
        );
        return;
    }
    let mut below = f64::NEG_INFINITY;
    for (position, bound) in metric.buckets.iter().enumerate() {
        let problem = match bound.parse::<f64>() {
            Ok(value) if value.is_finite() && value > below => {
                below = value;
                continue;
            }
            Ok(value) if value.is_finite() => {
                "is not above the bound before it\nwrite them in ascending order"
            }
            Ok(value) if value == f64::INFINITY => "is in every histogram\nleave it out",
            _ => "is not the bound of a bucket\nwrite the value of `le` as it is printed: `'0.5'`",
        };
        let message = format!("`{}` {problem}", shortened(bound).escape_debug());
        report.push(bad_value(at.item(position), &message));
    }
}

fn check_series(at: &ConfigPath, metric: &Metric, report: &mut Report) {
    let at = at.key("series");
    if metric.series.len() > MOST_SERIES {
        report.push(bad_value(
            at.clone(),
            &format!(
                "{} series prove no more than {MOST_SERIES}\nkeep one of each kind",
                metric.series.len()
            ),
        ));
    }
    let mut seen: BTreeMap<Vec<_>, usize> = BTreeMap::new();
    for (position, labels) in metric.series.iter().enumerate() {
        for label in labels.keys().filter(|label| !metric.labels.contains(label)) {
            report.push(
                unknown_label(label, metric).at_key(at.item(position).key(label), "not under `labels`"),
            );
        }
        // A label without a value is none.
        let series = labels.iter().filter(|(_, value)| !value.is_empty()).collect();
        if let Some(first) = seen.insert(series, position) {
            report.push(
                Diagnostic::error("bad-engine", "the same series is there twice")
                    .at_value(at.item(position), "again")
                    .at_value(at.item(first), "first")
                    .help("remove one of the two"),
            );
        }
    }
}

fn check_traffic(engine: &Engine, report: &mut Report) {
    let Some(traffic) = &engine.traffic else { return };
    let at = ConfigPath::root().key("traffic");
    let Some(metric) = engine.metrics.get(&traffic.metric) else {
        report.push(unknown_metric(at.key("metric"), &traffic.metric, engine));
        return;
    };
    if metric.r#type != MetricType::Counter {
        report.push(wrong_type(at.key("metric"), "traffic", &traffic.metric, metric, MetricType::Counter));
    }
    for (key, label) in [("endpoint", &traffic.endpoint), ("status", &traffic.status)] {
        if let Some(label) = label.as_ref().filter(|label| !metric.labels.contains(label)) {
            report.push(unknown_label(label, metric).at_value(at.key(key), "not under `labels`"));
        }
    }
}

fn check_word(engine: &Engine, name: &str, source: &Source, metrics_are_right: bool, report: &mut Report) {
    let at = ConfigPath::root().key("vocabulary").key(name);
    let Some(word) = vocabulary::word(name) else {
        let help = match nearest(name, WORDS.iter().map(|word| word.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`docs/engines.md` lists the words".to_owned(),
        };
        let message = format!("the vocabulary has no word `{}`", shortened(name).escape_debug());
        report
            .push(Diagnostic::error("unknown-word", message).at_key(at, "nothing is made of it").help(help));
        return;
    };
    let Some(metric) = engine.metrics.get(&source.metric) else {
        report.push(unknown_metric(at.key("metric"), &source.metric, engine));
        return;
    };
    let needed = type_of(word.shape);
    if metric.r#type != needed {
        report.push(wrong_type(at.key("metric"), name, &source.metric, metric, needed));
        return;
    }
    if let Some(text) = &source.matchers {
        let is_right = check_matchers(&at.key("where"), text, metric, report);
        if is_right && metrics_are_right && !selects_any(source, metric) {
            let message = format!("`{name}` selects none of the series of `{}`", source.metric);
            report.push(
                Diagnostic::error("bad-engine", message)
                    .at_value(at.key("where"), "no rule test could show that it counts")
                    .help("write one that it selects under the metric's `series`"),
            );
        }
    }
}

/// The type of metric that a word is made of.
pub(crate) fn type_of(shape: Shape) -> MetricType {
    match shape {
        Shape::Counter { .. } => MetricType::Counter,
        Shape::Gauge(_) | Shape::StartTime => MetricType::Gauge,
        Shape::Histogram => MetricType::Histogram,
    }
}

/// Whether the matchers can stand in a selector of the metric.
fn check_matchers(at: &ConfigPath, text: &str, metric: &Metric, report: &mut Report) -> bool {
    let line = text.parse::<Line>();
    let matchers = match line.and_then(|line| promql::parse_matchers(line.as_str())) {
        Ok(matchers) => matchers.matchers,
        Err(problem) => {
            report.push(
                Diagnostic::error("bad-promql", "these are not the matchers of a selector")
                    .at_value(at.clone(), problem.lines().next().unwrap_or_default())
                    .help("write what stands in the braces: `status=~\"5..\"`"),
            );
            return false;
        }
    };
    let mut is_right = true;
    for matcher in matchers.iter().filter(|matcher| !metric.labels.contains(&matcher.name)) {
        report.push(unknown_label(&matcher.name, metric).at_value(at.clone(), "not under `labels`"));
        is_right = false;
    }
    is_right
}

fn selects_any(source: &Source, metric: &Metric) -> bool {
    let none = [BTreeMap::new()];
    let series = if metric.series.is_empty() { &none[..] } else { &metric.series[..] };
    series.iter().any(|labels| source.selects(labels))
}

/// A threshold beyond the largest bucket is never reached, whoever chose it.
fn check_thresholds(engine: &Engine, report: &mut Report) {
    for entry in AlertEntry::all() {
        let Some(largest) = entry.of.as_deref().and_then(|word| largest_bucket(engine, None, word)) else {
            continue;
        };
        let change = engine.alerts.get(&entry.name);
        if change.is_some_and(|change| change.enabled == Some(false)) {
            continue;
        }
        let own = change.and_then(|change| change.threshold.as_ref());
        let threshold =
            own.or(entry.threshold.as_ref()).zip(entry.unit).and_then(|(text, unit)| unit.parse(text).ok());
        if threshold.is_none_or(|threshold| threshold < largest) {
            continue;
        }
        let at = ConfigPath::root().key("alerts").key(&entry.name).key("threshold");
        report.push(
            Diagnostic::error("beyond-buckets", format!("`{}` could never fire", entry.name))
                .at_value(at, format!("the largest bucket of its histogram is {largest}s"))
                .help(format!("write `alerts: {{{}: {{threshold: …}}}}` with less than {largest}s: beyond it nothing is measured", entry.name)),
        );
    }
}

fn unknown_metric(at: ConfigPath, name: &str, engine: &Engine) -> Diagnostic {
    let help = match nearest(name, engine.metrics.keys().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "describe it under `metrics`".to_owned(),
    };
    let message = format!("there is no metric `{}` in this file", shortened(name).escape_debug());
    Diagnostic::error("unknown-metric", message).at_value(at, "not under `metrics`").help(help)
}

fn unknown_label(label: &str, metric: &Metric) -> Diagnostic {
    let label = shortened(label).escape_debug().to_string();
    let help = match nearest(&label, metric.labels.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name it under the metric's `labels`, if it has it".to_owned(),
    };
    Diagnostic::error("bad-label", format!("the metric has no label `{label}`")).help(help)
}

fn wrong_type(at: ConfigPath, what: &str, name: &str, metric: &Metric, needed: MetricType) -> Diagnostic {
    let (is, needed) = (metric.r#type.as_str(), needed.as_str());
    Diagnostic::error("bad-engine", format!("`{what}` is made of a {needed}, and `{name}` is a {is}"))
        .at_value(at, format!("a {is}"))
        .help(format!("name a {needed}, or leave `{what}` out"))
}

/// As Prometheus writes it without quotes.
fn is_metric_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':');
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}
