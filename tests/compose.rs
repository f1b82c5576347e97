//! What skymon knows of compose files, against compose itself and the programs that they start: how a project is read, and what
//! the checks say of it.

mod support;

#[path = "compose/view.rs"]
mod view;
#[path = "compose/flags.rs"]
mod flags;
#[path = "compose/files.rs"]
mod files;
#[path = "compose/services.rs"]
mod services;

use support::memory;

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

/// What is found in some files: `<id>: <message>`.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    memory::found(files, |_, one| format!("{}: {}", one.id, one.message))
}

/// How often a check speaks of one compose file.
#[track_caller]
fn count(id: &str, services: &str) -> usize {
    let files = [("docker-compose.yml", services)];
    found(&files).iter().filter(|said| said.starts_with(&format!("{id}: "))).count()
}

/// The ids of everything that is found in a project with these files beside its compose file.
fn ids(compose: &str, others: &[(&str, &str)]) -> Vec<String> {
    let mut files = vec![("docker-compose.yml", compose)];
    files.extend(others);
    let id = |said: &String| said.split([' ', ':']).next().unwrap_or_default().to_owned();
    sorted(found(&files).iter().map(id).collect())
}

/// How many of a finding there are in such a project.
fn count_in(id: &str, compose: &str, others: &[(&str, &str)]) -> usize {
    ids(compose, others).iter().filter(|one| one.as_str() == id).count()
}
