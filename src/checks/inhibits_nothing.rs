//! An inhibition of alerts by themselves: Alertmanager mutes no alert by one that could be muted by it in turn.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Conditions, Stack};

pub(super) const CHECK: Check = Check { id: "inhibits-nothing", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for rule in stack.alertmanagers.iter().flat_map(|alertmanager| &alertmanager.inhibit_rules) {
        let Some(first) = rule.target.first().filter(|_| !rule.source.is_empty()) else { continue };
        let (source, target) = ([Conditions::of(&rule.source)], [Conditions::of(&rule.target)]);
        if !source[0].are_covered_by(&target) || !target[0].are_covered_by(&source) {
            continue;
        }
        report.push(
            CHECK
                .finding("source and target are the same alerts: none of them mutes another")
                .at(first.text.place(), "each of these is a source too")
                .help(
                    "name in `source_matchers` what the others follow from, such as `alertname=\"HostDown\"`",
                ),
        );
    }
}
