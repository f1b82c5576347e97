//! What each engine and program exposes: every name with its type, unit, labels and versions, so that a query can be read
//! as the one who wrote it should have. Offline, for any stack.
//!
//! An engine's own file says what skymon reads of it; what it exposes beside that, and all that the other programs expose,
//! stands in `templates/metrics/`, one plain line for each metric (`lines`). Each list is read when a name asks for it.

mod lines;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::engines::{Engine, Engines, MetricType, Version};
use super::units::Unit;
use crate::templates;

/// Everything that is known of metrics.
#[derive(Debug)]
pub struct Catalogue {
    exposers: Vec<Exposer>,
    /// Who knows a name, by their place in the list: a stack asks for the same names many times.
    asked: Mutex<HashMap<String, Arc<[usize]>>>,
}

/// An engine or a program, by what it exposes.
#[derive(Debug)]
pub struct Exposer {
    /// The name of its list, and of the engine.
    pub name: String,
    pub title: String,
    /// Names that begin so are its own.
    pub prefixes: Vec<String>,
    /// Whether all is listed that any version of it exposes: then another name of its prefixes does not exist.
    pub is_whole: bool,
    /// Whether a flag adds labels to those that are listed.
    pub adds_labels: bool,
    /// The first version that has the labels which are listed; without one all have.
    labels_since: Option<Version>,
    /// Beginnings of which others have names too: there nothing is said not to exist.
    open: Vec<String>,
    /// The versions that were read, in order; without any it is known of all.
    versions: Vec<Version>,
    engine: Option<Arc<Engine>>,
    text: &'static str,
    metrics: OnceLock<BTreeMap<Cow<'static, str>, Listed>>,
}

/// A metric of a list, read when somebody asks for it: a stack asks for few of thousands.
#[derive(Debug)]
struct Listed {
    line: &'static str,
    metric: OnceLock<Box<Metric>>,
}

impl Listed {
    fn metric(&self) -> &Metric {
        self.metric.get_or_init(|| lines::read(self.line).into())
    }
}

impl From<Metric> for Listed {
    fn from(metric: Metric) -> Listed {
        Listed { line: "", metric: OnceLock::from(Box::new(metric)) }
    }
}

/// A metric as it is exposed: a histogram or summary by the name that its series share.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub name: String,
    pub kind: Kind,
    pub unit: Option<Unit>,
    /// Those that the exposer sets itself; `None` where they are not known.
    pub labels: Option<Vec<String>>,
    /// Some of its labels, where there may be others.
    pub some_labels: Vec<String>,
    /// All values that a label can have, of those that have few.
    pub values: Vec<(String, Vec<String>)>,
    /// Upper bounds without `+Inf`; empty where they are not known, or set by a flag.
    pub buckets: Vec<f64>,
    /// First version that has it.
    pub since: Option<Version>,
    /// First version that has it no more.
    pub until: Option<Version>,
    /// The newest version has it no more, and nobody has looked since when.
    pub is_lost: bool,
    /// What says the same after it.
    pub replaced_by: Option<String>,
}

/// Its type, as the exposition says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    /// A gauge that is always 1 and only carries labels.
    Info,
    /// The exporter does not say, or several say different things.
    Unknown,
}

/// Which of the series of a histogram or summary a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The metric itself; of a summary its quantiles.
    Whole,
    Bucket,
    Sum,
    Count,
}

/// What is known of a name.
#[derive(Clone, Copy, Debug)]
pub struct Known<'c> {
    pub exposer: &'c Exposer,
    pub metric: &'c Metric,
    pub part: Part,
}

impl Catalogue {
    /// What the programs of a stack and these engines expose.
    pub fn new(engines: &Engines) -> Catalogue {
        let mut exposers: Vec<Exposer> = templates::embedded("metrics")
            .into_iter()
            .map(|(path, text)| Exposer::listed(path, text))
            .collect();
        for engine in engines.iter() {
            match exposers.iter_mut().find(|exposer| exposer.name == engine.name) {
                Some(exposer) => exposer.engine = Some(engine.clone()),
                None => exposers.push(Exposer::of_engine(engine)),
            }
        }
        Catalogue { exposers, asked: Mutex::default() }
    }

    pub fn exposers(&self) -> impl Iterator<Item = &Exposer> {
        self.exposers.iter()
    }

    pub fn exposer(&self, name: &str) -> Option<&Exposer> {
        self.exposers.iter().find(|exposer| exposer.name == name)
    }

