//! The rendered trees under `snapshots/` are what `render` gives now, file for file, in both directions. They are real
//! files: `tests/real_programs.rs` has the programs read the same stacks, and a reviewer reads the diff.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use support::project::{Project, files_below};

/// The stacks that are kept as trees, and their configs in `tests/fixtures`.
const STACKS: [(&str, &str); 4] = [
    ("minimal", "examples/minimal"),
    ("tutorial", "examples/tutorial"),
    ("everything", "stacks/everything"),
    ("tls", "examples/tls"),
];

fn check((stack, config): (&str, &str)) {
    let project = Project::of(config);
    project.render();
    let rendered = project.path("monitoring");
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots").join(stack);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        update(&rendered, &snapshot);
    }
    let (now, then) = (tree(&rendered), tree(&snapshot));
    assert_eq!(now, then, "{stack}: other files than in snapshots/: `make snapshots`, then read the diff");
    let mut changed = String::new();
    // The manifest differs wherever another file does.
    for path in now.iter().filter(|path| !path.ends_with("manifest.json")) {
        let read = |dir: &Path| fs::read_to_string(dir.join(path)).expect("reads the file");
        let (old, new) = (read(&snapshot), read(&rendered));
        if old != new {
            let diff = TextDiff::from_lines(&old, &new);
            changed.push_str(&format!("{stack}/{}\n{}", path.display(), diff.unified_diff()));
        }
    }
    assert!(changed.is_empty(), "rendered differently now: `make snapshots`, then read the diff\n{changed}");
}

/// What is in the tree; the lock is no part of the result.
fn tree(dir: &Path) -> BTreeSet<PathBuf> {
    if !dir.exists() {
        return BTreeSet::new();
    }
    files_below(dir).into_iter().filter(|path| !path.ends_with("lock")).collect()
}

fn update(rendered: &Path, snapshot: &Path) {
    if snapshot.exists() {
        fs::remove_dir_all(snapshot).expect("removes the old tree");
    }
    for path in tree(rendered) {
        let target = snapshot.join(&path);
        fs::create_dir_all(target.parent().expect("lies in the tree")).expect("makes the folder");
        fs::copy(rendered.join(&path), target).expect("copies the file");
    }
}

#[test]
fn the_minimal_stack_is_rendered_as_in_its_snapshot() {
    check(STACKS[0]);
}

#[test]
fn the_tutorials_stack_is_rendered_as_in_its_snapshot() {
    check(STACKS[1]);
}

#[test]
fn the_stack_with_every_key_is_rendered_as_in_its_snapshot() {
    check(STACKS[2]);
}

#[test]
fn the_stack_with_tls_and_a_front_door_is_rendered_as_in_its_snapshot() {
    check(STACKS[3]);
}

#[test]
fn every_snapshot_has_its_stack() {
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let mut found: Vec<String> = fs::read_dir(snapshots)
        .expect("reads the folder")
        .map(|entry| entry.expect("reads the entry").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut expected = STACKS.map(|(stack, _)| stack);
    expected.sort_unstable();
    assert_eq!(found, expected);
}
