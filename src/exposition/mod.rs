//! What a server shows at `/metrics`: read as Prometheus reads it, recognised as one of the engines, or made into the draft
//! of an engine's file. Apart from `catalog`, which knows engines before any was seen.

mod draft;
mod fetch;
mod guess;
mod lines;
mod recognize;

use std::collections::{BTreeMap, BTreeSet};

use self::lines::{Line, Sample};

pub use draft::{Draft, Origin};
pub use fetch::{Refusal, fetch};
pub use recognize::{Recognized, recognize};

/// No server shows more than some MB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// So many series of one metric tell all that can be told from them.
const MAX_SERIES: usize = 1000;

/// The metrics of a page, by name.
#[derive(Debug, Default)]
pub struct Exposition {
    pub metrics: BTreeMap<String, Shown>,
    /// What Prometheus would refuse the whole page for: the line, from 1, and why.
    pub faults: Vec<(usize, String)>,
    /// How many samples could be read.
    samples: usize,
    /// Names that the page declares with a colon, and whose samples it writes with `_`.
    pub escaped: bool,
}

/// One metric as it is shown: a counter under the name of its series, a histogram without `_bucket`.
#[derive(Debug, Default)]
pub struct Shown {
    pub kind: Kind,
    pub help: String,
    /// Without `le` and `quantile`.
    pub labels: BTreeSet<String>,
    /// Upper bounds, in order, without `+Inf`.
    pub buckets: Vec<f64>,
    /// The label sets, and for all but histograms a value. Empty where the page only declares the metric.
    pub series: Vec<(BTreeMap<String, String>, f64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    /// The page does not say.
    #[default]
    Unknown,
}

impl Exposition {
    /// Reads all that can be read.
    pub fn parse(text: &str) -> Self {
        let mut page = Page::default();
        for (number, line) in (1..).zip(text.lines()) {
            match lines::read(line) {
                Ok(Line::Help(name, help)) => page.family(name).help = help,
                Ok(Line::Type(name, kind)) => page.family(name).kind = Some(kind),
                Ok(Line::End) => page.is_open_metrics = true,
                Ok(Line::Nothing) => {}
                Ok(Line::Sample(sample)) => page.samples.push(sample),
                Err(problem) => page.faults.push((number, problem)),
            }
        }
        page.finish()
    }

    /// Whether it is a page of metrics at all. Lines of any text can look like samples; most of them do not.
    pub fn is_one(&self) -> bool {
        !self.metrics.is_empty() && self.samples >= self.faults.len()
    }

    /// Whether the page shows series of that name, or declares them.
    fn has(&self, name: &str) -> bool {
        let part = || name.strip_suffix("_sum").or(name.strip_suffix("_count"));
        let is_summary = |base: &str| self.metrics.get(base).is_some_and(|shown| shown.kind == Kind::Summary);
        self.metrics.contains_key(name) || part().is_some_and(is_summary)
    }
}

/// What is declared of a name.
#[derive(Debug, Default)]
struct Family {
    kind: Option<Kind>,
    help: String,
}

#[derive(Default)]
struct Page {
    families: BTreeMap<String, Family>,
    samples: Vec<Sample>,
    faults: Vec<(usize, String)>,
    /// Counters are declared there without their `_total`.
    is_open_metrics: bool,
}

impl Page {
    fn family(&mut self, name: String) -> &mut Family {
        self.families.entry(name).or_default()
    }

    fn finish(mut self) -> Exposition {
        let mut exposition = Exposition {
            faults: std::mem::take(&mut self.faults),
            samples: self.samples.len(),
            ..Exposition::default()
        };
        let escaped: BTreeMap<String, &str> = self
            .families
            .keys()
            .filter(|name| name.contains(':'))
            .map(|name| (name.replace(':', "_"), name.as_str()))
            .collect();
        let names: BTreeSet<&str> = self.samples.iter().map(|sample| sample.name.as_str()).collect();
        for sample in &self.samples {
            let declared = self.declared(&sample.name, &escaped);
            exposition.escaped |= declared.is_some_and(|(family, _)| is_escaped(family, &sample.name));
            let Some((name, kind, bound)) = self.metric_of(sample, declared, &names) else { continue };
            let shown = exposition.metrics.entry(name).or_default();
            shown.kind = kind;
            if let Some((family, _)) = declared {
                shown.help.clone_from(&self.families[family].help);
            }
            shown.add(sample, bound);
        }
        for (name, family) in &self.families {
            let total = format!("{name}_total");
            let is_total = self.is_open_metrics && family.kind == Some(Kind::Counter);
            if exposition.metrics.contains_key(name) || exposition.metrics.contains_key(&total) {
                continue;
            }
            // Declared and never seen: an event that has not happened yet, or a page that was cut.
            if let Some(kind) =
                family.kind.filter(|_| !is_creation(name, |base| self.families.contains_key(base)))
            {
                let shown = Shown { kind, help: family.help.clone(), ..Shown::default() };
                let name = if is_total && !name.ends_with("_total") { total } else { name.clone() };
                exposition.metrics.entry(name).or_insert(shown);
            }
        }
        exposition
    }

