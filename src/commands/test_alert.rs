//! `skymon test-alert`: an alert that means nothing goes the way of one that does, and is followed to the integrations' counters.

mod labels;

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::running::Running;
use super::{Outcome, cannot, note, print};
use crate::catalog::programs::ALERTMANAGER;
use crate::cli;
use crate::live::{Alertmanager, Counter, Counts, Labels, Metrics};

/// Beyond what Alertmanager waits by its configuration.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);
/// Seconds between two lines that say that it goes on.
const SIGN_OF_LIFE: u64 = 5;
/// So many attempts in a row that are refused are no accident. Alertmanager itself goes on for the group's interval.
const REFUSED: f64 = 3.0;

pub(super) fn run(args: &cli::TestAlert) -> Result<Outcome> {
    let Some(running) = Running::find(&args.paths, &[&args.alertmanager])? else {
        return Ok(Outcome::CannotRun);
    };
    let url = match running.address(&ALERTMANAGER, args.alertmanager.as_ref()) {
        Ok(url) => url,
        Err(message) => return cannot(&message),
    };
    let alertmanager = match Alertmanager::prove(&url) {
        Ok(alertmanager) => alertmanager,
        Err(why) => {
            running.note_unreached(&ALERTMANAGER, args.alertmanager.is_some(), &why)?;
            return Ok(Outcome::CannotRun);
        }
    };
    let labels = match labels::choose(args, &running, &alertmanager) {
        Ok(labels) => labels,
        Err(message) => return cannot(&message),
    };
    let Some(labels) = labels else {
        let name = args.receiver.as_deref().unwrap_or_default();
        print(&format!("not routed: no route leads{} to `{name}`\n", of_what(args)))?;
        return Ok(Outcome::Findings);
    };
    let ends = Ends::of(&alertmanager, &labels);
    if ends.counters.is_empty() {
        let names = quoted(&ends.receivers);
        print(&format!("not routed: an alert of {} ends at {names}, which tells nobody\n", shown(&labels)))?;
        return Ok(Outcome::Findings);
    }
    send(&alertmanager, &running, &labels, &ends)
}

/// What the flags ask for beside the receiver.
fn of_what(args: &cli::TestAlert) -> String {
    let severity = args.severity.as_ref().map(|severity| format!(" alerts of severity `{severity}`"));
    let service = args.service.as_ref().map(|service| format!(" of service `{service}`"));
    [severity, service].into_iter().flatten().collect()
}

/// The labels that decide where an alert goes.
fn shown(labels: &Labels) -> String {
    let those = labels.iter().filter(|(name, _)| *name != "stack");
    those.map(|(name, value)| format!("{name} `{value}`")).collect::<Vec<_>>().join(", ")
}

/// Where an alert ends.
struct Ends {
    receivers: BTreeSet<String>,
    /// How many notifications are counted where, and for whom.
    counters: BTreeMap<Counter, (u32, BTreeSet<String>)>,
    /// How long the slowest of the routes waits for a new group, and for a known one.
    waits: (Duration, Duration),
}

impl Ends {
    fn of(alertmanager: &Alertmanager, labels: &Labels) -> Self {
        let config = &alertmanager.config;
        let mut ends =
            Self { receivers: BTreeSet::new(), counters: BTreeMap::new(), waits: Default::default() };
        for route in config.journey(labels) {
            let (wait, interval) = (route.timers.wait, route.timers.interval);
            ends.waits = (ends.waits.0.max(wait), ends.waits.1.max(interval));
            let Some(name) = &route.receiver else { continue };
            ends.receivers.insert(name.value.clone());
            for integration in config.receiver(name).iter().flat_map(|receiver| &receiver.integrations) {
                let (count, names) =
                    ends.counters.entry(alertmanager.counter(name, &integration.kind)).or_default();
                *count += 1;
                names.insert(name.value.clone());
            }
        }
        ends
    }
}

