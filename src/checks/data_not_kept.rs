//! A program whose data goes with its container: history, silences, users.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Origin, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "data-not-kept", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        let Some((program, path)) = service.program.zip(service.data()) else { continue };
        if program == Program::Grafana && has_database(service) {
            continue;
        }
        let kept =
            |origin: Origin| !matches!(origin, Origin::Volume(None) | Origin::Memory | Origin::Inline(_));
        if service.origin(&path).is_some_and(kept) {
            continue;
        }
        let lost = match program {
            Program::Prometheus => "the history goes",
            Program::Alertmanager => "silences, and what was notified already, go",
            _ => "users, and dashboards made in the browser, go",
        };
        report.push(
            CHECK
                .finding(format!("{} keeps nothing: {lost} with the container", program.name()))
                .at(service.name.place(), format!("nothing with a name is mounted at `{path}`"))
                .help(format!("add to `volumes:` of the service `{}_data:{path}`, and `{}_data: {{}}` to those at the top", service.name, service.name)),
        );
    }
}

/// Users and dashboards are in another database then.
fn has_database(service: &Service) -> bool {
    ["GF_DATABASE_TYPE", "GF_DATABASE_URL"].iter().any(|name| service.variable(name).is_some())
}
