//! alertmanager.yml and the notification templates.

use anyhow::Result;
use minijinja::{Value, context};

use super::Artifacts;
use crate::plan::{Plan, Route};
use crate::templates::{self, Templates};
use crate::values::Severity;

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    let routes: Vec<Value> = plan.routes.iter().map(print_route).collect();
    let inhibitions: Vec<Value> = plan
        .inhibitions
        .iter()
        .map(|inhibition| {
            // `equal` takes two missing labels for equal; an alert without the label must not be muted by that.
            let mut source = vec![
                format!("alertname=\"{}\"", inhibition.source),
                format!("severity=\"{}\"", inhibition.severity.as_str()),
            ];
            source.extend(inhibition.equal.iter().map(|label| format!("{label}!=\"\"")));
            let no_more: Vec<&str> = Severity::ALL
                .iter()
                .filter(|other| **other >= inhibition.severity)
                .map(|other| other.as_str())
                .collect();
            let targets = [
                format!("alertname=~\"{}\"", inhibition.targets.join("|")),
                format!("severity=~\"{}\"", no_more.join("|")),
            ];
            context! { source, targets, equal => inhibition.equal.to_vec() }
        })
        .collect();
    let receivers: Vec<Value> = plan
        .receivers
        .iter()
        .map(|receiver| {
            let integrations: Vec<Value> = receiver
                .integrations
                .iter()
                .map(|(kind, settings)| context! { kind => kind.name, settings => settings.clone() })
                .collect();
            context! { name => receiver.name.as_str(), integrations }
        })
        .collect();
    let context =
        context! { default_route => print_route(&plan.default_route), routes, inhibitions, receivers };
    artifacts
        .add("alertmanager/alertmanager.yml", templates.render("alertmanager/alertmanager.yml", context)?);
    for (path, _) in templates::embedded("alertmanager/templates") {
        artifacts.add(path, templates.data(path).to_owned());
    }
    Ok(())
}

fn print_route(route: &Route) -> Value {
    let matchers: Vec<String> =
        route.matchers.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    context! {
        receiver => route.receiver.as_str(),
        matchers,
        group_wait => route.timing.group_wait.to_string(),
        group_interval => route.timing.group_interval.to_string(),
        repeat_interval => route.timing.repeat_interval.to_string(),
        goes_on => route.goes_on,
    }
}
