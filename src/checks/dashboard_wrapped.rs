//! A dashboard in the form of the API: `{"dashboard": {…}}`. A provider reads the top, and finds no title.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "dashboard-wrapped", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for dashboard in stack.dashboards.iter().filter(|dashboard| dashboard.is_wrapped) {
        report.push(
            CHECK
                .finding("the dashboard stands below `dashboard`: Grafana loads nothing from this file")
                .at(dashboard.root.name_at().place(), "the form of the API, not of a file")
                .help("keep what is inside of `\"dashboard\"` only"),
        );
    }
}
