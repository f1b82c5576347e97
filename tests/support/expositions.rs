//! What the engines show: the expositions of `tests/fixtures/engines`, one for each kind and version of an engine that is
//! played, and a server that shows one the way the engine does.
//!
//! Nothing here reads `templates/engines`: what the data files say is held against this.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::http::{Reply, Request, Server};
use super::project::fixture;

/// Its counters grow by a hundredth of what they are in the exposition, each second.
pub(crate) const GROWTH: f64 = 0.01;

/// An entry of `known.yml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    shows: Vec<String>,
    rename: Option<(String, String)>,
    /// Starts of the names that are left, and of those that are left out.
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    since: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    gone: BTreeMap<String, Gone>,
    path: String,
    r#type: Option<String>,
    #[serde(default)]
    underscores: bool,
    bearer: Option<String>,
    says: BTreeMap<String, Says>,
    #[serde(default)]
    says_since: BTreeMap<String, String>,
    #[serde(default)]
    said_before: BTreeMap<String, BTreeMap<String, Says>>,
    #[serde(default)]
    sometimes: Vec<String>,
    #[serde(default)]
    sized: Vec<String>,
}

/// What the exposition says of a word of the vocabulary.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Says {
    /// The total of what is counted, the level, or the mean.
    Number(f64),
    Quantiles {
        p50: f64,
        p95: f64,
        p99: f64,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gone {
    now: String,
    until: String,
    hidden: Option<String>,
}

/// How it answers Prometheus.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub(crate) path: String,
    content_type: Option<String>,
    underscores: bool,
    pub(crate) bearer: Option<String>,
}

/// What one server shows.
#[derive(Debug, Clone)]
pub(crate) struct Exposition {
    /// The entry's name: the engine, or one kind of it.
    pub(crate) kind: String,
    /// The entry's first word, as it stands in a config.
    pub(crate) engine: String,
    /// Where several are played.
    pub(crate) version: Option<String>,
    pub(crate) families: Vec<Family>,
    pub(crate) wire: Wire,
    pub(crate) says: BTreeMap<String, Says>,
    /// Names that a flag brings back.
    pub(crate) hides: Vec<String>,
    /// Labels that only some servers have, and families whose bounds are not the same everywhere.
    pub(crate) sometimes: Vec<String>,
    pub(crate) sized: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) name: String,
    /// `counter`, `gauge`, `histogram` or `summary`.
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) name: String,
    /// With their braces; empty where there are none.
    pub(crate) labels: String,
    pub(crate) value: f64,
}

/// Every kind of every engine in every version that is played, oldest first.
pub(crate) fn all() -> &'static [Exposition] {
    static ALL: OnceLock<Vec<Exposition>> = OnceLock::new();
    ALL.get_or_init(|| {
        let known: BTreeMap<String, Known> =
            serde_yaml::from_str(&fixture("engines/known.yml")).expect("known.yml reads");
        known.iter().flat_map(|(kind, known)| known.expositions(kind)).collect()
    })
}

/// That of the newest version of an engine.
#[track_caller]
pub(crate) fn newest(engine: &str) -> &'static Exposition {
    all().iter().rfind(|exposition| exposition.kind == engine).unwrap_or_else(|| {
        panic!(
            "templates/engines/{engine}.yml has no proof: put an exposition of `{engine}` into tests/fixtures/engines, \
             and an entry into known.yml there"
        )
    })
}

impl Known {
    fn expositions(&self, kind: &str) -> Vec<Exposition> {
        let versions = self.versions.iter().map(|version| Some(version.as_str()));
        let versions = if self.versions.is_empty() { vec![None] } else { versions.collect() };
        versions
            .into_iter()
            .map(|version| Exposition {
                kind: kind.to_owned(),
                engine: kind.split('.').next().unwrap_or(kind).to_owned(),
                version: version.map(str::to_owned),
                families: self.families(version),
                wire: self.wire(),
                says: self.says(version),
                hides: self.hides(version),
                sometimes: self.sometimes.clone(),
                sized: self.sized.clone(),
            })
            .collect()
    }

    fn hides(&self, version: Option<&str>) -> Vec<String> {
        let Some(version) = version.map(parts) else { return Vec::new() };
        let hidden = |gone: &Gone| {
            version >= parts(&gone.until) && gone.hidden.as_ref().is_some_and(|end| version < parts(end))
        };
        self.gone.iter().filter(|(_, gone)| hidden(gone)).map(|(name, _)| name.clone()).collect()
    }

    fn says(&self, version: Option<&str>) -> BTreeMap<String, Says> {
        let mut says = self.says.clone();
        if let Some(version) = version.map(parts) {
            says.retain(|word, _| self.says_since.get(word).is_none_or(|since| version >= parts(since)));
            for (_, said) in self.said_before.iter().filter(|(until, _)| version < parts(until)) {
                says.extend(said.clone());
            }
        }
        says
    }

    fn wire(&self) -> Wire {
        Wire {
            path: self.path.clone(),
            content_type: self.r#type.clone(),
            underscores: self.underscores,
            bearer: self.bearer.clone(),
        }
    }

