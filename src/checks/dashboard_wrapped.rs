//! A dashboard in the form of the API: `{"dashboard": {…}}`. A provider reads the top, and finds no title. Of one that no
//! provider leads to `dashboards_not_loaded` speaks: it may be for the API.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Dashboard, Program, Stack};

pub(super) const CHECK: Check = Check { id: "dashboard-wrapped", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let is_known = stack.running(Program::Grafana).next().is_some() || !stack.providers.is_empty();
    let is_read = |dashboard: &&Dashboard| dashboard.is_wrapped && (dashboard.is_loaded || !is_known);
    for dashboard in stack.dashboards.iter().filter(is_read) {
        report.push(
            CHECK
                .finding("the dashboard stands below `dashboard`: Grafana loads nothing from this file")
                .at(dashboard.root.name_at().place(), "the form of the API, not of a file")
                .help("keep what is inside of `\"dashboard\"` only"),
        );
    }
}
