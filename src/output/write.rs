//! Carries a comparison out, in an order in which a kill between any two steps loses nothing.
//!
//! The manifest that names both the old and the new hashes comes first: from then on every content that can stand on
//! disk is known as skymon's. All new files are written aside before the first one is put in place, so that a full disk
//! is met while nothing has changed yet. Apart from `compare`, because this is the only place that changes the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::compare::{Change, Comparison, compare};
use super::disk::{self, Found, Steps};
use super::manifest::{MANIFEST, Manifest};

const NOTES: &str = ".skymon";
const LOCK: &str = ".skymon/lock";
const TEMPORARY: &str = ".skymon/tmp";

/// What `apply` did, with the comparison that it acted on.
#[derive(Debug)]
pub enum Applied {
    /// The folder is as rendered; the comparison's changes were made (none, if there were none).
    Done(Comparison),
    /// Nothing was written: the comparison has conflicts, and `force` was not given.
    Refused(Comparison),
}

/// Makes the folder `out` hold `files`. With conflicts and without `force` nothing at all is written.
pub fn apply(files: &BTreeMap<String, String>, out: &Path, force: bool) -> anyhow::Result<Applied> {
    apply_in_steps(files, out, force, &mut Steps::default())
}

pub(super) fn apply_in_steps(
    files: &BTreeMap<String, String>,
    out: &Path,
    force: bool,
    steps: &mut Steps,
) -> anyhow::Result<Applied> {
    // Once without the lock: a run that has nothing to write, or may not, must not leave a lock file either.
    if let Some(applied) = nothing_to_write(compare(files, out)?, out, force)? {
        return Ok(applied);
    }
    let _lock = lock(out, steps)?;
    let comparison = compare(files, out)?;
    match nothing_to_write(comparison.clone(), out, force)? {
        Some(applied) => Ok(applied),
        None => write(files, out, &comparison, steps).map(|()| Applied::Done(comparison)),
    }
}

fn nothing_to_write(comparison: Comparison, out: &Path, force: bool) -> anyhow::Result<Option<Applied>> {
    if !force && !comparison.conflicts().is_empty() {
        return Ok(Some(Applied::Refused(comparison)));
    }
    refuse_what_is_in_the_way(&comparison, out)?;
    if comparison.is_settled() && disk::look(out, TEMPORARY)? == Found::Nothing {
        return Ok(Some(Applied::Done(comparison)));
    }
    Ok(None)
}

fn refuse_what_is_in_the_way(comparison: &Comparison, out: &Path) -> anyhow::Result<()> {
    if let Some(change) = comparison.changes().iter().find(|change| change.is_in_the_way()) {
        let reason = change.reason().unwrap_or_default();
        bail!("cannot write `{}`: {reason}; move it away", out.join(&change.path).display());
    }
    for (path, expects_folder) in [(LOCK, false), (MANIFEST, false), (TEMPORARY, true)] {
        match disk::look(out, path)? {
            Found::Nothing => {}
            Found::File(_) if !expects_folder => {}
            Found::Folder if expects_folder => {}
            Found::Blocked { by, .. } => bail!("`{}` is not a folder; move it away", out.join(by).display()),
            _ => bail!("`{}` is not what skymon left there; move it away", out.join(path).display()),
        }
    }
    Ok(())
}

/// Held until the file is closed, which the system does for a killed run too.
fn lock(out: &Path, steps: &mut Steps) -> anyhow::Result<File> {
    steps.create_folders(&out.join(NOTES))?;
    let place = out.join(LOCK);
    let file = steps.open_lock(&place)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another skymon is rendering into `{}`", out.display()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock `{}`", place.display()))
        }
    }
}

fn write(
    files: &BTreeMap<String, String>,
    out: &Path,
    comparison: &Comparison,
    steps: &mut Steps,
) -> anyhow::Result<()> {
    let temporary = out.join(TEMPORARY);
    steps.remove_tree(&temporary)?;
    steps.create_folders(&temporary)?;

    write_manifest(&Manifest::on_the_way(comparison.known.clone(), files), out, steps)?;
    let staged = stage(comparison, &temporary, steps)?;
    // Removed first, where a file system that ignores case takes an old and a new name for one file.
    remove_no_longer_rendered(comparison, out, steps)?;
    put_in_place(&staged, out, steps)?;
    // Last, so that a folder that stays in use is never replaced: a container would hold on to the old one.
    remove_empty_folders(comparison, out, steps)?;
    write_manifest(&Manifest::of(files), out, steps)?;

    steps.remove_tree(&temporary)
}

