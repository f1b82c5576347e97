//! A datasource whose uid Grafana makes up: dashboards that name it hang on how it is called. Without dashboards in files
//! nothing does.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "datasource-without-uid", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    if stack.dashboards.is_empty() {
        return;
    }
    for datasource in stack.datasources.iter().filter(|datasource| datasource.uid.is_none()) {
        report.push(
            CHECK
                .finding(format!(
                    "the datasource `{}` has no uid of its own for dashboards to name",
                    datasource.name
                ))
                .at(datasource.name.place(), "Grafana makes one of the name")
                .help("add `uid:` with a word of your own that never changes, and use it in the dashboards"),
        );
    }
}
