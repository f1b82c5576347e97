//! `skymon status`: how the running stack is, on one page.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::running::Running;
use super::{Outcome, cannot, print};
use crate::catalog::programs::{ALERTMANAGER, PROMETHEUS};
use crate::cli;
use crate::diagnostics::counted;
use crate::live::{Alertmanager, Counter, Labels, Prometheus, Rule, Target};
use crate::plan::{Plan, Targets, WATCHDOG};
use crate::values::Severity;

pub(super) fn run(args: &cli::Status) -> Result<Outcome> {
    let Some(running) = Running::find(&args.paths, &[&args.prometheus, &args.alertmanager])? else {
        return Ok(Outcome::CannotRun);
    };
    let prometheus = match running.address(&PROMETHEUS, args.prometheus.as_ref()) {
        Ok(url) => Prometheus::prove(&url).map(|program| (url, program)),
        Err(message) => return cannot(&message),
    };
    let alertmanager = match running.address(&ALERTMANAGER, args.alertmanager.as_ref()) {
        Ok(url) => Alertmanager::prove(&url).map(|program| (url, program)),
        Err(message) => return cannot(&message),
    };
    if let (Ok((url, prometheus)), Some(plan)) = (&prometheus, &running.plan) {
        let whose = prometheus.configuration()?.external_label("stack");
        if whose.as_ref() != Some(&plan.name) {
            let whose = whose.map(|other| format!("of the stack `{other}`, ")).unwrap_or_default();
            return cannot(&format!(
                "the Prometheus at `{url}` is {whose}not of `{}`\nsay where that is: `--prometheus URL`",
                plan.name
            ));
        }
    }
    let mut table = Table::default();
    if let Ok((url, prometheus)) = &prometheus {
        let loaded = configuration(prometheus.has_loaded()?);
        table.add(loaded.0, "prometheus", format!("{url} {}, {}", prometheus.version, loaded.1));
    }
    if let Ok((url, alertmanager)) = &alertmanager {
        let loaded = configuration(alertmanager.metrics()?.has_loaded());
        table.add(loaded.0, "alertmanager", format!("{url} {}, {}", alertmanager.version, loaded.1));
    }
    if let Ok((_, prometheus)) = &prometheus {
        targets(&prometheus.targets()?, running.plan.as_ref(), &mut table);
        let found: Vec<Rule> = prometheus.groups()?.into_iter().flat_map(|group| group.rules).collect();
        rules(&found, running.plan.as_ref(), &mut table);
        alerts(&found, &mut table);
    }
    if let Ok((_, alertmanager)) = &alertmanager {
        let history = match &prometheus {
            Ok((_, prometheus)) => History::read(prometheus)?,
            Err(_) => History::default(),
        };
        receivers(alertmanager, &history, &mut table)?;
    }
    print(&table.text())?;
    let mut outcome = if table.is_fine() { Outcome::Fine } else { Outcome::Findings };
    let unreached = [
        (&PROMETHEUS, args.prometheus.is_some(), prometheus.err()),
        (&ALERTMANAGER, args.alertmanager.is_some(), alertmanager.err()),
    ];
    for (facts, is_flag, why) in unreached {
        if let Some(why) = why {
            running.note_unreached(facts, is_flag, &why)?;
            outcome = Outcome::CannotRun;
        }
    }
    Ok(outcome)
}

/// What is said, line by line; a row may have more lines below it.
#[derive(Default)]
struct Table {
    rows: Vec<(State, String, Vec<String>)>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Fine,
    /// Worth a line, and nobody's fault.
    Note,
    Bad,
}

impl Table {
    fn add(&mut self, state: State, what: impl Into<String>, text: impl Into<String>) {
        self.rows.push((state, what.into(), vec![text.into()]));
    }

    /// One more line of the last row.
    fn more(&mut self, text: impl Into<String>) {
        if let Some((_, _, lines)) = self.rows.last_mut() {
            lines.push(text.into());
        }
    }

    fn is_fine(&self) -> bool {
        self.rows.iter().all(|(state, ..)| *state != State::Bad)
    }

