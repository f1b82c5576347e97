//! The root of the routes takes everything, always: with conditions of its own Alertmanager does not start.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "root-route-with-conditions", severity: Severity::Error, run };

/// What only a branch may have.
const KEYS: [&str; 6] =
    ["active_time_intervals", "continue", "match", "match_re", "matchers", "mute_time_intervals"];

fn run(stack: &Stack, report: &mut Report) {
    for root in stack.alertmanagers.iter().filter_map(|alertmanager| alertmanager.route.as_ref()) {
        for key in KEYS {
            let Some(node) = root.node.get(key) else { continue };
            // Empty, or `false`: that is as if it were not there.
            let is_said = !node.items().is_empty() || !node.entries().is_empty() || node.is_true();
            if is_said || (key == "matchers" && node.text().is_some()) {
                report.push(
                    CHECK
                        .finding(format!("the root of the routes has `{key}`: Alertmanager does not start"))
                        .at(node.name_at().place(), "only a branch may have it")
                        .help("put it into a branch below `routes:`; the root is for what no branch takes"),
                );
            }
        }
    }
}
