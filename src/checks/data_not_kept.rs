//! A program whose data goes with its container: history, silences, users.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Origin, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "data-not-kept", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        let Some((program, path)) =
            service.program.and_then(|program| Some((program, data(program, service)?)))
        else {
            continue;
        };
        let kept =
            |origin: Origin| !matches!(origin, Origin::Volume(None) | Origin::Memory | Origin::Inline(_));
        if service.origin(&path).is_some_and(kept) {
            continue;
        }
        let lost = match program {
            Program::Prometheus => "the history",
            Program::Alertmanager => "silences, and what was notified already,",
            _ => "users, and dashboards made in the browser,",
        };
        report.push(
            CHECK
                .finding(format!("{} keeps nothing: {lost} go with the container", program.name()))
                .at(service.name.place(), format!("nothing with a name is mounted at `{path}`"))
                .help(format!("add to `volumes:` of the service `{}_data:{path}`, and `{}_data: {{}}` to those at the top", service.name, service.name)),
        );
    }
}

/// Where its data is. What is asked of another database is not here.
fn data(program: Program, service: &Service) -> Option<String> {
    let flag = match program {
        Program::Prometheus => {
            service.flag("storage.tsdb.path").or_else(|| service.flag("storage.agent.path"))
        }
        Program::Alertmanager => service.flag("storage.path"),
        Program::Grafana
            if service.variable("GF_DATABASE_TYPE").is_some()
                || service.variable("GF_DATABASE_URL").is_some() =>
        {
            return None;
        }
        Program::Grafana => service.variable("GF_PATHS_DATA").and_then(|variable| variable.value.clone()),
        _ => None,
    };
    let path = flag.map(|flag| flag.value).filter(|path| path.starts_with('/'));
    path.or_else(|| program.data().map(str::to_owned))
}
