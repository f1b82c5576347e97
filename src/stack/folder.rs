//! Where the files of a stack come from: memory, as they were just rendered, or a folder on disk. Everything after this
//! asks by a path relative to the stack's folder and does not know which it is.
//!
//! Apart from the reading, because the folder may be the wrong one: far too large, a loop of links, something that is no file.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostics::Diagnostic;
use crate::source::SourceFile;

/// Deeper than anybody keeps the configuration of a stack.
const MAX_DEPTH: usize = 8;
/// More entries than this are not looked through.
const MAX_ENTRIES: usize = 20_000;
/// Folders of other people's code.
const SKIPPED: [&str; 5] = ["node_modules", "target", "vendor", "__pycache__", "venv"];

/// The files of one stack.
pub enum Folder {
    /// Path → text. What lies outside is not known.
    Memory {
        root: PathBuf,
        files: Arc<BTreeMap<String, String>>,
    },
    Disk {
        root: PathBuf,
    },
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Missing,
    /// It belongs to the machine that the stack runs on, or could not be looked at.
    Unknown,
}

/// What came of reading a file.
pub enum Read {
    Text(SourceFile),
    Missing,
    /// The world or the file did not let us; the finding says why.
    Refused(Box<Diagnostic>),
}

impl Folder {
    pub fn root(&self) -> &Path {
        match self {
            Self::Memory { root, .. } | Self::Disk { root } => root,
        }
    }

    /// A file as the user would name it from here.
    pub fn name(&self, path: &str) -> String {
        if self.root().as_os_str().is_empty() || self.root() == Path::new(".") {
            return path.to_owned();
        }
        self.root().join(path).display().to_string()
    }

    pub fn kind(&self, path: &str) -> Kind {
        match self {
            Self::Memory { files, .. } => {
                let below = format!("{path}/");
                if path.starts_with("..") {
                    Kind::Unknown
                } else if files.contains_key(path) {
                    Kind::File
                } else if path.is_empty()
                    || files.range(below.clone()..).next().is_some_and(|(file, _)| file.starts_with(&below))
                {
                    Kind::Folder
                } else {
                    Kind::Missing
                }
            }
            Self::Disk { root } => match fs::metadata(root.join(path)) {
                Ok(meta) if meta.is_dir() => Kind::Folder,
                Ok(meta) if meta.is_file() => Kind::File,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Kind::Missing,
                _ => Kind::Unknown,
            },
        }
    }

    /// How many bytes a file has; none where it cannot be looked at.
    pub fn size(&self, path: &str) -> u64 {
        match self {
            Self::Memory { files, .. } => files.get(path).map_or(0, |text| text.len() as u64),
            Self::Disk { root } => fs::metadata(root.join(path)).map_or(0, |meta| meta.len()),
        }
    }

    /// Whether the file may be run as a program. What skymon renders may not: nobody runs it. `None` where it cannot be known.
    pub fn is_executable(&self, path: &str) -> Option<bool> {
        match self {
            Self::Memory { files, .. } => files.contains_key(path).then_some(false),
            Self::Disk { root } => mode(&root.join(path)).map(|(_, mode)| mode & 0o111 != 0),
        }
    }

    /// Whether a user may write into a folder. `None` where it cannot be known.
    pub fn is_writable(&self, path: &str, user: u32) -> Option<bool> {
        match (self, self.kind(path)) {
            // Docker makes it, as root.
            (_, Kind::Missing) => Some(false),
            (Self::Disk { root }, Kind::Folder) => {
                let (owner, mode) = mode(&root.join(path))?;
                // The images' users are in the group of root, or in none that a folder of the machine would be of.
                Some(mode & 0o002 != 0 || owner == user && mode & 0o200 != 0)
            }
            _ => None,
        }
    }

