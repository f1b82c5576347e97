//! What rendering would do to each file: a decision from three contents (rendered now, on disk, written last).
//!
//! Apart from `write`, because `render --check` and `--diff` must not be able to write anything, not even a lock.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::diff;
use super::disk::{self, Found};
use super::manifest::{self, Hashes, MANIFEST, Manifest, Recorded};
use crate::cores;

/// What would become of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Rendered, not on disk.
    Create,
    /// On disk as rendered.
    Keep,
    /// On disk as skymon wrote it; what is rendered now differs.
    Update,
    /// On disk as neither skymon wrote it nor renders it now.
    Edited,
    /// No longer rendered, on disk as skymon wrote it: removed.
    Obsolete,
    /// No longer rendered, on disk with other content than skymon wrote.
    ObsoleteEdited,
}

impl State {
    /// A person's work stands there: only `--force` touches it.
    pub fn is_conflict(self) -> bool {
        matches!(self, Self::Edited | Self::ObsoleteEdited)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Keep => "keep",
            Self::Update => "update",
            Self::Edited => "edited",
            Self::Obsolete => "remove",
            Self::ObsoleteEdited => "edited, no longer rendered",
        })
    }
}

/// One file that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Relative to the rendered folder, with `/`.
    pub path: String,
    pub state: State,
    pub(super) on_disk: Found,
    pub(super) rendered: Option<String>,
    /// Whether skymon ever wrote a file at this path.
    known: bool,
}

impl Change {
    /// Why it is a conflict, in the words of a message; `None` where it is none.
    pub fn reason(&self) -> Option<String> {
        if !self.state.is_conflict() {
            return None;
        }
        Some(match (&self.on_disk, self.rendered.is_some()) {
            (Found::Nothing, _) => return None,
            (Found::File(_), false) => "edited by hand, and no longer rendered".to_owned(),
            (Found::File(_), true) if self.known => "edited by hand".to_owned(),
            (Found::File(_), true) => "not written by skymon".to_owned(),
            (Found::Link, _) => "a symbolic link stands in its place".to_owned(),
            (Found::Folder, _) => "a folder stands in its place".to_owned(),
            (Found::Special, _) => "not an ordinary file".to_owned(),
            (Found::Blocked { by, link: true }, _) => {
                format!("`{by}` is a symbolic link, and skymon writes only into real folders")
            }
            (Found::Blocked { by, link: false }, _) => format!("`{by}` is not a folder"),
        })
    }

    /// Something that not even `--force` replaces.
    pub(super) fn is_in_the_way(&self) -> bool {
        matches!(self.on_disk, Found::Folder | Found::Special | Found::Blocked { .. })
    }
}

/// All files of a rendering beside what is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    out: PathBuf,
    changes: Vec<Change>,
    kept: usize,
    notes: Vec<String>,
    /// The manifest that is there (or a damaged one) is not the one that belongs to these files.
    manifest_outdated: bool,
    manifest_missing: bool,
    /// Skymon's own content that stands on disk now, to be remembered while new content is written.
    pub(super) known: Hashes,
    /// Paths of the manifest that are neither rendered nor on disk; their folders may still be there, empty.
    pub(super) gone: Vec<String>,
}

impl Comparison {
    /// Everything but the files to keep, sorted by path.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How many files are as they should be.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// What the user should know beside the files: about the manifest.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether rendering would change nothing. A manifest that is absent does not count: nothing is known to be wrong.
    pub fn is_clean(&self) -> bool {
        self.changes.is_empty() && !self.manifest_outdated
    }

    /// The files that keep `apply` from writing, sorted by path.
    pub fn conflicts(&self) -> Vec<&Change> {
        self.changes.iter().filter(|change| change.state.is_conflict()).collect()
    }

    /// A unified diff of everything that differs, edits included: from what is on disk to what is rendered.
    pub fn diff(&self) -> String {
        let label =
            self.out.file_name().map_or_else(|| self.out.to_string_lossy(), |name| name.to_string_lossy());
        self.changes.iter().map(|change| diff::of(change, &label)).collect()
    }

    /// Clean, and the manifest says so too.
    pub(super) fn is_settled(&self) -> bool {
        self.is_clean() && !self.manifest_missing
    }
}