    /// The family that a sample belongs to, and what follows its name in the sample's.
    fn declared<'a>(
        &'a self,
        sample: &'a str,
        escaped: &BTreeMap<String, &'a str>,
    ) -> Option<(&'a str, &'a str)> {
        ["", "_bucket", "_sum", "_count", "_total", "_created"].into_iter().find_map(|suffix| {
            let base = sample.strip_suffix(suffix)?;
            let (family, declared) = self
                .families
                .get_key_value(base)
                .or_else(|| self.families.get_key_value(*escaped.get(base)?))?;
            let fits = match (suffix, declared.kind?) {
                ("" | "_created", _) | ("_total", Kind::Counter) => true,
                ("_bucket", kind) => kind == Kind::Histogram,
                ("_sum" | "_count", kind) => matches!(kind, Kind::Histogram | Kind::Summary),
                _ => false,
            };
            fits.then_some((family.as_str(), suffix))
        })
    }

    /// The metric that a sample is of, its kind, and in a histogram the bound. `None` for what is no number of its own.
    fn metric_of(
        &self,
        sample: &Sample,
        declared: Option<(&str, &str)>,
        names: &BTreeSet<&str>,
    ) -> Option<(String, Kind, Option<f64>)> {
        let bound = || sample.labels.get("le").and_then(|le| lines::number(le));
        let Some((family, suffix)) = declared else {
            let base = |suffix| sample.name.strip_suffix(suffix);
            let is_seen =
                |base: &str| names.contains(base) || names.contains(format!("{base}_total").as_str());
            if is_creation(&sample.name, is_seen) {
                return None;
            }
            // Nothing is declared: the names themselves tell.
            let has_buckets = |base: &str| names.contains(format!("{base}_bucket").as_str());
            if let Some(base) = base("_bucket").filter(|_| sample.labels.contains_key("le")) {
                return Some((base.to_owned(), Kind::Histogram, bound()));
            }
            if let Some(base) = base("_sum").or(base("_count")).filter(|base| has_buckets(base)) {
                return Some((base.to_owned(), Kind::Histogram, None));
            }
            let kind = if base("_total").is_some() { Kind::Counter } else { Kind::Unknown };
            return Some((sample.name.clone(), kind, None));
        };
        let kind = self.families[family].kind.unwrap_or_default();
        match (kind, suffix) {
            (_, "_created") => None,
            (_, "") if is_creation(family, |base| self.families.contains_key(base)) => None,
            (Kind::Counter, suffix) => Some((format!("{family}{suffix}"), kind, None)),
            (Kind::Histogram, "_bucket") => Some((family.to_owned(), kind, bound())),
            _ => Some((family.to_owned(), kind, None)),
        }
    }
}

impl Shown {
    fn add(&mut self, sample: &Sample, bound: Option<f64>) {
        let mut labels = sample.labels.clone();
        labels.retain(|label, _| label != "le" && label != "quantile");
        self.labels.extend(labels.keys().cloned());
        if let Some(bound) = bound.filter(|bound| bound.is_finite() && self.buckets.len() < MAX_SERIES)
            && let Err(at) = self.buckets.binary_search_by(|known| known.total_cmp(&bound))
        {
            self.buckets.insert(at, bound);
        }
        if self.series.len() < MAX_SERIES && !self.series.iter().any(|(known, _)| *known == labels) {
            self.series.push((labels, sample.value));
        }
    }
}

fn is_escaped(family: &str, sample: &str) -> bool {
    family.contains(':') && !sample.starts_with(family)
}

/// Whether this is when another metric came to be, which client libraries print beside it.
fn is_creation(name: &str, is_there: impl Fn(&str) -> bool) -> bool {
    name.strip_suffix("_created").is_some_and(|base| is_there(base) || is_there(&format!("{base}_total")))
}

#[cfg(test)]
mod tests;
