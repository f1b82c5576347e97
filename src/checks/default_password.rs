//! Grafana with the password that everybody knows.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "default-password", severity: Severity::Warning, run };

/// What is tried first.
const KNOWN: [&str; 9] =
    ["", "admin", "changeme", "foobar", "grafana", "password", "prom-operator", "secret", "test"];

fn run(stack: &Stack, report: &mut Report) {
    let help = "write the password into a file, give it to the service as the secret `grafana_admin_password`, and set \
                `GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/grafana_admin_password`";
    for service in stack.running(Program::Grafana) {
        let set = |name: &str| service.variable(name);
        if set("GF_SECURITY_ADMIN_PASSWORD__FILE").is_some()
            || set("GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION").is_some()
        {
            continue;
        }
        match set("GF_SECURITY_ADMIN_PASSWORD") {
            Some(variable) => {
                let Some(value) = variable.value.as_ref().filter(|value| KNOWN.contains(&value.as_str()))
                else {
                    continue;
                };
                report.push(
                    CHECK
                        .finding("Grafana's password is one that everybody tries first")
                        .at(value.place(), "what it is where nothing else is set")
                        .help(help),
                );
            }
            // A configuration of its own, or a file of variables, may set it.
            None if service.has_unread_variables
                || service.mount("/etc/grafana/grafana.ini").is_some()
                || !service.is_upstream() => {}
            None => report.push(
                CHECK
                    .finding("Grafana has no password set: it is `admin`")
                    .at(service.name.place(), "`admin` with the password `admin`")
                    .help(help),
            ),
        }
    }
}
