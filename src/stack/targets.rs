//! The labels that a job gives to all that it scrapes: those of its targets, and what relabelings make of them. As far as the
//! files say it; where anything else may come in, nothing is sure.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Job, Metrics, Program, Prometheus, Scraped, Service, Stack, Target};
use crate::catalog::metrics::{Kind, Known, Part};
use crate::promql::labels::{Labels, NAME};
use crate::promql::tree::VectorSelector;
use crate::promql::{Matcher, matcher, metric};
use crate::source::Node;

/// The labels of the series of each job, in the order of the stack's jobs.
#[derive(Debug)]
pub struct Targets {
    /// None where nobody can know them: series come from elsewhere too, or there are too many jobs.
    pub jobs: Vec<JobLabels>,
    /// Whether nobody else can send series: without the flags nobody knows.
    pub is_sure: bool,
    /// Whether each scraped series has a `job` and an `instance`.
    pub(super) has_target: bool,
    /// Whether every Prometheus that Grafana asks is one of the stack.
    pub asks_own: bool,
    /// Of each name that was asked for. Those that nobody knows are one: what is known of them is known of all.
    asked: Mutex<HashMap<String, Arc<Found>>>,
}

/// The labels of the series of a name.
#[derive(Debug)]
struct Found {
    /// Of each job that may have it.
    jobs: Vec<Labels>,
    /// Of those of them that conditions leave, by their positions.
    left: Mutex<HashMap<Vec<usize>, Option<Labels>>>,
    /// What is known of them by name alone.
    open: Labels,
}

/// What one job's series carry.
#[derive(Debug)]
pub struct JobLabels {
    /// Of what Prometheus makes of each scrape, `up` and its like.
    pub of_scrape: Labels,
    /// Its relabelings of series, for the others.
    relabelings: Vec<Node>,
}

/// Each query is held against each job.
const MAX_JOBS: usize = 200;

impl Targets {
    pub(super) fn of(stack: &Stack) -> Targets {
        let service = |one: &Prometheus| stack.service(&one.service).map(|(_, service)| service);
        let jobs = || stack.prometheuses.iter().flat_map(|one| &one.jobs);
        // A job that could not be read has labels, too.
        let is_whole = |one: &Prometheus| {
            one.root.get("scrape_configs").map_or(0, |node| node.items().len()) == one.jobs.len()
        };
        let is_closed = stack.prometheuses.iter().all(|one| is_whole(one) && !is_fed(one, service(one)))
            // What no Prometheus here loads may be another's.
            && stack.rule_files.iter().all(|file| file.is_loaded)
            && jobs().count() <= MAX_JOBS;
        Targets {
            asks_own: asks_own(stack),
            has_target: !loses_target(stack),
            asked: Mutex::default(),
            is_sure: stack.prometheuses.iter().all(|one| service(one).is_some()),
            jobs: jobs().filter(|_| is_closed).map(JobLabels::of).collect(),
        }
    }
}

impl Targets {
    /// The labels of what a selector finds of what is scraped, held to those of its conditions that are final, and whether
    /// what they lack is nowhere.
    pub fn find(
        &self,
        metrics: &Metrics,
        selector: &VectorSelector,
        is_final: &dyn Fn(&Matcher) -> bool,
    ) -> (Labels, bool) {
        // What is recorded, here or elsewhere, or made of alerts, has no target.
        let Some(name) = metric(selector) else { return (Labels::unknown(), false) };
        let known = metrics.catalogue().known(name);
        let is_anybodys = known.is_empty() && !is_made(name);
        let key = if is_anybodys { "" } else { name };
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = asked().get(key).cloned();
        let found = seen.unwrap_or_else(|| {
            let found = Arc::new(self.found(metrics, name, &known));
            asked().insert(key.to_owned(), Arc::clone(&found));
            found
        });
        let mut left: Vec<usize> = (0..found.jobs.len()).collect();
        let matchers = &selector.matchers;
        for matcher in matchers.iter().filter(|one| one.name != NAME && is_final(one)) {
            let can_meet = |at: &usize| found.jobs[*at].can_meet(matcher);
            if !left.iter().any(can_meet) {
                break;
            }
            left.retain(can_meet);
        }
        let labels = found.of(left);
        let mut open = found.open.clone();
        match labels {
            Some(labels) if self.is_sure => (labels.of_files(), true),
            Some(labels) => {
                labels.expected().for_each(|label| open.expect(label));
                (open, false)
            }
            None => (open, false),
        }
    }

