//! `ports:` beside `network_mode: host`: Docker passes over them, and what they promise does not hold.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "ports-on-host-network", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services().filter(|(_, service)| service.is_on_host_network()) {
        let Some(port) = service.ports.first() else { continue };
        let mode = service.network_mode.as_ref().map_or_else(|| service.name.place(), |mode| mode.place());
        report.push(
            CHECK
                .finding(format!(
                    "`ports` of `{}` means nothing: it is on the machine's own network",
                    service.name
                ))
                .at(port.at.place(), "passed over: the program listens where it wants, on every interface")
                .at(mode, "because of this")
                .help("remove `ports:`, or `network_mode: host`"),
        );
    }
}
