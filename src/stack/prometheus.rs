//! The configuration of Prometheus: what is scraped, which rules are loaded, where alerts go.

use std::sync::Arc;
use std::time::Duration;

use super::compose::{Service, ServiceName};
use super::duration;
use super::folder::join;
use super::rules::texts;
use crate::source::{Document, Node, SourceFile, Spanned};

#[derive(Debug)]
pub struct Prometheus {
    pub document: Arc<Document>,
    pub service: ServiceName,
    pub scrape_interval: Option<Spanned<Duration>>,
    /// As it runs: what is written, or Prometheus' own.
    pub evaluation_interval: Duration,
    pub jobs: Vec<Job>,
    pub rule_files: Vec<RulePattern>,
    /// The sections of `alerting.alertmanagers`.
    pub alertmanagers: Vec<AlertmanagerTargets>,
    pub root: Node,
}

/// One entry of `rule_files`.
#[derive(Debug)]
pub struct RulePattern {
    pub pattern: Spanned<String>,
    /// The files that it names; `None` where nobody can know: it leads to the machine's or the image's own files.
    pub files: Option<Vec<String>>,
}

#[derive(Debug)]
pub struct AlertmanagerTargets {
    pub node: Node,
    pub scheme: String,
    pub path_prefix: String,
    pub targets: Vec<Spanned<String>>,
}

/// One scrape job.
#[derive(Debug)]
pub struct Job {
    pub name: Spanned<String>,
    pub node: Node,
    pub scheme: String,
    pub metrics_path: String,
    /// Its own, or the global one, or Prometheus' default.
    pub interval: Duration,
    /// Those written here, and those of target files that could be read.
    pub targets: Vec<Target>,
    /// The entries of its `file_sd_configs`.
    pub target_files: Vec<TargetFiles>,
    /// Whether some are found at run time, or stand in files that could not be read, or that hold none yet.
    pub discovers: bool,
}

/// One path or pattern of target files.
#[derive(Debug)]
pub struct TargetFiles {
    pub pattern: Spanned<String>,
    /// The files that it names; `None` where nobody can know.
    pub files: Option<Vec<String>>,
}

/// What a pattern of target files leads to: the files, and the lists in them, as far as either can be known.
pub(super) type TargetLists = (Option<Vec<String>>, Option<Vec<Node>>);

#[derive(Debug)]
pub struct Target {
    pub address: Spanned<String>,
    pub labels: Vec<(Spanned<String>, Spanned<String>)>,
}

/// What Prometheus takes where nothing is written.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

impl Prometheus {
    /// `target_file` reads what a `file_sd_configs` names.
    pub(super) fn read(
        document: Arc<Document>,
        service: ServiceName,
        mut target_file: impl FnMut(&Spanned<String>) -> TargetLists,
    ) -> Prometheus {
        let root = document.root();
        let global = |key: &str| root.find(&["global", key]).and_then(|node| duration(&node));
        let scrape_interval = global("scrape_interval");
        let or_default =
            |written: Option<&Spanned<Duration>>| written.map_or(DEFAULT_INTERVAL, |one| one.value);
        let interval = or_default(scrape_interval.as_ref());
        let items = |key: &str| root.get(key).map(|node| node.items()).unwrap_or_default();
        let alertmanagers =
            root.find(&["alerting", "alertmanagers"]).map(|node| node.items()).unwrap_or_default();
        Prometheus {
            service,
            evaluation_interval: or_default(global("evaluation_interval").as_ref()),
            jobs: items("scrape_configs")
                .iter()
                .filter_map(|node| Job::read(node, interval, &mut target_file))
                .collect(),
            rule_files: Vec::new(),
            alertmanagers: alertmanagers.iter().map(AlertmanagerTargets::read).collect(),
            scrape_interval,
            root,
            document,
        }
    }

    /// A configuration by itself, as a running Prometheus shows it.
    pub fn parse(source: SourceFile) -> Prometheus {
        Self::read(Document::yaml(source).0, None, |_| (None, None))
    }

    /// Whether its configuration takes in series beside those of its jobs.
    pub fn reads_elsewhere(&self) -> bool {
        ["otlp", "remote_read", "scrape_config_files"].iter().any(|key| self.root.get(key).is_some())
    }

    /// A label that it gives to everything that it sends to others.
    pub fn external_label(&self, name: &str) -> Option<String> {
        Some(self.root.find(&["global", "external_labels", name])?.text()?.to_owned())
    }

