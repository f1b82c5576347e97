//! A page without a login, published to every machine that reaches this one: Docker's rules come before the firewall's.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Port, Program, Stack};

pub(super) const CHECK: Check = Check { id: "port-on-all-interfaces", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        let with_program = compose.services.iter().filter_map(|service| Some((service.program?, service)));
        let open: Vec<(Program, &Port)> = with_program
            .flat_map(|(program, service)| service.ports.iter().map(move |port| (program, port)))
            .filter(|(_, port)| port.is_open())
            .collect();
        let Some((program, first)) = open.first() else { continue };
        let bound = match first.published.as_str() {
            "" => format!("127.0.0.1::{}", first.target),
            published => format!("127.0.0.1:{published}:{}", first.target),
        };
        let label = |program: Program| match open.len() {
            1 => "no address: all interfaces, past the firewall".to_owned(),
            _ => format!("{}: all interfaces, past the firewall", program.name()),
        };
        let places = open.iter().map(|(program, port)| (port.at.place(), label(*program))).collect();
        let alone = format!("{} is open to every machine that reaches this one", program.name());
        let together = "programs of the monitoring are open to every machine that reaches this one";
        let each = if open.len() == 1 { "" } else { ", and the address before each other" };
        let help =
            format!("write `\"{bound}\"`{each}, and put a proxy with a login in front where others need it");
        report.extend(CHECK.at_each(places, alone, together).map(|finding| finding.help(help)));
    }
}