    /// Everybody who exposes series of this name, in any version.
    pub fn known<'c>(&'c self, name: &str) -> Vec<Known<'c>> {
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = asked().get(name).cloned();
        let who = seen.unwrap_or_else(|| {
            let knows = |at: &usize| self.exposers[*at].known(name).is_some();
            let who: Arc<[usize]> = (0..self.exposers.len()).filter(knows).collect();
            asked().insert(name.to_owned(), Arc::clone(&who));
            who
        });
        who.iter().filter_map(|at| self.exposers[*at].known(name)).collect()
    }

    /// Whose name this would be, by how it begins.
    pub fn owners<'c>(&'c self, name: &str) -> impl Iterator<Item = &'c Exposer> {
        let owners: Vec<&Exposer> = self.exposers.iter().filter(|exposer| exposer.owns(name)).collect();
        owners.into_iter()
    }
}

impl Exposer {
    fn listed(path: &'static str, text: &'static str) -> Exposer {
        let name = path.trim_start_matches("metrics/").trim_end_matches(".txt");
        let words = |key| lines::header(text, key).unwrap_or_default().split_whitespace().map(str::to_owned);
        Exposer {
            name: name.to_owned(),
            title: lines::header(text, "title").unwrap_or(name).to_owned(),
            prefixes: words("prefixes").collect(),
            is_whole: lines::header(text, "whole") == Some("yes"),
            adds_labels: lines::header(text, "labels") == Some("open"),
            labels_since: words("labels-since").find_map(|version| version.parse().ok()),
            open: words("open").collect(),
            versions: words("versions").filter_map(|version| version.parse().ok()).collect(),
            engine: None,
            text,
            metrics: OnceLock::new(),
        }
    }

    fn of_engine(engine: &Arc<Engine>) -> Exposer {
        Exposer {
            name: engine.name.clone(),
            title: engine.title.clone(),
            prefixes: Vec::new(),
            is_whole: false,
            adds_labels: false,
            labels_since: None,
            open: Vec::new(),
            versions: Vec::new(),
            engine: Some(engine.clone()),
            text: "",
            metrics: OnceLock::new(),
        }
    }

    /// Whether a name begins as its own do.
    pub fn owns(&self, name: &str) -> bool {
        begins(&self.prefixes, name)
    }

    /// Whether others have names that begin so too.
    pub fn is_open(&self, name: &str) -> bool {
        begins(&self.open, name)
    }

    /// Whether a version, or the newest where none is known, has the labels that are listed.
    pub fn has_labels_of(&self, version: Option<&Version>) -> bool {
        self.labels_since.as_ref().is_none_or(|since| version.is_none_or(|version| version >= since))
    }

    /// Whether it is sure that a version does not expose a metric of this list. When it came is only known to lie between
    /// two of the versions that were read.
    pub fn lacks(&self, metric: &Metric, version: &Version) -> bool {
        if metric.until.as_ref().is_some_and(|until| version >= until) {
            return true;
        }
        let Some(since) = metric.since.as_ref().filter(|since| version < since) else { return false };
        let (Some(first), Some(last)) =
            (self.versions.first(), self.versions.iter().rfind(|read| *read < since))
        else {
            return self.versions.is_empty() && version < since;
        };
        version >= first && version <= last
    }

    /// All that it exposes, in any version, in the order of their names.
    pub fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.by_name().values().map(Listed::metric)
    }

    fn by_name(&self) -> &BTreeMap<Cow<'static, str>, Listed> {
        self.metrics.get_or_init(|| {
            let unread = |line| Listed { line, metric: OnceLock::new() };
            let mut metrics: BTreeMap<_, _> =
                lines::list(self.text).map(|(name, line)| (name.into(), unread(line))).collect();
            for (name, kind) in self.engine.iter().flat_map(|engine| &engine.others) {
                metrics.insert(name.clone().into(), Metric::new(name, (*kind).into()).into());
            }
            for (name, metric) in self.engine.iter().flat_map(|engine| &engine.metrics) {
                let mut own = Metric::of_engine(name, metric);
                own.replaced_by = self.engine.as_ref().and_then(|engine| successor(engine, name));
                // What is not whole lists the labels that are read.
                if !self.is_whole {
                    own.some_labels = own.labels.take().unwrap_or_default();
                }
                metrics.insert(name.clone().into(), own.into());
            }
            metrics
        })
    }

    /// What it exposes under this name, in any version.
    pub fn known(&self, name: &str) -> Option<Known<'_>> {
        // The list of a program has no names that begin otherwise: it need not be read.
        if self.engine.is_none() && !self.prefixes.is_empty() && !begins(&self.prefixes, name) {
            return None;
        }
        let known = |metric, part| Some(Known { exposer: self, metric, part });
        let listed = |name: &str| self.by_name().get(name).map(Listed::metric);
        if let Some(metric) = listed(name).filter(|metric| metric.kind != Kind::Histogram) {
            return known(metric, Part::Whole);
        }
        [("_bucket", Part::Bucket), ("_sum", Part::Sum), ("_count", Part::Count)].into_iter().find_map(
            |(ending, part)| {
                let metric = listed(name.strip_suffix(ending)?)?;
                let has_it = match metric.kind {
                    Kind::Histogram => true,
                    Kind::Summary => part != Part::Bucket,
                    _ => false,
                };
                has_it.then(|| known(metric, part))?
            },
        )
    }

    /// Whether every target has what it lists: the client library's own metrics, and what Prometheus makes of a scrape.
    pub fn is_everywhere(&self) -> bool {
        matches!(self.name.as_str(), "client" | "synthetic")
    }

    /// Whether it is an engine and no program of the stack.
    pub fn is_engine(&self) -> bool {
        self.engine.is_some()
    }

    /// The names of all series that it exposes.
    pub fn series(&self) -> impl Iterator<Item = String> {
        self.metrics().flat_map(Metric::series)
    }
}

