//! A page without a login, published to every machine that reaches this one: Docker's rules come before the firewall's.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "port-on-all-interfaces", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        let Some(program) = service.program else { continue };
        for port in service.ports.iter().filter(|port| port.is_open()) {
            let bound = match port.published.as_str() {
                "" => format!("127.0.0.1::{}", port.target),
                published => format!("127.0.0.1:{published}:{}", port.target),
            };
            report.push(
                CHECK
                    .finding(format!("{} is open to every machine that reaches this one", program.name()))
                    .at(port.at.place(), "no address: all interfaces, past the firewall")
                    .help(format!(
                        "write `\"{bound}\"`, and put a proxy with a login in front where others need it"
                    )),
            );
        }
    }
}