    /// Whether git is told to leave the file out: then it is made where it is needed. Read as far as it concerns one file.
    pub fn is_ignored(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let fits = |folder: &str, line: &str| {
            let line = line.trim();
            let below = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
            match line.trim_start_matches("**/").strip_prefix('/').unwrap_or(line) {
                plain if plain.trim_end_matches('/').contains('/') => matches_glob(plain, below),
                plain => {
                    matches_glob(plain, name)
                        || below.split('/').any(|part| plain.trim_end_matches('/') == part)
                }
            }
        };
        ["", folder].iter().any(|folder| match self.read(&join(folder, ".gitignore").unwrap_or_default()) {
            Read::Text(source) => source.text.lines().any(|line| !line.is_empty() && fits(folder, line)),
            _ => false,
        })
    }

    pub fn read(&self, path: &str) -> Read {
        let name = self.name(path);
        match self {
            Self::Memory { files, .. } => match files.get(path) {
                Some(text) => Read::Text(SourceFile::new(name, text.clone())),
                None => Read::Missing,
            },
            Self::Disk { root } => match self.kind(path) {
                Kind::Missing => Read::Missing,
                // A pipe would be waited for, a device read for ever.
                Kind::Folder | Kind::Unknown => {
                    let wrong = format!("`{name}` is no file that can be read");
                    Read::Refused(Box::new(Diagnostic::note("not-read", wrong).at_file(name, "")))
                }
                Kind::File => match SourceFile::read(&root.join(path)) {
                    Ok(Ok(source)) => Read::Text(source.named(name)),
                    Ok(Err(not_text)) => Read::Refused(Box::new(as_note(not_text))),
                    Err(error) => {
                        let wrong = Diagnostic::note("not-read", format!("{error:#}"));
                        Read::Refused(Box::new(wrong.at_file(name, "")))
                    }
                },
            },
        }
    }

    /// The files in a folder, and in those below where `deep`, in order.
    pub fn files_in(&self, folder: &str, deep: bool) -> Vec<String> {
        let mut found = Vec::new();
        match self {
            Self::Memory { files, .. } => {
                let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
                found.extend(
                    files
                        .range(below.clone()..)
                        .map(|(path, _)| path)
                        .take_while(|path| path.starts_with(&below))
                        .filter(|path| deep || !path[below.len()..].contains('/'))
                        .cloned(),
                );
            }
            Self::Disk { root } => walk(root, folder, if deep { MAX_DEPTH } else { 0 }, &mut found),
        }
        found.sort();
        found
    }

    /// The files that a pattern of a shell names, as Go's `filepath.Glob` reads it: `*` and `?` within one name, `[…]`.
    pub fn glob(&self, pattern: &str) -> Vec<String> {
        let (folder, _) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let wild = folder.split('/').position(|part| part.contains(['*', '?', '[']));
        let parts: Vec<&str> = folder.split('/').collect();
        let (start, deep) = match wild {
            Some(at) => (parts[..at].join("/"), true),
            None => (folder.to_owned(), false),
        };
        let mut found = self.files_in(&start, deep);
        found.retain(|path| matches_glob(pattern, path));
        found
    }
}

/// Owner and permissions, where the system has such a thing.
#[cfg(unix)]
fn mode(path: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|meta| (meta.uid(), meta.mode()))
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<(u32, u32)> {
    None
}

/// Whether a path fits a pattern, part for part.
pub(super) fn matches_glob(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(pattern, name)| {
            let pattern: Vec<char> = pattern.chars().collect();
            let name: Vec<char> = name.chars().collect();
            fits(&pattern, &name)
        })
}

/// Greedy with one way back, so that no pattern takes long.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(length) = one(&pattern[p..], name[n]) {
            p += length;
            n += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How much of the pattern stands for this one letter.
