//! Grafana that downloads plugins each time its container is made.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "plugins-at-start", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for service in stack.running(Program::Grafana) {
        for name in ["GF_INSTALL_PLUGINS", "GF_PLUGINS_PREINSTALL_SYNC"] {
            let Some(plugins) = service.set(name).filter(|plugins| !plugins.trim().is_empty()) else {
                continue;
            };
            report.push(
                CHECK
                    .finding("Grafana downloads plugins before it starts: where it cannot, it does not start")
                    .at(plugins.place(), "asks grafana.com for each new container")
                    .help("build them into an image of your own, where the network is not to be trusted"),
            );
        }
    }
}
