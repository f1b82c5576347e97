//! A kind of panel or datasource that is nearly one of Grafana's own: a slip, and an empty panel.

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::source::Spanned;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "unknown-plugin", severity: Severity::Error, run };

/// Those that come with Grafana.
const PANELS: [&str; 28] = [
    "alertlist",
    "annolist",
    "barchart",
    "bargauge",
    "candlestick",
    "canvas",
    "dashlist",
    "datagrid",
    "debug",
    "flamegraph",
    "gauge",
    "geomap",
    "heatmap",
    "histogram",
    "logs",
    "logstable",
    "news",
    "nodeGraph",
    "piechart",
    "row",
    "stat",
    "state-timeline",
    "status-history",
    "table",
    "text",
    "timeseries",
    "trend",
    "xychart",
];
const DATASOURCES: [&str; 18] = [
    "alertmanager",
    "cloudwatch",
    "dashboard",
    "elasticsearch",
    "grafana",
    "grafana-testdata-datasource",
    "graphite",
    "influxdb",
    "jaeger",
    "loki",
    "mixed",
    "mssql",
    "mysql",
    "opentsdb",
    "prometheus",
    "stackdriver",
    "tempo",
    "zipkin",
];

fn run(stack: &Stack, report: &mut Report) {
    for datasource in &stack.datasources {
        if let Some(kind) = &datasource.kind {
            report.extend(slip(kind, &DATASOURCES, "datasource"));
        }
    }
    for dashboard in stack.dashboards.iter().filter(|dashboard| dashboard.is_loaded) {
        // The same slip is said once for each dashboard.
        let mut said = Vec::new();
        for kind in dashboard.panels.iter().filter_map(|panel| panel.kind.as_ref()) {
            if !said.contains(&kind.value) {
                report.extend(slip(kind, &PANELS, "panel"));
                said.push(kind.value.clone());
            }
        }
    }
}

/// Nothing is said of a kind that is far from all: it is a plugin, or of an older Grafana.
fn slip(kind: &Spanned<String>, known: &[&str], what: &str) -> Option<Diagnostic> {
    if known.contains(&kind.as_str()) || kind.contains(['$', '-']) || kind.len() < 3 {
        return None;
    }
    let near = nearest(kind, known.iter().copied()).filter(|near| near.len().abs_diff(kind.len()) <= 1)?;
    // `graph` is an old kind of panel of its own, and so is `singlestat`.
    let is_slip = near.len() > 4 || near.len() == kind.len() + 1;
    is_slip.then(|| {
        CHECK
            .finding(format!("Grafana has no kind of {what} called `{kind}`"))
            .at(kind.place(), "not found")
            .help(format!("did you mean `{near}`?"))
    })
}
