//! The one command that brings the running stack to what was just rendered.

use std::collections::BTreeSet;

use crate::catalog::programs::{Program, Reload};
use crate::output::{Change, State};
use crate::plan::Plan;

/// `None` if the running programs follow the changed files by themselves. `replaced` are the programs of which a secret is
/// another one now.
pub(super) fn command(
    changes: &[Change],
    replaced: &BTreeSet<&str>,
    plan: &Plan,
    compose_file: &str,
) -> Option<String> {
    let compose = compose(compose_file);
    let definition = changes.iter().find(|change| change.path == "docker-compose.yml");
    let mut commands = Vec::new();
    // Where the stack was never started, there is nothing to restart yet.
    if definition.is_some() || !replaced.is_empty() {
        commands.push(start(compose_file));
    }
    // What has never run has nothing to reload.
    if definition.is_none_or(|change| change.state != State::Create) {
        let programs = plan.programs.iter().map(|program| program.facts);
        let reload = |facts: &Program| match facts.reload {
            _ if replaced.contains(facts.name) => Some(Reload::Restart),
            reload => reads_any(facts, changes).then_some(reload),
        };
        let those =
            |way| programs.clone().filter(move |facts| reload(facts) == Some(way)).map(|facts| facts.name);
        commands.extend(those(Reload::Signal).map(|name| self::reload(name, compose_file)));
        let names: Vec<&str> = those(Reload::Restart).collect();
        if !names.is_empty() {
            commands.push(format!("{compose} {RESTART} {}", names.join(" ")));
        }
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
}

/// The services whose servers measure themselves by a module that is another one now. skymon does not know where they are
/// deployed from.
pub(super) fn instrumented(changes: &[Change]) -> impl Iterator<Item = &str> {
    let written = changes.iter().filter(|change| matches!(change.state, State::Update | State::Edited));
    written.filter_map(|change| change.path.strip_prefix("instrumentation/")?.split('/').next())
}

/// From inside. The engine takes a signal that it sends itself, whichever it is, for the wish to stop: the program would run
/// on, but not be started again after a crash or a reboot.
const SIGNAL: &str = "kill -HUP 1";
/// A secret is mounted as a single file: only a program that is started again sees another one in its place.
const RESTART: &str = "restart";

/// Starts the stack, or what is not yet as the compose file says.
pub(super) fn start(compose_file: &str) -> String {
    format!("{} up -d --wait --remove-orphans", compose(compose_file))
}

/// Has one program read its configuration anew.
pub(super) fn reload(program: &str, compose_file: &str) -> String {
    format!("{} exec {program} {SIGNAL}", compose(compose_file))
}

/// Has one program read its secrets anew.
pub(super) fn restart(program: &str, compose_file: &str) -> String {
    format!("{} {RESTART} {program}", compose(compose_file))
}

pub(super) fn compose(file: &str) -> String {
    format!("docker compose -f {}", shell_word(file))
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