fn begins(prefixes: &[String], name: &str) -> bool {
    prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
}

/// The metric that an engine's file has in place of this one.
fn successor(engine: &Engine, name: &str) -> Option<String> {
    let (name, _) = engine.metrics.iter().find(|(_, metric)| metric.replaces.as_deref() == Some(name))?;
    Some(name.clone())
}

impl From<MetricType> for Kind {
    fn from(of_engine: MetricType) -> Kind {
        match of_engine {
            MetricType::Counter => Kind::Counter,
            MetricType::Gauge => Kind::Gauge,
            MetricType::Histogram => Kind::Histogram,
        }
    }
}

impl Metric {
    /// Of which nothing else is known.
    fn new(name: impl Into<String>, kind: Kind) -> Metric {
        Metric {
            name: name.into(),
            kind,
            unit: None,
            labels: None,
            some_labels: Vec::new(),
            values: Vec::new(),
            buckets: Vec::new(),
            since: None,
            until: None,
            is_lost: false,
            replaced_by: None,
        }
    }

    fn of_engine(name: &str, metric: &super::engines::Metric) -> Metric {
        Metric {
            unit: Some(metric.unit),
            labels: Some(metric.labels.clone()),
            buckets: metric.buckets.iter().filter_map(|bound| bound.parse().ok()).collect(),
            since: metric.since.clone(),
            until: metric.until.clone(),
            ..Metric::new(name, metric.r#type.into())
        }
    }

    /// Whether the newest version has it no more.
    pub fn is_gone(&self) -> bool {
        self.is_lost || self.until.is_some()
    }

    /// The names of its series.
    pub fn series(&self) -> Vec<String> {
        let name = &self.name;
        match self.kind {
            Kind::Histogram => vec![format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count")],
            Kind::Summary => vec![name.clone(), format!("{name}_sum"), format!("{name}_count")],
            _ => vec![name.clone()],
        }
    }
}

impl Known<'_> {
    /// Whether its series only grow, until the process starts again.
    pub fn is_counter(&self) -> bool {
        match self.metric.kind {
            Kind::Counter | Kind::Histogram => true,
            Kind::Summary => self.part != Part::Whole,
            Kind::Gauge | Kind::Info | Kind::Unknown => false,
        }
    }

    /// Whether its series go up and down.
    pub fn is_gauge(&self) -> bool {
        match self.metric.kind {
            Kind::Gauge | Kind::Info => true,
            Kind::Summary => self.part == Part::Whole,
            Kind::Counter | Kind::Histogram | Kind::Unknown => false,
        }
    }

    /// The least and the largest value that its series can have, as far as its type and unit say.
    pub fn range(&self) -> (f64, f64) {
        let unit = self.metric.unit;
        match (self.metric.kind, unit) {
            (Kind::Info, _) => (1.0, 1.0),
            _ if self.is_counter() => (0.0, f64::INFINITY),
            (Kind::Unknown, _) | (_, None | Some(Unit::State)) => (f64::NEG_INFINITY, f64::INFINITY),
            (_, Some(Unit::Ratio | Unit::Bool)) => (0.0, 1.0),
            (_, Some(Unit::Percent)) => (0.0, 100.0),
            (_, Some(_)) => (0.0, f64::INFINITY),
        }
    }
}

#[cfg(test)]
mod tests;
