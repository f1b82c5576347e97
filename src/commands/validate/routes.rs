//! Where each alert goes, when, and what can mute it: what a person wants to see before a deploy. Alerts that go the same way
//! stand together.

mod muted;
mod text;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value as Json, json};

use self::muted::Muters;
pub(super) use self::text::text;
use self::times::Times;
use crate::diagnostics::Place;
use crate::promql::labels::Labels;
use crate::stack::{Alertmanager, End, Grouping, Stack, Timers};

/// The ways through one Alertmanager.
pub(super) struct Routes {
    file: String,
    ways: Vec<Way>,
}

/// One way, and all alerts that go it.
struct Way {
    ends: Vec<Stop>,
    alerts: Vec<Alert>,
}

/// A branch of the routes that an alert ends at.
#[derive(Clone, PartialEq, Eq)]
struct Stop {
    receiver: String,
    /// `slack`, `pagerduty`, …; none where nobody is told.
    integrations: Vec<String>,
    /// What decides whether the alert comes here, where its rule does not say it.
    conditions: Vec<String>,
    is_sure: bool,
    grouping: Grouping,
    timers: Timers,
    muted_in: Vec<String>,
    active_in: Vec<String>,
}

#[derive(Clone)]
struct Alert {
    name: String,
    place: Place,
    severity: Option<String>,
    service: Option<String>,
    /// From the fault to Alertmanager, at worst.
    fires_within: Duration,
    muted_by: BTreeSet<String>,
}

/// The ways through each Alertmanager of a stack.
pub(super) fn of(stack: &Stack) -> Vec<Routes> {
    let mut known = BTreeSet::new();
    // Two that share a configuration are one.
    let different = stack.alertmanagers.iter().filter(|one| known.insert(one.document.name()));
    let times = Times::of(stack);
    let groups = stack.rule_files.iter().flat_map(|file| &file.groups);
    let alerts = groups.flat_map(|group| group.rules.iter().filter(|rule| rule.is_alert).map(move |_| group));
    let alerts: Vec<(Alert, Labels)> = alerts
        .zip(stack.fired())
        .map(|(group, (rule, labels))| {
            let text = |name: &str| value(labels, name).map(str::to_owned);
            let alert = Alert {
                name: rule.name.value.clone(),
                place: rule.name.place(),
                severity: text("severity"),
                service: text("service"),
                fires_within: times.until_fired(group, rule),
                muted_by: BTreeSet::new(),
            };
            (alert, labels.clone())
        })
        .collect();
    different.map(|one| through(one, &alerts)).collect()
}

/// The value of a label, empty where the alert does not have it; `None` where that is not known.
fn value<'l>(labels: &'l Labels, name: &str) -> Option<&'l str> {
    if labels.can_have(name) { labels.value(name) } else { Some("") }
}

fn through(alertmanager: &Alertmanager, alerts: &[(Alert, Labels)]) -> Routes {
    let muters = Muters::of(alertmanager, alerts);
    // The tree's own order, the root last: it takes what nothing else does.
    let order: BTreeMap<_, usize> =
        alertmanager.routes().into_iter().skip(1).map(std::ptr::from_ref).zip(0..).collect();
    let mut ways: Vec<(usize, Way)> = Vec::new();
    let mut known: BTreeMap<Vec<(usize, bool, Vec<String>)>, usize> = BTreeMap::new();
    for (alert, labels) in alerts {
        let ends = alertmanager.journeys(labels);
        let place = |end: &End<'_>| order.get(&std::ptr::from_ref(end.route)).copied().unwrap_or(usize::MAX);
        let key = ends.iter().map(|end| (place(end), end.is_sure, conditions(end))).collect();
        let at = *known.entry(key).or_insert_with(|| {
            let stops = stops(&ends, alertmanager);
            // Two branches that do the same are one way.
            ways.iter().position(|(_, way)| way.ends == stops).unwrap_or_else(|| {
                let first = ends.iter().map(place).min().unwrap_or(usize::MAX);
                ways.push((first, Way { ends: stops, alerts: Vec::new() }));
                ways.len() - 1
            })
        });
        let muted_by = muters.of_alert(&alert.name, labels);
        ways[at].1.alerts.push(Alert { muted_by, ..alert.clone() });
    }
    ways.sort_by_key(|(first, _)| *first);
    Routes {
        file: alertmanager.document.name().to_owned(),
        ways: ways.into_iter().map(|(_, way)| way).collect(),
    }
}

