//! What a person breaks, `validate` sees: the rendered stacks are changed in hundreds of ways that are made from the files
//! themselves, and of each it is asked whether a finding says so. Those that none does stand in `tests/mutations/unseen.yml`
//! with a reason, apart from each other: what is another stack, as right as the one before, and what is a fault all the same.

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
/// Percent of the faults that must be seen.
const WANTED: usize = 90;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a rendered stack that programs read.
fn stack_files(name: &str) -> BTreeMap<String, String> {
    let folder = root().join("snapshots").join(name);
    let is_read = |path: &str| {
        // One page of queries is like the other.
        path.ends_with(".yml") || path.ends_with(".py") || path.starts_with("grafana/dashboards/service-")
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

/// What no finding says anything of.
#[derive(Deserialize)]
struct Unseen {
    /// Changes that leave a stack of which nobody can say that it is not what was meant.
    choices: Vec<Kind>,
    faults: Vec<Kind>,
}

/// A kind of change, and why nothing is said of it.
#[derive(Deserialize)]
struct Kind {
    /// Words that all stand in the mutation's name.
    what: String,
    why: String,
}

impl Kind {
    fn is(&self, name: &str) -> bool {
        self.what.split_whitespace().all(|word| name.contains(word))
    }
}

/// Whether each was seen, by its name.
fn run(stack: &str) -> Vec<(String, bool)> {
    let files = stack_files(stack);
    let values: BTreeMap<String, Value> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".yml") || path.ends_with(".json"))
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
    let list: Unseen = serde_yaml::from_str(&list).expect("is such a list");
    let unseen: Vec<&str> = results.iter().filter(|(_, seen)| !seen).map(|(name, _)| name.as_str()).collect();
    let of = |kinds: &[Kind], name: &str| kinds.iter().any(|kind| kind.is(name));
    let is_choice = |name: &&&str| of(&list.choices, name) && !of(&list.faults, name);
    let choices = unseen.iter().filter(is_choice).count();
    let faults = results.len() - choices;
    let share = (results.len() - unseen.len()) * 100 / faults;
    let mut by_kind = String::new();
    for kind in make::KINDS {
        let of_kind: Vec<bool> = results
            .iter()
            .filter(|(name, _)| name.split(' ').nth(1) == Some(kind))
            .map(|one| one.1)
            .collect();
        by_kind += &format!(", {kind} {} of {}", of_kind.iter().filter(|seen| **seen).count(), of_kind.len());
    }
    say(&format!(
        "{} changes, {} seen{by_kind}; {choices} are another choice, and {share} % of the {faults} faults are seen",
        results.len(),
        results.len() - unseen.len()
    ));
    let has_reason = |name: &&str| of(&list.choices, name) || of(&list.faults, name);
    let without_reason: Vec<&str> = unseen.iter().copied().filter(|name| !has_reason(name)).collect();
    assert!(
        without_reason.is_empty(),
        "{} without a reason:\n{}",
        without_reason.len(),
        without_reason.join("\n")
    );
    assert!(results.len() >= 200, "{} are too few", results.len());
    assert!(share >= WANTED, "only {share} % of {faults} faults are seen");
    for one in list.choices.iter().chain(&list.faults) {
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
