//! Panels that ask nothing.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{DatasourceRef, Panel, PanelQuery, Stack};

pub(super) const CHECK: Check = Check { id: "panel-without-query", severity: Severity::Note, run };

/// Kinds that show nothing but what was asked.
const KINDS: [&str; 11] = [
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
    "timeseries",
];

fn run(stack: &Stack, report: &mut Report) {
    for dashboard in &stack.dashboards {
        let empty: Vec<&Panel> = dashboard.panels.iter().filter(|panel| asks_nothing(panel)).collect();
        let Some(first) = empty.first() else { continue };
        let message = match empty.len() {
            1 => "a panel asks nothing, and shows `No data`".to_owned(),
            many => format!("{many} panels ask nothing, and show `No data`"),
        };
        let title = first.title.as_ref().or(dashboard.title.as_ref());
        report.push(
            CHECK
                .finding(message)
                .at(title.map_or_else(|| first.node.at().place(), Spanned::place), "the first of them")
                .help("write its query as `\"expr\"`, or remove the panel"),
        );
    }
}

fn asks_nothing(panel: &Panel) -> bool {
    let is_kind = panel.kind.as_ref().is_some_and(|kind| KINDS.contains(&kind.as_str()));
    // A panel of a library has its queries there; one of Grafana's own may have none.
    let has_other = panel.node.get("libraryPanel").is_some() || panel.node.get("snapshotData").is_some();
    let is_prometheus = |one: &Option<DatasourceRef>| {
        one.as_ref().is_some_and(|one| one.kind.as_deref() == Some("prometheus"))
    };
    let is_empty = |query: &PanelQuery| match &query.expr {
        Some(expr) => expr.text.trim().is_empty(),
        // Other kinds of datasources have other keys.
        None => is_prometheus(&query.datasource) || is_prometheus(&panel.datasource),
    };
    is_kind
        && !has_other
        && panel.queries.iter().all(is_empty)
        && panel.datasource.as_ref().is_none_or(|one| !one.uid.starts_with("--"))
}
