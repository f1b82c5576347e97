//! A kind of panel, datasource or variable that is nearly one of Grafana's own: a slip, and an empty panel.

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::source::Spanned;
use crate::stack::{Dashboard, Panel, Program, Stack};

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
const VARIABLES: [&str; 9] =
    ["adhoc", "constant", "custom", "datasource", "groupby", "interval", "query", "switch", "textbox"];
/// Kinds of older versions.
const OLD: [&str; 3] = ["graph", "singlestat", "table-old"];
/// Where plugins are named that Grafana is to have.
const INSTALLED: [&str; 3] = ["GF_INSTALL_PLUGINS", "GF_PLUGINS_PREINSTALL", "GF_PLUGINS_PREINSTALL_SYNC"];

fn run(stack: &Stack, report: &mut Report) {
    let installed: Vec<&str> = stack
        .running(Program::Grafana)
        .flat_map(|service| INSTALLED.iter().filter_map(|name| service.set(name)))
        .map(|plugins| plugins.as_str())
        .collect();
    let slip = |kind: &Spanned<String>, known: &[&str], what: &str| {
        let is_installed = installed.iter().any(|plugins| plugins.contains(kind.as_str()));
        slip(kind, known, what).filter(|_| !is_installed)
    };
    for kind in stack.datasources.iter().filter_map(|datasource| datasource.kind.as_ref()) {
        report.extend(slip(kind, &DATASOURCES, "datasource"));
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
        report.extend(without_kind(dashboard));
        for kind in dashboard.variables.iter().filter_map(|variable| variable.get("type")?.value()) {
            report.extend(slip(&kind, &VARIABLES, "variable"));
        }
    }
}

/// A panel that does not say what it is. One of a library does so there.
fn without_kind(dashboard: &Dashboard) -> Option<Diagnostic> {
    let is_silent = |panel: &&Panel| panel.kind.is_none() && panel.node.get("libraryPanel").is_none();
    let silent: Vec<&Panel> = dashboard.panels.iter().filter(is_silent).collect();
    let first = silent.first()?;
    let message = match silent.len() {
        1 => "a panel has no `type`: Grafana does not know what to draw".to_owned(),
        many => format!("{many} panels have no `type`: Grafana does not know what to draw"),
    };
    let entries = first.node.entries();
    let slip = entries
        .iter()
        .find(|(key, _)| nearest(&key.value, ["type", "title"]).is_some_and(|near| near == "type"));
    let finding = CHECK.finding(message);
    Some(match slip {
        Some((key, _)) => {
            finding.at(key.place(), "Grafana passes over this key").help("did you mean `type`?")
        }
        None => finding
            .at(
                first.title.as_ref().map_or_else(|| first.node.at().place(), Spanned::place),
                "the first of them",
            )
            .help("add `\"type\": \"timeseries\"`, or what else it is to be"),
    })
}

/// Nothing is said of a kind that is far from all: it is a plugin, or of an older Grafana.
fn slip(kind: &Spanned<String>, known: &[&str], what: &str) -> Option<Diagnostic> {
    let is_plugin = ["-panel", "-datasource", "-app"].iter().any(|end| kind.ends_with(end));
    if known.contains(&kind.as_str()) || OLD.contains(&kind.as_str()) || is_plugin || kind.contains('$') {
        return None;
    }
    // Only a word with a dash is nearly one with a dash: plugins have the name of who made them before it.
    let has_dash = |word: &str| word.contains('-');
    let alike = known.iter().copied().filter(|one| !has_dash(kind) || has_dash(one));
    let near = nearest(kind, alike).filter(|near| near.len().abs_diff(kind.len()) <= 1)?;
    // Two short words may be near and both be meant: there a letter must be missing.
    let is_slip = near.len() > 4 || near.len() == kind.len() + 1;
    is_slip.then(|| {
        CHECK
            .finding(format!("Grafana has no kind of {what} called `{kind}`"))
            .at(kind.place(), "not found")
            .help(format!("did you mean `{near}`?"))
    })
}
