//! A program that anybody may stop, reload or empty: its admin API is on, and its port is open to all.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "admin-api-open", severity: Severity::Warning, run };

/// Flag, and what it lets everybody do.
const APIS: [(&str, &str); 2] = [
    ("web.enable-lifecycle", "stop and reload Prometheus"),
    ("web.enable-admin-api", "delete what Prometheus has recorded"),
];

fn run(stack: &Stack, report: &mut Report) {
    for service in stack.running(Program::Prometheus) {
        // That file may ask for a password.
        if service.flag("web.config.file").is_some() {
            continue;
        }
        let listens = service.listens().unwrap_or_default();
        let is_its_own = |target: &str| target.parse().is_ok_and(|target| listens.contains(&target));
        let Some(open) = service.ports.iter().find(|port| port.is_open() && is_its_own(&port.target)) else {
            continue;
        };
        for (flag, may) in APIS {
            let Some(at) = service.words.iter().find(|word| word.value == format!("--{flag}")) else {
                continue;
            };
            report.push(
                CHECK
                    .finding(format!("every machine that reaches this one may {may}, without a password"))
                    .at(at.place(), "asks nobody who he is")
                    .at(open.at.place(), "and is open to all")
                    .help(format!(
                        "publish it here only (`\"127.0.0.1:{}:{}\"`), or remove `--{flag}`",
                        open.published, open.target
                    )),
            );
        }
    }
}
