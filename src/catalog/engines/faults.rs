//! What can be wrong in an engine's file beyond its shape: names that are not there, and readings that would not say
//! what the word means. The built-in files are held to it by the tests, a user's own when it is read.

use super::{Engine, Metric, MetricType, Source};
use crate::catalog::units::{self, Unit};
use crate::catalog::vocabulary::{self, Shape, Word};
use crate::promql;

impl Engine {
    /// A sentence for each fault, with the word or metric that it stands at.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, metric) in &self.metrics {
            let fault = |fault: String| format!("`{name}`: {fault}");
            faults.extend(self.faults_of_metric(metric).into_iter().map(fault));
        }
        for (name, source) in &self.vocabulary {
            let fault = |fault: String| format!("`{name}`: {fault}");
            match vocabulary::word(name) {
                None => faults.push(fault("is no word of the vocabulary".to_owned())),
                Some(word) => faults.extend(self.faults_of_source(word, source).into_iter().map(fault)),
            }
        }
        for name in self.cannot.keys() {
            if vocabulary::word(name).is_none() {
                faults.push(format!("`{name}`: is no word of the vocabulary"));
            } else if self.vocabulary.contains_key(name) {
                faults.push(format!("`{name}`: stands in `vocabulary` and in `cannot`"));
            }
        }
        faults.extend(self.faults_of_traffic());
        if self.metrics_path.is_none() && !self.metrics.is_empty() {
            faults.push("`metrics`: without `metrics_path` nobody can read them".to_owned());
        }
        faults
    }

    fn faults_of_metric(&self, metric: &Metric) -> Vec<String> {
        let mut faults = Vec::new();
        if metric.r#type != MetricType::Histogram && !metric.buckets.is_empty() {
            faults.push("only a histogram has `buckets`".to_owned());
        }
        if metric.late && metric.r#type == MetricType::Gauge {
            faults.push("`late` is of counters".to_owned());
        }
        let mut below = f64::NEG_INFINITY;
        for bound in &metric.buckets {
            match bound.parse::<f64>() {
                Ok(value) if value.is_finite() && value > below => {
                    below = value;
                    let written = units::le(value);
                    if *bound != written {
                        faults.push(format!("Prometheus writes the bound `{bound}` as `{written}`"));
                    } else if metric.unit.places() > 0 && bound.contains('e') {
                        faults.push(format!("the bound `{bound}` cannot be converted to another unit"));
                    }
                }
                _ => faults.push(format!("the bound `{bound}` is not a number above the one before it")),
            }
        }
        if let Some(old) = &metric.replaces {
            match self.metrics.get(old) {
                None => faults.push(format!("there is no metric `{old}` that it could replace")),
                Some(other) if other.r#type != metric.r#type || other.unit != metric.unit => {
                    faults.push(format!("`{old}`, which it replaces, has another type or unit"));
                }
                Some(_) => {}
            }
        }
        if metric.since.as_ref().zip(metric.until.as_ref()).is_some_and(|(since, until)| since >= until) {
            faults.push("`until` is not after `since`".to_owned());
        }
        let named = metric.copies.iter().chain(metric.series.iter().flat_map(|labels| labels.keys()));
        for label in named.filter(|label| !metric.labels.contains(label)) {
            faults.push(format!("the label `{label}` is not among its `labels`"));
        }
        faults
    }

    fn faults_of_source(&self, word: &Word, source: &Source) -> Vec<String> {
        let Some(metric) = self.metrics.get(&source.metric) else {
            return vec![format!("there is no metric `{}`", source.metric)];
        };
        let mut faults = Vec::new();
        if let Err(error) = promql::parse_matchers(source.matchers.as_deref().unwrap_or_default()) {
            faults.push(format!("`where`: {error}"));
        }
        let histogram = metric.r#type == MetricType::Histogram;
        if source.read.is_some() && !histogram {
            faults.push("`read` is for a histogram that serves a counter".to_owned());
        }
        // What the reading is, whatever the metric is.
        let read = if source.read.is_some() && histogram { MetricType::Counter } else { metric.r#type };
        let expected = match word.shape {
            Shape::Counter { .. } => MetricType::Counter,
            Shape::Histogram if source.per.is_some() => MetricType::Counter,
            Shape::Histogram => MetricType::Histogram,
            Shape::Gauge(_) | Shape::StartTime => MetricType::Gauge,
        };
        if read != expected {
            faults.push(format!(
                "needs a {}, and `{}` is a {}",
                expected.as_str(),
                source.metric,
                read.as_str()
            ));
        }
        if expected == MetricType::Histogram && metric.buckets.is_empty() {
            faults.push(format!("`{}` has no `buckets`", source.metric));
        }
        if metric.unit.base() != word.unit && source.read != Some(super::Part::Count) {
            faults.push(format!("is in {:?}, and `{}` in {:?}", word.unit, source.metric, metric.unit));
        }
        if source.compare.is_some() != (metric.unit == Unit::State) {
            faults
                .push("`compare` is for a metric whose unit is `state`, and such a one needs it".to_owned());
        }
        match (&source.per, word.shape) {
            (None, _) => {}
            (Some(per), Shape::Histogram) => {
                match self.metrics.get(&per.metric).map(|metric| metric.r#type) {
                    Some(MetricType::Counter) => {}
                    Some(MetricType::Histogram) if per.read.is_some() => {}
                    _ => faults.push(format!("`per`: `{}` is not a counter of this engine", per.metric)),
                }
            }
            (Some(_), _) => faults.push("`per` makes a mean, which is no answer to this word".to_owned()),
        }
        if !source.plus.is_empty() && !matches!(word.shape, Shape::Counter { .. } | Shape::Gauge(_)) {
            faults.push("`plus` adds counters and gauges".to_owned());
        }
        let before = source.before.as_deref();
        if before.and_then(|old| self.metrics.get(&old.metric)).is_some_and(|old| old.unit != metric.unit) {
            faults.push("`before` names a metric in another unit".to_owned());
        }
        for other in source.plus.iter().chain(before) {
            faults.extend(self.faults_of_source(word, other));
        }
        faults
    }

    fn faults_of_traffic(&self) -> Vec<String> {
        let Some(traffic) = &self.traffic else { return Vec::new() };
        let Some(metric) = self.metrics.get(&traffic.metric).filter(|it| it.r#type == MetricType::Counter)
        else {
            return vec![format!("`traffic`: `{}` is not a counter of this engine", traffic.metric)];
        };
        let labels = traffic.endpoint.iter().chain(&traffic.status);
        labels
            .filter(|label| !metric.labels.contains(label))
            .map(|label| format!("`traffic`: `{}` has no label `{label}`", traffic.metric))
            .collect()
    }
}
