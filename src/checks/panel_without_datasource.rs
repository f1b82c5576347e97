//! Panels that name no datasource: they ask whichever is the default on the day.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Dashboard, Panel, Stack};

pub(super) const CHECK: Check = Check { id: "panel-without-datasource", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for dashboard in &stack.dashboards {
        let silent: Vec<&Panel> = dashboard.panels.iter().filter(|panel| names_none(panel)).collect();
        let Some(first) = silent.first() else { continue };
        let count = match silent.len() {
            1 => "a panel names no datasource: it asks".to_owned(),
            many => format!("{many} panels name no datasource: they ask"),
        };
        report.push(
            CHECK
                .finding(format!("{count} whichever is the default"))
                .at(place(dashboard, first), "the first of them")
                .help(
                    "add `\"datasource\": {\"type\": \"prometheus\", \"uid\": \"…\"}` with the uid of yours",
                ),
        );
    }
}

fn names_none(panel: &Panel) -> bool {
    let query = panel.queries.iter().any(|query| query.expr.is_some() && query.datasource.is_none());
    panel.datasource.is_none() && query
}

fn place(dashboard: &Dashboard, panel: &Panel) -> crate::diagnostics::Place {
    let title = panel.title.as_ref().or(dashboard.title.as_ref());
    title.map_or_else(|| panel.node.at().place(), Spanned::place)
}
