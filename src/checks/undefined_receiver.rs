//! A route to a receiver that is not there: Alertmanager does not start.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity, nearest};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "undefined-receiver", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        let mut said = BTreeSet::new();
        for route in alertmanager.routes() {
            let Some(name) = route.node.get("receiver").and_then(|node| node.value()) else { continue };
            // An empty name is that of the route above.
            let is_inherited =
                name.is_empty() && !alertmanager.route.as_ref().is_some_and(|root| std::ptr::eq(root, route));
            if is_inherited || alertmanager.receiver(&name).is_some() || !said.insert(name.value.clone()) {
                continue;
            }
            let names = alertmanager.receivers.iter().map(|receiver| receiver.name.as_str());
            let help = match nearest(&name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `- name: {name}` with an integration to `receivers:`"),
            };
            report.push(
                CHECK
                    .finding(format!("there is no receiver `{name}`: Alertmanager does not start"))
                    .at(name.place(), "not in `receivers`")
                    .help(help),
            );
        }
    }
}
