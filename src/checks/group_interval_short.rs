//! A group that is told of every few seconds: each alert that joins is another message.

use std::time::Duration;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "group-interval-short", severity: Severity::Note, run };

const LEAST: Duration = Duration::from_secs(60);

fn run(stack: &Stack, report: &mut Report) {
    for route in stack.alertmanagers.iter().flat_map(|alertmanager| alertmanager.routes()) {
        let Some(interval) = route.group_interval.as_ref().filter(|interval| interval.value < LEAST) else {
            continue;
        };
        report.push(
            CHECK
                .finding(
                    "in an outage, each alert that joins the group within seconds is a message of its own",
                )
                .at(interval.place(), "how soon a group is told of again")
                .help("write `group_interval: 5m`; `group_wait` says how fast the first one is"),
        );
    }
}
