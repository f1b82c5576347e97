//! Grafana: the datasource, the provider and the dashboards; and where an alert's links lead.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::context;

use super::dashboards::{
    self, DashboardInput, DashboardService, InPanel, InTemplate, PackPage, RunbookEntry,
};
use super::{Artifacts, built, runbook};
use crate::catalog::alerts::Pack;
use crate::catalog::programs::{ALERTMANAGER, DASHBOARDS, GRAFANA, PROCESS, PROMETHEUS};
use crate::diagnostics::Diagnostic;
use crate::plan::{Alert, Plan};
use crate::templates::Templates;

const FOLDER: &str = "grafana/dashboards";

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
        artifacts.add(path, templates.render(path, &context)?);
    }
    // An override that is not JSON was refused when it was read.
    let read = |name: &str| {
        serde_json::from_str(templates.data(&format!("{FOLDER}/{name}")))
            .unwrap_or_else(|error| panic!("bug: the dashboard `{name}`: {error}"))
    };
    let dashboards = dashboards::build(&input(plan), read).map_err(|error| blame(error, templates))?;
    for files in built(dashboards, |(name, page), files| files.json(&format!("{FOLDER}/{name}"), &page)) {
        artifacts.take(files?);
    }
    Ok(())
}

/// What is wrong with a dashboard's template is the user's to mend where the template is theirs.
fn blame(error: anyhow::Error, templates: &Templates) -> anyhow::Error {
    let template = error.downcast_ref::<InTemplate>().map(|InTemplate(name)| format!("{FOLDER}/{name}"));
    let Some(own) = template.and_then(|path| templates.own(&path)) else { return error };
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    let fault = Diagnostic::error(
        "template-result",
        format!("no dashboard can be made of it: {}", causes.join(": ")),
    );
    let panel = error.downcast_ref::<InPanel>().and_then(|InPanel(title)| {
        let title = serde_json::Value::from(title.as_str()).to_string();
        own.text.find(&title).map(|at| at..at + title.len())
    });
    let fault = match panel {
        Some(range) => fault.at_span(&own.name, range, "in this panel"),
        None => fault.at_file(&own.name, ""),
    };
    fault.into()
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
            thresholds: thresholds(&service.alerts),
        })
        .collect();
    let engines: BTreeMap<String, String> = plan
        .services
        .iter()
        .map(|service| (service.engine.name.clone(), service.engine.title.clone()))
        .collect();
    // In a text Grafana leaves a link as it is: it needs the path that Grafana lives below.
    let root = plan.base_path(&GRAFANA);
    // Where the user has runbooks, the links lead there.
    let sections = if plan.runbook.is_some() { Vec::new() } else { runbook::sections(plan, &root) };
    let runbook = sections
        .into_iter()
        .map(|section| RunbookEntry { alert: section.alert, markdown: section.markdown })
        .collect();
    let exposed = plan.programs.iter().flat_map(|program| program.facts.metrics).chain(PROCESS);
    let recorded = plan.recordings.iter().map(|recording| recording.name.clone());
    DashboardInput {
        stack: plan.name.clone(),
        services,
        engines,
        exposed: exposed.map(|metric| (*metric).to_owned()).chain(recorded).collect(),
        thresholds: thresholds(&plan.alerts),
        packs: packs(plan),
        programs: vec![
            ("Prometheus".to_owned(), format!("{}/alerts", plan.external_url(&PROMETHEUS))),
            ("Alertmanager".to_owned(), format!("{}/#/alerts", plan.external_url(&ALERTMANAGER))),
        ],
        runbook,
        own_runbook: plan.runbook.clone(),
    }
}

/// The pages of what is there and watched as a whole.
fn packs(plan: &Plan) -> Vec<PackPage> {
    let watches = |name: &str| plan.machines.iter().any(|job| job.name == name);
    let pages = [
        (Pack::SkyServe, plan.skyserve.is_some(), "SkyServe", "skyserve.json"),
        (Pack::Hosts, watches("hosts") || watches("containers"), "Hosts", "hosts.json"),
        (Pack::Gpus, watches("gpus"), "GPUs", "gpus.json"),
    ];
    let pages = pages.into_iter().filter(|(_, is_there, ..)| *is_there);
    pages
        .map(|(pack, _, name, template)| PackPage {
            uid: pack_uid(pack),
            name,
            template,
            alerts: plan
                .alerts
                .iter()
                .filter(|alert| alert.entry.pack == pack)
                .map(|alert| alert.entry.name.clone())
                .collect(),
        })
        .collect()
}

/// The page of what a pack watches as a whole.
fn pack_uid(pack: Pack) -> &'static str {
    match pack {
        Pack::SkyServe => dashboards::SKYSERVE_UID,
        Pack::Hosts => dashboards::HOSTS_UID,
        Pack::Gpus => dashboards::GPUS_UID,
        Pack::Service | Pack::Slo | Pack::Stack => dashboards::MONITORING_UID,
    }
}

fn thresholds(alerts: &[Alert]) -> BTreeMap<String, f64> {
    alerts.iter().filter_map(|alert| Some((alert.entry.name.clone(), alert.threshold?))).collect()
}

/// The page that says what to do: the user's own, or the runbook dashboard, which opens from a phone at night.
pub(super) fn runbook_url(plan: &Plan, alert: &str) -> String {
    match &plan.runbook {
        Some(base) => format!("{base}/{alert}"),
        None => format!("{}{}", plan.external_url(&GRAFANA), dashboards::runbook_path(alert)),
    }
}

/// The page that shows what the alert is about, as the rules say it: Prometheus fills in which service on SkyServe or which
/// machine that is, where it is one.
pub(super) fn dashboard_url(plan: &Plan, alert: &Alert) -> String {
    let chosen = match alert.entry.pack {
        Pack::SkyServe => "{{ with $labels.service }}?var-skyserve={{ . }}{{ end }}",
        Pack::Hosts | Pack::Gpus => "{{ with $labels.host }}?var-host={{ . }}{{ end }}",
        Pack::Service | Pack::Slo | Pack::Stack => "",
    };
    format!("{}{}{chosen}", plan.external_url(&GRAFANA), dashboard_path(plan, alert))
}

/// The same, from one page of Grafana to another.
pub(super) fn dashboard_path(plan: &Plan, alert: &Alert) -> String {
    let is_watched = |name: &str| plan.services.iter().find(|service| service.name == name);
    match alert.service.as_deref().and_then(is_watched) {
        Some(service) if alert.entry.pack == Pack::Slo => {
            format!("/d/{}?var-service={}", dashboards::SLO_UID, service.name)
        }
        Some(service) => {
            format!("/d/{}?var-service={}", dashboards::service_uid(&service.engine.name), service.name)
        }
        None => format!("/d/{}", pack_uid(alert.entry.pack)),
    }
}
