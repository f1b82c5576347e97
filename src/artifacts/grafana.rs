//! Grafana: the datasource, the provider and the dashboards; and where an alert's links lead.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::context;

use super::dashboards::{self, DashboardInput, DashboardService, RunbookEntry};
use super::{Artifacts, runbook};
use crate::catalog::programs::{DASHBOARDS, PROMETHEUS};
use crate::plan::Plan;
use crate::templates::{self, Templates};

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    let context = context! {
        name => plan.name.as_str(),
        interval => plan.scrape_interval.to_string(),
        prometheus_url => format!("http://{}", PROMETHEUS.address()),
        dashboards => DASHBOARDS,
    };
    for path in
        ["grafana/provisioning/datasources/prometheus.yml", "grafana/provisioning/dashboards/skymon.yml"]
    {
        artifacts.yaml(path, templates.render(path, &context)?)?;
    }
    let read = |name: &str| {
        serde_json::from_str(templates::embedded_file(&format!("grafana/dashboards/{name}")))
            .unwrap_or_else(|error| panic!("bug: the dashboard `{name}`: {error}"))
    };
    for (name, dashboard) in dashboards::build(&input(plan), read)? {
        artifacts.json(&format!("grafana/dashboards/{name}"), &dashboard)?;
    }
    Ok(())
}

fn input(plan: &Plan) -> DashboardInput {
    let services = plan
        .services
        .iter()
        .map(|service| DashboardService {
            name: service.name.clone(),
            engine: service.engine.name.clone(),
            recorded: service.recorded(),
            thresholds: service
                .alerts
                .iter()
                .filter_map(|alert| Some((alert.entry.name.clone(), alert.threshold?)))
                .collect(),
        })
        .collect();
    let engines: BTreeMap<String, String> = plan
        .services
        .iter()
        .map(|service| (service.engine.name.clone(), service.engine.title.clone()))
        .collect();
    // Where the user has runbooks, the links lead there.
    let sections = if plan.runbook.is_some() { Vec::new() } else { runbook::sections(plan) };
    let runbook = sections
        .into_iter()
        .map(|section| RunbookEntry { alert: section.alert, markdown: section.markdown })
        .collect();
    DashboardInput { stack: plan.name.clone(), services, engines, runbook }
}

/// The page that says what to do: the user's own, or the runbook dashboard, which opens from a phone at night.
pub(super) fn runbook_url(plan: &Plan, alert: &str) -> String {
    match &plan.runbook {
        Some(base) => format!("{base}/{alert}"),
        None => format!("{}/d/{}", plan.grafana_url(), dashboards::RUNBOOK_UID),
    }
}

/// The page that shows what the alert is about.
pub(super) fn dashboard_url(plan: &Plan, service: Option<&str>) -> String {
    let grafana = plan.grafana_url();
    match plan.services.iter().find(|s| service == Some(s.name.as_str())) {
        Some(service) => {
            format!(
                "{grafana}/d/{}?var-service={}",
                dashboards::service_uid(&service.engine.name),
                service.name
            )
        }
        None => format!("{grafana}/d/{}", dashboards::OVERVIEW_UID),
    }
}
