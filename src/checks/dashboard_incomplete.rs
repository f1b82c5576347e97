//! A dashboard without the keys that make it the same one tomorrow.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "dashboard-incomplete", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for dashboard in &stack.dashboards {
        let has_version = dashboard.root.get("schemaVersion").is_some();
        let message = match (&dashboard.uid, has_version) {
            (Some(_), true) => continue,
            (None, true) => "the dashboard has no `uid`: its address changes with each new start",
            (Some(_), false) => {
                "the dashboard has no `schemaVersion`: Grafana takes it for one of the oldest"
            }
            (None, false) => {
                "the dashboard has no `uid` and no `schemaVersion`: its address changes, and Grafana takes it for one of the oldest"
            }
        };
        let at = dashboard.title.as_ref().map_or_else(|| dashboard.root.name_at().place(), Spanned::place);
        report.push(CHECK.finding(message).at(at, "").help(
            "add `\"uid\"` with a word of your own, and `\"schemaVersion\"` as your Grafana exports it",
        ));
    }
}
