//! Grafana: the datasource, the provider and the dashboards; and where an alert's links lead.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::context;

use super::dashboards::{self, DashboardInput, DashboardService, RunbookEntry};
use super::{Artifacts, runbook};
use crate::catalog::programs::{ALERTMANAGER, DASHBOARDS, GRAFANA, PROCESS, PROMETHEUS};
use crate::plan::Plan;
use crate::templates::{self, Templates};

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    let context = context! {
        name => plan.name.as_str(),
        interval => dashboards::interval(plan.scrape_interval),
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
            traffic: service.traffic.clone(),
            interval: service.scrape.interval,
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
    // In a text Grafana leaves a link as it is: it needs the path that Grafana lives below.
    let root = if plan.door.is_some() { format!("/{}", GRAFANA.name) } else { String::new() };
    // Where the user has runbooks, the links lead there.
    let sections = if plan.runbook.is_some() { Vec::new() } else { runbook::sections(plan, &root) };
    let runbook = sections
        .into_iter()
        .map(|section| RunbookEntry { alert: section.alert, markdown: section.markdown })
        .collect();
    let exposed = plan.programs.iter().flat_map(|program| program.facts.metrics).chain(PROCESS);
    DashboardInput {
        stack: plan.name.clone(),
        services,
        engines,
        exposed: exposed.map(|metric| (*metric).to_owned()).collect(),
        programs: vec![
            ("Prometheus".to_owned(), format!("{}/alerts", plan.external_url(&PROMETHEUS))),
            ("Alertmanager".to_owned(), format!("{}/#/alerts", plan.external_url(&ALERTMANAGER))),
        ],
        runbook,
        own_runbook: plan.runbook.clone(),
    }
}

/// The page that says what to do: the user's own, or the runbook dashboard, which opens from a phone at night.
pub(super) fn runbook_url(plan: &Plan, alert: &str) -> String {
    match &plan.runbook {
        Some(base) => format!("{base}/{alert}"),
        None => format!("{}{}", plan.external_url(&GRAFANA), dashboards::runbook_path(alert)),
    }
}

/// The page that shows what the alert is about.
pub(super) fn dashboard_url(plan: &Plan, service: Option<&str>) -> String {
    format!("{}{}", plan.external_url(&GRAFANA), dashboard_path(plan, service))
}

/// The same, from one page of Grafana to another.
pub(super) fn dashboard_path(plan: &Plan, service: Option<&str>) -> String {
    match plan.services.iter().find(|s| service == Some(s.name.as_str())) {
        Some(service) => {
            format!("/d/{}?var-service={}", dashboards::service_uid(&service.engine.name), service.name)
        }
        None => format!("/d/{}", dashboards::MONITORING_UID),
    }
}
