//! A receiver that notifies nobody: Alertmanager takes the alert, and that is all.

use super::Check;
use super::shared::words;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::labels::Labels;
use crate::stack::{Alertmanager, Route, Stack};

pub(super) const CHECK: Check = Check { id: "receiver-without-integration", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        report.extend(nobody_hears(stack, alertmanager));
        for receiver in alertmanager.receivers.iter().filter(|receiver| receiver.integrations.is_empty()) {
            let leads_here = |name: Option<&str>| name == Some(receiver.name.as_str());
            let is_routed = alertmanager
                .routes()
                .iter()
                .any(|route| leads_here(route.receiver.as_ref().map(|name| name.as_str())));
            if words::is_nobody(&receiver.name) || !is_routed {
                continue;
            }
            let ends_here = |labels: &Labels| {
                let ends = alertmanager.journeys(labels);
                ends.iter().any(|end| end.is_sure && end.route.to() == receiver.name.value)
            };
            let lost: Vec<&str> = stack
                .fired()
                .filter(|(_, labels)| ends_here(labels))
                .map(|(alert, _)| alert.name.as_str())
                .collect();
            if lost.is_empty() && stack.alerts().next().is_some() {
                continue;
            }
            let message = if lost.is_empty() {
                format!(
                    "the receiver `{}` has no integration: nobody hears what is sent there",
                    receiver.name
                )
            } else {
                format!(
                    "the receiver `{}` has no integration: nobody hears of {}",
                    receiver.name,
                    words::list(lost)
                )
            };
            report.push(
                CHECK
                    .finding(message)
                    .at(receiver.name.place(), "only a name")
                    .help("add `slack_configs:`, `pagerduty_configs:`, … below it; or call it `nobody`, if that is meant"),
            );
        }
    }
}

/// The root drops on purpose what no branch takes, and a branch what is of its severity: and that is grave.
fn nobody_hears(stack: &Stack, alertmanager: &Alertmanager) -> Vec<Diagnostic> {
    let Some(root) = &alertmanager.route else { return Vec::new() };
    let is_nobody = |route: &Route| {
        let receiver = alertmanager.receiver(route.to());
        words::is_nobody(route.to()) && receiver.is_some_and(|receiver| receiver.integrations.is_empty())
    };
    if !alertmanager.routes().into_iter().any(is_nobody) {
        return Vec::new();
    }
    // Who names an alert, or a team, means it.
    let is_by_severity = |route: &Route| {
        let mut labels = route.matchers.iter().map(|one| one.matcher.as_ref().map(|own| own.name.as_str()));
        labels.all(|label| label == Some("severity"))
    };
    let mut by_route: Vec<(&Route, Vec<&str>)> = Vec::new();
    for (alert, labels) in stack.fired() {
        if !labels.value("severity").is_some_and(words::is_grave) {
            continue;
        }
        let ends = alertmanager.journeys(labels);
        if !ends.iter().all(|end| end.is_sure && is_nobody(end.route)) {
            continue;
        }
        let Some(route) = ends.first().map(|end| end.route) else { continue };
        let is_near = std::ptr::eq(route, root) || root.routes.iter().any(|one| std::ptr::eq(one, route));
        if !is_near || !is_by_severity(route) {
            continue;
        }
        match by_route.iter_mut().find(|(known, _)| std::ptr::eq(*known, route)) {
            Some((_, names)) => names.push(&alert.name),
            None => by_route.push((route, vec![&alert.name])),
        }
    }
    let said = |(route, names): (&Route, Vec<&str>)| {
        let names = words::list(names);
        if std::ptr::eq(route, root) {
            CHECK
                .finding(format!("no branch takes {names}, and the root tells nobody"))
                .at(route.at().place(), "what is grave ends here too")
                .help("add a branch for their severity to `routes:`, or let the root's receiver be somebody")
        } else {
            CHECK
                .finding(format!("the branch that takes {names} tells nobody"))
                .at(route.at().place(), "what is grave ends here")
                .help("name a receiver that notifies somebody, or take their severity out of the condition")
        }
    };
    by_route.into_iter().map(said).collect()
}