    fn text(&self) -> String {
        let width = self.rows.iter().map(|(_, what, _)| what.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for (state, what, lines) in &self.rows {
            let mut state = match state {
                State::Fine => "ok",
                State::Note => "-",
                State::Bad => "BAD",
            };
            let mut what = what.as_str();
            for line in lines {
                text.push_str(&format!("{state:<4} {what:<width$}  {line}\n"));
                (state, what) = ("", "");
            }
        }
        text
    }
}

fn configuration(is_loaded: bool) -> (State, &'static str) {
    if is_loaded {
        (State::Fine, "configuration loaded")
    } else {
        (State::Bad, "the newest configuration was refused: an older one runs, its log says why")
    }
}

/// One row for each service, or for each job that is of none.
fn targets(found: &[Target], plan: Option<&Plan>, table: &mut Table) {
    let mut groups: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
    for target in found {
        groups.entry(target.labels.get("service").unwrap_or(&target.scrape_pool)).or_default().push(target);
    }
    for service in plan.map(|plan| plan.services.as_slice()).unwrap_or_default() {
        if matches!(service.targets, Targets::Static(_)) && !groups.contains_key(service.name.as_str()) {
            groups.insert(&service.name, Vec::new());
        }
    }
    for (name, targets) in groups {
        let count = |health: &str| targets.iter().filter(|target| target.health == health).count();
        let mut text = format!("{} of {} up", count("up"), targets.len());
        if targets.is_empty() {
            "Prometheus has no target of it".clone_into(&mut text);
        }
        if count("unknown") > 0 {
            text.push_str(&format!(", {} not scraped yet", count("unknown")));
        }
        let state = if count("down") > 0 || targets.is_empty() { State::Bad } else { State::Fine };
        table.add(state, format!("targets {name}"), text);
        for target in targets.iter().filter(|target| target.health == "down") {
            table.more(format!("{}: {}", target.name(), target.plain_error()));
        }
    }
}

fn rules(found: &[Rule], plan: Option<&Plan>, table: &mut Table) {
    let (alerts, recordings): (Vec<&Rule>, Vec<&Rule>) =
        found.iter().partition(|rule| rule.kind == "alerting");
    let broken: Vec<&Rule> = found.iter().filter(|rule| rule.health == "err").collect();
    let loaded: BTreeSet<&str> = alerts.iter().map(|rule| rule.name.as_str()).collect();
    let missing: BTreeSet<&str> = plan
        .into_iter()
        .flat_map(Plan::all_alerts)
        .map(|alert| alert.entry.name.as_str())
        .filter(|name| !loaded.contains(name))
        .collect();
    let state =
        if broken.is_empty() && missing.is_empty() && !found.is_empty() { State::Fine } else { State::Bad };
    let parts = [(alerts.len(), "alert"), (recordings.len(), "recording")];
    let text =
        if found.is_empty() { "none loaded".to_owned() } else { format!("{} loaded", counted(&parts)) };
    table.add(state, "rules", text);
    if !missing.is_empty() && !found.is_empty() {
        let names: Vec<&str> = missing.into_iter().collect();
        table.more(format!("not loaded: {}", names.join(", ")));
    }
    for rule in broken {
        table.more(format!("{}: {}", rule.name, rule.last_error));
    }
}

/// One row for each alert that fires. What is only information is nobody's fault.
fn alerts(rules: &[Rule], table: &mut Table) {
    let fires = |rule: &&Rule| rule.name != WATCHDOG;
    let alerts = rules.iter().filter(fires).flat_map(|rule| &rule.alerts);
    let mut firing: Vec<_> = alerts.filter(|alert| alert.state == "firing").collect();
    if firing.is_empty() {
        table.add(State::Fine, "alerts", "none fires");
    }
    let label = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
    firing.sort_by_key(|alert| ["severity", "service", "alertname"].map(|name| label(&alert.labels, name)));
    for alert in firing {
        let severity = label(&alert.labels, "severity");
        let state = if severity == Severity::Info.as_str() { State::Note } else { State::Bad };
        let what = format!("{severity} {}", label(&alert.labels, "alertname"));
        let about = alert.annotations.get("summary").cloned();
        table.add(state, what.trim(), about.unwrap_or_else(|| label(&alert.labels, "service")));
    }
}

/// What Prometheus has seen of the integrations' counters, which themselves only know totals.
#[derive(Default)]
struct History {
    /// Seconds since the last notification, within a day.
    last: BTreeMap<Counter, f64>,
    /// Notifications that were given up in the last hour.
    failed: BTreeMap<Counter, f64>,
}

impl History {
    fn read(prometheus: &Prometheus) -> Result<Self> {
        let last = "time() - max by (integration, receiver_name) (max_over_time(\
                    timestamp(increase(alertmanager_notifications_total[2m]) > 0)[1d:1m]))";
        let failed = "sum by (integration, receiver_name) \
                      (increase(alertmanager_notifications_failed_total[1h])) > 0";
        let ask = |expr| {
            let series = prometheus.query(expr)?.into_iter();
            anyhow::Ok(series.map(|(labels, value)| (Counter::of(&labels), value)).collect())
        };
        Ok(Self { last: ask(last)?, failed: ask(failed)? })
    }
}

/// One row for each integration of a receiver, or of each kind where Alertmanager counts only by that.
fn receivers(alertmanager: &Alertmanager, history: &History, table: &mut Table) -> Result<()> {
    let metrics = alertmanager.metrics()?;
    let mut counters: BTreeMap<Counter, BTreeSet<&str>> = BTreeMap::new();
    for receiver in &alertmanager.config.receivers {
        for integration in &receiver.integrations {
            let counter = alertmanager.counter(&receiver.name, &integration.kind);
            counters.entry(counter).or_default().insert(&receiver.name.value);
        }
    }
    if counters.is_empty() {
        table.add(State::Bad, "receivers", "none has an integration: nobody is told");
    }
    for (counter, names) in counters {
        let counts = metrics.counts(&counter);
        let names: Vec<&str> = names.into_iter().collect();
        let mut text =
            format!("{}: {:.0} notifications, {:.0} failed", names.join(", "), counts.begun, counts.failed);
        if let Some(seconds) = history.last.get(&counter) {
            text.push_str(&format!(", the last {}", ago(*seconds)));
        }
        let state = if history.failed.contains_key(&counter) { State::Bad } else { State::Fine };
        table.add(state, &counter.kind, text);
        if state == State::Bad {
            table.more("failed within the last hour: the log of Alertmanager says why");
        }
    }
    Ok(())
}

fn ago(seconds: f64) -> String {
    match seconds {
        ..120.0 => "within two minutes".to_owned(),
        ..7200.0 => format!("{:.0} minutes ago", seconds / 60.0),
        _ => format!("{:.0} hours ago", seconds / 3600.0),
    }
}
