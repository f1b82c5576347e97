//! Panels of kinds that Grafana no longer has.

use super::Check;
use super::shared::words;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Panel, Program, Stack};

pub(super) const CHECK: Check = Check { id: "angular-panel", severity: Severity::Note, run };

/// Kinds of the time before Grafana 8, and what Grafana makes of them.
const OLD: [(&str, &str); 5] = [
    ("graph", "timeseries"),
    ("singlestat", "stat"),
    ("table-old", "table"),
    ("grafana-piechart-panel", "piechart"),
    ("grafana-worldmap-panel", "geomap"),
];
/// The first version that runs none of them any more, unless it is told to.
const WITHOUT: u32 = 11;

fn run(stack: &Stack, report: &mut Report) {
    let versions = stack.running(Program::Grafana).map(|service| service.image.as_ref()?.version());
    let is_new = |version: Option<(u32, u32)>| version.is_some_and(|(major, _)| major >= WITHOUT);
    if stack.running(Program::Grafana).next().is_none() || !versions.into_iter().all(is_new) {
        return;
    }
    for dashboard in stack.dashboards.iter().filter(|dashboard| dashboard.is_loaded) {
        let old: Vec<(&Panel, &str, &str)> =
            dashboard.panels.iter().filter_map(|panel| of_old(panel)).collect();
        let Some((first, kind, now)) = old.first() else { continue };
        let mut kinds: Vec<&str> = old.iter().map(|(_, kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let count =
            if old.len() == 1 { "a panel is".to_owned() } else { format!("{} panels are", old.len()) };
        report.push(
            CHECK
                .finding(format!("{count} of an old kind, {}: Grafana converts each at every opening, and not all settings survive", words::list(kinds)))
                .at(first.kind.as_ref().map_or_else(|| first.node.at().place(), Spanned::place), "the first of them")
                .help(format!("open the dashboard, see what `{kind}` became as `{now}`, and save its JSON to this file")),
        );
    }
}

fn of_old(panel: &Panel) -> Option<(&Panel, &'static str, &'static str)> {
    let kind = panel.kind.as_ref()?;
    OLD.iter().find(|(old, _)| kind.value == *old).map(|(old, now)| (panel, *old, *now))
}
