//! A folder with a skymon.yaml in it, and the real `skymon` run there as a user would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{self, Output};

pub(crate) struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    /// Without a config yet.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn new(config: &str) -> Self {
        let project = Self::empty();
        project.write("skymon.yaml", config);
        project
    }

    /// A config of `tests/fixtures/stacks`, with the files beside it.
    pub(crate) fn of_fixture(name: &str) -> Self {
        Self::of(&format!("stacks/{name}"))
    }

    /// A config of `tests/fixtures/examples`.
    pub(crate) fn of_example(name: &str) -> Self {
        Self::of(&format!("examples/{name}"))
    }

    /// `tests/fixtures/PATH.yaml`, with what lies in the folder of that name as the files beside it.
    pub(crate) fn of(path: &str) -> Self {
        let project = Self::new(&fixture(&format!("{path}.yaml")));
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
        if beside.is_dir() {
            for path in files_below(&beside) {
                let name = path.to_string_lossy();
                project.write(&name, &fs::read_to_string(beside.join(&path)).expect("reads the file"));
            }
        }
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("lies in the project")).expect("makes the folder");
        fs::write(path, text).expect("writes the file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
    }

    /// Runs `skymon ARGS` here, with nothing of the environment that could change what it says.
    pub(crate) fn skymon(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skymon"));
        command.args(args).current_dir(self.dir.path()).env_clear().env("PATH", "/usr/bin:/bin");
        tools::run(&mut command)
    }

    pub(crate) fn render(&self) -> Output {
        self.skymon(&["render"]).expect_success()
    }
}

pub(crate) fn fixture(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// All files below a folder, with their paths relative to it, in order.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("reads the folder") {
            let path = entry.expect("reads the entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(dir).expect("lies below").to_owned());
            }
        }
    }
    found.sort();
    found
}
