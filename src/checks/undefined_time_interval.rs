//! A route that rests in a time interval that is not there: Alertmanager does not start.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity, nearest};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "undefined-time-interval", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        let lists = ["time_intervals", "mute_time_intervals"].into_iter();
        let nodes = lists.filter_map(|key| alertmanager.root.get(key)).flat_map(|node| node.items());
        let known: BTreeSet<String> =
            nodes.filter_map(|node| Some(node.get("name")?.text()?.to_owned())).collect();
        let routes = alertmanager.routes();
        let named = routes.iter().flat_map(|route| route.muted_in.iter().chain(&route.active_in));
        for name in named.filter(|name| !known.contains(&name.value)) {
            let help = match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `- name: {name}` with its times to `time_intervals:`"),
            };
            report.push(
                CHECK
                    .finding(format!("there is no time interval `{name}`: Alertmanager does not start"))
                    .at(name.place(), "not in `time_intervals`")
                    .help(help),
            );
        }
    }
}
