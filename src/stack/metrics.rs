//! Which metrics a stack has: what its jobs scrape and in which version, what its rules record, and what the catalogue knows
//! of the names that its queries ask for. Apart from the files, since it joins them all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::compose::{Program, Service};
use super::targets::JobLabels;
use super::{Compose, Job, Prometheus, Stack};
use crate::catalog::engines::{Engines, Version};
use crate::catalog::metrics::{Catalogue, Exposer, Known};
use crate::diagnostics::is_slip;
use crate::promql::tree::VectorSelector;
use crate::promql::{self, Matcher};

/// What only somebody else can say of a stack: the engines that its user described, and what each service of the config runs.
#[derive(Clone, Debug)]
pub struct Told {
    pub engines: Engines,
    /// Service → the name of its engine, and its version.
    pub services: BTreeMap<String, (String, Option<Version>)>,
}

impl Default for Told {
    fn default() -> Told {
        Told { engines: Engines::built_in().clone(), services: BTreeMap::new() }
    }
}

/// The metrics of a stack.
#[derive(Debug)]
pub struct Metrics {
    catalogue: Catalogue,
    recorded: BTreeSet<String>,
    jobs: Vec<Scraped>,
    /// Whether nobody but the rules that were read can have recorded anything.
    has_all_rules: bool,
    /// The programs that run here, and that no job scrapes.
    unscraped: BTreeSet<String>,
    /// How many recorded names were compared with one that is not.
    searched: AtomicUsize,
    /// Names that nobody knows, with what was found out.
    unknown: Mutex<HashMap<String, Option<Meant>>>,
}

/// Whose a name would be, and what is probably meant.
#[derive(Clone, Debug)]
struct Meant {
    owner: String,
    near: Option<String>,
}

/// What one job scrapes.
#[derive(Debug)]
pub struct Scraped {
    job: String,
    /// What the label `job` of its series may say; `None` where nobody knows.
    called: Option<BTreeSet<String>>,
    /// As far as it is known.
    runs: Vec<Runs>,
    /// Whether that is everything.
    is_known: bool,
}

/// An engine or program behind a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Runs {
    /// The name of its list in the catalogue.
    pub exposer: String,
    pub version: Option<Version>,
    /// Whether its image is made from a folder: it may expose more than its name says, with labels of its own.
    pub is_built: bool,
}

impl Runs {
    /// Whether its series have the labels that are listed of who exposes them.
    pub fn has_labels_of(&self, exposer: &Exposer) -> bool {
        self.exposer == exposer.name && !self.is_built && exposer.has_labels_of(self.version.as_ref())
    }
}