    fn found(&self, metrics: &Metrics, name: &str, known: &[Known<'_>]) -> Found {
        let mut open = Labels::unknown();
        for one in known {
            let listed = one.metric.labels.iter().flatten();
            listed.chain(&one.metric.some_labels).for_each(|label| open.expect(label));
        }
        let is_made = name.starts_with("ALERTS") || known.is_empty() && is_made(name);
        let jobs = if is_made { Vec::new() } else { self.each(metrics, name, known, &open) };
        Found { jobs, left: Mutex::default(), open }
    }

    /// The labels of the series of a name, of each job that may have it.
    fn each(&self, metrics: &Metrics, name: &str, known: &[Known<'_>], open: &Labels) -> Vec<Labels> {
        let is_of_scrape = known.iter().any(|one| one.exposer.name == "synthetic");
        // Whose name it is by its beginning, has the same labels wherever else it runs.
        let runs_here = |one: &&Known<'_>| {
            let is_one = |job: &Scraped| job.runs().iter().any(|runs| runs.has_labels_of(one.exposer));
            one.exposer.owns(name) && !one.exposer.is_open(name) && metrics.scrapes().any(is_one)
        };
        let elsewhere = known.iter().find(runs_here).map(Own::of);
        let of_job = |(job, scraped): (&JobLabels, &Scraped)| {
            if is_of_scrape {
                return Some(job.of_scrape.clone());
            }
            let own = match (Own::of_job(scraped, known)?, &elsewhere) {
                (Own::Unknown, Some(elsewhere)) if !scraped.is_known() && !scraped.is_built() => {
                    elsewhere.clone()
                }
                (own, _) => own,
            };
            let mut labels = job.of_series(&own);
            if matches!(own, Own::Unknown) {
                open.expected().for_each(|label| labels.expect(label));
            }
            Some(labels)
        };
        self.jobs.iter().zip(metrics.scrapes()).filter_map(of_job).collect()
    }
}

/// Whether rules make series of this name, or the alerts themselves.
fn is_made(name: &str) -> bool {
    name.contains(':') || name.starts_with("ALERTS")
}

impl Found {
    /// The labels that the series of some of the jobs have together.
    fn of(&self, jobs: Vec<usize>) -> Option<Labels> {
        let known = || self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(labels) = known().get(&jobs) {
            return labels.clone();
        }
        let labels = jobs.iter().map(|at| self.jobs[*at].clone()).reduce(Labels::or);
        known().insert(jobs, labels.clone());
        labels
    }
}

impl JobLabels {
    pub fn of(job: &Job) -> JobLabels {
        JobLabels { of_scrape: of_scrape(job), relabelings: job.metric_relabelings() }
    }

    /// What their `job` may say; `None` where that is not known.
    pub fn called(&self) -> Option<BTreeSet<String>> {
        let labels = self.of_series(&Own::Listed(Vec::new()));
        labels.values("job").filter(|_| labels.surely_has("job")).cloned()
    }