fn send(alertmanager: &Alertmanager, running: &Running, labels: &Labels, ends: &Ends) -> Result<Outcome> {
    let annotations = BTreeMap::from([
        ("summary", "This is a test: nothing is wrong".to_owned()),
        ("description", "Sent by `skymon test-alert`, to see whether notifications arrive.".to_owned()),
    ]);
    let before = alertmanager.metrics()?;
    let to = ends.counters.iter().map(|(by, (_, names))| format!("{} by {}", quoted(names), by.kind));
    note(&format!("sending an alert of {} to {}\n", shown(labels), to.collect::<Vec<_>>().join(", ")))?;
    alertmanager.send(labels, &annotations)?;
    let fates = follow(alertmanager, labels, ends, &before);
    // Whatever happened: it ends now, and not when Alertmanager has not heard of it for five minutes.
    let ended = alertmanager.find(labels).and_then(|sent| match sent {
        Some(sent) => alertmanager.resolve(&sent, &annotations),
        None => Ok(()),
    });
    let mut outcome = Outcome::Fine;
    for (counter, fate) in fates? {
        let (kind, names) = (&counter.kind, quoted(&ends.counters[&counter].1));
        print(&match fate {
            Fate::Delivered => format!("delivered to {names} by {kind}\n"),
            Fate::Failed(why) => {
                outcome = Outcome::Findings;
                format!("failed to {names} by {kind}: {why}\n")
            }
        })?;
    }
    if outcome == Outcome::Findings && running.plan.is_some() {
        let logs = running.compose("logs --since 10m alertmanager");
        note(&format!("help: what the other side said is in Alertmanager's log: `{logs}`\n"))?;
    }
    match ended {
        Ok(()) => note("the test alert is ended\n")?,
        Err(error) => note(&format!("warning: cannot end the test alert; it ends in 5m: {error:#}\n"))?,
    }
    Ok(outcome)
}

fn quoted(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What became of a notification.
enum Fate {
    Delivered,
    Failed(String),
}

/// Looks at the counters until they say what became of each notification.
fn follow(
    alertmanager: &Alertmanager,
    labels: &Labels,
    ends: &Ends,
    before: &Metrics,
) -> Result<BTreeMap<Counter, Fate>> {
    if let Some(why) = alertmanager.find(labels)?.and_then(|sent| sent.muted()) {
        return Ok(ends
            .counters
            .keys()
            .map(|counter| (counter.clone(), Fate::Failed(why.clone())))
            .collect());
    }
    // With others in its group, it is told of when those are told of again.
    let wait = if alertmanager.companions(labels)? > 0 { ends.waits.1 } else { ends.waits.0 };
    note(&format!("accepted; its route waits {}s before it tells\n", wait.as_secs()))?;
    let start = Instant::now();
    let deadline = start + wait + PATIENCE;
    let mut told = 0;
    let mut refused = BTreeSet::new();
    let mut fates = BTreeMap::new();
    while fates.len() < ends.counters.len() {
        let (now, is_over) = (alertmanager.metrics()?, Instant::now() >= deadline);
        for (counter, (expected, names)) in &ends.counters {
            let kind = &counter.kind;
            if fates.contains_key(counter) {
                continue;
            }
            let since = now.counts(counter).since(before.counts(counter));
            if since.refused > 0.0 && refused.insert(counter) {
                note(&format!("{} by {kind}: an attempt was refused or not answered\n", quoted(names)))?;
            }
            if let Some(fate) = judge(since, *expected, now.reason(counter, before), is_over) {
                if since.begun > f64::from(*expected) {
                    note(&format!(
                        "note: other notifications by {kind} went out meanwhile, and are counted with it\n"
                    ))?;
                }
                fates.insert(counter.clone(), fate);
            }
        }
        let waited = start.elapsed().as_secs();
        if fates.len() < ends.counters.len() && waited / SIGN_OF_LIFE > told {
            told = waited / SIGN_OF_LIFE;
            let most = (wait + PATIENCE).as_secs();
            note(&format!("waiting for Alertmanager to tell, for {waited}s of at most {most}s\n"))?;
        }
        sleep(PAUSE);
    }
    Ok(fates)
}

/// What the counters say. `None`: nothing yet.
fn judge(since: Counts, expected: u32, reason: Option<String>, is_over: bool) -> Option<Fate> {
    let is_begun = since.begun >= f64::from(expected);
    if since.failed > 0.0 {
        let reason = reason.unwrap_or_else(|| "it does not say why".to_owned());
        return Some(Fate::Failed(format!("Alertmanager gave up: {reason}")));
    }
    if is_begun && since.delivered() >= since.begun {
        return Some(Fate::Delivered);
    }
    if since.begun > 0.0 && (since.refused >= REFUSED || (is_over && since.refused > 0.0)) {
        return Some(Fate::Failed(format!(
            "{:.0} attempts were refused or not answered; Alertmanager goes on trying",
            since.refused
        )));
    }
    let nothing = if since.begun > 0.0 { "no answer in time" } else { "Alertmanager has not tried in time" };
    is_over.then(|| Fate::Failed(nothing.to_owned()))
}