/// Why a name has no series, now or ever.
#[derive(Debug)]
pub enum Missing<'m> {
    /// Nobody exposes it, in any version.
    Unknown {
        /// Who would, by its beginning.
        owner: &'m Exposer,
        /// What is probably meant.
        near: Option<String>,
    },
    /// A rule would record it by its name, and none does.
    Unrecorded { near: Option<String> },
    /// The jobs that are asked do not expose it, though others do.
    Elsewhere { jobs: Vec<&'m str>, exposer: &'m Exposer },
    /// Its program runs here, and no job scrapes it.
    NotScraped { exposer: &'m Exposer },
    /// The version that runs here, if that is known, or the newest one does not have it.
    Version { known: Known<'m>, runs: Option<Version> },
}

/// More comparisons than this would be felt.
const MAX_SEARCHED: usize = 200_000;

impl Metrics {
    pub(super) fn of(stack: &Stack) -> Metrics {
        let told = stack.told();
        let is_recording = |rule: &&super::Rule| !rule.is_alert;
        let jobs = stack.prometheuses.iter().flat_map(|prometheus| {
            let compose = prometheus.service.as_ref().and_then(|(project, _)| stack.composes.get(*project));
            let own = prometheus.service.as_ref().map(|(_, name)| name.as_str());
            prometheus.jobs.iter().map(move |job| Scraped::of(job, compose, own, told))
        });
        let jobs: Vec<Scraped> = jobs.collect();
        Metrics {
            unscraped: unscraped(stack, &jobs),
            recorded: stack.rules().filter(is_recording).map(|rule| rule.name.value.clone()).collect(),
            jobs,
            has_all_rules: !stack.prometheuses.is_empty() && stack.prometheuses.iter().all(has_all_rules),
            searched: AtomicUsize::new(0),
            unknown: Mutex::default(),
            catalogue: Catalogue::new(&told.engines),
        }
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Whether a rule of the stack makes series of this name.
    pub fn is_recorded(&self, name: &str) -> bool {
        self.recorded.contains(name)
    }

    /// What a selector may mean: all that is known of its name, narrowed to the jobs that it asks for, where they are known.
    /// Nothing where a rule of the stack records the name.
    pub fn known(&self, selector: &VectorSelector) -> Vec<Known<'_>> {
        let Some(name) = promql::metric(selector).filter(|name| !self.is_recorded(name)) else {
            return Vec::new();
        };
        let mut known = self.catalogue.known(name);
        let jobs = self.jobs(selector);
        let is_asked = |known: &Known<'_>| {
            known.exposer.is_everywhere()
                || jobs.iter().any(|job| job.runs.iter().any(|runs| runs.exposer == known.exposer.name))
        };
        if jobs.iter().all(|job| job.is_known) && known.iter().any(is_asked) {
            known.retain(is_asked);
        }
        known
    }

    /// Whether all that a selector may mean only grows. `false` where nobody knows.
    pub fn is_counter(&self, selector: &VectorSelector) -> bool {
        let known = self.known(selector);
        !known.is_empty() && known.iter().all(Known::is_counter)
    }

    /// Whether all that a selector may mean goes up and down. `false` where nobody knows.
    pub fn is_gauge(&self, selector: &VectorSelector) -> bool {
        let known = self.known(selector);
        !known.is_empty() && known.iter().all(Known::is_gauge)
    }

    /// Why a selector finds nothing; `None` where it may find something.
    pub fn missing(&self, selector: &VectorSelector) -> Option<Missing<'_>> {
        let name = promql::metric(selector).filter(|name| !self.is_recorded(name))?;
        if self.known(selector).is_empty() { self.unknown(name) } else { self.not_here(selector) }
    }

    /// The same of a name that somebody exposes: names that nobody knows are not searched.
    pub fn not_here(&self, selector: &VectorSelector) -> Option<Missing<'_>> {
        let known = self.known(selector);
        if known.is_empty() {
            return None;
        }
        let jobs = self.jobs(selector);
        self.elsewhere(selector, &known)
            .or_else(|| self.not_scraped(&known))
            .or_else(|| lacking(&jobs, known))
    }

    fn unknown(&self, name: &str) -> Option<Missing<'_>> {
        let unknown = || self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = unknown().get(name).cloned();
        let found = seen.unwrap_or_else(|| {
            let found = self.meant(name);
            unknown().insert(name.to_owned(), found.clone());
            found
        });
        if let Some(Meant { owner, near }) = found {
            return Some(Missing::Unknown { owner: self.catalogue.exposer(&owner)?, near });
        }
        if !name.contains(':') {
            return None;
        }
        // So many names are not all slips, and the search is long.
        let searched = self.searched.fetch_add(self.recorded.len(), Ordering::Relaxed);
        let mut recorded = self.recorded.iter().filter(|_| searched + self.recorded.len() < MAX_SEARCHED);
        let near = recorded.find(|one| is_near(one, name, 2)).cloned();
        // `level:metric:operations` is how rules name what they record, and nobody else.
        let is_recording = self.has_all_rules && name.matches(':').count() >= 2;
        (near.is_some() || is_recording).then_some(Missing::Unrecorded { near })
    }

    /// `None` where anybody may expose it.
    fn meant(&self, name: &str) -> Option<Meant> {
        let owners: Vec<&Exposer> = self.catalogue.owners(name).collect();
        // Nobody's names begin so, and still only a letter is missing.
        let near = || {
            let mut names =
                self.catalogue.exposers().flat_map(|owner| owner.series().map(move |one| (owner, one)));
            let (owner, near) = names.find(|(_, one)| is_slip_of_metric(name, one))?;
            Some(Meant { owner: owner.name.clone(), near: Some(near) })
        };
        let slip =
            |owner: &&Exposer| Some(Meant { owner: owner.name.clone(), near: Some(slip(owner, name)?) });
        let unheard_of = || {
            let owner = owners
                .iter()
                .find(|owner| owner.is_whole && !owner.is_open(name) && !is_added(owner, name))?;
            let near = owner.series().find(|one| is_near(one, name, 2));
            Some(Meant { owner: owner.name.clone(), near })
        };
        owners.iter().find_map(slip).or_else(unheard_of).or_else(near)
    }

    /// The jobs that are asked by name expose other things.
    fn elsewhere<'m>(&'m self, selector: &VectorSelector, known: &[Known<'m>]) -> Option<Missing<'m>> {
        let is_whole = |runs: &Runs| self.catalogue.exposer(&runs.exposer).is_some_and(|one| one.is_whole);
        let is_closed = |job: &&Scraped| job.is_known && job.runs.iter().all(is_whole);
        let jobs = self.asked(selector);
        if jobs.is_empty() || !jobs.iter().all(is_closed) {
            return None;
        }
        let exposes = |known: &Known<'_>| {
            known.exposer.is_everywhere()
                || jobs.iter().flat_map(|job| &job.runs).any(|runs| runs.exposer == known.exposer.name)
        };
        let first = known.first().filter(|_| !known.iter().any(exposes))?;
        let jobs = jobs.iter().map(|job| job.job.as_str()).collect();
        Some(Missing::Elsewhere { jobs, exposer: first.exposer })
    }

    /// The program that exposes it is in the compose file, and no target can be it.
    fn not_scraped<'m>(&'m self, known: &[Known<'m>]) -> Option<Missing<'m>> {
        let [Known { exposer, .. }] = known else { return None };
        self.unscraped.contains(&exposer.name).then_some(Missing::NotScraped { exposer })
    }

    /// The jobs that a selector asks: all, if it names none, or none that is here.
    fn jobs(&self, selector: &VectorSelector) -> Vec<&Scraped> {
        let asked = self.asked(selector);
        if asked.is_empty() { self.jobs.iter().collect() } else { asked }
    }

    /// The jobs that a selector asks by their label.
    fn asked(&self, selector: &VectorSelector) -> Vec<&Scraped> {
        let asked: Vec<&Matcher> = selector.matchers.iter().filter(|one| one.name == "job").collect();
        let is_asked = |job: &&Scraped| asked.iter().all(|matcher| job.can_meet(matcher));
        if asked.is_empty() { Vec::new() } else { self.jobs.iter().filter(is_asked).collect() }
    }

    /// What each job scrapes, in the order of the stack's jobs.
    pub fn scrapes(&self) -> impl Iterator<Item = &Scraped> {
        self.jobs.iter()
    }

    /// Whether nobody but the rules that were read can have recorded anything.
    pub fn has_all_rules(&self) -> bool {
        self.has_all_rules
    }

    /// What a job scrapes.
    pub fn scraped(&self, job: &str) -> Option<&Scraped> {
        self.jobs.iter().find(|scraped| scraped.job == job)
    }
}

