//! One typed view of a whole stack: compose, Prometheus with its rules and tests, Alertmanager, Grafana. Lenient: what can be
//! read is there, each value with its place; what cannot be is a note. Made from the files that were just rendered, from a
//! rendered folder, or from any folder with a stack in it (`read`).
//!
//! The checks see this and nothing else.

mod alertmanager;
mod blackbox;
pub mod compose;
mod conditions;
mod folder;
mod grafana;
mod journey;
mod labels;
mod metrics;
mod prometheus;
mod query;
mod read;
mod recorded;
mod rules;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use self::alertmanager::{
    Alertmanager, Grouping, Inhibition, Integration, LabelMatcher, Receiver, Route, TemplatePattern, Timers,
};
pub use self::blackbox::Blackbox;
pub use self::compose::{
    Compose, Declared, Dependency, Healthcheck, Image, Mount, Origin, Port, Program, Service, ServiceName,
    Variable, VariableUse,
};
pub use self::conditions::{Conditions, asks_for_presence, words};
pub use self::folder::{Folder, Kind, join};
pub use self::grafana::{Dashboard, Datasource, DatasourceRef, Grafana, Panel, PanelQuery, Provider};
pub use self::journey::{End, may_meet};
pub use self::labels::Flow;
pub use self::metrics::{Metrics, Missing, Runs, Scraped, Told, is_slip_of_metric, runs};
pub use self::prometheus::{AlertmanagerTargets, Job, Prometheus, RulePattern, Target, TargetFiles};
pub use self::query::Query;
use self::recorded::Recorded;
pub use self::rules::{Filled, Group, Rule, RuleFile, RuleTests};
pub use self::targets::{HIDDEN, Targets, is_fed, is_given};
use crate::cores;
use crate::diagnostics::Diagnostic;
use crate::forms::{Form, Misfit};
use crate::promql::labels::Labels;
use crate::source::{Document, Node, Spanned};
use crate::values::prometheus_duration;

/// Everything that was found in one folder.
pub struct Stack {
    pub folder: Folder,
    /// One for each project; none where nothing says how the programs run.
    pub composes: Vec<Compose>,
    pub prometheuses: Vec<Prometheus>,
    pub rule_files: Vec<RuleFile>,
    pub rule_tests: Vec<RuleTests>,
    /// Lists of targets that no job reads.
    pub unread_targets: Vec<Arc<Document>>,
    pub alertmanagers: Vec<Alertmanager>,
    pub blackboxes: Vec<Blackbox>,
    pub grafanas: Vec<Grafana>,
    pub datasources: Vec<Datasource>,
    pub providers: Vec<Provider>,
    pub dashboards: Vec<Dashboard>,
    /// The files that have a form, by their names.
    formed: BTreeMap<String, Formed>,
    /// Projects of compose that lack what makes them one.
    unfit: Vec<Misfit>,
    /// What could not be read, and why.
    pub notes: Vec<Diagnostic>,
    /// All files that were read.
    pub documents: Vec<Arc<Document>>,
    told: OnceLock<Told>,
    derived: Derived,
}

/// A document that its program wants to have a form.
struct Formed {
    form: Form,
    document: Arc<Document>,
    /// Whether a program of the stack loads it.
    is_loaded: bool,
}

/// What follows from the files and what was told, found when somebody asks for it first: several checks do.
#[derive(Default)]
struct Derived {
    misfits: OnceLock<Vec<Misfit>>,
    /// The labels of each rule's series, and those of each alert, in their order.
    series: OnceLock<Vec<Labels>>,
    fired: OnceLock<Vec<Labels>>,
    metrics: OnceLock<Metrics>,
    judged: OnceLock<BTreeSet<usize>>,
    targets: OnceLock<Targets>,
    recorded: OnceLock<Recorded>,
}

impl Stack {
    /// Reads what is in a folder. Whatever is in it, this ends, and says what it could not read.
    pub fn read(folder: Folder) -> Stack {
        read::read(folder)
    }

    /// The same stack, with what only its config says.
    #[must_use]
    pub fn with(self, told: Told) -> Stack {
        Stack { told: told.into(), derived: Derived::default(), ..self }
    }

    /// Finds what the labels prove of each query, and with which each alert is sent.
    pub(crate) fn weigh(&self) {
        let _ = self.fired();
        Flow::of(self).weigh();
    }

    /// Where a file does not have the form that its program reads.
    pub fn misfits(&self) -> &[Misfit] {
        self.derived.misfits.get_or_init(|| {
            let formed = self.formed.values().collect();
            let of_files = cores::map(formed, |one: &Formed| one.form.misfits(&one.document, one.is_loaded));
            self.unfit.iter().cloned().chain(of_files.into_iter().flatten()).collect()
        })
    }