    /// Of a series with labels of its own.
    pub fn of_series(&self, own: &Own) -> Labels {
        let mut labels = self.of_scrape.clone();
        if matches!(own, Own::Unknown) {
            labels = labels.with_any();
        }
        for (label, values) in own.labels() {
            // The target's comes first, and renames the other.
            if labels.surely_has(label) {
                labels.allow(&format!("exported_{label}"));
            } else if labels.can_have(label) {
                labels.allow(label);
            } else {
                labels.put(label, values.clone(), false);
                labels.expect(label);
            }
        }
        for rule in &self.relabelings {
            relabel(&mut labels, rule);
        }
        labels
    }
}

/// The labels that a metric brings itself.
#[derive(Clone, Debug)]
pub enum Own {
    Unknown,
    /// These, with their values where they are known.
    Listed(Vec<(String, Option<BTreeSet<String>>)>),
}

impl Own {
    /// As the catalogue lists them.
    pub fn of(known: &Known<'_>) -> Own {
        let Some(labels) = known.metric.labels.as_ref().filter(|_| !known.exposer.adds_labels) else {
            return Own::Unknown;
        };
        let of_part = match known.part {
            Part::Bucket => Some("le"),
            Part::Whole if known.metric.kind == Kind::Summary => Some("quantile"),
            _ => None,
        };
        let values = |label: &str| {
            let found = known.metric.values.iter().find(|(name, _)| name == label);
            found.map(|(_, values)| values.iter().cloned().collect())
        };
        let all = labels.iter().map(String::as_str).chain(of_part);
        Own::Listed(all.map(|label| (label.to_owned(), values(label))).collect())
    }

    /// Of a job's series of a name; `None` where it has no such series.
    pub fn of_job(job: &Scraped, known: &[Known<'_>]) -> Option<Own> {
        if !job.is_known() {
            return Some(Own::Unknown);
        }
        let is_here = |one: &&Known<'_>| {
            let is_run = job.runs().iter().any(|runs| runs.exposer == one.exposer.name);
            one.exposer.is_everywhere() || is_run
        };
        let is_other = |one: &Known<'_>| {
            let mut runs = job.runs().iter().filter(|runs| runs.exposer == one.exposer.name);
            runs.any(|runs| !runs.has_labels_of(one.exposer))
        };
        let own = |one: &Known<'_>| if is_other(one) { Own::Unknown } else { Own::of(one) };
        let mut here = known.iter().filter(is_here).map(own).peekable();
        if here.peek().is_none() {
            // A name that nobody knows may be anybody's.
            return known.is_empty().then_some(Own::Unknown);
        }
        let mut labels = Vec::new();
        for own in here {
            match own {
                Own::Unknown => return Some(Own::Unknown),
                Own::Listed(more) => labels.extend(more),
            }
        }
        Some(Own::Listed(labels))
    }

    pub fn labels(&self) -> &[(String, Option<BTreeSet<String>>)] {
        match self {
            Own::Unknown => &[],
            Own::Listed(labels) => labels,
        }
    }
}

/// Whether series come into a Prometheus that it did not scrape, or with labels of their own.
pub fn is_fed(prometheus: &Prometheus, service: Option<&Service>) -> bool {
    let keeps_labels = |job: &Job| job.node.get("honor_labels").is_some_and(|node| node.is_true());
    takes_recordings(prometheus, service) || prometheus.jobs.iter().any(keeps_labels)
}

/// Whether series come into a Prometheus that another one has recorded.
pub(super) fn takes_recordings(prometheus: &Prometheus, service: Option<&Service>) -> bool {
    prometheus.reads_elsewhere()
        || service.is_some_and(Service::receives_series)
        || prometheus.jobs.iter().any(|job| job.metrics_path.ends_with("/federate"))
}

/// Whether a scrape, or what is sent to Prometheus, may leave a series without the two labels of its target.
fn loses_target(stack: &Stack) -> bool {
    let drops = |node: &Node| {
        let action = node.get("action").and_then(|node| node.text().map(str::to_lowercase));
        let target = node.get("target_label").and_then(|node| node.text().map(str::to_owned));
        action.is_some_and(|action| action.starts_with("label"))
            || target.is_some_and(|target| ["job", "instance"].contains(&target.as_str()))
    };
    let loses = |node: &Node| {
        let rules = ["relabel_configs", "metric_relabel_configs"].into_iter().filter_map(|key| node.get(key));
        node.get("honor_labels").is_some_and(|node| node.is_true())
            || rules.flat_map(|rules| rules.items()).any(|rule| drops(&rule))
    };
    let is_sent_series = || {
        stack
            .running(Program::Prometheus)
            .any(|service| service.receives_series() || service.flag("enable-feature").is_some())
    };
    stack.prometheuses.iter().any(|prometheus| {
        prometheus.root.get("remote_read").is_some() || prometheus.jobs.iter().any(|job| loses(&job.node))
    }) || is_sent_series()
}