/// What was surely meant: the ending that a client library adds is missing, or a letter is wrong.
fn slip(owner: &Exposer, name: &str) -> Option<String> {
    for ending in ["_total", "_bucket", "_count"] {
        let whole = format!("{name}{ending}");
        if !is_added(owner, name) && owner.known(&whole).is_some() {
            return Some(whole);
        }
    }
    owner.series().find(|one| is_near(one, name, 1))
}

/// Whether a client library may expose the name beside what is listed: in Go a native histogram, which is asked for without
/// an ending, in Python the time since when something is counted.
fn is_added(owner: &Exposer, name: &str) -> bool {
    let has = |name: &str, ending: &str| owner.known(&format!("{name}{ending}")).is_some();
    if !owner.is_engine() {
        return has(name, "_bucket");
    }
    let counted = name.strip_suffix("_created");
    counted.is_some_and(|name| ["_total", "_bucket", "_count"].iter().any(|ending| has(name, ending)))
}

/// A name with a letter forgotten, doubled or in its neighbour's place; of short names only `up`.
pub fn is_slip_of_metric(name: &str, meant: &str) -> bool {
    (meant == "up" && ["u", "upp", "uup", "pu"].contains(&name)) || (name.len() >= 10 && is_slip(name, meant))
}

/// Whether so few letters are different that one was meant for the other. In a short name each letter tells.
fn is_near(one: &str, name: &str, letters: usize) -> bool {
    one.len().abs_diff(name.len()) <= letters
        && name.len() >= 8 * letters
        && strsim::damerau_levenshtein(one, name) <= letters
}

