//! A receiver that no route leads to: somebody waits for alerts that go elsewhere.

use super::Check;
use super::shared::words;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Route, Stack};

pub(super) const CHECK: Check = Check { id: "unused-receiver", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in stack.alertmanagers.iter().filter(|one| one.route.is_some()) {
        let routes = alertmanager.routes();
        // A route that leads nowhere may be meant for it: that is told first.
        let is_known = |name: &Spanned<String>| alertmanager.receiver(name).is_some();
        let leads_nowhere = |route: &&Route| route.receiver.as_ref().is_some_and(|name| !is_known(name));
        if routes.first().is_some_and(|root| root.receiver.is_none()) || routes.iter().any(leads_nowhere) {
            continue;
        }
        for receiver in &alertmanager.receivers {
            let is_this = |name: &str| name == receiver.name.as_str();
            let is_led_to =
                routes.iter().any(|route| route.receiver.as_ref().is_some_and(|name| is_this(name)));
            if !is_led_to && !words::is_nobody(&receiver.name) {
                report.push(
                    CHECK
                        .finding(format!("no route leads to the receiver `{}`", receiver.name))
                        .at(receiver.name.place(), "nothing is ever sent here")
                        .help(format!("add a route with `receiver: {}`, or remove it", receiver.name)),
                );
            }
        }
    }
}