/// Where an alert ends. Where it is the same whatever is not known, that is sure.
fn stops(ends: &[End<'_>], alertmanager: &Alertmanager) -> Vec<Stop> {
    let stops: Vec<Stop> = ends.iter().map(|end| Stop::of(end, alertmanager)).collect();
    let plain = |stop: &Stop| Stop { conditions: Vec::new(), is_sure: true, ..stop.clone() };
    match stops.split_first() {
        Some((first, rest))
            if stops.iter().all(|stop| !stop.is_sure)
                && rest.iter().all(|stop| plain(stop) == plain(first)) =>
        {
            vec![plain(first)]
        }
        _ => stops,
    }
}

/// As they are written in the routes, each once.
fn conditions(end: &End<'_>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for matcher in end.conditions.iter().filter_map(|one| one.matcher.as_ref()) {
        let text = format!("{}{}\"{}\"", matcher.name, matcher.op, matcher.value);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

impl Stop {
    fn of(end: &End<'_>, alertmanager: &Alertmanager) -> Stop {
        let route = end.route;
        let receiver = route.to().to_owned();
        let integrations = alertmanager.receiver(&receiver).map(|receiver| &receiver.integrations);
        let names = |texts: &[crate::source::Spanned<String>]| {
            texts.iter().map(|text| text.value.clone()).collect::<Vec<_>>()
        };
        Stop {
            integrations: integrations.into_iter().flatten().map(|one| one.kind.clone()).collect(),
            conditions: conditions(end),
            is_sure: end.is_sure,
            grouping: route.grouping.clone(),
            timers: route.timers,
            muted_in: names(&route.muted_in),
            active_in: names(&route.active_in),
            receiver,
        }
    }
}

/// The same as data. Times are in seconds.
pub(super) fn json(routes: &[Routes]) -> Json {
    routes.iter().map(|one| json!({"file": one.file, "alerts": alerts(one)})).collect()
}

fn alerts(routes: &Routes) -> Vec<Json> {
    let each = routes.ways.iter().flat_map(|way| way.alerts.iter().map(move |alert| (way, alert)));
    each.map(|(way, alert)| {
        json!({
            "alert": alert.name,
            "file": alert.place.file(),
            "severity": alert.severity,
            "service": alert.service,
            "fires_within": alert.fires_within.as_secs_f64(),
            "muted_by": alert.muted_by,
            "ends": way.ends.iter().map(|stop| stop_json(stop, alert)).collect::<Vec<_>>(),
        })
    })
    .collect()
}

fn stop_json(stop: &Stop, alert: &Alert) -> Json {
    json!({
        "receiver": stop.receiver,
        "integrations": stop.integrations,
        "sure": stop.is_sure,
        "if": stop.conditions,
        "told_within": (alert.fires_within + stop.timers.wait).as_secs_f64(),
        "group_by": match &stop.grouping {
            Grouping::By(labels) => labels.clone(),
            Grouping::Each => vec!["...".to_owned()],
        },
        "group_wait": stop.timers.wait.as_secs_f64(),
        "group_interval": stop.timers.interval.as_secs_f64(),
        "repeat_interval": stop.timers.repeat.as_secs_f64(),
        "mute_time_intervals": stop.muted_in,
        "active_time_intervals": stop.active_in,
    })
}
