//! The user's own files, as skymon writes them: each is old or new, never half. Those that hold secrets are open to the
//! containers' users, in a folder that is closed to everybody else.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Written aside and put in place; the mode is set before there is anything to read.
pub fn put(place: &Path, text: &str) -> Result<()> {
    put_aside(place, text, set_mode).with_context(|| format!("cannot write `{}`", place.display()))
}

/// The same of a file that is there: it keeps its mode, and a link stays one.
pub fn rewrite(place: &Path, text: &str) -> Result<()> {
    let put = || {
        let place = fs::canonicalize(place)?;
        let permissions = fs::metadata(&place)?.permissions();
        put_aside(&place, text, |file| file.set_permissions(permissions))
    };
    put().with_context(|| format!("cannot write `{}`", place.display()))
}

fn put_aside(
    place: &Path,
    text: &str,
    set_mode: impl FnOnce(&File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut aside = place.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    let done = write_aside(&aside, text, set_mode).and_then(|()| fs::rename(&aside, place));
    if done.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&aside);
    }
    done
}

fn write_aside(
    aside: &Path,
    text: &str,
    set_mode: impl FnOnce(&File) -> std::io::Result<()>,
) -> std::io::Result<()> {
    // Left by a run that was killed.
    match fs::remove_file(aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(aside)?;
    set_mode(&file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The folder of a file; `.` for one without.
pub fn parent(place: &Path) -> PathBuf {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A closed folder, if there is none, and what it lies in. Whether there was one.
#[cfg(unix)]
pub fn make_folder(folder: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::create_dir_all(parent(folder))?;
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        // What the umask left of the mode.
        Ok(()) => close_folder(folder).map(|()| false),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
pub fn make_folder(folder: &Path) -> std::io::Result<bool> {
    let is_there = folder.is_dir();
    fs::create_dir_all(folder).map(|()| is_there)
}

#[cfg(unix)]
pub fn is_open(folder: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(folder)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub fn is_open(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(unix)]
pub fn close_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
pub fn close_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn set_mode(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_mode(_: &File) -> std::io::Result<()> {
    Ok(())
}
