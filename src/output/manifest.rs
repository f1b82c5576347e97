//! `.skymon/manifest.json`: the hash of each file as skymon wrote it last and, while it writes, of what it is about to.
//!
//! Apart from `compare`, because the file comes from a git checkout: it may be absent, merged badly or written by a
//! stranger, and whoever compares should not have to think of that.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::cores;
use crate::source::sha256;

/// Where the manifest stands in the rendered folder.
pub const MANIFEST: &str = ".skymon/manifest.json";

const VERSION: u32 = 1;

/// Path to hash, in hex.
pub(super) type Hashes = BTreeMap<String, String>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    version: u32,
    pub(super) files: Hashes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Hashes>,
}

/// What a look for the manifest found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    Missing,
    /// Why it cannot be used, to follow "the manifest …".
    Damaged(String),
    Read(Manifest),
}

impl Manifest {
    /// The manifest of a folder that holds exactly `files`.
    pub(super) fn of(files: &BTreeMap<String, String>) -> Self {
        let hashed = |(path, text): (&String, &String)| (path.clone(), sha256(text.as_bytes()));
        let files = cores::map(files.iter().collect(), hashed).into_iter().collect();
        Self { version: VERSION, files, pending: None }
    }

    /// The manifest while `files` are being written over what is `known` to be skymon's on disk now.
    pub(super) fn on_the_way(known: Hashes, files: &BTreeMap<String, String>) -> Self {
        Self { version: VERSION, files: known, pending: Some(Self::of(files).files) }
    }

    pub(super) fn empty() -> Self {
        Self::of(&BTreeMap::new())
    }

    pub(super) fn read(out: &Path) -> anyhow::Result<Recorded> {
        let place = out.join(MANIFEST);
        match std::fs::read(&place) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Recorded::Missing),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", place.display())),
        }
    }

    fn parse(bytes: &[u8]) -> Recorded {
        match serde_json::from_slice::<Self>(bytes) {
            Ok(manifest) if manifest.version == VERSION => Recorded::Read(manifest),
            Ok(manifest) => {
                Recorded::Damaged(format!("has version {}, this skymon knows {VERSION}", manifest.version))
            }
            Err(_) if bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<<")) => {
                Recorded::Damaged("holds an unresolved merge conflict".to_owned())
            }
            Err(error) => Recorded::Damaged(format!("cannot be read ({error})")),
        }
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and a number are always JSON");
        text.push('\n');
        text
    }

    /// Every path that skymon wrote or was about to write. Paths that lead elsewhere are not among them: whoever can
    /// change the manifest must not be able to have other files removed.
    pub(super) fn paths(&self) -> BTreeSet<&str> {
        let pending = self.pending.iter().flat_map(BTreeMap::keys);
        self.files.keys().chain(pending).map(String::as_str).filter(|path| is_inside(path)).collect()
    }

    /// Whether skymon itself put these bytes there: in its last run, or in one that was killed.
    pub(super) fn wrote(&self, path: &str, hash: &str) -> bool {
        let pending = self.pending.as_ref().and_then(|pending| pending.get(path));
        [self.files.get(path), pending].into_iter().flatten().any(|written| written == hash)
    }

    /// The hash to remember for a path whose content on disk is not skymon's.
    pub(super) fn last_hash(&self, path: &str) -> Option<&String> {
        self.files.get(path).or_else(|| self.pending.as_ref()?.get(path))
    }
}

/// Whether `path` names a file below the folder, by plain names, and not one of skymon's own notes.
pub(super) fn is_inside(path: &str) -> bool {
    let plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', ':', '\0']);
    // Some file systems ignore case, so `.SkyMon` is the same folder.
    let notes = path.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(".skymon"));
    path.split('/').all(plain) && !notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_manifest_is_sorted_ends_with_a_newline_and_has_no_pending_at_rest() {
        let text = Manifest::of(&files(&[("b", ""), ("a/x.yml", "hello\n")])).to_text();
        assert_eq!(
            text,
            concat!(
                "{\n  \"version\": 1,\n  \"files\": {\n",
                "    \"a/x.yml\": \"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\",\n",
                "    \"b\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n",
                "  }\n}\n"
            )
        );
    }

    #[test]
    fn a_manifest_on_the_way_reads_back_as_written() {
        let manifest = Manifest::on_the_way(Manifest::of(&files(&[("a", "1")])).files, &files(&[("a", "2")]));
        let Recorded::Read(read) = Manifest::parse(manifest.to_text().as_bytes()) else {
            panic!("unreadable")
        };
        assert_eq!(read, manifest);
        assert!(
            read.wrote("a", &sha256(b"1"))
                && read.wrote("a", &sha256(b"2"))
                && !read.wrote("a", &sha256(b"3"))
        );
    }

    #[test]
    fn damage_is_said_in_words() {
        let said = |bytes: &[u8]| match Manifest::parse(bytes) {
            Recorded::Damaged(why) => why,
            other => panic!("{other:?}"),
        };
        assert!(said(b"{\n<<<<<<< HEAD\n\"a\"\n=======\n>>>>>>> b\n").contains("merge conflict"));
        assert!(said(b"").contains("cannot be read"));
        assert!(said(b"\xff\xfe").contains("cannot be read"));
        assert!(said(b"[]").contains("cannot be read"));
        assert!(said(br#"{"version":1,"files":{"a":1}}"#).contains("cannot be read"));
        assert!(said(br#"{"version":2,"files":{}}"#).contains("version 2"));
    }

    #[test]
    fn only_plain_paths_below_the_folder_are_inside() {
        for path in ["a", "a/b.yml", "..a/b..", ".env", "a/.skymon"] {
            assert!(is_inside(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/../../b",
            "a//b",
            "./a",
            "a/",
            "C:/x",
            "a\\..\\b",
            "a\0",
        ] {
            assert!(!is_inside(path), "{path}");
        }
        for path in [".skymon/lock", ".skymon", ".SKYMON/manifest.json"] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