fn one(pattern: &[char], letter: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => {
            let end = pattern.iter().skip(2).position(|c| *c == ']')? + 2;
            let (set, negated) = match &pattern[1..end] {
                ['^' | '!', rest @ ..] => (rest, true),
                set => (set, false),
            };
            let listed = set.contains(&letter)
                || set.windows(3).any(|range| range[1] == '-' && (range[0]..=range[2]).contains(&letter));
            (listed != negated).then_some(end + 1)
        }
        other => (*other == letter).then_some(1),
    }
}

/// All files below, near ones first while there are not too many. A link to a folder is not followed, it may lead anywhere.
fn walk(root: &Path, folder: &str, depth: usize, found: &mut Vec<String>) {
    let mut folders = VecDeque::from([(folder.to_owned(), 0)]);
    let mut entries = 0;
    let mut seen = BTreeSet::new();
    while let Some((below, at)) = folders.pop_front() {
        for entry in fs::read_dir(root.join(&below)).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                return;
            }
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.') && !name.ends_with('~'))
            else {
                continue;
            };
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                if at < depth && !SKIPPED.contains(&name) && seen.insert(path.clone()) {
                    folders.push_back((path, at + 1));
                }
            } else if entry.path().is_file() {
                found.push(path);
            }
        }
    }
}

/// `path` seen from `base`, without `.` and `..`. `None` where it is absolute: that is another machine's.
pub fn join(base: &str, path: &str) -> Option<String> {
    if path.starts_with(['/', '~', '\\']) || path.contains("${") {
        return None;
    }
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder of a file.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What a reader cannot read is no fault of the stack yet: the program may take it.
pub(super) fn as_note(mut problem: Diagnostic) -> Diagnostic {
    problem.severity = crate::diagnostics::Severity::Note;
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(paths: &[&str]) -> Folder {
        let files = paths.iter().map(|path| ((*path).to_owned(), String::new())).collect();
        Folder::Memory { root: PathBuf::from("m"), files: Arc::new(files) }
    }

    #[test]
    fn a_pattern_names_the_files_it_does_in_a_shell() {
        let folder = memory(&["rules/a.yml", "rules/b.yaml", "rules/x/c.yml", "r.yml"]);
        assert_eq!(folder.glob("rules/*.yml"), ["rules/a.yml"]);
        assert_eq!(folder.glob("rules/?.y*ml"), ["rules/a.yml", "rules/b.yaml"]);
        assert_eq!(folder.glob("*/x/[a-d].yml"), ["rules/x/c.yml"]);
        assert_eq!(folder.glob("rules/[!a].yml"), Vec::<String>::new());
        assert_eq!(folder.glob("r.yml"), ["r.yml"]);
        assert!(!matches_glob(&format!("{}b", "*a".repeat(40)), &"a".repeat(200)));
    }

    #[test]
    fn a_path_is_known_missing_or_somebody_elses() {
        let folder = memory(&["rules/a.yml"]);
        assert_eq!(folder.kind("rules/a.yml"), Kind::File);
        assert_eq!(folder.kind("rules"), Kind::Folder);
        assert_eq!(folder.kind("rule"), Kind::Missing);
        assert_eq!(folder.kind("../secrets"), Kind::Unknown);
        assert_eq!(join("a/b", "../c/./d"), Some("a/c/d".to_owned()));
        assert_eq!(join("a", "../../d"), Some("../d".to_owned()));
        assert_eq!(join("", "/etc/x"), None);
    }

    #[test]
    fn links_in_a_circle_and_files_that_are_none_do_not_hold_the_reader() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/x.yml"), "a: 1\n").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
            std::os::unix::fs::symlink("self.yml", dir.path().join("self.yml")).unwrap();
            std::os::unix::fs::symlink("/dev/zero", dir.path().join("zero.yml")).unwrap();
        }
        let folder = Folder::Disk { root: dir.path().to_owned() };
        assert_eq!(folder.files_in("", true), ["a/x.yml"]);
        assert!(matches!(folder.read("zero.yml"), Read::Refused(_)));
        assert!(matches!(folder.read("none.yml"), Read::Missing));
    }
}
