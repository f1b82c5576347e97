//! Every touch of the file system: one way to look at a place, and the few steps that change something.
//!
//! Apart from `compare` and `write`, so that no symbolic link is ever followed by oversight, each error names its path,
//! and the tests can stop between any two steps as a kill would.

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::source::sha256;

/// What stands at a path of the rendered folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    File(Vec<u8>),
    Link,
    Folder,
    /// A pipe, a socket, a device: never opened, it could block.
    Special,
    /// A parent that is not a real folder, so that the path itself is out of reach.
    Blocked {
        by: String,
        link: bool,
    },
}

impl Found {
    /// Of a file, that of its content.
    pub(super) fn hash(&self) -> Option<String> {
        match self {
            Found::File(bytes) => Some(sha256(bytes)),
            _ => None,
        }
    }
}

/// Looks at `path` below `out` without following a symbolic link. `out` itself may be one.
pub(super) fn look(out: &Path, path: &str) -> anyhow::Result<Found> {
    for (end, _) in path.match_indices('/') {
        let parent = &path[..end];
        match stat(&out.join(parent))? {
            None => return Ok(Found::Nothing),
            Some(metadata) if metadata.is_dir() => {}
            Some(metadata) => {
                return Ok(Found::Blocked { by: parent.to_owned(), link: metadata.is_symlink() });
            }
        }
    }
    let place = out.join(path);
    Ok(match stat(&place)? {
        None => Found::Nothing,
        Some(metadata) if metadata.is_symlink() => Found::Link,
        Some(metadata) if metadata.is_dir() => Found::Folder,
        Some(metadata) if !metadata.is_file() => Found::Special,
        Some(_) => {
            Found::File(fs::read(&place).with_context(|| format!("cannot read `{}`", place.display()))?)
        }
    })
}

fn stat(place: &Path) -> anyhow::Result<Option<Metadata>> {
    match fs::symlink_metadata(place) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", place.display())),
    }
}

/// The steps that change the disk. A kill can only come before or after each of the calls to the system in here.
#[derive(Default)]
pub(super) struct Steps {
    /// Called before each step with its number; an error stops the run there, and nothing cleans up after it.
    #[cfg(test)]
    pub(super) before: Option<Box<dyn FnMut(usize) -> anyhow::Result<()>>>,
    #[cfg(test)]
    pub(super) taken: usize,
}

impl Steps {
    /// A new file that a container's user can read, whatever the umask.
    pub(super) fn create(&mut self, place: &Path, text: &str) -> anyhow::Result<()> {
        let cannot = || format!("cannot write `{}`", place.display());
        self.step()?;
        let mut file = File::create_new(place).with_context(cannot)?;
        self.step()?;
        file.write_all(text.as_bytes()).with_context(cannot)?;
        self.step()?;
        set_mode(place, 0o644).with_context(cannot)
    }

    /// `place` and the folders above it, as far as they are missing.
    pub(super) fn create_folders(&mut self, place: &Path) -> anyhow::Result<()> {
        let missing: Vec<PathBuf> = place
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
            .map(Path::to_path_buf)
            .collect();
        for folder in missing.iter().rev() {
            let cannot = || format!("cannot create the folder `{}`", folder.display());
            self.step()?;
            fs::create_dir(folder).with_context(cannot)?;
            self.step()?;
            set_mode(folder, 0o755).with_context(cannot)?;
        }
        Ok(())
    }

    /// The only way anything comes into place: the old bytes or the new ones, never a part.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> anyhow::Result<()> {
        self.step()?;
        fs::rename(from, to).with_context(|| format!("cannot write `{}`", to.display()))
    }

    pub(super) fn remove_file(&mut self, place: &Path) -> anyhow::Result<()> {
        self.step()?;
        fs::remove_file(place).with_context(|| format!("cannot remove `{}`", place.display()))
    }

    pub(super) fn remove_folder_if_empty(&mut self, place: &Path) -> anyhow::Result<()> {
        self.step()?;
        match fs::remove_dir(place) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
            other => other.with_context(|| format!("cannot remove `{}`", place.display())),
        }
    }

    /// For skymon's own temporary folder only.
    pub(super) fn remove_tree(&mut self, place: &Path) -> anyhow::Result<()> {
        if stat(place)?.is_none() {
            return Ok(());
        }
        self.step()?;
        fs::remove_dir_all(place).with_context(|| format!("cannot remove `{}`", place.display()))
    }

    /// The file to lock; it stays, since removing it would let two runs lock two different files.
    pub(super) fn open_lock(&mut self, place: &Path) -> anyhow::Result<File> {
        self.step()?;
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(place)
            .with_context(|| format!("cannot write `{}`", place.display()))
    }

    #[cfg(test)]
    fn step(&mut self) -> anyhow::Result<()> {
        self.taken += 1;
        self.before.as_mut().map_or(Ok(()), |before| before(self.taken))
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the tests stop a run here")]
    fn step(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn set_mode(place: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(place, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_look_tells_what_stands_there_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path();
        fs::create_dir(out.join("folder")).unwrap();
        fs::write(out.join("folder/file"), "text").unwrap();
        symlink(out.join("folder"), out.join("link")).unwrap();
        symlink("nowhere", out.join("dangling")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(out.join("socket")).unwrap();

        let blocked = |by: &str, link| Found::Blocked { by: by.to_owned(), link };
        for (path, expected) in [
            ("folder/file", Found::File(b"text".to_vec())),
            ("folder", Found::Folder),
            ("link", Found::Link),
            ("dangling", Found::Link),
            ("socket", Found::Special),
            ("folder/none", Found::Nothing),
            ("none/none/none", Found::Nothing),
            ("link/file", blocked("link", true)),
            ("folder/file/x", blocked("folder/file", false)),
        ] {
            assert_eq!(look(out, path).unwrap(), expected, "{path}");
        }
    }
}