/// Compares `files` (path below `out`, with `/`, to text) with the folder `out`. Reads only.
pub fn compare(files: &BTreeMap<String, String>, out: &Path) -> anyhow::Result<Comparison> {
    refuse_paths_outside(files)?;
    refuse_other_than_a_folder(out)?;

    let mut recorded = Manifest::read(out)?;
    let mut comparison = compare_with(&recorded, files, out)?;
    // Another run may be writing right now. What it puts in place is known by a newer manifest, and is no edit.
    for _ in 0..MEANWHILE {
        let now = Manifest::read(out)?;
        if comparison.conflicts().is_empty() || now == recorded {
            break;
        }
        recorded = now;
        comparison = compare_with(&recorded, files, out)?;
    }
    Ok(comparison)
}

/// So many other runs may write while one looks.
const MEANWHILE: usize = 20;

fn compare_with(
    recorded: &Recorded,
    files: &BTreeMap<String, String>,
    out: &Path,
) -> anyhow::Result<Comparison> {
    let empty = Manifest::empty();
    let manifest = if let Recorded::Read(manifest) = recorded { manifest } else { &empty };

    let rendered = Manifest::of(files);
    let mut comparison = Comparison {
        out: out.to_path_buf(),
        changes: Vec::new(),
        kept: 0,
        notes: Vec::new(),
        manifest_outdated: match recorded {
            Recorded::Missing => false,
            Recorded::Damaged(_) => true,
            Recorded::Read(manifest) => *manifest != rendered,
        },
        manifest_missing: matches!(recorded, Recorded::Missing),
        known: Hashes::new(),
        gone: Vec::new(),
    };
    let found = cores::map(files.keys().collect(), |path| disk::look(out, path));
    for ((path, text), found) in files.iter().zip(found) {
        comparison.add_rendered(path, text, &rendered.files[path], found?, manifest);
    }
    for path in manifest.paths() {
        if !files.contains_key(path) {
            comparison.add_no_longer_rendered(path, disk::look(out, path)?, manifest);
        }
    }
    comparison.changes.sort_by(|a, b| a.path.cmp(&b.path));
    comparison.notes = comparison.note_on(recorded).into_iter().collect();
    Ok(comparison)
}

impl Comparison {
    fn add_rendered(&mut self, path: &str, text: &str, hash: &str, found: Found, manifest: &Manifest) {
        let is_same = matches!(&found, Found::File(bytes) if bytes == text.as_bytes());
        let on_disk = if is_same { Some(hash.to_owned()) } else { found.hash() };
        let ours = self.remember(path, on_disk, manifest);
        let state = match &found {
            Found::Nothing => State::Create,
            Found::File(_) if is_same => State::Keep,
            Found::File(_) if ours => State::Update,
            _ => State::Edited,
        };
        if state == State::Keep {
            self.kept += 1;
        } else {
            self.add(path, state, found, Some(text.to_owned()), manifest);
        }
    }

    fn add_no_longer_rendered(&mut self, path: &str, found: Found, manifest: &Manifest) {
        let ours = self.remember(path, found.hash(), manifest);
        match found {
            Found::File(_) if ours => self.add(path, State::Obsolete, found, None, manifest),
            Found::File(_) | Found::Link => self.add(path, State::ObsoleteEdited, found, None, manifest),
            // Whatever stands there instead is not the file that skymon wrote: nothing to remove, nothing to lose.
            Found::Nothing | Found::Folder | Found::Special | Found::Blocked { .. } => {
                self.gone.push(path.to_owned());
            }
        }
    }

    fn add(
        &mut self,
        path: &str,
        state: State,
        on_disk: Found,
        rendered: Option<String>,
        manifest: &Manifest,
    ) {
        let known = manifest.last_hash(path).is_some();
        self.changes.push(Change { path: path.to_owned(), state, on_disk, rendered, known });
    }

    /// Keeps the hash by which the next run would know skymon's content at `path`, should this one be killed. Says
    /// whether what is on disk is skymon's.
    fn remember(&mut self, path: &str, on_disk: Option<String>, manifest: &Manifest) -> bool {
        let on_disk = on_disk.filter(|hash| manifest.wrote(path, hash));
        let ours = on_disk.is_some();
        if let Some(hash) = on_disk.or_else(|| manifest.last_hash(path).cloned()) {
            self.known.insert(path.to_owned(), hash);
        }
        ours
    }

