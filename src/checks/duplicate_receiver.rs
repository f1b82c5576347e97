//! Two receivers with one name: Alertmanager does not start.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Receiver, Stack};

pub(super) const CHECK: Check = Check { id: "duplicate-receiver", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in &stack.alertmanagers {
        let mut known: BTreeMap<&str, &Receiver> = BTreeMap::new();
        for receiver in &alertmanager.receivers {
            let Some(first) = known.insert(&receiver.name, receiver) else { continue };
            report.push(
                CHECK
                    .finding(format!(
                        "there are two receivers `{}`: Alertmanager does not start",
                        receiver.name
                    ))
                    .at(receiver.name.place(), "again")
                    .at(first.name.place(), "the first one")
                    .help("put the integrations of both into one"),
            );
        }
    }
}