fn asks_own(stack: &Stack) -> bool {
    let mut all = stack.datasources.iter().filter(|one| one.is_prometheus()).peekable();
    all.peek().is_some()
        && all.all(|one| {
            let service =
                one.url.as_ref().zip(stack.service(&one.service)).and_then(|(url, (compose, _))| {
                    let address = url.split_once("://").map_or(url.as_str(), |(_, address)| address);
                    compose.named(address.split([':', '/']).next().unwrap_or_default())
                });
            service.is_some_and(|service| service.program == Some(Program::Prometheus))
        })
}

/// Who finds targets with these may give them any label; the others say what they find in `__meta_…`.
const LABELLING: [&str; 2] = ["file_sd_configs", "http_sd_configs"];

fn of_scrape(job: &Job) -> Labels {
    let mut labels = Labels::none();
    labels.set("job", Some(&job.name).filter(|name| is_plain(name)).map(|name| name.as_str()));
    let params = params(job);
    let written = job.targets.iter().flat_map(|one| &one.labels).map(|(name, _)| name.as_str());
    let names: BTreeSet<&str> = written.chain(params.keys().map(String::as_str)).collect();
    for name in names {
        // What a target does not say, its job may.
        let of_job = params.get(name);
        let value = |target: &Target| {
            let found = target.labels.iter().find(|(label, _)| label.value == name);
            found.map(|(_, value)| &value.value).filter(|value| !value.is_empty()).or(of_job).cloned()
        };
        let values: Vec<Option<String>> = job.targets.iter().map(value).collect();
        let is_everywhere = values.iter().all(Option::is_some) && !job.discovers;
        let found = of_job.filter(|_| job.discovers).cloned();
        let values: BTreeSet<String> = values.into_iter().flatten().chain(found).collect();
        let values = Some(values).filter(|values| values.iter().all(|value| is_plain(value)));
        if name == "job" && !is_everywhere {
            labels.set(name, None);
        } else {
            labels.put(name, values.filter(|_| name != "instance"), is_everywhere);
        }
    }
    if job.discovers && LABELLING.iter().any(|key| job.node.get(key).is_some()) {
        labels = labels.with_any();
        labels.set("job", None);
    }
    let has_addresses = !job.discovers && !job.targets.is_empty();
    let addresses = || job.addresses().map(|address| address.value.clone()).collect::<BTreeSet<_>>();
    let is_known = has_addresses && job.addresses().all(|address| is_plain(address));
    labels.put("__address__", is_known.then(addresses), true);
    for rule in job.relabelings() {
        relabel(&mut labels, &rule);
    }
    let every = labels.all().into_iter().flatten().chain(labels.expected());
    let hidden: BTreeSet<String> = every.filter(|name| name.starts_with("__")).map(str::to_owned).collect();
    for name in &hidden {
        labels.remove(name);
    }
    // What is asked where a relabeling leaves none.
    labels.put("instance", None, true);
    labels
}

/// The labels that each target has of the parameters of its job: of each the first value.
fn params(job: &Job) -> HashMap<String, String> {
    let params = job.node.get("params").map(|node| node.entries()).unwrap_or_default();
    let first = |node: &Node| node.texts().first().map(|first| first.value.clone());
    params.iter().filter_map(|(name, node)| Some((format!("__param_{}", name.value), first(node)?))).collect()
}

/// Whether a value is written out, and nobody fills it in before Prometheus reads it: `$SITE`, `@SITE@`, `__SITE__`.
fn is_plain(text: &str) -> bool {
    let is_framed = ["@", "__"].iter().any(|frame| text.matches(frame).count() > 1);
    !text.contains(['$', '{', '<', '%']) && !is_framed && !text.to_lowercase().contains("placeholder")
}