    fn families(&self, version: Option<&str>) -> Vec<Family> {
        let newest: Vec<Family> =
            self.shows.iter().flat_map(|file| read(&fixture(&format!("engines/{file}")))).collect();
        let mut families = newest.clone();
        if let Some(version) = version.map(parts) {
            let later: Vec<&String> = self
                .since
                .iter()
                .filter(|(since, _)| version < parts(since))
                .flat_map(|(_, names)| names)
                .collect();
            families.retain(|family| !later.iter().any(|start| family.name.starts_with(*start)));
            for (name, gone) in self.gone.iter().filter(|(_, gone)| version < parts(&gone.until)) {
                let now = newest.iter().find(|family| family.name == gone.now);
                families.push(now.unwrap_or_else(|| panic!("no {}", gone.now)).renamed(&gone.now, name));
            }
        }
        families.retain(|family| !self.without.iter().any(|start| family.name.starts_with(start)));
        for family in &mut families {
            if let Some((from, to)) = &self.rename {
                *family = family.renamed(from, to);
            }
            family.samples.iter_mut().for_each(|sample| sample.add_labels(&self.labels));
        }
        families.retain(|family| self.only.is_empty() || self.only.contains(&family.name));
        families
    }
}

/// The numbers of a version.
fn parts(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().expect("a number")).collect()
}

fn read(text: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').expect("a name and a type");
            families.push(Family { name: name.to_owned(), kind: kind.to_owned(), samples: Vec::new() });
        } else if !line.is_empty() && !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            let (name, labels) = series.split_at(series.find('{').unwrap_or(series.len()));
            let value = value.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            let family = families.last_mut().expect("a type before the first sample");
            family.samples.push(Sample { name: name.to_owned(), labels: labels.to_owned(), value });
        }
    }
    families
}

impl Family {
    fn renamed(&self, from: &str, to: &str) -> Self {
        let rename = |name: &str| {
            name.strip_prefix(from).map_or_else(|| name.to_owned(), |rest| format!("{to}{rest}"))
        };
        let mut renamed = self.clone();
        renamed.name = rename(&self.name);
        for sample in &mut renamed.samples {
            sample.name = rename(&sample.name);
        }
        renamed
    }

    /// Whether a series of it grows with the work that is done.
    fn grows(&self, sample: &str) -> bool {
        match self.kind.as_str() {
            "counter" | "histogram" => true,
            "summary" => sample != self.name,
            _ => false,
        }
    }
}

impl Sample {
    /// The value of one of its labels.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.trim_start_matches('{').split("\",");
        let value = labels.find_map(|label| label.strip_prefix(name)?.strip_prefix("=\""))?;
        Some(value.trim_end_matches('}').trim_end_matches('"'))
    }

    fn add_labels(&mut self, labels: &BTreeMap<String, String>) {
        for (name, value) in labels {
            if self.label(name).is_some() {
                continue;
            }
            let rest = self.labels.trim_start_matches('{').trim_end_matches('}').trim_end_matches(',');
            let comma = if rest.is_empty() { "" } else { "," };
            self.labels = format!("{{{name}=\"{value}\"{comma}{rest}}}");
        }
    }
}

impl Exposition {
    pub(crate) fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// A name for messages and for a service.
    pub(crate) fn name(&self) -> String {
        let version = self.version.as_ref().map(|version| format!("-{version}")).unwrap_or_default();
        format!("{}{version}", self.kind).replace('.', "-")
    }

    /// What a server shows now that has worked since `start`; in `OpenMetrics` where it is asked for and the engine
    /// does that. Every sample says when it was true, which engines do not: a machine that is busy elsewhere must not bend a
    /// rate.
    pub(crate) fn text(&self, start: Instant, underscores: bool) -> String {
        let times = 1.0 + start.elapsed().as_secs_f64() * GROWTH;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let now = if underscores { format!("{}.{:03}", now / 1000, now % 1000) } else { now.to_string() };
        let mut out = String::new();
        for family in &self.families {
            let name = match family.name.strip_suffix("_total") {
                Some(name) if underscores && family.kind == "counter" => name,
                _ => &family.name,
            };
            let _ = writeln!(out, "# TYPE {name} {}", family.kind);
            for Sample { name, labels, value } in &family.samples {
                let value = if family.grows(name) { value * times } else { *value };
                let name = if underscores { &name.replace(':', "_") } else { name };
                if value.is_infinite() {
                    let _ = writeln!(out, "{name}{labels} +Inf {now}");
                } else {
                    let _ = writeln!(out, "{name}{labels} {value} {now}");
                }
            }
        }
        if underscores {
            out.push_str("# EOF\n");
        }
        out
    }

    /// A server that has worked since `start`.
    #[track_caller]
    pub(crate) fn serve(&self, addr: SocketAddr, start: Instant) -> Server {
        let exposition = self.clone();
        Server::start(addr, move |request| exposition.answer(request, start))
    }

    fn answer(&self, request: &Request, start: Instant) -> Reply {
        let wire = &self.wire;
        if request.path != wire.path {
            return Reply::text(404, "{\"detail\":\"Not Found\"}");
        }
        let key = wire.bearer.as_ref().map(|key| format!("Bearer {key}"));
        if key.is_some() && request.header("authorization") != key.as_deref() {
            return Reply::text(401, "{\"detail\":\"Unauthorized\"}");
        }
        // Who asks with `escaping=allow-utf-8` would get the colons, an older Prometheus would not: played is the worse.
        let accept = request.header("accept").unwrap_or_default();
        if wire.underscores && accept.contains("application/openmetrics-text") {
            let mut reply = Reply::metrics(200, self.text(start, true));
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
                .clone_into(&mut reply.content_type);
            return reply;
        }
        let mut reply = Reply::metrics(200, self.text(start, false));
        match wire.content_type.as_deref() {
            None => {}
            Some("none") => reply.content_type = String::new(),
            Some(other) => other.clone_into(&mut reply.content_type),
        }
        reply
    }
}
