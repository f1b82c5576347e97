//! RUNBOOK.md: what the stack is made of, and a section for every alert. The runbook dashboard shows the same sections.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::{Value, context};

use super::{Artifacts, grafana};
use crate::catalog::alerts::{AlertEntry, Pack};
use crate::catalog::programs::GRAFANA;
use crate::plan::{Alert, Plan, SkyServe};
use crate::templates::Templates;

/// What to do when one alert fires.
pub(super) struct Section {
    pub(super) alert: String,
    pub(super) markdown: String,
}

pub(super) fn build(plan: &Plan, templates: &Templates, artifacts: &mut Artifacts) -> Result<()> {
    let sections: Vec<Value> = sections(plan, &plan.external_url(&GRAFANA))
        .into_iter()
        .map(|section| context! { alert => section.alert, markdown => Value::from_safe_string(section.markdown) })
        .collect();
    let urls: Vec<Value> = plan
        .programs
        .iter()
        .filter(|program| program.facts.pages)
        .map(|program| {
            let port = program.published.as_ref().map(|published| published.port);
            context! { name => program.facts.name, url => plan.external_url(program.facts) + "/", port }
        })
        .collect();
    let door = plan.door.as_ref().map(|door| context! { bind => door.bind.to_string(), port => door.port });
    let receivers: Vec<Value> = plan
        .receivers
        .iter()
        .map(|receiver| {
            let kinds: Vec<&str> = receiver.integrations.iter().map(|(kind, _)| kind.title).collect();
            let kinds =
                if kinds.is_empty() { "shown and not sent, on purpose".to_owned() } else { kinds.join(", ") };
            context! { name => receiver.name.as_str(), kinds }
        })
        .collect();
    let context = context! {
        name => plan.name.as_str(),
        probes => plan.services.iter().any(|service| service.probe.is_some()),
        receivers,
        door,
        skyserve => plan.skyserve.as_ref().map(print_skyserve),
        urls,
        sections,
    };
    artifacts.add("RUNBOOK.md", templates.render("RUNBOOK.md", context)?);
    Ok(())
}

fn print_skyserve(skyserve: &SkyServe) -> Value {
    context! {
        api_server => skyserve.api_server.as_str(),
        // In a block of code no mark is one.
        api_server_code => Value::from_safe_string(skyserve.api_server.clone()),
        poll_interval => skyserve.poll_interval.to_string(),
        with_token => skyserve.token_file.is_some(),
        on_host => skyserve.on_host,
    }
}

/// One section for each alert that the stack can fire, in the packs' order. `grafana` is what its pages' paths stand behind.
pub(super) fn sections(plan: &Plan, grafana: &str) -> Vec<Section> {
    let mut rendered: BTreeMap<&str, Vec<&Alert>> = BTreeMap::new();
    for alert in plan.all_alerts() {
        rendered.entry(&alert.entry.name).or_default().push(alert);
    }
    AlertEntry::all()
        .iter()
        .filter_map(|entry| {
            let alerts = rendered.get(entry.name.as_str())?;
            let services: Vec<String> = alerts.iter().map(|alert| describe(plan, alert, grafana)).collect();
            Some(Section { alert: entry.name.clone(), markdown: markdown(entry, &services) })
        })
        .collect()
}

/// Where to see what the alert is about, and when it fires.
fn describe(plan: &Plan, alert: &Alert, grafana: &str) -> String {
    let about = match (&alert.service, alert.entry.pack) {
        (Some(service), _) => format!("`{service}`"),
        (None, Pack::SkyServe) => "all services on SkyServe".to_owned(),
        (None, Pack::Hosts) => "all hosts".to_owned(),
        (None, Pack::Gpus) => "all GPUs".to_owned(),
        (None, _) => "the monitoring".to_owned(),
    };
    let page = grafana::dashboard_path(plan, alert);
    let threshold = alert.entry.unit.zip(alert.threshold).map(|(unit, threshold)| unit.text(threshold));
    let threshold = threshold.map(|text| format!("threshold {text}, ")).unwrap_or_default();
    format!("[{about}]({grafana}{page}): {threshold}for {}, {}", alert.hold, alert.severity.as_str())
}

/// The text of an alert's page, the same in `explain`, in RUNBOOK.md and on the dashboard.
pub(super) fn markdown(entry: &AlertEntry, services: &[String]) -> String {
    let mut text = format!(
        "**What it means.** {}\n\n**What users see.** {}\n\n**Look first at**\n\n",
        entry.runbook.means, entry.runbook.users
    );
    for (position, look) in entry.runbook.look.iter().enumerate() {
        text.push_str(&format!("{}. {look}\n", position + 1));
    }
    if !services.is_empty() {
        text.push_str("\n**Fires for**\n\n");
        for service in services {
            text.push_str(&format!("- {service}\n"));
        }
    }
    text.push_str(&format!(
        "\n**Change it** in skymon.yaml: `alerts: {{{name}: {}}}`, then `skymon render`.\n\n\
         **Silence it** in Alertmanager, or in the folder of the stack:\n\n\
         ```\ndocker compose exec alertmanager amtool --alertmanager.url=http://localhost:9093 \
         silence add alertname={name} --duration=2h --author=me --comment=why\n```\n",
        example(entry),
        name = entry.name,
    ));
    text
}

/// A change that this alert takes.
fn example(entry: &AlertEntry) -> String {
    match &entry.threshold {
        Some(threshold) => format!("{{threshold: {}, for: {}}}", threshold.as_str(), entry.hold),
        None => format!("{{for: {}, severity: {}}}", entry.hold, entry.severity.as_str()),
    }
}
