//! An inhibition compares a label that neither side has: nothing is as equal as nothing, and all of them are muted.

use super::Check;
use super::shared::label_names::LabelNames;
use crate::diagnostics::{Report, Severity};
use crate::promql::labels::Labels;
use crate::stack::{LabelMatcher, Stack, may_meet};

pub(super) const CHECK: Check = Check { id: "equal-label-missing", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    if stack.alerts().next().is_none() {
        return;
    }
    let names = LabelNames::of(stack);
    for rule in stack.alertmanagers.iter().flat_map(|alertmanager| &alertmanager.inhibit_rules) {
        let those = |conditions: &[LabelMatcher]| -> Vec<&Labels> {
            stack.fired().map(|(_, labels)| labels).filter(|labels| may_meet(labels, conditions)).collect()
        };
        let (sources, targets) = (those(&rule.source), those(&rule.target));
        if sources.is_empty() || targets.is_empty() {
            continue;
        }
        for label in &rule.equal {
            let nobody = |alerts: &[&Labels]| alerts.iter().all(|labels| !labels.can_have(label));
            let slip = names.slip(label);
            if slip.is_none() && !(nobody(&sources) && nobody(&targets)) {
                continue;
            }
            let help = match slip {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a label that says that both are about the same".to_owned(),
            };
            report.push(
                CHECK
                    .finding(format!(
                        "no alert of this inhibition has the label `{label}`: it is equal for all of them"
                    ))
                    .at(label.place(), "missing on both sides counts as equal")
                    .help(help),
            );
        }
    }
}