/// What a relabeling makes of them.
fn relabel(labels: &mut Labels, rule: &Node) {
    let text = |key: &str| rule.get(key).and_then(|node| node.text().map(str::to_owned));
    let action = text("action").unwrap_or_else(|| "replace".to_owned()).to_lowercase();
    let target = text("target_label").unwrap_or_default();
    match action.as_str() {
        "keep" | "drop" | "keepequal" | "dropequal" => {}
        "labeldrop" | "labelkeep" => {
            let pattern = text("regex").and_then(|regex| matcher("name", "=~", &regex));
            let is_kept = |name: &str| {
                pattern.as_ref().is_some_and(|pattern| pattern.is_match(name) == (action == "labelkeep"))
            };
            let lost: Vec<String> =
                labels.surely().filter(|name| !is_kept(name)).map(str::to_owned).collect();
            for name in lost {
                let values = labels.values(&name).cloned();
                labels.put(&name, values, false);
            }
        }
        "hashmod" | "lowercase" | "uppercase" if is_name(&target) => {
            labels.put(&target, None, action == "hashmod");
        }
        "replace" if is_name(&target) => replace(labels, rule, &target, text("replacement"), text("regex")),
        // Whatever is found at run time.
        _ => {
            *labels = std::mem::replace(labels, Labels::unknown()).with_any();
            let known: Vec<String> = labels.surely().map(str::to_owned).collect();
            for name in &known {
                labels.put(name, None, true);
            }
        }
    }
}

/// The labels that Prometheus gives to each target itself.
pub const HIDDEN: [&str; 6] = [
    "__address__",
    "__metrics_path__",
    "__name__",
    "__scheme__",
    "__scrape_interval__",
    "__scrape_timeout__",
];

/// Whether a hidden label may be there although nothing in the job's relabelings sets it.
pub fn is_given(label: &str) -> bool {
    let begins = ["__meta_", "__param_", "__tmp"].iter().any(|begin| label.starts_with(begin));
    begins || HIDDEN.contains(&label)
}

fn is_name(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn replace(labels: &mut Labels, rule: &Node, target: &str, with: Option<String>, regex: Option<String>) {
    let sources = rule.get("source_labels").map(|node| node.texts()).unwrap_or_default();
    let takes_all = regex.as_deref().is_none_or(|regex| matches!(regex, "(.*)" | ".*" | "^(.*)$"));
    let with = with.unwrap_or_else(|| "$1".to_owned());
    let has_group = regex.as_deref() != Some(".*");
    let is_copy = takes_all
        && (matches!(with.as_str(), "$0" | "${0}") || has_group && matches!(with.as_str(), "$1" | "${1}"));
    match sources.as_slice() {
        [] if takes_all && (with.is_empty() || is_copy) => labels.remove(target),
        // An expression that does not take the empty text never does anything here.
        [] if !takes_all
            && regex.and_then(|regex| matcher("x", "=~", &regex)).is_some_and(|one| !one.is_match("")) => {}
        [source] if is_copy => {
            if !labels.can_have(source) && !is_given(source) {
                labels.remove(target);
                return;
            }
            let (values, is_sure) = (labels.values(source).cloned(), labels.surely_has(source));
            labels.put(target, values, is_sure);
            labels.expect(target);
        }
        _ if takes_all && is_plain(&with) && !with.is_empty() => {
            labels.put(target, Some(BTreeSet::from([with])), true);
        }
        _ => {
            let mut values = labels.values(target).cloned();
            if !labels.can_have(target) {
                values = Some(BTreeSet::new());
            }
            let values = values.filter(|_| is_plain(&with) && !with.is_empty()).map(|mut values| {
                values.insert(with.clone());
                values
            });
            // An empty text takes the label away.
            let is_sure = labels.surely_has(target) && is_plain(&with) && !with.is_empty();
            labels.put(target, values, is_sure);
            labels.expect(target);
        }
    }
}
