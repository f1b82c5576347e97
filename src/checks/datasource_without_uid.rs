//! A datasource whose uid Grafana makes up: dashboards that name it find another one after a new start.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "datasource-without-uid", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for datasource in stack.datasources.iter().filter(|datasource| datasource.uid.is_none()) {
        report.push(
            CHECK
                .finding(format!(
                    "the datasource `{}` has no uid: dashboards cannot name it",
                    datasource.name
                ))
                .at(datasource.name.place(), "Grafana makes one up")
                .help("add `uid:` with a word of your own that never changes, and use it in the dashboards"),
        );
    }
}
