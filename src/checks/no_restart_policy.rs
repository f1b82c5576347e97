//! Monitoring that stays down after the machine was restarted.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "no-restart-policy", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        let watches =
            |service: &&Service| matches!(service.program, Some(Program::Prometheus | Program::Alertmanager));
        let says = |service: &Service| {
            service.restart.is_some()
                || service.get("deploy").is_some_and(|node| node.get("restart_policy").is_some())
        };
        let silent: Vec<&Service> =
            compose.services.iter().filter(watches).filter(|one| !says(one)).collect();
        let Some(first) = silent.first() else { continue };
        let places =
            silent.iter().map(|service| (service.name.place(), "no `restart:`".to_owned())).collect();
        let what =
            |name: &str| format!("nothing starts {name} again after a crash or a restart of the machine");
        let finding = CHECK.at_each(places, what(&format!("`{}`", first.name)), what("these programs"));
        let each = if silent.len() == 1 { "" } else { " to each" };
        report.extend(finding.map(|one| one.help(format!("add `restart: unless-stopped`{each}"))));
    }
}
