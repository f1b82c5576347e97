//! Runs that are stopped before every single step, as a kill would, and what the next run makes of it.
//!
//! Apart from the tests beside the code, because they speak about `compare`, `manifest` and `write` together.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;

use anyhow::bail;

use super::disk::Steps;
use super::testing::{Folder, files};
use super::write::apply_in_steps;
use super::{Applied, MANIFEST, apply, compare};

type Files = BTreeMap<String, String>;

/// Stops before step `last`; whether it came to that.
fn killed_before(step: usize, rendered: &Files, folder: &Folder, force: bool) -> bool {
    let before = move |now| if now == step { bail!("killed") } else { Ok(()) };
    let mut steps = Steps { before: Some(Box::new(before)), taken: 0 };
    match apply_in_steps(rendered, &folder.out, force, &mut steps) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.to_string(), "killed");
            true
        }
    }
}

fn transitions() -> Vec<(&'static str, Files, Files)> {
    let base = [("a.yml", "1"), ("rules/x.yml", "1"), ("rules/deep/y.yml", "1"), ("z", "")];
    vec![
        ("create all", files(&[]), files(&base)),
        (
            "update some",
            files(&base),
            files(&[("a.yml", "2"), base[1], ("rules/deep/y.yml", "2"), ("z", "3")]),
        ),
        ("remove some", files(&base), files(&[base[0]])),
        ("remove all", files(&base), files(&[])),
        ("rerun", files(&base), files(&base)),
        (
            "all at once",
            files(&base),
            files(&[("a.yml", "2"), ("new/n.yml", "1"), ("rules/n.yml", "1"), base[3]]),
        ),
    ]
}

/// A folder as it is after an uninterrupted rendering of `old`; without one if `old` is empty.
fn start(old: &Files) -> Folder {
    let folder = Folder::new();
    if !old.is_empty() {
        apply(old, &folder.out, false).unwrap();
    }
    folder
}

fn assert_each_old_or_new(folder: &Folder, old: &Files, new: &Files, when: &str) {
    let now = folder.rendering();
    for path in old.keys().chain(new.keys()) {
        let text = now.get(path);
        assert!(text == old.get(path) || text == new.get(path), "{when}: `{path}` is {text:?}");
    }
    for path in now.keys().filter(|path| !path.ends_with('/')) {
        assert!(old.contains_key(path) || new.contains_key(path), "{when}: `{path}` came from nowhere");
    }
}

#[test]
fn a_kill_at_any_step_leaves_old_or_new_and_the_next_run_finishes() {
    for (name, old, new) in transitions() {
        let whole = start(&old);
        apply(&new, &whole.out, false).unwrap();
        for step in 1.. {
            let folder = start(&old);
            let killed = killed_before(step, &new, &folder, false);
            let when = format!("{name}, killed before step {step}");
            assert_each_old_or_new(&folder, &old, &new, &when);
            if old.is_empty() && !folder.out.join(MANIFEST).exists() {
                assert_eq!(folder.rendering().keys().filter(|path| *path != ".skymon/").count(), 0, "{when}");
            }

            let comparison = compare(&new, &folder.out).unwrap();
            assert!(comparison.conflicts().is_empty(), "{when}: {comparison:?}");
            assert!(matches!(apply(&new, &folder.out, false).unwrap(), Applied::Done(_)), "{when}");
            assert_eq!(folder.everything(), whole.everything(), "{when}");
            assert!(compare(&new, &folder.out).unwrap().is_clean(), "{when}");
            if !killed {
                break;
            }
        }
    }
}

#[test]
fn a_kill_and_then_another_config_is_no_edit_either() {
    for (name, old, new) in transitions() {
        let third = files(&[("a.yml", "3"), ("rules/x.yml", "2"), ("third/t.yml", "1")]);
        let whole = start(&third);
        for first in 1.. {
            let folder = start(&old);
            let killed = killed_before(first, &new, &folder, false);
            // The second kill must not make skymon forget what the first run had put in place.
            for second in [2, 5, 8, 9, 11, 14, 17, 20, 23] {
                killed_before(second, &third, &folder, false);
                let conflicts = compare(&old, &folder.out).unwrap().conflicts().len();
                assert_eq!(conflicts, 0, "{name}, killed before {first}, then before {second}, then back");
            }
            assert!(
                matches!(apply(&third, &folder.out, false).unwrap(), Applied::Done(_)),
                "{name}, {first}"
            );
            assert_eq!(folder.everything(), whole.everything(), "{name}, killed before {first}");
            if !killed {
                break;
            }
        }
    }
}

#[test]
fn an_edit_after_a_kill_is_kept() {
    for (name, old, new) in transitions() {
        for step in 1.. {
            let folder = start(&old);
            let killed = killed_before(step, &new, &folder, false);
            folder.put("a.yml", "mine");
            let result = apply(&new, &folder.out, false).unwrap();
            assert_eq!(folder.text("a.yml"), "mine", "{name}, killed before step {step}: {result:?}");
            if !killed {
                break;
            }
        }
    }
}

