//! Which labels a test alert has: those of a usual alert of a severity and service, or those that lead to a receiver.

use super::Ends;
use crate::cli;
use crate::commands::running::Running;
use crate::diagnostics::nearest;
use crate::live::{Alertmanager, Labels};
use crate::stack::Route;
use crate::values::Severity;

/// The labels of the alert. `None` where none leads to the receiver that was asked for. The error is for people.
pub(super) fn choose(
    args: &cli::TestAlert,
    running: &Running,
    alertmanager: &Alertmanager,
) -> Result<Option<Labels>, String> {
    let config = &alertmanager.config;
    let severities = Severity::ALL.map(Severity::as_str);
    let services: Vec<&str> =
        running.plan.iter().flat_map(|plan| &plan.services).map(|service| service.name.as_str()).collect();
    let receivers: Vec<&str> = config.receivers.iter().map(|receiver| receiver.name.value.as_str()).collect();
    // Without a config, any word may be a severity or a service.
    if running.plan.is_some() {
        known("severity", args.severity.as_deref(), &severities)?;
        known("service", args.service.as_deref(), &services)?;
    }
    known("receiver", args.receiver.as_deref(), &receivers)?;

    let base = base(args, running)?;
    let usual = |severity: &str, service: Option<&str>| {
        let mut labels = base.clone();
        labels.entry("severity".to_owned()).or_insert_with(|| severity.to_owned());
        if let Some(service) = service {
            labels.entry("service".to_owned()).or_insert_with(|| service.to_owned());
        }
        labels
    };
    let Some(wanted) = &args.receiver else {
        return Ok(Some(usual(severities[0], None)));
    };
    let each_service = [None].into_iter().chain(services.into_iter().map(Some));
    let all_usual = each_service.flat_map(|service| severities.map(|severity| usual(severity, service)));
    let mut asked = Vec::new();
    if let Some(root) = &config.route {
        collect(root, wanted, &base, &mut asked);
    }
    // Under another alert's name only where that troubles nobody else, and nobody asked for a usual alert.
    let is_free = args.severity.is_none() && args.service.is_none();
    asked.retain(|labels| {
        let keeps =
            |(name, value): (&String, &String)| labels[name] == *value || (is_free && name == "alertname");
        base.iter().all(keeps) && Ends::of(alertmanager, labels).receivers.len() == 1
    });
    let reaches = |labels: &Labels| Ends::of(alertmanager, labels).receivers.contains(wanted);
    Ok(all_usual.chain(asked).find(reaches))
}

/// What the alert has in any case.
fn base(args: &cli::TestAlert, running: &Running) -> Result<Labels, String> {
    let mut bytes = [0u8; 4];
    getrandom::fill(&mut bytes).map_err(|error| format!("cannot get random bytes: {error}"))?;
    // Each run has a name of its own: a group that is known already would be told of only after its interval.
    let name = format!("SkymonTest{:08x}", u32::from_le_bytes(bytes));
    let stack = running.plan.as_ref().map(|plan| plan.name.clone());
    let labels = [
        ("alertname", Some(name)),
        ("severity", args.severity.clone()),
        ("service", args.service.clone()),
        ("stack", stack),
    ];
    Ok(labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// The labels that the branches of a receiver ask for by `=`.
fn collect(route: &Route, wanted: &str, above: &Labels, found: &mut Vec<Labels>) {
    let mut labels = above.clone();
    for matcher in route.matchers.iter().filter_map(|one| one.matcher.as_ref()) {
        if !matcher.value.is_empty() && matcher.is_match(&matcher.value) {
            labels.insert(matcher.name.clone(), matcher.value.clone());
        }
    }
    if route.receiver.as_ref().is_some_and(|receiver| receiver.value == wanted) {
        found.push(labels.clone());
    }
    for below in &route.routes {
        collect(below, wanted, &labels, found);
    }
}

fn known(what: &str, name: Option<&str>, all: &[&str]) -> Result<(), String> {
    let Some(name) = name.filter(|name| !all.contains(name)) else { return Ok(()) };
    let help = match nearest(name, all.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", all.join(", ")),
    };
    Err(format!("there is no {what} `{}`\n{help}", name.escape_debug()))
}
