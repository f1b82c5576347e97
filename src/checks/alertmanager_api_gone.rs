//! Alerts are sent in the first version of Alertmanager's API, which it no longer has.

use super::Check;
use super::shared::addresses::leads_to;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "alertmanager-api-gone", severity: Severity::Error, run };

/// The first versions without it: Prometheus refuses the word, Alertmanager answers 410.
const PROMETHEUS: (u32, u32) = (3, 0);
const ALERTMANAGER: (u32, u32) = (0, 27);

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let version = |service: &Service| service.image.as_ref().and_then(|image| image.version());
        let own = stack.service(&prometheus.service);
        let is_new = own.and_then(|(_, service)| version(service)).is_some_and(|own| own >= PROMETHEUS);
        for section in &prometheus.alertmanagers {
            let Some(word) = section.node.get("api_version").filter(|node| node.text() == Some("v1")) else {
                continue;
            };
            let asked = section.targets.iter().filter_map(|target| leads_to(own?.0, target));
            let mut asked = asked.filter(|service| service.program == Some(Program::Alertmanager));
            let message = if is_new {
                "Prometheus 3 does not take `api_version: v1`: it does not start".to_owned()
            } else if let Some(new) = asked.find(|one| version(one).is_some_and(|own| own >= ALERTMANAGER)) {
                format!("Alertmanager has no API `v1` since 0.27: no alert reaches `{}`", new.name)
            } else {
                continue;
            };
            report.push(
                CHECK
                    .finding(message)
                    .at(word.at().place(), "gone")
                    .help("remove the line: `v2` is what is taken without it"),
            );
        }
    }
}