    fn note_on(&self, recorded: &Recorded) -> Option<String> {
        let place = self.out.join(MANIFEST);
        let place = place.display();
        let on_disk = self.kept > 0 || self.changes.iter().any(|change| change.on_disk != Found::Nothing);
        match recorded {
            Recorded::Damaged(why) => Some(format!(
                "`{place}` {why}: every file that differs counts as edited by hand; `skymon render` writes a new one"
            )),
            Recorded::Missing if on_disk => Some(format!(
                "`{place}` is missing: every file that differs counts as edited by hand; it belongs in git"
            )),
            Recorded::Read(Manifest { pending: Some(_), .. }) => {
                Some("the last `skymon render` was interrupted; the next one finishes it".to_owned())
            }
            Recorded::Read(_) if self.changes.is_empty() && self.manifest_outdated => Some(format!(
                "`{place}` is not that of these files (a merge, perhaps): `skymon render` mends it"
            )),
            Recorded::Missing | Recorded::Read(_) => None,
        }
    }
}

fn refuse_paths_outside(files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    match files.keys().find(|path| !manifest::is_inside(path)) {
        Some(path) => bail!("cannot render `{path}`: not a path inside the rendered folder"),
        None => Ok(()),
    }
}

fn refuse_other_than_a_folder(out: &Path) -> anyhow::Result<()> {
    match std::fs::metadata(out) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => bail!("cannot render into `{}`: it is not a folder", out.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", out.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::output::testing::{Folder, files};
    use crate::output::{Applied, apply};
    use crate::source::sha256;

    fn states(folder: &Folder, rendered: &[(&str, &str)]) -> Vec<(String, State)> {
        let comparison = compare(&files(rendered), &folder.out).unwrap();
        comparison.changes().iter().map(|change| (change.path.clone(), change.state)).collect()
    }

    fn state(folder: &Folder, rendered: &[(&str, &str)]) -> Option<State> {
        let found = states(folder, rendered);
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(|(_, state)| *state)
    }

    #[test]
    fn each_state_follows_from_what_is_rendered_on_disk_and_written_last() {
        let folder = Folder::rendered(&[("a/x", "1")]);
        assert_eq!(state(&folder, &[("a/x", "1")]), None);
        assert_eq!(state(&folder, &[("a/x", "2")]), Some(State::Update));
        assert_eq!(state(&folder, &[]), Some(State::Obsolete));
        folder.put("a/x", "mine");
        assert_eq!(state(&folder, &[("a/x", "1")]), Some(State::Edited));
        assert_eq!(state(&folder, &[("a/x", "2")]), Some(State::Edited));
        assert_eq!(state(&folder, &[("a/x", "mine")]), None);
        assert_eq!(state(&folder, &[]), Some(State::ObsoleteEdited));
        folder.remove("a/x");
        assert_eq!(state(&folder, &[("a/x", "1")]), Some(State::Create));
        assert_eq!(state(&folder, &[]), None);
    }

    #[test]
    fn changes_are_sorted_whatever_their_state() {
        let folder = Folder::rendered(&[("b", "1"), ("d", "1")]);
        folder.put("c", "mine");
        assert_eq!(
            states(&folder, &[("a", "1"), ("c", "1"), ("d", "2")]),
            [("a", State::Create), ("b", State::Obsolete), ("c", State::Edited), ("d", State::Update)]
                .map(|(path, state)| (path.to_owned(), state))
        );
    }

    #[test]
    fn a_comparison_writes_nothing_where_nothing_is() {
        let folder = Folder::new();
        let comparison = compare(&files(&[("a", "1")]), &folder.out).unwrap();
        assert_eq!(comparison.changes()[0].state, State::Create);
        assert!(!comparison.is_clean() && comparison.conflicts().is_empty() && comparison.notes().is_empty());
        assert!(!folder.out.exists());
    }

    #[test]
    fn a_clone_without_a_manifest_is_clean_and_says_so() {
        let folder = Folder::rendered(&[("a", "1"), ("b", "1")]);
        fs::remove_dir_all(folder.out.join(".skymon")).unwrap();
        let comparison = compare(&files(&[("a", "1"), ("b", "1")]), &folder.out).unwrap();
        assert!(comparison.is_clean());
        assert_eq!(comparison.kept(), 2);
        assert!(comparison.notes()[0].contains("is missing"), "{:?}", comparison.notes());
        assert_eq!(state(&folder, &[("a", "1"), ("b", "2")]), Some(State::Edited));
    }

    #[test]
    fn a_damaged_manifest_adopts_what_is_equal_and_protects_the_rest() {
        for damage in
            ["", "{", "<<<<<<< HEAD\n{}\n=======\n>>>>>>> x\n", "{\"version\":9,\"files\":{}}", "\u{0}"]
        {
            let folder = Folder::rendered(&[("a", "1"), ("b", "1")]);
            folder.put(MANIFEST, damage);
            let comparison = compare(&files(&[("a", "1"), ("b", "2")]), &folder.out).unwrap();
            assert_eq!(comparison.kept(), 1);
            assert_eq!(comparison.conflicts()[0].path, "b");
            assert_eq!(comparison.notes().len(), 1);

            let same = files(&[("a", "1"), ("b", "1")]);
            assert!(!compare(&same, &folder.out).unwrap().is_clean(), "the manifest itself has to be mended");
            assert!(matches!(apply(&same, &folder.out, false).unwrap(), Applied::Done(_)));
            assert!(compare(&same, &folder.out).unwrap().is_clean());
        }
    }

    #[test]
    fn a_manifest_of_other_files_is_drift_and_is_mended() {
        let folder = Folder::rendered(&[("a", "1")]);
        folder.put("a", "2");
        let merged = files(&[("a", "2")]);
        let comparison = compare(&merged, &folder.out).unwrap();
        assert!(comparison.changes().is_empty() && !comparison.is_clean());
        assert!(comparison.notes()[0].contains("a merge, perhaps"));
        apply(&merged, &folder.out, false).unwrap();
        assert_eq!(state(&folder, &[("a", "3")]), Some(State::Update));
    }

    #[test]
    fn a_manifest_cannot_name_files_outside() {
        let folder = Folder::rendered(&[("a", "1")]);
        let outside = folder.out.parent().unwrap().join("outside");
        fs::write(&outside, "1").unwrap();
        let hash = sha256(b"1");
        let paths = ["../outside", outside.to_str().unwrap(), "x/../../outside", ".skymon/manifest.json"];
        let entries: Vec<String> = paths.iter().map(|path| format!("\"{path}\":\"{hash}\"")).collect();
        folder.put(MANIFEST, &format!("{{\"version\":1,\"files\":{{{}}}}}", entries.join(",")));

        assert_eq!(states(&folder, &[("a", "1")]), []);
        apply(&files(&[("a", "1")]), &folder.out, true).unwrap();
        assert!(outside.exists() && folder.out.join(MANIFEST).exists());
        assert!(!folder.text(MANIFEST).contains("outside"));
    }

    #[test]
    fn a_path_outside_is_never_rendered() {
        let error = compare(&files(&[("../x", "1")]), &Folder::new().out).unwrap_err();
        assert_eq!(error.to_string(), "cannot render `../x`: not a path inside the rendered folder");
    }

    #[test]
    fn the_folder_must_be_one() {
        let folder = Folder::new();
        fs::write(&folder.out, "").unwrap();
        assert!(compare(&files(&[]), &folder.out).unwrap_err().to_string().ends_with("it is not a folder"));
    }

    #[test]
    fn reasons_tell_an_edit_from_a_stranger() {
        let folder = Folder::rendered(&[("edited", "1"), ("old", "1")]);
        folder.put("edited", "mine");
        folder.put("old", "mine");
        folder.put("stranger", "mine");
        fs::create_dir(folder.out.join("folder")).unwrap();
        let rendered = files(&[("edited", "1"), ("folder", "1"), ("stranger", "1"), ("stranger/x", "1")]);
        let comparison = compare(&rendered, &folder.out).unwrap();
        let reasons: Vec<String> =
            comparison.conflicts().iter().filter_map(|change| change.reason()).collect();
        assert_eq!(
            reasons,
            [
                "edited by hand",
                "a folder stands in its place",
                "edited by hand, and no longer rendered",
                "not written by skymon",
                "`stranger` is not a folder"
            ]
        );
    }

    #[test]
    fn no_longer_rendered_and_replaced_by_a_folder_is_nobodys_conflict() {
        let folder = Folder::rendered(&[("a", "1"), ("b/c", "1")]);
        folder.remove("a");
        folder.put("a/mine", "mine");
        fs::remove_dir_all(folder.out.join("b")).unwrap();
        folder.put("b", "mine");
        assert_eq!(states(&folder, &[]), []);
        apply(&files(&[]), &folder.out, false).unwrap();
        assert_eq!((folder.text("a/mine"), folder.text("b")), ("mine".to_owned(), "mine".to_owned()));
    }
}
