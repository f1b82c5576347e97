//! A datasource whose uid Grafana makes up: dashboards that name it hang on how it is called. Without dashboards in files
//! nothing does.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Datasource, Stack};

pub(super) const CHECK: Check = Check { id: "datasource-without-uid", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    if stack.dashboards.is_empty() {
        return;
    }
    let without = stack.datasources.iter().filter(|datasource| datasource.uid.is_none());
    let mut by_file: BTreeMap<String, Vec<&Datasource>> = BTreeMap::new();
    for datasource in without {
        by_file.entry(datasource.name.at.document().name().to_owned()).or_default().push(datasource);
    }
    for datasources in by_file.into_values() {
        let Some(first) = datasources.first() else { continue };
        let label = "Grafana makes one of the name";
        let places = datasources.iter().map(|one| (one.name.place(), label.to_owned())).collect();
        let alone = format!("the datasource `{}` has no uid of its own for dashboards to name", first.name);
        let together = "datasources have no uid of their own for dashboards to name";
        let each = if datasources.len() == 1 { "" } else { " to each" };
        let help = format!(
            "add `uid:`{each} with a word of your own that never changes, and use it in the dashboards"
        );
        report.extend(CHECK.at_each(places, alone, together).map(|finding| finding.help(help)));
    }
}
