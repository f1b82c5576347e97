//! Grafana that is given dashboards and no datasource: every panel is empty until somebody makes one by hand.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Dashboard, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "no-datasource", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    let asking = stack.dashboards.iter().filter(|one| one.is_loaded && !one.is_wrapped && asks(one)).count();
    // Which of several Grafanas loads a dashboard is not looked at.
    let [grafana] = stack.grafanas.as_slice() else { return };
    let Some((_, service)) = stack.service(&grafana.service) else { return };
    let files = grafana.datasource_files.as_deref().unwrap_or_default();
    if asking == 0
        || grafana.has_datasources()
        || stack.is_malformed(files)
        || may_have_others(service)
        || stack.services().any(|(_, other)| makes_one(other))
    {
        return;
    }
    let count = if asking == 1 {
        "a dashboard that asks".to_owned()
    } else {
        format!("{asking} dashboards that ask")
    };
    let mut finding = CHECK
        .finding(format!("Grafana is given {count} for data, and no datasource"))
        .at(service.name.place(), "has only what somebody makes by hand");
    if let Some(file) = files.first() {
        finding = finding.at_file(file.name(), "this file has none");
    }
    report.push(finding.help(
        "write `datasources: [{name: Prometheus, uid: prometheus, type: prometheus, url: 'http://prometheus:9090'}]` below \
         `apiVersion: 1` into a file of `/etc/grafana/provisioning/datasources/`, with the uid that the dashboards name",
    ));
}

/// Whether a query of it stands there for Prometheus, or what asks alike.
fn asks(dashboard: &Dashboard) -> bool {
    dashboard.panels.iter().flat_map(|panel| &panel.queries).any(|query| query.expr.is_some())
}

/// Whether a command of a service makes one over the API.
fn makes_one(service: &Service) -> bool {
    service.words.iter().any(|word| word.contains("/api/datasources"))
}

/// Whether something that is not in these files may say where Grafana looks, or write the file.
fn may_have_others(service: &Service) -> bool {
    !service.is_upstream()
        || service.program != Some(Program::Grafana)
        || service.has_unread_variables
        || ["entrypoint", "command"].iter().any(|key| service.get(key).is_some())
        || service.variable("GF_PATHS_CONFIG").is_some()
        || service.mount("/etc/grafana/grafana.ini").is_some()
}