#[test]
fn a_killed_force_keeps_an_edit_or_replaces_it() {
    let old = files(&[("a", "1"), ("b", "1"), ("c", "1")]);
    let new = files(&[("a", "2"), ("b", "2")]);
    for step in 1.. {
        let folder = start(&old);
        folder.put("b", "mine");
        folder.put("c", "mine");
        let killed = killed_before(step, &new, &folder, true);

        let now = folder.rendering();
        let conflicts = compare(&new, &folder.out).unwrap().conflicts().len();
        let (b, c) = (now["b"] == "mine", now.contains_key("c"));
        assert!(b || now["b"] == "2", "{now:?}");
        assert_eq!(
            conflicts,
            usize::from(b) + usize::from(c),
            "an edit that is still there still counts: {now:?}"
        );
        apply(&new, &folder.out, true).unwrap();
        assert_eq!(folder.rendering(), new);
        if !killed {
            break;
        }
    }
}

#[test]
fn an_edit_while_skymon_writes_is_kept() {
    let old = files(&[("a", "1"), ("b", "1"), ("old/c", "1")]);
    let new = files(&[("a", "2"), ("b", "2"), ("d", "1")]);
    for path in ["a", "b", "old/c", "d"] {
        let mut lost = 0;
        for step in 1.. {
            let folder = start(&old);
            let (out, reached) = (folder.out.clone(), Rc::new(Cell::new(false)));
            let saved = Rc::clone(&reached);
            let before = move |now| {
                if now == step {
                    saved.set(true);
                    fs::create_dir_all(out.join(path).parent().unwrap())?;
                    fs::write(out.join(path), "mine")?;
                }
                Ok(())
            };
            let mut steps = Steps { before: Some(Box::new(before)), taken: 0 };
            let result = apply_in_steps(&new, &folder.out, false, &mut steps);
            if !reached.get() {
                break;
            }
            if result.is_ok() && folder.rendering().get(path).is_none_or(|text| text != "mine") {
                lost += 1;
                continue;
            }
            apply(&new, &folder.out, false).unwrap();
            assert_eq!(folder.text(path), "mine", "`{path}` at step {step}");
        }
        // Saved in the same instant as the one call that replaces it: no program can tell which came first.
        assert!(lost <= 1, "`{path}`: lost at {lost} steps");
    }
}

/// Small, and the same on every machine.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % end as u64).unwrap()
    }
}

const PATHS: [&str; 6] = ["a", "b/c", "b/d", "b/e/f", "g/h", "i"];

fn some_config(random: &mut Lcg) -> Files {
    let mut rendered = Files::new();
    for path in PATHS {
        let version = random.below(4);
        if version > 0 {
            rendered.insert(path.to_owned(), format!("rendered {version}\n"));
        }
    }
    rendered
}

#[test]
fn edits_renders_and_kills_in_any_order_lose_no_edit_and_invent_none() {
    for seed in 0..40 {
        let mut random = Lcg(seed);
        let folder = Folder::new();
        // What a person has put there and nobody has dropped.
        let mut edits = Files::new();
        for round in 0..60 {
            let path = PATHS[random.below(PATHS.len())];
            let rendered = some_config(&mut random);
            let when = format!("seed {seed}, round {round}");
            match random.below(10) {
                0 | 1 => {
                    folder.put(path, &format!("mine {round}\n"));
                    edits.insert(path.to_owned(), format!("mine {round}\n"));
                }
                2 => {
                    let _ = fs::remove_file(folder.out.join(path));
                    edits.remove(path);
                }
                3..=5 => {
                    killed_before(1 + random.below(60), &rendered, &folder, false);
                }
                6 => {
                    killed_before(1 + random.below(60), &rendered, &folder, true);
                    let now = folder.rendering();
                    edits.retain(|path, text| now.get(path) == Some(text));
                }
                7 => {
                    apply(&rendered, &folder.out, true).unwrap();
                    let now = folder.rendering();
                    edits.retain(|path, text| now.get(path) == Some(text));
                    assert!(compare(&rendered, &folder.out).unwrap().is_clean(), "{when}");
                }
                _ => match apply(&rendered, &folder.out, false).unwrap() {
                    Applied::Done(_) => {
                        let mut expected = rendered.clone();
                        expected.extend(edits.clone());
                        let mut now = folder.rendering();
                        now.retain(|path, _| !path.ends_with('/'));
                        assert_eq!(now, expected, "{when}");
                        assert!(edits.keys().all(|path| !rendered.contains_key(path)), "{when}");
                    }
                    Applied::Refused(comparison) => {
                        for change in comparison.conflicts() {
                            assert!(edits.contains_key(&change.path), "{when}: no edit, but {change:?}");
                        }
                    }
                },
            }
            let now = folder.rendering();
            for (path, text) in &edits {
                assert_eq!(now.get(path), Some(text), "{when}: an edit is lost");
            }
            for (path, text) in now.iter().filter(|(path, _)| !path.ends_with('/')) {
                assert!(
                    text.starts_with("rendered ") || edits.contains_key(path),
                    "{when}: `{path}` is {text:?}"
                );
            }
        }
    }
}
