//! A program that anybody may stop, reload or empty: its admin API is on, and its port is open to all.

use super::Check;
use super::addresses::listens;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Port, Program, Stack};

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
        let listens = listens(service);
        let is_its_own = |port: &&Port| port.is_open() && port.target.parse().ok() == listens;
        let Some(open) = service.ports.iter().find(is_its_own).filter(|_| listens.is_some()) else {
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
