//! Where the config and the stack are, and how one finds the other.

use std::path::{Component, Path, PathBuf, absolute};

use anyhow::{Context as _, Result};

use super::apply::shell_word;
use crate::cli::Paths;

pub(super) struct StackPaths {
    pub(super) config: PathBuf,
    pub(super) out: PathBuf,
}

impl StackPaths {
    pub(super) fn new(paths: &Paths) -> Self {
        let config = paths.config.clone().unwrap_or_else(|| PathBuf::from("skymon.yaml"));
        let out = paths.out.clone().unwrap_or_else(|| config.with_file_name("monitoring"));
        Self { config, out }
    }

    /// `skymon ARGS` for this config and this stack, to be pasted into a shell.
    pub(super) fn skymon(&self, args: &str) -> String {
        let mut command = format!("skymon {args}{}", self.config_flag());
        if self.out != self.config.with_file_name("monitoring") {
            command.push_str(&format!(" -o {}", shell_word(&self.out.to_string_lossy())));
        }
        command
    }

    /// ` -c FILE`, where the config is not the usual one.
    pub(super) fn config_flag(&self) -> String {
        if self.config == Path::new("skymon.yaml") {
            return String::new();
        }
        format!(" -c {}", shell_word(&self.config.to_string_lossy()))
    }

    /// A file or folder of the config, as the user would name it from here.
    pub(super) fn beside_config(&self, path: &str) -> PathBuf {
        self.config.with_file_name(path)
    }

    /// Whether a folder and that of the stack lie in one another.
    pub(super) fn meets_stack(&self, folder: &Path) -> Result<bool> {
        let (folder, out) = (normal(folder)?, normal(&self.out)?);
        Ok(folder.starts_with(&out) || out.starts_with(&folder))
    }

    /// The config's folder: paths in it are relative to that.
    pub(super) fn config_dir(&self) -> PathBuf {
        match self.config.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// The config's folder as the compose file names it.
    pub(super) fn config_dir_from_out(&self) -> Result<String> {
        let (from, to) = (normal(&self.out)?, normal(&self.config_dir())?);
        let relative = relative(&from, &to);
        let text =
            relative.to_str().with_context(|| format!("the path `{}` is not UTF-8", relative.display()))?;
        Ok(text.to_owned())
    }
}

/// Absolute, without `.` and `..`.
fn normal(path: &Path) -> Result<PathBuf> {
    let path = absolute(path).with_context(|| format!("cannot find where `{}` is", path.display()))?;
    Ok(path.components().fold(PathBuf::new(), |mut normal, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
        normal
    }))
}

fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common)).collect();
    // Compose takes a path without a leading `.` for the name of a volume.
    if path.starts_with("..") { path } else { Path::new(".").join(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compose_file_finds_the_config_from_wherever_it_stands() {
        let relative = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(relative("/a/monitoring", "/a"), "..");
        assert_eq!(relative("/a/x/y", "/a"), "../..");
        assert_eq!(relative("/out", "/home/me"), "../home/me");
        assert_eq!(relative("/a", "/a"), "./");
        assert_eq!(relative("/a", "/a/b"), "./b");
    }
}