fn write_manifest(manifest: &Manifest, out: &Path, steps: &mut Steps) -> anyhow::Result<()> {
    let aside = out.join(TEMPORARY).join("manifest.json");
    steps.create(&aside, &manifest.to_text())?;
    steps.rename(&aside, &out.join(MANIFEST))
}

fn stage<'a>(
    comparison: &'a Comparison,
    temporary: &Path,
    steps: &mut Steps,
) -> anyhow::Result<Vec<(PathBuf, &'a Change)>> {
    let rendered = comparison.changes().iter().filter_map(|change| Some((change, change.rendered.as_ref()?)));
    let mut staged = Vec::new();
    for (number, (change, text)) in rendered.enumerate() {
        let aside = temporary.join(number.to_string());
        steps.create(&aside, text)?;
        staged.push((aside, change));
    }
    Ok(staged)
}

fn remove_no_longer_rendered(comparison: &Comparison, out: &Path, steps: &mut Steps) -> anyhow::Result<()> {
    for change in comparison.changes().iter().filter(|change| change.rendered.is_none()) {
        refuse_if_changed_meanwhile(change, out)?;
        steps.remove_file(&out.join(&change.path))?;
    }
    Ok(())
}

fn put_in_place(staged: &[(PathBuf, &Change)], out: &Path, steps: &mut Steps) -> anyhow::Result<()> {
    for (aside, change) in staged {
        let place = out.join(&change.path);
        steps.create_folders(place.parent().unwrap_or(out))?;
        refuse_if_changed_meanwhile(change, out)?;
        steps.rename(aside, &place)?;
    }
    Ok(())
}

/// The lock holds off another skymon, not an editor that saves right now.
fn refuse_if_changed_meanwhile(change: &Change, out: &Path) -> anyhow::Result<()> {
    if disk::look(out, &change.path)? != change.on_disk {
        let place = out.join(&change.path);
        bail!("`{}` was changed while skymon was writing; run `skymon render` again", place.display());
    }
    Ok(())
}

