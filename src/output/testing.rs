//! A folder to render into, for the tests of this module.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Applied, apply};

pub(super) fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

pub(super) struct Folder {
    _parent: tempfile::TempDir,
    pub(super) out: PathBuf,
}

impl Folder {
    /// A place where no folder is yet.
    pub(super) fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("monitoring");
        Self { _parent: parent, out }
    }

    pub(super) fn rendered(pairs: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        assert!(matches!(apply(&files(pairs), &folder.out, false).unwrap(), Applied::Done(_)));
        folder
    }

    /// What a person does.
    pub(super) fn put(&self, path: &str, text: &str) {
        let place = self.out.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    pub(super) fn remove(&self, path: &str) {
        fs::remove_file(self.out.join(path)).unwrap();
    }

    pub(super) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.out.join(path)).unwrap()
    }

    /// Every file with its text and every folder (with a `/`), skymon's own included.
    pub(super) fn everything(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        if self.out.exists() {
            collect(&self.out, "", &mut found);
        }
        found
    }

    /// The same without `.skymon`.
    pub(super) fn rendering(&self) -> BTreeMap<String, String> {
        let mut found = self.everything();
        found.retain(|path, _| !path.starts_with(".skymon/"));
        found
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.insert(format!("{path}/"), String::new());
            collect(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}
