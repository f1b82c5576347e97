//! The lists of metrics: after a head of `key: value` lines one line for each metric, `name type unit key=value…`, with
//! `-` for a unit that is none of ours. By hand and not YAML: these are thousands of lines, of which each `validate` reads some.

use super::{Kind, Metric};
use crate::catalog::units::Unit;

/// The value of a key in the head.
pub(super) fn header<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let head = text.lines().take_while(|line| !line.is_empty());
    head.filter_map(|line| line.split_once(": "))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value.trim())
}

/// The lines below the head, by the names of their metrics.
pub(super) fn list(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let body = text.lines().skip_while(|line| !line.is_empty());
    body.filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| (line.split(' ').next().unwrap_or(line), line))
}

/// The metric of a line.
pub(super) fn read(line: &str) -> Metric {
    one(line).unwrap_or_else(|| panic!("bug: a list of metrics holds `{line}`"))
}

fn one(line: &str) -> Option<Metric> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let kind = match words.next()? {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "info" => Kind::Info,
        "untyped" => Kind::Unknown,
        _ => return None,
    };
    let unit = match words.next()? {
        "-" => None,
        unit => Some(Unit::named(unit)?),
    };
    let mut metric = Metric { unit, ..Metric::new(name, kind) };
    for word in words {
        let (key, value) = word.split_once('=')?;
        let items = || value.split(',').filter(|item| !item.is_empty());
        match key {
            "labels" => metric.labels = Some(items().map(str::to_owned).collect()),
            "values" => {
                let (label, values) = value.split_once(':')?;
                metric.values.push((label.to_owned(), values.split('|').map(str::to_owned).collect()));
            }
            "le" => metric.buckets = items().map(|bound| bound.parse().ok()).collect::<Option<_>>()?,
            "since" => metric.since = Some(value.parse().ok()?),
            "until" if value == "?" => metric.is_lost = true,
            "until" => metric.until = Some(value.parse().ok()?),
            "by" => metric.replaced_by = Some(value.to_owned()),
            _ => return None,
        }
    }
    Some(metric)
}