/// The programs of a stack that no target can be, where all targets are written out.
fn unscraped(stack: &Stack, jobs: &[Scraped]) -> BTreeSet<String> {
    let all = || stack.prometheuses.iter().flat_map(|one| &one.jobs);
    if !stack.targets().is_sure || stack.targets().jobs.is_empty() || all().any(|job| job.discovers) {
        return BTreeSet::new();
    }
    let is_scraped = |service: &Service, exposer: &str| {
        let words = [exposer, service.name.as_str()];
        let is_named = |text: &str| words.iter().any(|word| text.contains(word));
        // Where nobody knows what runs, the names and the port tell.
        let may_be = |job: &Job| {
            let port = service.program.map(Program::port);
            let mut addresses =
                job.addresses().map(|one| one.value.clone()).chain(job.redirections().map(|one| one.value));
            is_named(&job.name)
                || addresses.any(|one| {
                    let own = one.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
                    is_named(&one) || own.is_some() && own == port
                })
        };
        jobs.iter().any(|job| job.runs.iter().any(|runs| runs.exposer == exposer)) || all().any(may_be)
    };
    let programs = stack.composes.iter().flat_map(Compose::running_any).filter(|one| one.program.is_some());
    let exposed = programs.filter_map(|service| Some((service, runs(service, stack.told())?.exposer)));
    exposed.filter(|(service, exposer)| !is_scraped(service, exposer)).map(|(_, exposer)| exposer).collect()
}

/// Whether all that a Prometheus records was read, and nothing comes recorded from another.
fn has_all_rules(prometheus: &Prometheus) -> bool {
    let is_federated = |job: &Job| job.metrics_path.contains("federate");
    // A file that is not here may be where the stack runs.
    let is_here = |files: &Option<Vec<String>>| files.as_ref().is_some_and(|files| !files.is_empty());
    prometheus.rule_files.iter().all(|pattern| is_here(&pattern.files))
        && !prometheus.jobs.iter().any(is_federated)
        && prometheus.root.get("remote_read").is_none()
}

/// The version that runs, or the newest one, does not have it.
fn lacking<'m>(jobs: &[&'m Scraped], known: Vec<Known<'m>>) -> Option<Missing<'m>> {
    let mut missing = None;
    for known in known {
        let runs = jobs.iter().flat_map(|job| &job.runs).filter(|runs| runs.exposer == known.exposer.name);
        let versions: BTreeSet<&Option<Version>> = runs.map(|runs| &runs.version).collect();
        let named: Vec<&Version> = versions.iter().copied().flatten().collect();
        if !named.is_empty() && named.len() == versions.len() {
            if !named.iter().all(|version| known.exposer.lacks(known.metric, version)) {
                return None;
            }
            missing = Some(Missing::Version { known, runs: named.first().copied().cloned() });
        } else if known.metric.is_gone() && known.metric.replaced_by.is_some() {
            missing = missing.or(Some(Missing::Version { known, runs: None }));
        } else {
            return None;
        }
    }
    missing
}

