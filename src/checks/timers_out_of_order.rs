//! Timers of a route that undo each other: the longer one wins.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "timers-out-of-order", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for route in stack.alertmanagers.iter().flat_map(|alertmanager| alertmanager.routes()) {
        let timers = route.timers;
        // Nearly the interval is meant as each time: it is not a word about hours.
        let repeats = route.repeat_interval.as_ref().or(route.group_interval.as_ref());
        if let Some(at) = repeats.filter(|_| timers.repeat * 2 <= timers.interval) {
            report.push(
                CHECK
                    .finding(
                        "`repeat_interval` is shorter than `group_interval`: nothing is repeated before that",
                    )
                    .at(at.place(), "a group is looked at once in a `group_interval`")
                    .help("make `repeat_interval` a multiple of `group_interval`"),
            );
        }
        let waits = route.group_wait.as_ref().or(route.group_interval.as_ref());
        if let Some(at) = waits.filter(|_| timers.wait > timers.interval) {
            report.push(
                CHECK
                    .finding("`group_wait` is longer than `group_interval`: the first message is the latest")
                    .at(at.place(), "a new group waits longer than one that is known")
                    .help("write a short `group_wait`, such as 30s, and a longer `group_interval`"),
            );
        }
    }
}