    /// What the config says, or else only what is built in.
    pub fn told(&self) -> &Told {
        self.told.get_or_init(Told::default)
    }

    /// Which metrics there are, and what is known of them.
    pub fn metrics(&self) -> &Metrics {
        self.derived.metrics.get_or_init(|| Metrics::of(self))
    }

    /// Which labels its jobs give to what they scrape.
    pub fn targets(&self) -> &Targets {
        self.derived.targets.get_or_init(|| Targets::of(self))
    }

    /// Which labels its rules give to what they make.
    fn recorded(&self) -> &Recorded {
        self.derived.recorded.get_or_init(|| Recorded::of(self))
    }

    /// Whether nothing of a stack was found.
    pub fn is_empty(&self) -> bool {
        self.composes.iter().all(|compose| compose.running_any().next().is_none())
            && self.prometheuses.is_empty()
            && self.rule_files.is_empty()
            && self.alertmanagers.is_empty()
            && self.datasources.is_empty()
            && self.dashboards.is_empty()
    }

    pub fn services(&self) -> impl Iterator<Item = (&Compose, &Service)> {
        self.composes
            .iter()
            .flat_map(|compose| compose.services.iter().map(move |service| (compose, service)))
    }

    pub fn running(&self, program: Program) -> impl Iterator<Item = &Service> {
        self.composes.iter().flat_map(move |compose| compose.running(program))
    }

    /// The service that a configuration belongs to, with its project.
    pub fn service(&self, name: &ServiceName) -> Option<(&Compose, &Service)> {
        let (project, name) = name.as_ref()?;
        let compose = self.composes.get(*project)?;
        Some((compose, compose.service(name)?))
    }

    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rule_files.iter().flat_map(RuleFile::rules)
    }

    /// Which rules, by their order, have values that a check complains of: four checks ask, and mostly it is none.
    pub(crate) fn judged(&self, judge: impl FnOnce() -> BTreeSet<usize>) -> &BTreeSet<usize> {
        self.derived.judged.get_or_init(judge)
    }

    /// What rules and panels ask.
    fn queries(&self) -> impl Iterator<Item = &Query> {
        let panels = self.dashboards.iter().flat_map(|dashboard| &dashboard.panels);
        let panels = panels.flat_map(|panel| &panel.queries).filter_map(|query| query.expr.as_ref());
        self.rules().map(|rule| &rule.expr).chain(panels)
    }

    pub fn alerts(&self) -> impl Iterator<Item = &Rule> {
        self.rules().filter(|rule| rule.is_alert)
    }

    /// All rules, each with the labels of what its expression returns.
    pub fn series(&self) -> impl Iterator<Item = (&Rule, &Labels)> {
        let series = self.derived.series.get_or_init(|| {
            let flow = Flow::of(self);
            cores::map_small(self.rules().collect(), |rule| flow.series(rule))
        });
        self.rules().zip(series)
    }

    /// All alerts, each with what is known of its labels when it comes to Alertmanager.
    pub fn fired(&self) -> impl Iterator<Item = (&Rule, &Labels)> + Clone {
        let fired = self.derived.fired.get_or_init(|| {
            let flow = Flow::of(self);
            let alerts = self.series().filter(|(rule, _)| rule.is_alert).collect();
            cores::map_small(alerts, |(alert, series): (&Rule, &Labels)| flow.fired(alert, series.clone()))
        });
        let alerts: Vec<&Rule> = self.alerts().collect();
        alerts.into_iter().zip(fired)
    }

    /// Whether one of these files does not have its form: then what is missing in it may be misspelt, and is told as that.
    pub fn is_malformed<'f>(&self, files: impl IntoIterator<Item = &'f Arc<Document>>) -> bool {
        let names: Vec<&str> = self.misfits().iter().map(|misfit| misfit.at.document().name()).collect();
        files.into_iter().any(|file| names.contains(&file.name()))
    }

    /// Every way of every Alertmanager to notify somebody.
    pub fn integrations(&self) -> impl Iterator<Item = (&Alertmanager, &Receiver, &Integration)> {
        self.alertmanagers.iter().flat_map(|alertmanager| {
            let receivers = alertmanager.receivers.iter();
            receivers.flat_map(move |receiver| {
                receiver.integrations.iter().map(move |one| (alertmanager, receiver, one))
            })
        })
    }
}

/// A duration as Prometheus and Alertmanager write it: `1h30m`. `None` where it is none.
fn duration(node: &Node) -> Option<Spanned<Duration>> {
    let text = node.value()?;
    let length = prometheus_duration(&text)?;
    Some(text.map(|_| length))
}
