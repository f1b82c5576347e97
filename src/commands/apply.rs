//! The one command that brings the running stack to what was just rendered.

use crate::catalog::programs::Reload;
use crate::output::{Change, State};
use crate::plan::Plan;

/// `None` if the running programs follow the changed files by themselves.
pub(super) fn command(changes: &[Change], plan: &Plan, compose: &str) -> Option<String> {
    let compose = format!("docker compose -f {}", shell_word(compose));
    let changed = |path: &str| changes.iter().any(|change| change.path == path);
    let first =
        changes.iter().any(|change| change.path == "docker-compose.yml" && change.state == State::Create);
    let mut commands = Vec::new();
    if changed("docker-compose.yml") {
        commands.push(format!("{compose} up -d --wait --remove-orphans"));
    }
    if !first {
        let of = |reload: Reload| -> Vec<&str> {
            plan.programs
                .iter()
                .filter(|program| program.facts.reload == reload)
                .filter(|program| {
                    program.facts.folders.iter().any(|(folder, _)| {
                        changes.iter().any(|change| {
                            change.path.starts_with(&format!("{folder}/")) && !is_followed(&change.path)
                        })
                    })
                })
                .map(|program| program.facts.name)
                .collect()
        };
        let (signalled, restarted) = (of(Reload::Signal), of(Reload::Restart));
        if !signalled.is_empty() {
            commands.push(format!("{compose} kill -s SIGHUP {}", signalled.join(" ")));
        }
        if !restarted.is_empty() {
            commands.push(format!("{compose} restart {}", restarted.join(" ")));
        }
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
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
