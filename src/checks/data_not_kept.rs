//! A program whose data goes with its container: history, silences, users.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Origin, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "data-not-kept", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        let lost: Vec<(&Service, Program, String)> = compose.services.iter().filter_map(lost).collect();
        let Some((first, program, path)) = lost.first() else { continue };
        let what = |program: Program| match program {
            Program::Prometheus => "the history goes",
            Program::Alertmanager => "silences, and what was notified already, go",
            _ => "users, and dashboards made in the browser, go",
        };
        let label = |program: Program, path: &str| match lost.len() {
            1 => format!("nothing with a name is mounted at `{path}`"),
            _ => format!("nothing with a name is mounted at `{path}`: {}", what(program)),
        };
        let places = lost
            .iter()
            .map(|(service, program, path)| (service.name.place(), label(*program, path)))
            .collect();
        let alone = format!("{} keeps nothing: {} with the container", program.name(), what(*program));
        let together = "programs keep nothing: what they know goes with their containers";
        let name = format!("{}_data", first.name);
        let each = if lost.len() == 1 { "" } else { ", and so of each" };
        let help = format!(
            "add to `volumes:` of the service `{name}:{path}`, and `{name}: {{}}` to those at the top{each}"
        );
        report.extend(CHECK.at_each(places, alone, together).map(|finding| finding.help(help)));
    }
}

/// The program whose data is lost, and where it would have to be kept.
fn lost(service: &Service) -> Option<(&Service, Program, String)> {
    let (program, path) = service.program.zip(service.data())?;
    let kept = |origin: Origin| !matches!(origin, Origin::Volume(None) | Origin::Memory | Origin::Inline(_));
    let is_kept =
        service.origin(&path).is_some_and(kept) || program == Program::Grafana && has_database(service);
    (!is_kept).then_some((service, program, path))
}

/// Users and dashboards are in another database then.
fn has_database(service: &Service) -> bool {
    ["GF_DATABASE_TYPE", "GF_DATABASE_URL"].iter().any(|name| service.variable(name).is_some())
}