    /// A path of this configuration as the program finds it inside: relative ones begin beside the configuration. `None`
    /// where that is not known.
    pub fn path_inside(&self, service: &Service, path: &str) -> Option<String> {
        if path.contains("${") {
            return None;
        }
        if path.starts_with('/') {
            return Some(path.to_owned());
        }
        let config = service.flag("config.file").map(|flag| flag.value);
        // Other images keep it elsewhere.
        let is_official =
            service.image.as_ref().is_some_and(|image| image.repository.ends_with("prom/prometheus"));
        let config =
            config.or_else(|| service.program?.config().filter(|_| is_official).map(str::to_owned))?;
        let (folder, _) = config.rsplit_once('/').filter(|_| config.starts_with('/'))?;
        Some(format!("/{}", join(folder, path)?))
    }
}

impl AlertmanagerTargets {
    fn read(node: &Node) -> AlertmanagerTargets {
        AlertmanagerTargets {
            scheme: word(node, "scheme", "http"),
            path_prefix: word(node, "path_prefix", "/"),
            targets: static_targets(node).into_iter().map(|target| target.address).collect(),
            node: node.clone(),
        }
    }
}

impl Job {
    fn read(
        node: &Node,
        global: Duration,
        target_file: &mut impl FnMut(&Spanned<String>) -> TargetLists,
    ) -> Option<Job> {
        let mut targets = static_targets(node);
        let mut discovers = node
            .entries()
            .iter()
            .any(|(key, _)| key.ends_with("_sd_configs") && key.value != "file_sd_configs");
        let mut target_files = Vec::new();
        let files = node.get("file_sd_configs").map(|node| node.items()).unwrap_or_default();
        for file in files.iter().filter_map(|node| node.get("files")).flat_map(|files| files.texts()) {
            let (files, groups) = target_file(&file);
            let listed: Vec<Target> = groups.iter().flatten().flat_map(target_group).collect();
            // An empty list keeps the place of one that is written at run time.
            discovers |= listed.is_empty();
            targets.extend(listed);
            target_files.push(TargetFiles { pattern: file, files });
        }
        Some(Job {
            name: node.get("job_name")?.value()?,
            scheme: word(node, "scheme", "http"),
            metrics_path: word(node, "metrics_path", "/metrics"),
            interval: node
                .get("scrape_interval")
                .and_then(|node| duration(&node))
                .map_or(global, |own| own.value),
            targets,
            target_files,
            discovers,
            node: node.clone(),
        })
    }

    /// What is scraped, as far as it is written somewhere.
    pub fn addresses(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.targets.iter().map(|target| &target.address)
    }

    /// Whether a relabeling sends the scrape elsewhere, as to a blackbox exporter: the targets are then what it asks.
    pub fn is_redirected(&self) -> bool {
        self.relabels("__address__")
    }

    /// Where relabelings send the scrape.
    pub fn redirections(&self) -> impl Iterator<Item = Spanned<String>> {
        let leads = |rule: &Node| target_label(rule, "__address__");
        self.relabelings().into_iter().filter(leads).filter_map(|rule| rule.get("replacement")?.value())
    }

    /// What is done with the labels of its targets.
    pub fn relabelings(&self) -> Vec<Node> {
        self.node.get("relabel_configs").map(|node| node.items()).unwrap_or_default()
    }

    /// What is done with the series that it has scraped.
    pub fn metric_relabelings(&self) -> Vec<Node> {
        self.node.get("metric_relabel_configs").map(|node| node.items()).unwrap_or_default()
    }

    /// Whether a label or a relabeling gives a target another path than `metrics_path`.
    pub fn moves_path(&self, target: &Target) -> bool {
        target.labels.iter().any(|(name, _)| name.value == "__metrics_path__")
            || self.relabels("__metrics_path__")
    }

    /// Whether a relabeling of the targets writes this label.
    pub fn relabels(&self, label: &str) -> bool {
        self.relabelings().iter().any(|rule| target_label(rule, label))
    }

    /// Whether a relabeling of its series writes this label.
    pub fn relabels_metrics(&self, label: &str) -> bool {
        self.metric_relabelings().iter().any(|rule| target_label(rule, label))
    }
}

fn target_label(rule: &Node, label: &str) -> bool {
    rule.get("target_label").is_some_and(|found| found.text() == Some(label))
}

fn word(node: &Node, key: &str, default: &str) -> String {
    node.get(key).and_then(|node| node.text().map(str::to_owned)).unwrap_or_else(|| default.to_owned())
}

fn static_targets(node: &Node) -> Vec<Target> {
    node.get("static_configs")
        .map(|node| node.items())
        .unwrap_or_default()
        .iter()
        .flat_map(target_group)
        .collect()
}

/// `targets` and `labels`, as in `static_configs` and in target files.
fn target_group(node: &Node) -> Vec<Target> {
    let labels = texts(node, "labels");
    let addresses = node.get("targets").map(|node| node.texts()).unwrap_or_default();
    addresses.into_iter().map(|address| Target { address, labels: labels.clone() }).collect()
}
