//! Two routes lead one alert to the same receiver: everything is said twice.

use std::collections::BTreeMap;

use super::Check;
use super::shared::words;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Alertmanager, Route, Stack};

pub(super) const CHECK: Check = Check { id: "paged-twice", severity: Severity::Warning, run };

/// Two routes, and the alerts that go both.
type Pairs<'a> = BTreeMap<usize, (&'a Route, &'a Route, Vec<&'a str>)>;

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        // Without `continue` an alert ends once.
        if !alertmanager.routes().iter().any(|route| route.continues) {
            continue;
        }
        for (first, second, alerts) in pairs(stack, alertmanager).into_values() {
            report.push(
                CHECK
                    .finding(format!("`{}` is told twice of {}", second.to(), words::list(alerts)))
                    .at(second.at().place(), "they come here")
                    .at(first.at().place(), "and here, and go on")
                    .help("remove one of the two, or its `continue: true`"),
            );
        }
    }
}

fn pairs<'a>(stack: &'a Stack, alertmanager: &'a Alertmanager) -> Pairs<'a> {
    let mut pairs = Pairs::new();
    for (alert, labels) in stack.fired() {
        let ends = alertmanager.journeys(labels);
        let mut told: BTreeMap<&str, &Route> = BTreeMap::new();
        // Of two routes with time intervals one may rest while the other works.
        let always = |route: &&Route| route.muted_in.is_empty() && route.active_in.is_empty();
        for route in ends.iter().filter(|end| end.is_sure).map(|end| end.route).filter(always) {
            let hears = alertmanager.receiver(route.to()).is_some_and(|one| !one.integrations.is_empty());
            let Some(first) = told.get(route.to()).filter(|_| hears) else {
                told.insert(route.to(), route);
                continue;
            };
            let at = route.at().range.start;
            let names = &mut pairs.entry(at).or_insert_with(|| (*first, route, Vec::new())).2;
            if !names.contains(&alert.name.as_str()) && names.len() < MAX_NAMES {
                names.push(&alert.name);
            }
        }
    }
    pairs
}

/// More are not shown, and not looked for.
const MAX_NAMES: usize = 100;
