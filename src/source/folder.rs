//! The files of a folder that the user named. Apart from `SourceFile`, because the folder may be the wrong one: a whole
//! disk, a loop of links, or something that is no file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// More files than anybody wrote for a stack: it is another folder.
const MAX_FILES: usize = 2000;
/// Deeper than any template lies.
const MAX_DEPTH: usize = 8;

/// The folder holds more than was ever meant for skymon.
#[derive(Debug)]
pub struct TooMany;

/// All regular files below a folder as paths relative to it, in order. Hidden files and what editors leave behind
/// are not the user's work; a link to a folder is not followed, it may lead anywhere.
pub fn files_below(folder: &Path) -> anyhow::Result<Result<Vec<PathBuf>, TooMany>> {
    let mut found = Vec::new();
    let mut folders = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = folders.pop() {
        let place = folder.join(&below);
        let cannot = || format!("cannot read {}", place.display());
        for entry in fs::read_dir(&place).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if text.starts_with('.') || text.ends_with('~') {
                continue;
            }
            let path = below.join(&name);
            if entry.file_type().with_context(cannot)?.is_dir() {
                if depth < MAX_DEPTH {
                    folders.push((path, depth + 1));
                }
            } else if entry.path().is_file() {
                found.push(path);
            }
            if found.len() + folders.len() > MAX_FILES {
                return Ok(Err(TooMany));
            }
        }
    }
    found.sort();
    Ok(Ok(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_files_and_nothing_hidden_linked_or_special() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["b/deep/c.yml", "a.yml", ".hidden", ".git/config", "a.yml~"] {
            fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            fs::write(dir.path().join(path), "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        let found = files_below(dir.path()).unwrap().unwrap();
        assert_eq!(found, [Path::new("a.yml"), Path::new("b/deep/c.yml")]);
    }

    #[test]
    fn a_folder_of_too_many_files_is_another_one_and_a_missing_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..=MAX_FILES {
            fs::write(dir.path().join(number.to_string()), "").unwrap();
        }
        assert!(files_below(dir.path()).unwrap().is_err());
        assert!(files_below(&dir.path().join("none")).is_err());
    }
}
