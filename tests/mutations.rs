//! What a person breaks, `validate` sees: the rendered stacks are broken in hundreds of ways that are made from the files
//! themselves, and of each it is asked whether a finding says so. Those that none does stand in `tests/mutations/unseen.yml`
//! with a reason; nothing else may go unseen.

mod support;

#[path = "mutations/make.rs"]
mod make;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use make::Mutation;
use serde::Deserialize;
use serde_json::Value;
use skymon::checks;
use support::memory;
use support::project::files_below;
use support::say;

/// Of each kind in each file so many, evenly over all there are.
const OF_EACH_KIND: usize = 8;
/// Percent that must be seen: what was reached. The aim is 90; what is missing is on the list.
const WANTED: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a rendered stack that programs read.
fn stack_files(name: &str) -> BTreeMap<String, String> {
    let folder = root().join("snapshots").join(name);
    let is_read = |path: &str| {
        // One page of queries is like the other.
        path.ends_with(".yml") || path.starts_with("grafana/dashboards/service-")
    };
    let names = files_below(&folder).into_iter().map(|path| path.display().to_string());
    names
        .filter(|path| is_read(path) || path.ends_with(".tmpl"))
        .map(|path| (path.clone(), fs::read_to_string(folder.join(path)).expect("reads the file")))
        .collect()
}

/// The ids of all findings, with how many of each.
fn findings(files: &BTreeMap<String, String>) -> BTreeMap<&'static str, usize> {
    let stack = memory::stack(files.clone());
    let mut found = BTreeMap::new();
    for finding in checks::run(&stack, &[]).iter() {
        *found.entry(finding.id).or_default() += 1;
    }
    found
}

/// A kind of fault that nobody can see in the files, and why.
#[derive(Deserialize)]
struct Unseen {
    /// Words that all stand in the mutation's name.
    what: String,
    why: String,
}

impl Unseen {
    fn is(&self, name: &str) -> bool {
        self.what.split_whitespace().all(|word| name.contains(word))
    }
}

/// Whether each was seen, by its name.
fn run(stack: &str) -> Vec<(String, bool)> {
    let files = stack_files(stack);
    let values: BTreeMap<String, Value> = files
        .iter()
        .filter(|(path, _)| !path.ends_with(".tmpl"))
        .map(|(path, text)| (path.clone(), serde_yaml::from_str(text).expect("is YAML")))
        .collect();
    let mut plain = files.clone();
    plain.extend(values.iter().map(|(path, value)| (path.clone(), make::text(path, value))));
    let before = findings(&plain);
    assert_eq!(before, BTreeMap::new(), "{stack}: a rendered stack has no finding");
    let mutations: Vec<Mutation> = values
        .iter()
        .filter(|(path, _)| !path.starts_with("prometheus/tests/"))
        .flat_map(|(path, value)| make::all(path, value, OF_EACH_KIND))
        .collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(mutation) = mutations.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut files = plain.clone();
                    files.insert(mutation.file.clone(), mutation.text.clone());
                    let seen = !findings(&files).is_empty();
                    results
                        .lock()
                        .expect("nobody panics")
                        .push((format!("{stack}: {}", mutation.name), seen));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("nobody panics");
    results.sort();
    results
}

#[test]
fn faults_that_a_person_makes_are_seen_or_listed_with_a_reason() {
    let results: Vec<(String, bool)> = ["minimal", "tutorial"].iter().flat_map(|stack| run(stack)).collect();
    let list = fs::read_to_string(root().join("tests/mutations/unseen.yml")).expect("reads the list");
    let list: Vec<Unseen> = serde_yaml::from_str(&list).expect("is such a list");
    let unseen: Vec<&str> = results.iter().filter(|(_, seen)| !seen).map(|(name, _)| name.as_str()).collect();
    let share = (results.len() - unseen.len()) * 100 / results.len();
    let mut by_kind = String::new();
    for kind in make::KINDS {
        let of_kind: Vec<bool> = results
            .iter()
            .filter(|(name, _)| name.split(' ').nth(1) == Some(kind))
            .map(|one| one.1)
            .collect();
        by_kind += &format!(", {kind} {} of {}", of_kind.iter().filter(|seen| **seen).count(), of_kind.len());
    }
    say(&format!("{} mutations, {share} % seen{by_kind}", results.len()));
    let without_reason: Vec<&str> =
        unseen.iter().copied().filter(|name| !list.iter().any(|one| one.is(name))).collect();
    assert!(
        without_reason.is_empty(),
        "{} without a reason:\n{}",
        without_reason.len(),
        without_reason.join("\n")
    );
    assert!(results.len() >= 200, "{} are too few", results.len());
    assert!(share >= WANTED, "only {share} % of {} are seen", results.len());
    for one in &list {
        assert!(!one.why.is_empty(), "{}: why?", one.what);
        assert!(
            unseen.iter().any(|name| one.is(name)),
            "`{}` is seen by now: take it off the list",
            one.what
        );
    }
    let kinds: BTreeSet<&str> = results.iter().filter_map(|(name, _)| name.split(' ').nth(1)).collect();
    assert_eq!(kinds, make::KINDS.into(), "each kind of fault is made");
}
