//! Who is told, how soon and how often; and which alert makes which other redundant.

use std::collections::{BTreeMap, BTreeSet};

use super::Receiver;
use super::alerts::Alert;
use crate::catalog::alerts::AlertEntry;
use crate::config;
use crate::diagnostics::{Diagnostic, Report};
use crate::source::{ConfigPath, Found, SpanIndex};
use crate::values::{Duration, Severity};

/// A branch below Alertmanager's root route. The first that matches wins, unless it goes on.
#[derive(Debug, PartialEq)]
pub struct Route {
    /// Label and value.
    pub matchers: Vec<(&'static str, String)>,
    pub receiver: String,
    pub timing: Timing,
    /// Whether the branches below are tried too.
    pub goes_on: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    pub group_wait: Duration,
    pub group_interval: Duration,
    pub repeat_interval: Duration,
}

/// While the source fires, its targets of the same service (or host) are not sent, if they matter no more than it.
#[derive(Debug, PartialEq)]
pub struct Inhibition {
    pub source: String,
    pub severity: Severity,
    pub targets: Vec<String>,
    /// The labels that both must have alike.
    pub equal: &'static [&'static str],
}

/// The receiver of alerts that are shown and not sent.
pub(super) const NOBODY: &str = "nobody";
/// The receiver outside that must hear of us all the time.
pub(super) const HEARTBEAT: &str = "heartbeat";
/// The alert that the heartbeat carries: it fires as long as all is well.
pub const WATCHDOG: &str = "Watchdog";

const HEARTBEAT_TIMING: Timing = Timing {
    group_wait: Duration::from_secs(0),
    group_interval: Duration::from_secs(60),
    // Below the group interval: what is equal to it is sent every second time.
    repeat_interval: Duration::from_secs(50),
};

fn timing(severity: Severity) -> Timing {
    let (wait, repeat_hours) = match severity {
        Severity::Critical => (10, 4),
        Severity::Warning | Severity::Info => (30, 24),
    };
    Timing {
        group_wait: Duration::from_secs(wait),
        group_interval: Duration::from_secs(300),
        repeat_interval: Duration::from_secs(repeat_hours * 3600),
    }
}

/// The receiver of each severity, looked up.
pub(super) struct Routing<'a> {
    pub stack: BTreeMap<Severity, &'a str>,
    /// What services have otherwise.
    pub services: Vec<(&'a str, BTreeMap<Severity, &'a str>)>,
}

pub(super) fn resolve<'a>(config: &'a config::Config, index: &SpanIndex, report: &mut Report) -> Routing<'a> {
    let at = ConfigPath::root().key("routes");
    let stack =
        config.routes.as_ref().map(|routes| look_up(&at, routes, config, index, report)).unwrap_or_default();
    for severity in [Severity::Critical, Severity::Warning] {
        let said = index.found(&at.key(severity.as_str())).is_some_and(|found| found != Found::Nothing);
        if config.routes.is_some() && !said {
            let example = config.receivers.keys().next().map_or("team", String::as_str);
            report.push(
                Diagnostic::error(
                    "missing-key",
                    format!("`routes` says nothing of `{}` alerts", severity.as_str()),
                )
                .at_key(at.clone(), "nobody would hear of them")
                .help(format!("write `{}: {example}`", severity.as_str())),
            );
        }
    }
    let services = config
        .services
        .iter()
        .map(|(name, service)| {
            let at = ConfigPath::root().key("services").key(name).key("routes");
            (name.as_str(), look_up(&at, &service.routes, config, index, report))
        })
        .collect();
    Routing { stack, services }
}

fn look_up<'a>(
    at: &ConfigPath,
    routes: &'a config::Routes,
    config: &config::Config,
    index: &SpanIndex,
    report: &mut Report,
) -> BTreeMap<Severity, &'a str> {
    let mut found = BTreeMap::new();
    for (severity, receiver) in [
        (Severity::Critical, &routes.critical),
        (Severity::Warning, &routes.warning),
        (Severity::Info, &routes.info),
    ] {
        let Some(receiver) = receiver else { continue };
        // A receiver that was refused for a fault of its own is not unknown.
        let written = index.contains(&ConfigPath::root().key("receivers").key(receiver));
        if config.receivers.contains_key(receiver) {
            found.insert(severity, receiver.as_str());
        } else if !written {
            report.push(super::resolve::unknown_receiver(at.key(severity.as_str()), receiver, config));
        }
    }
    found
}

impl Routing<'_> {
    /// What no branch matches still pages: it goes where critical alerts go.
    pub(super) fn default(&self) -> Option<Route> {
        let receiver = (*self.stack.get(&Severity::Critical)?).to_owned();
        Some(Route { matchers: Vec::new(), receiver, timing: timing(Severity::Critical), goes_on: false })
    }

    /// The branches of the tree, the narrowest first.
    pub(super) fn branches(&self, receivers: &[Receiver], heartbeat: bool, alerts: &[Alert]) -> Vec<Route> {
        let mut branches = Vec::new();
        if heartbeat {
            branches.push(Route {
                matchers: vec![("alertname", WATCHDOG.to_owned())],
                receiver: HEARTBEAT.to_owned(),
                timing: HEARTBEAT_TIMING,
                goes_on: false,
            });
        }
        for alert in alerts.iter().filter(|alert| alert.entry.every_receiver) {
            for (position, receiver) in receivers.iter().enumerate() {
                branches.push(Route {
                    matchers: vec![("alertname", alert.entry.name.clone())],
                    receiver: receiver.name.clone(),
                    timing: timing(alert.severity),
                    goes_on: position + 1 < receivers.len(),
                });
            }
        }
        for (service, routes) in &self.services {
            branches.extend(routes.iter().map(|(severity, receiver)| {
                let matchers =
                    vec![("service", (*service).to_owned()), ("severity", severity.as_str().to_owned())];
                Route {
                    matchers,
                    receiver: (*receiver).to_owned(),
                    timing: timing(*severity),
                    goes_on: false,
                }
            }));
        }
        branches.extend(Severity::ALL.into_iter().map(|severity| Route {
            matchers: vec![("severity", severity.as_str().to_owned())],
            receiver: self.stack.get(&severity).copied().unwrap_or(NOBODY).to_owned(),
            timing: timing(severity),
            goes_on: false,
        }));
        branches
    }
}

/// What each alert mutes, as far as both are rendered. An alert never mutes what matters more than itself, and what
/// nobody is told of mutes nothing.
pub(super) fn inhibitions<'a>(
    alerts: impl Iterator<Item = &'a Alert>,
    told: impl Fn(Severity) -> bool,
) -> Vec<Inhibition> {
    let mut entries: BTreeMap<&str, &AlertEntry> = BTreeMap::new();
    let mut severities: BTreeSet<(&str, Severity)> = BTreeSet::new();
    for alert in alerts {
        entries.insert(&alert.entry.name, alert.entry);
        severities.insert((&alert.entry.name, alert.severity));
    }
    let targets_of = |source: &str| -> Vec<String> {
        let muted = entries.iter().filter(|(_, entry)| entry.muted_by.iter().any(|muter| muter == source));
        muted.map(|(name, _)| (*name).to_owned()).collect()
    };
    severities
        .into_iter()
        .filter(|(_, severity)| told(*severity))
        .map(|(source, severity)| Inhibition {
            source: source.to_owned(),
            severity,
            targets: targets_of(source),
            equal: entries[source].pack.subject(),
        })
        .filter(|inhibition| !inhibition.targets.is_empty())
        .collect()
}
