//! More than one default datasource: Grafana does not start.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Datasource, Stack};

pub(super) const CHECK: Check = Check { id: "two-default-datasources", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let mut defaults: BTreeMap<_, &Datasource> = BTreeMap::new();
    for one in stack.datasources.iter().filter(|one| one.is_default) {
        let organisation = one.node.get("orgId").and_then(|node| node.text().map(str::to_owned));
        // Without a compose file, other files may be another Grafana's.
        let file = one.service.is_none().then(|| one.name.at.document().name().to_owned());
        let place = (
            one.service.clone(),
            file,
            organisation.filter(|id| id != "0").unwrap_or_else(|| "1".to_owned()),
        );
        let Some(first) = defaults.insert(place, one) else { continue };
        report.push(
            CHECK
                .finding(format!(
                    "`{}` and `{}` are both the default: Grafana does not start",
                    first.name, one.name
                ))
                .at(
                    one.node.get("isDefault").map_or_else(|| one.name.place(), |node| node.at().place()),
                    "the second",
                )
                .at(first.name.place(), "a default too")
                .help("keep `isDefault: true` at one of them"),
        );
    }
}
