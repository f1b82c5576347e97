//! A query of a panel with a variable that neither the dashboard nor Grafana has, and nearly the name of one: it is sent as it
//! stands.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity, is_slip};
use crate::stack::{Dashboard, Stack};

pub(super) const CHECK: Check = Check { id: "variable-misspelt", severity: Severity::Error, run };

/// What Grafana fills in where a time stands.
const GRAFANAS: [&str; 7] = [
    "__interval",
    "__interval_ms",
    "__range",
    "__range_ms",
    "__range_s",
    "__rate_interval",
    "__rate_interval_ms",
];

fn run(stack: &Stack, report: &mut Report) {
    stack.dashboards.iter().for_each(|dashboard| check(dashboard, report));
}

fn check(dashboard: &Dashboard, report: &mut Report) {
    let names = dashboard.variables.iter().filter_map(|one| one.get("name")?.text().map(str::to_owned));
    let own: BTreeSet<String> = names.collect();
    let known = || own.iter().map(String::as_str).chain(GRAFANAS);
    let mut said = BTreeSet::new();
    let queries = dashboard.panels.iter().flat_map(|panel| &panel.queries);
    for query in queries.filter_map(|query| query.expr.as_ref()) {
        // What a regex calls its groups is no variable, and Prometheus fills it in.
        let is_group =
            |name: &str| ["(?P<", "(?<"].iter().any(|open| query.text.contains(&format!("{open}{name}>")));
        let unknown = |name: &&str| known().all(|one| one != *name) && !is_group(name);
        for variable in query.variables().filter(|one| unknown(&one.name)) {
            let name = variable.name;
            let Some(near) = known().find(|one| is_slip(name, one)) else { continue };
            if !said.insert(name.to_owned()) {
                continue;
            }
            let written = &query.text[variable.range];
            report.push(
                CHECK
                    .finding(format!("a panel asks with `{written}`, and there is no such variable"))
                    .at(query.at(name).place(), "sent as it stands")
                    .help(format!("did you mean `{}`?", written.replacen(name, near, 1))),
            );
        }
    }
}