impl Scraped {
    /// What is known to run there.
    pub fn runs(&self) -> &[Runs] {
        &self.runs
    }

    /// Whether that is everything.
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether the image of some of it is made from a folder.
    pub fn is_built(&self) -> bool {
        self.runs.iter().any(|runs| runs.is_built)
    }

    /// Whether a condition on the label `job` may take its series.
    fn can_meet(&self, matcher: &Matcher) -> bool {
        self.called.as_ref().is_none_or(|called| called.iter().any(|name| matcher.is_match(name)))
    }

    fn of(job: &Job, compose: Option<&Compose>, own: Option<&str>, told: &Told) -> Scraped {
        let mut scraped = Scraped {
            job: job.name.value.clone(),
            called: JobLabels::of(job).called(),
            runs: Vec::new(),
            is_known: !job.discovers,
        };
        if let Some((engine, version)) = told.services.get(&job.name.value) {
            scraped.runs.push(Runs { exposer: engine.clone(), version: version.clone(), is_built: false });
            scraped.is_known = true;
        } else if job.relabels_metrics("__name__") {
            scraped.is_known = false;
        } else if job.is_redirected() {
            // What a blackbox exporter says of a probe is the same for all that it asks.
            let all: Option<Vec<Runs>> =
                job.redirections().map(|address| behind(&address, compose, own, told)).collect();
            scraped.runs =
                all.filter(|all| all.iter().all(|runs| runs.exposer == "blackbox")).unwrap_or_default();
            scraped.is_known = true;
        } else {
            for target in &job.targets {
                match behind(&target.address, compose, own, told) {
                    Some(runs) => scraped.runs.push(runs),
                    None => scraped.is_known = false,
                }
            }
        }
        scraped.runs.sort();
        scraped.runs.dedup();
        scraped.is_known &= !scraped.runs.is_empty() && !scraped.is_built();
        scraped
    }
}

/// What runs at a target's address.
fn behind(address: &str, compose: Option<&Compose>, own: Option<&str>, told: &Told) -> Option<Runs> {
    let (host, _) = address.rsplit_once(':')?;
    let compose = compose?;
    let service = match host {
        // Prometheus itself, at its own port.
        "localhost" | "127.0.0.1" if address.ends_with(":9090") => compose.service(own?),
        host => compose.named(host),
    }?;
    runs(service, told)
}

/// What a service of a compose file runs.
pub fn runs(service: &Service, told: &Told) -> Option<Runs> {
    let image = &service.image.as_ref()?.value;
    let exposer = match service.program {
        Some(Program::Prometheus) => "prometheus",
        Some(Program::Alertmanager) => "alertmanager",
        Some(Program::Grafana) => "grafana",
        Some(Program::Blackbox) => "blackbox",
        Some(Program::NodeExporter) => "node",
        Some(Program::DcgmExporter) => "dcgm",
        Some(Program::Cadvisor) => "cadvisor",
        Some(Program::Pushgateway) => return None,
        None if image.name() == "caddy" => "caddy",
        None if service.words.iter().any(|word| word.ends_with("skyserve_exporter.py")) => "skyserve",
        None => told.engines.iter().find(|engine| engine.is_image(&image.repository))?.name.as_str(),
    };
    // `server-cuda-b5200`, `main-v1.80.0`, `v0.11.0-cu124`
    // What is built says its version in the folder.
    let tag = image.tag.as_ref().filter(|_| !service.is_built);
    let version = tag.into_iter().flat_map(|tag| tag.split('-')).find_map(|part| part.parse().ok());
    Some(Runs { exposer: exposer.to_owned(), version, is_built: service.is_built })
}
