//! What would make an engine's file useless or its rules wrong, though each value in it is right by itself. The built-in
//! files pass the same checks.

use std::collections::{BTreeMap, BTreeSet};

use super::super::alerts::{bad_value, check_changes};
use super::super::resolve::RESERVED_LABELS;
use crate::catalog::alerts::AlertEntry;
use crate::catalog::engines::{Engine, Metric, MetricType, Part, Source};
use crate::catalog::units::{self, Unit};
use crate::catalog::vocabulary::{self, Shape, WORDS, Word};
use crate::diagnostics::{Diagnostic, Report, nearest, shortened};
use crate::promql;
use crate::source::ConfigPath;
use crate::values::{Line, UrlPath, check_label_name};

/// Each series has a value of its own in the rule tests, twice that of the one before.
const MOST_SERIES: usize = 16;

pub(super) fn check(engine: &Engine, report: &mut Report) {
    let root = ConfigPath::root();
    check_texts(engine, report);
    let path = engine.metrics_path.as_ref().map(UrlPath::as_str);
    if path.is_none() && !engine.metrics.is_empty() {
        report.push(
            Diagnostic::error("missing-key", "an engine with metrics has a path where they are")
                .at_key(root.key("metrics"), "nobody could read them")
                .help("write `metrics_path: /metrics`"),
        );
    }
    if let Some(mark) = path.unwrap_or_default().chars().find(|c| matches!(c, '?' | '%')) {
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
    for (name, source) in &engine.vocabulary {
        let at = root.key("vocabulary").key(name);
        match known_word(&at, name, report) {
            None => {}
            Some(word) => Reader { engine, word, metrics_are_right }.check(&at, source, Role::Main, report),
        }
    }
    for name in engine.cannot.keys() {
        let at = root.key("cannot").key(name);
        if known_word(&at, name, report).is_some() && engine.vocabulary.contains_key(name) {
            report.push(
                Diagnostic::error("bad-engine", format!("`{name}` is read, and cannot be"))
                    .at_key(at, "cannot")
                    .at_key(root.key("vocabulary").key(name), "is read")
                    .help("remove one of the two"),
            );
        }
    }
    check_changes(&root.key("alerts"), &engine.alerts, true, report);
    if metrics_are_right {
        check_thresholds(engine, report);
    }
}

/// What people read: one line each, without what no terminal and no YAML can hold.
fn check_texts(engine: &Engine, report: &mut Report) {
    let root = ConfigPath::root();
    let named = [
        ("title", Some(&engine.title)),
        ("about", Some(&engine.about)),
        ("source", Some(&engine.source)),
        ("versions", engine.versions.as_ref()),
        ("enable", Some(&engine.enable)),
        ("auth", engine.auth.as_ref()),
    ];
    let named = named.into_iter().filter_map(|(key, text)| Some((root.key(key), text?)));
    let flags = engine.metrics.iter().filter_map(|(name, metric)| {
        Some((root.key("metrics").key(name).key("buckets_flag"), metric.buckets_flag.as_ref()?))
    });
    let cannot = engine.cannot.iter().map(|(word, text)| (root.key("cannot").key(word), text));
    let traps = engine.traps.iter().enumerate().map(|(item, text)| (root.key("traps").item(item), text));
    for (at, text) in named.chain(flags).chain(cannot).chain(traps) {
        if let Err(message) = text.parse::<Line>() {
            report.push(bad_value(at, &message));
        }
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
        Some(replaced) if replaced.r#type != metric.r#type || replaced.unit != metric.unit => report.push(
            Diagnostic::error("bad-engine", format!("`{name}` and `{old}` are of two types or units"))
                .at_value(place, "could not be read the same way")
                .help(
                    "remove `replaces`; where a word is read, `before` names an old metric of another kind",
                ),
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
    for (position, label) in metric.copies.iter().enumerate().filter(|(_, it)| !metric.labels.contains(it)) {
        let place = at.key("copies").item(position);
        report.push(unknown_label(label, metric).at_value(place, "not under `labels`"));
    }
    if metric.late && metric.r#type == MetricType::Gauge {
        report.push(bad_value(at.key("late"), "a gauge has no first event\nremove the key"));
    }
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
    let mut below = f64::NEG_INFINITY;
    for (position, bound) in metric.buckets.iter().enumerate() {
        let problem = match bound.parse::<f64>() {
            Ok(value) if value == f64::INFINITY => "is in every histogram\nleave it out".to_owned(),
            Ok(value) if value.is_finite() && value >= 0.0 => {
                let written = units::le(value);
                let is_above = value > below;
                below = value;
                if !is_above {
                    "is not above the bound before it\nwrite them in ascending order".to_owned()
                } else if *bound != written {
                    format!("is not as Prometheus writes it\nwrite `'{written}'`")
                } else if metric.unit.places() > 0 && bound.contains('e') {
                    "is too large for its unit\nleave out the buckets from there on".to_owned()
                } else {
                    continue;
                }
            }
            _ => "is not the bound of a bucket\nwrite the value of `le` as it is printed: `'0.5'`".to_owned(),
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

fn known_word(at: &ConfigPath, name: &str, report: &mut Report) -> Option<&'static Word> {
    let word = vocabulary::word(name);
    if word.is_none() {
        let help = match nearest(name, WORDS.iter().map(|word| word.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`docs/engines.md` lists the words".to_owned(),
        };
        let message = format!("the vocabulary has no word `{}`", shortened(name).escape_debug());
        report.push(
            Diagnostic::error("unknown-word", message).at_key(at.clone(), "nothing is made of it").help(help),
        );
    }
    word
}

/// What a source is to its word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Main,
    /// Under `plus` or `before`: read as the main one is.
    Other {
        is_mean: bool,
    },
    /// What a mean is divided by.
    Per,
}

/// Where a word is read.
struct Reader<'a> {
    engine: &'a Engine,
    word: &'static Word,
    metrics_are_right: bool,
}

impl Reader<'_> {
    fn check(&self, at: &ConfigPath, source: &Source, role: Role, report: &mut Report) {
        let Some(metric) = self.engine.metrics.get(&source.metric) else {
            report.push(unknown_metric(at.key("metric"), &source.metric, self.engine));
            return;
        };
        self.check_kind(at, source, metric, role, report);
        if self.metrics_are_right {
            self.check_matchers(at, source, report);
        }
        let is_mean = source.per.is_some();
        for (position, other) in source.plus.iter().enumerate() {
            self.check(&at.key("plus").item(position), other, Role::Other { is_mean }, report);
        }
        if let Some(before) = &source.before {
            let role = if role == Role::Per { Role::Per } else { Role::Other { is_mean } };
            self.check(&at.key("before"), before, role, report);
        }
        if let Some(per) = &source.per {
            self.check(&at.key("per"), per, Role::Per, report);
        }
    }

    fn check_kind(&self, at: &ConfigPath, source: &Source, metric: &Metric, role: Role, report: &mut Report) {
        let Word { name: word, shape, unit, .. } = self.word;
        let mut wrong = |key: &str, message: String, help: &str| {
            report.push(Diagnostic::error("bad-engine", message).at_value(at.key(key), "").help(help));
        };
        let is_histogram = metric.r#type == MetricType::Histogram;
        if source.read.is_some() && !is_histogram {
            wrong(
                "read",
                format!("`{}` is no histogram of which a part could be read", source.metric),
                "remove it",
            );
        }
        let read = if source.read.is_some() && is_histogram { MetricType::Counter } else { metric.r#type };
        let is_mean = source.per.is_some() || matches!(role, Role::Per | Role::Other { is_mean: true });
        let needed = match shape {
            Shape::Counter { .. } => MetricType::Counter,
            Shape::Histogram if is_mean => MetricType::Counter,
            Shape::Histogram => MetricType::Histogram,
            Shape::Gauge(_) | Shape::StartTime => MetricType::Gauge,
        };
        if read != needed {
            let (is, needed) = (read.as_str(), needed.as_str());
            wrong(
                "metric",
                format!("`{word}` is made of a {needed}, and `{}` is a {is}", source.metric),
                &format!("name a {needed}, or leave `{word}` out"),
            );
        }
        if needed == MetricType::Histogram && is_histogram && metric.buckets.is_empty() {
            wrong(
                "metric",
                format!("`{word}` is made of buckets, and `{}` has none", source.metric),
                "write the values of `le` as they are printed, without `+Inf`: `buckets: ['0.1', '1.0', '10.0']`",
            );
        }
        if metric.unit.base() != *unit && source.read != Some(Part::Count) && role != Role::Per {
            wrong(
                "metric",
                format!(
                    "`{word}` is in {}, and `{}` in {}",
                    spoken(*unit),
                    source.metric,
                    spoken(metric.unit)
                ),
                "name another metric, or mend its `unit`",
            );
        }
        if source.compare.is_some() != (metric.unit == Unit::State) {
            wrong(
                if source.compare.is_some() { "compare" } else { "metric" },
                "a metric whose unit is `state` is compared, and no other".to_owned(),
                "write `compare: == 1` with the state that means yes, or another `unit`",
            );
        }
        if source.per.is_some() && (*shape != Shape::Histogram || role != Role::Main) {
            wrong("per", "a mean answers words that are histograms, as a whole".to_owned(), "remove it");
        }
        let adds = matches!(shape, Shape::Counter { .. } | Shape::Gauge(_)) && role == Role::Main;
        if !source.plus.is_empty() && !adds {
            wrong("plus", "only counters and gauges are added, in one list".to_owned(), "remove it");
        }
    }

    /// The matchers stand in selectors of all the names that the metric had.
    fn check_matchers(&self, at: &ConfigPath, source: &Source, report: &mut Report) {
        let place = if source.matchers.is_some() { at.key("where") } else { at.key("metric") };
        let text = source.matchers.as_deref().unwrap_or_default();
        // An empty text is one as well.
        let line = if source.matchers.is_some() { text.parse::<Line>().map(|_| ()) } else { Ok(()) };
        let matchers = match line.and_then(|()| promql::parse_matchers(text)) {
            Ok(matchers) => matchers,
            Err(problem) => {
                report.push(
                    Diagnostic::error("bad-promql", "these are not the matchers of a selector")
                        .at_value(place, problem.lines().next().unwrap_or_default())
                        .help("write what stands in the braces: `status=~\"5..\"`"),
                );
                return;
            }
        };
        for (name, metric) in self.engine.metrics_named(&source.metric, None) {
            let unknown = matchers.iter().find(|matcher| !metric.labels.contains(&matcher.name));
            if let Some(matcher) = unknown {
                let label = format!("not under `labels` of `{name}`");
                report.push(unknown_label(&matcher.name, metric).at_value(place.clone(), label));
            } else if !metric.examples().any(|labels| source.selects(&labels)) {
                let message = format!("`{}` selects none of the series of `{name}`", self.word.name);
                report.push(
                    Diagnostic::error("bad-engine", message)
                        .at_value(place.clone(), "no rule test could show that it counts")
                        .help("write one that it selects under the metric's `series`"),
                );
            }
        }
    }
}

fn spoken(unit: Unit) -> String {
    format!("{unit:?}").to_lowercase()
}

/// A threshold beyond the largest bucket is never reached, whoever chose it.
fn check_thresholds(engine: &Engine, report: &mut Report) {
    for entry in AlertEntry::all() {
        let bounds = entry.of.as_deref().and_then(|word| engine.bounds(word, None));
        let Some(largest) = bounds.and_then(|it| it.bounds.last().map(|bound| bound.value)) else {
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
