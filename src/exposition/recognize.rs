//! Which engines a page is from, and which versions of them: told from the names alone, with what says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Exposition;
use crate::catalog::engines::{Engine, Engines, Version};

/// Names that any server may have: they tell nothing.
const COMMON: [&str; 5] = ["process_", "python_", "go_", "http_", "promhttp_"];

/// Fewer names of its own than this could be a coincidence.
const LEAST: usize = 2;

/// Less of what an engine has, and the page is of another one.
const UNSURE: f64 = 0.25;
/// More, and it is.
const SURE: f64 = 0.6;

/// An engine that a page seems to be from.
pub struct Recognized {
    pub engine: Arc<Engine>,
    /// How many of the names that tell it from others are there, and of how many.
    pub found: usize,
    pub of: usize,
    /// The first version that can be meant, and what tells.
    pub since: Option<(Version, String)>,
    /// The first version that cannot be meant any more, and what tells.
    pub until: Option<(Version, String)>,
    /// The words whose every name is missing, although the engine has it in the versions in question.
    pub missing: Vec<String>,
}

impl Recognized {
    pub fn is_sure(&self) -> bool {
        small(self.found) >= SURE * small(self.of)
    }

    /// Which engine it is, and roughly which version.
    pub fn sentence(&self) -> String {
        let title = &self.engine.title;
        let seen = format!("{} of the {} names that skymon reads of it are there", self.found, self.of);
        if !self.is_sure() {
            return format!("it may be {title}: only {seen}");
        }
        let version = match (&self.since, &self.until) {
            (Some((since, new)), Some((until, old))) if since >= until => {
                format!(
                    ", and shows names of two versions: {since} or newer ({new}), older than {until} ({old})"
                )
            }
            (Some((since, new)), Some((until, old))) => {
                format!(", {since} or newer ({new}), and older than {until} ({old})")
            }
            (Some((since, new)), None) => format!(", {since} or newer ({new})"),
            (None, Some((until, old))) => format!(", older than {until} ({old})"),
            (None, None) => String::new(),
        };
        format!("it is {title}{version}: {seen}")
    }

    /// What the engine could say and this page does not.
    pub fn missing_sentence(&self) -> Option<String> {
        let words: Vec<String> = self.missing.iter().map(|word| format!("`{word}`")).collect();
        (!words.is_empty()).then(|| {
            format!("on this page nothing says {}; it may come with the first request, or with a flag of the server", words.join(", "))
        })
    }
}

/// The engines of the page, the surest first; several where one page shows several.
pub fn recognize(page: &Exposition, engines: &Engines) -> Vec<Recognized> {
    let mut explained = BTreeSet::new();
    let mut found = Vec::new();
    loop {
        // Of two that fit, the one that explains more: an engine may have all that another one has.
        let best = engines
            .iter()
            .map(|engine| (engine, telling(page, engine, &explained)))
            .filter(|(_, telling)| telling.found.len() >= LEAST && telling.share() >= UNSURE)
            .max_by(|(_, a), (_, b)| a.weight().total_cmp(&b.weight()));
        let Some((engine, telling)) = best else { return found };
        explained.extend(telling.found.iter().map(|name| (*name).to_owned()));
        found.push(describe(page, engine, &telling));
    }
}

/// The names of an engine that tell it from others, as far as nobody else explains them.
struct Telling<'a> {
    found: Vec<&'a str>,
    of: usize,
}

impl Telling<'_> {
    fn share(&self) -> f64 {
        small(self.found.len()) / small(self.of.max(1))
    }

    fn weight(&self) -> f64 {
        self.share() * small(self.found.len())
    }
}

/// No engine has millions of metrics.
fn small(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn telling<'a>(page: &Exposition, engine: &'a Engine, explained: &BTreeSet<String>) -> Telling<'a> {
    let is_there = |name: &str| page.has(name) && !explained.contains(name);
    // Of several names for one thing a version has one.
    let mut others: BTreeSet<&str> = BTreeSet::new();
    for word in engine.vocabulary.keys() {
        let (there, missing): (Vec<&str>, Vec<&str>) =
            engine.names_for(word).partition(|name| is_there(name));
        if !there.is_empty() {
            others.extend(missing);
        }
    }
    let mut telling = Telling { found: Vec::new(), of: 0 };
    for name in engine.metrics.keys().filter(|name| !COMMON.iter().any(|common| name.starts_with(common))) {
        if is_there(name) {
            telling.found.push(name);
        }
        telling.of += usize::from(is_there(name) || !others.contains(name.as_str()));
    }
    telling
}

fn describe(page: &Exposition, engine: &Arc<Engine>, telling: &Telling) -> Recognized {
    let there = || telling.found.iter().filter_map(|name| Some((*name, engine.metrics.get(*name)?)));
    let since = there().filter_map(|(name, metric)| Some((metric.since.clone()?, format!("`{name}`")))).max();
    let ended = there().filter_map(|(name, metric)| Some((metric.until.clone()?, format!("`{name}`"))));
    // The old name is there and the new one is not: the version is older than the new one.
    let not_begun = engine.metrics.iter().filter_map(|(name, metric)| {
        let old = metric.replaces.as_deref()?;
        let is_old = page.has(old) && !page.has(name);
        is_old.then_some((metric.since.clone()?, format!("`{old}` and no `{name}`")))
    });
    let until = ended.chain(not_begun).min();
    let is_said = |word: &str| engine.names_for(word).any(|name| page.has(name));
    Recognized {
        engine: engine.clone(),
        found: telling.found.len(),
        of: telling.of,
        since,
        until,
        missing: engine.vocabulary.keys().filter(|word| !is_said(word)).cloned().collect(),
    }
}