fn remove_empty_folders(comparison: &Comparison, out: &Path, steps: &mut Steps) -> anyhow::Result<()> {
    let removed =
        comparison.changes().iter().filter(|change| change.rendered.is_none()).map(|change| &change.path);
    let folders: BTreeSet<&str> = removed
        .chain(&comparison.gone)
        .flat_map(|path| path.match_indices('/').map(|(end, _)| &path[..end]))
        .collect();
    // A folder sorts before what it holds.
    for folder in folders.into_iter().rev() {
        if disk::look(out, folder)? == Found::Folder {
            steps.remove_folder_if_empty(&out.join(folder))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::output::testing::{Folder, files};

    fn done(folder: &Folder, rendered: &[(&str, &str)], force: bool) -> Comparison {
        match apply(&files(rendered), &folder.out, force).unwrap() {
            Applied::Done(comparison) => comparison,
            Applied::Refused(comparison) => panic!("refused: {comparison:?}"),
        }
    }

    fn error(folder: &Folder, rendered: &[(&str, &str)], force: bool) -> String {
        format!("{:#}", apply(&files(rendered), &folder.out, force).unwrap_err())
    }

    #[test]
    fn rendering_twice_changes_nothing_the_second_time() {
        let folder = Folder::new();
        let rendered = [("a", "1"), ("b/c/d", "2")];
        assert_eq!(done(&folder, &rendered, false).changes().len(), 2);
        let first = folder.everything();
        assert!(done(&folder, &rendered, false).is_clean());
        assert_eq!(folder.everything(), first);
        assert_eq!(folder.text("b/c/d"), "2");
        assert!(!folder.out.join(TEMPORARY).exists());
    }

    #[test]
    fn the_way_there_leaves_no_trace() {
        let direct = Folder::rendered(&[("a", "3"), ("e", "1")]);
        let detour = Folder::rendered(&[("a", "1"), ("b/c/d", "1")]);
        done(&detour, &[("a", "2"), ("b/x", "1")], false);
        done(&detour, &[("a", "3"), ("e", "1")], false);
        assert_eq!(detour.everything(), direct.everything());
    }

    #[test]
    fn one_conflict_and_nothing_is_written() {
        let folder = Folder::rendered(&[("a", "1"), ("b", "1"), ("c", "1")]);
        folder.put("b", "mine");
        fs::remove_file(folder.out.join(LOCK)).unwrap();
        let before = folder.everything();
        let Applied::Refused(comparison) =
            apply(&files(&[("a", "2"), ("b", "2")]), &folder.out, false).unwrap()
        else {
            panic!("written over an edit")
        };
        assert_eq!(comparison.conflicts()[0].path, "b");
        assert_eq!(folder.everything(), before);
    }

    #[test]
    fn force_replaces_an_edit_and_removes_an_obsolete_one() {
        let folder = Folder::rendered(&[("a", "1"), ("old/b", "1")]);
        folder.put("a", "mine");
        folder.put("old/b", "mine");
        folder.put("c", "mine");
        done(&folder, &[("a", "1"), ("c", "1")], true);
        assert_eq!((folder.text("a"), folder.text("c")), ("1".to_owned(), "1".to_owned()));
        assert!(!folder.out.join("old").exists());
    }

    #[test]
    fn folders_go_when_they_are_empty_and_only_then() {
        let folder = Folder::rendered(&[("a/b/x", "1"), ("c/x", "1")]);
        folder.put("c/mine", "mine");
        done(&folder, &[], false);
        assert!(!folder.out.join("a").exists());
        assert_eq!(folder.text("c/mine"), "mine");
        assert!(folder.out.exists());
    }

    #[test]
    fn a_folder_that_stays_in_use_stays_the_same_folder() {
        let folder = Folder::rendered(&[("rules/a", "1")]);
        let opened = folder.out.join("rules").canonicalize().unwrap();
        let before = fs::metadata(&opened).unwrap();
        done(&folder, &[("rules/b", "1")], false);
        let after = fs::metadata(&opened).unwrap();
        assert_eq!(before.created().ok(), after.created().ok());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::ino(&before), std::os::unix::fs::MetadataExt::ino(&after));
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_even_with_force() {
        let folder = Folder::rendered(&[("a", "1")]);
        folder.put("b/mine", "mine");
        let before = folder.everything();
        let message = error(&folder, &[("a", "2"), ("b", "1")], true);
        assert!(message.ends_with("monitoring/b`: a folder stands in its place; move it away"), "{message}");
        assert_eq!(folder.everything(), before);
    }

    #[test]
    fn a_second_skymon_is_told_about_the_first() {
        let folder = Folder::rendered(&[("a", "1")]);
        let first = File::options().write(true).open(folder.out.join(LOCK)).unwrap();
        first.try_lock().unwrap();
        let message = error(&folder, &[("a", "2")], false);
        assert_eq!(message, format!("another skymon is rendering into `{}`", folder.out.display()));
        assert_eq!(folder.text("a"), "1");
        drop(first);
        done(&folder, &[("a", "2")], false);
    }

    #[test]
    fn leftovers_are_swept_though_nothing_else_is_to_do() {
        let folder = Folder::rendered(&[("a", "1")]);
        folder.put(".skymon/tmp/0", "half");
        done(&folder, &[("a", "1")], false);
        assert!(!folder.out.join(TEMPORARY).exists());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = Folder::new();
        fs::write(&folder.out, "").unwrap();
        let below = folder.out.join("deep/monitoring");
        let message = format!("{:#}", apply(&files(&[("a", "1")]), &below, false).unwrap_err());
        assert!(message.contains(&format!("`{}", folder.out.display())), "{message}");
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        use super::*;

        fn mode(place: &Path) -> u32 {
            fs::metadata(place).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn a_container_can_read_what_is_written() {
            let folder = Folder::rendered(&[("a/b", "1")]);
            assert_eq!(mode(&folder.out.join("a/b")), 0o644);
            assert_eq!(mode(&folder.out.join("a")), 0o755);
            assert_eq!(mode(&folder.out), 0o755);
        }

        #[test]
        fn the_folder_itself_may_be_a_link() {
            let folder = Folder::new();
            let real = folder.out.with_file_name("real");
            fs::create_dir(&real).unwrap();
            symlink(&real, &folder.out).unwrap();
            done(&folder, &[("a/b", "1")], false);
            assert_eq!(fs::read_to_string(real.join("a/b")).unwrap(), "1");
            done(&folder, &[], false);
            assert!(folder.out.is_symlink() && !real.join("a").exists());
        }

        #[test]
        fn a_linked_folder_inside_is_refused_even_with_force() {
            let folder = Folder::rendered(&[("a", "1")]);
            let outside = folder.out.with_file_name("outside");
            fs::create_dir(&outside).unwrap();
            fs::write(outside.join("x"), "theirs").unwrap();
            symlink(&outside, folder.out.join("rules")).unwrap();
            let message = error(&folder, &[("a", "2"), ("rules/x", "1")], true);
            assert!(message.contains("`rules` is a symbolic link"), "{message}");
            assert_eq!(fs::read_to_string(outside.join("x")).unwrap(), "theirs");
            assert_eq!(folder.text("a"), "1");
        }

        #[test]
        fn what_is_behind_a_link_is_never_removed() {
            let folder = Folder::rendered(&[("rules/x", "1")]);
            let outside = folder.out.with_file_name("outside");
            fs::rename(folder.out.join("rules"), &outside).unwrap();
            symlink(&outside, folder.out.join("rules")).unwrap();
            done(&folder, &[], true);
            assert!(outside.join("x").exists() && folder.out.join("rules").is_symlink());
        }

        #[test]
        fn a_linked_file_is_an_edit_and_force_replaces_the_link_alone() {
            let folder = Folder::rendered(&[("a", "1"), ("b", "1")]);
            let target = folder.out.with_file_name("target");
            fs::write(&target, "1").unwrap();
            for path in ["a", "b"] {
                folder.remove(path);
                symlink(&target, folder.out.join(path)).unwrap();
            }
            assert!(matches!(apply(&files(&[("a", "1")]), &folder.out, false).unwrap(), Applied::Refused(_)));
            done(&folder, &[("a", "1")], true);
            assert!(folder.out.join("a").is_file() && !folder.out.join("a").is_symlink());
            assert!(!folder.out.join("b").is_symlink() && target.exists());
        }

        #[test]
        fn the_notes_are_not_written_through_a_link() {
            let folder = Folder::new();
            let outside = folder.out.with_file_name("outside");
            fs::create_dir(&outside).unwrap();
            fs::create_dir(&folder.out).unwrap();
            symlink(&outside, folder.out.join(".skymon")).unwrap();
            assert!(error(&folder, &[("a", "1")], true).contains(".skymon` is not a folder"));
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        }

        #[test]
        fn a_read_only_folder_is_named_and_can_be_checked() {
            let folder = Folder::rendered(&[("a", "1")]);
            let set = |mode| {
                for place in [&folder.out, &folder.out.join(NOTES)] {
                    fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
                }
                fs::set_permissions(folder.out.join(LOCK), fs::Permissions::from_mode(mode & 0o666)).unwrap();
            };
            set(0o555);
            let comparison = compare(&files(&[("a", "2")]), &folder.out).unwrap();
            let unchanged = apply(&files(&[("a", "1")]), &folder.out, false);
            let result = apply(&files(&[("a", "2")]), &folder.out, false);
            set(0o755);
            assert_eq!(comparison.changes().len(), 1);
            assert!(matches!(unchanged.unwrap(), Applied::Done(_)));
            // The superuser may write anywhere.
            if let Err(error) = result {
                let message = format!("{error:#}");
                assert!(message.starts_with("cannot write `") && message.contains(LOCK), "{message}");
            }
        }
    }
}
