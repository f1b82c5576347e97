//! Panels that ask nothing, or lack one of their queries.

use super::Check;
use super::shared::datasources::Provisioned;
use crate::diagnostics::{Diagnostic, Place, Report, Severity, nearest};
use crate::source::Spanned;
use crate::stack::{Dashboard, DatasourceRef, Panel, PanelQuery, Stack};

pub(super) const CHECK: Check = Check { id: "panel-without-query", severity: Severity::Note, run };

/// Kinds that show nothing but what was asked.
const KINDS: [&str; 14] = [
    "barchart",
    "bargauge",
    "gauge",
    "graph",
    "heatmap",
    "histogram",
    "piechart",
    "singlestat",
    "stat",
    "state-timeline",
    "status-history",
    "table",
    "timeseries",
    "trend",
];

fn run(stack: &Stack, report: &mut Report) {
    let provisioned = Provisioned::of(stack);
    for dashboard in &stack.dashboards {
        let mut empty: Vec<&Panel> = Vec::new();
        let mut partly: Vec<(&Panel, &PanelQuery)> = Vec::new();
        for panel in &dashboard.panels {
            let lost = |query: &&PanelQuery| {
                is_lost(query) && is_of_prometheus(provisioned.as_ref(), dashboard, panel, query)
            };
            if asks_nothing(panel) {
                empty.push(panel);
            } else if panel.queries.iter().any(|query| query.expr.is_some())
                && let Some(query) = panel.queries.iter().find(lost)
            {
                partly.push((panel, query));
            }
        }
        report.extend(of_empty(dashboard, &empty));
        report.extend(of_partly(dashboard, &partly));
    }
}

fn of_empty(dashboard: &Dashboard, empty: &[&Panel]) -> Option<Diagnostic> {
    let first = empty.first()?;
    let message = match empty.len() {
        1 => "a panel asks nothing, and shows `No data`".to_owned(),
        many => format!("{many} panels ask nothing, and show `No data`"),
    };
    let help = first.queries.iter().find_map(misspelt);
    let help = help.unwrap_or_else(|| "write its query as `\"expr\"`, or remove the panel".to_owned());
    Some(CHECK.finding(message).at(place(dashboard, first), "the first of them").help(help))
}

fn of_partly(dashboard: &Dashboard, partly: &[(&Panel, &PanelQuery)]) -> Option<Diagnostic> {
    let (panel, query) = partly.first()?;
    let message = match partly.len() {
        1 => "a query of a panel has no `expr`: it shows nothing".to_owned(),
        many => format!("a query in each of {many} panels has no `expr`: it shows nothing"),
    };
    let help = misspelt(query).unwrap_or_else(|| "write it as `\"expr\"`, or remove the query".to_owned());
    let entries = query.node.entries();
    let at = entries.first().map_or_else(|| query.node.at().place(), |(key, _)| key.place());
    Some(
        CHECK
            .finding(message)
            .at(place(dashboard, panel), "the first of them")
            .at(at, "this query")
            .help(help),
    )
}

/// Whether Prometheus is asked for certain.
fn is_of_prometheus(
    provisioned: Option<&Provisioned<'_>>,
    dashboard: &Dashboard,
    panel: &Panel,
    query: &PanelQuery,
) -> bool {
    if let Some(provisioned) = provisioned {
        return provisioned.is_prometheus(dashboard, panel, query);
    }
    let said = panel.datasource.as_ref().filter(|one| !one.uid.starts_with("--"));
    said.or(query.datasource.as_ref()).is_some_and(|one| one.kind.as_deref() == Some("prometheus"))
}

/// Whether a query of Prometheus lacks what is to be asked. What is hidden is not shown anyway.
fn is_lost(query: &PanelQuery) -> bool {
    let is_hidden = query.node.get("hide").is_some_and(|node| node.is_true());
    query.node.get("expr").is_none() && !is_hidden && !is_of_another(query)
}

/// Whether Grafana itself works it out of the others, or another kind of datasource is asked, whatever the panel says.
fn is_of_another(query: &PanelQuery) -> bool {
    let is_other = |one: &DatasourceRef| {
        one.uid.value == "__expr__" || one.kind.as_deref().is_some_and(|kind| kind != "prometheus")
    };
    query.node.get("expression").is_some() || query.datasource.as_ref().is_some_and(is_other)
}

/// What to write, where a key is nearly the one.
fn misspelt(query: &PanelQuery) -> Option<String> {
    let entries = query.node.entries();
    let slip =
        entries.iter().find(|(key, _)| key.value != "expr" && nearest(&key.value, ["expr"]).is_some())?;
    Some(format!("Grafana passes over `{}`: did you mean `expr`?", slip.0))
}

fn place(dashboard: &Dashboard, panel: &Panel) -> Place {
    let title = panel.title.as_ref().or(dashboard.title.as_ref());
    title.map_or_else(|| panel.node.at().place(), Spanned::place)
}

fn asks_nothing(panel: &Panel) -> bool {
    let is_kind = panel.kind.as_ref().is_some_and(|kind| KINDS.contains(&kind.as_str()));
    // A panel of a library has its queries there; one of Grafana's own may have none. Those below a misspelt key are none
    // either, and the key is told as unknown.
    let has_other = panel.node.get("libraryPanel").is_some() || panel.node.get("snapshotData").is_some();
    let is_misspelt = panel.node.get("targets").is_none()
        && panel.node.entries().iter().any(|(key, _)| nearest(&key.value, ["targets"]).is_some());
    let is_prometheus = |one: &Option<DatasourceRef>| {
        one.as_ref().is_some_and(|one| one.kind.as_deref() == Some("prometheus"))
    };
    let is_empty = |query: &PanelQuery| match &query.expr {
        Some(expr) => expr.text.trim().is_empty(),
        // Other kinds of datasources have other keys.
        None => {
            !is_of_another(query) && (is_prometheus(&query.datasource) || is_prometheus(&panel.datasource))
        }
    };
    is_kind
        && !has_other
        && !is_misspelt
        && panel.queries.iter().all(is_empty)
        && panel.datasource.as_ref().is_none_or(|one| !one.uid.starts_with("--"))
}
