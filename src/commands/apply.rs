//! The one command that brings the running stack to what was just rendered.

use crate::catalog::programs::{Program, Reload};
use crate::output::{Change, State};
use crate::plan::Plan;

/// `None` if the running programs follow the changed files by themselves.
pub(super) fn command(changes: &[Change], plan: &Plan, compose_file: &str) -> Option<String> {
    let compose = format!("docker compose -f {}", shell_word(compose_file));
    let definition = changes.iter().find(|change| change.path == "docker-compose.yml");
    let mut commands = Vec::new();
    if definition.is_some() {
        commands.push(format!("{compose} up -d --wait --remove-orphans"));
    }
    // What has never run has nothing to reload.
    if definition.is_none_or(|change| change.state != State::Create) {
        for (reload, verb) in [(Reload::Signal, "kill -s SIGHUP"), (Reload::Restart, "restart")] {
            let names: Vec<&str> = plan
                .programs
                .iter()
                .map(|program| program.facts)
                .filter(|facts| facts.reload == reload && reads_any(facts, changes))
                .map(|facts| facts.name)
                .collect();
            if !names.is_empty() {
                commands.push(format!("{compose} {verb} {}", names.join(" ")));
            }
        }
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
}

fn reads_any(program: &Program, changes: &[Change]) -> bool {
    changes.iter().filter(|change| !is_followed(&change.path)).any(|change| {
        program.folders.iter().any(|(folder, _)| change.path.starts_with(&format!("{folder}/")))
    })
}

/// Files that a program watches by itself, or that none reads.
fn is_followed(path: &str) -> bool {
    ["prometheus/targets/", "prometheus/tests/", "grafana/dashboards/"]
        .iter()
        .any(|folder| path.starts_with(folder))
}

/// A path as a shell reads it.
pub(super) fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
