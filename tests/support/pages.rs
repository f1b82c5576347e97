//! The examples that stand in the pages of the checks.

use std::collections::{BTreeMap, BTreeSet};

use skymon::checks::{self, Check};

/// The files of an example, and the lines in them that are marked: `prometheus.yml:12`.
#[derive(Default)]
pub(crate) struct Example {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) marked: BTreeSet<String>,
}

impl Example {
    pub(crate) fn wrong(check: &Check) -> Example {
        Example::of(check, "Wrong")
    }

    pub(crate) fn right(check: &Check) -> Example {
        Example::of(check, "Right")
    }

    /// The fenced blocks of a section: after the language stands the file's name, and a marked line ends with `<-`.
    fn of(check: &Check, section: &str) -> Example {
        let mut example = Example::default();
        let text = page(check).split("\n## ").find(|part| part.starts_with(section)).unwrap_or_default();
        for block in text.split("\n```").skip(1).step_by(2) {
            let (info, body) = block.split_once('\n').expect("a block has lines");
            let (_, path) = info.split_once(' ').unwrap_or_else(|| panic!("`{info}` names no file"));
            let mut plain = String::new();
            for (number, line) in body.lines().enumerate() {
                let unmarked = line.strip_suffix("  # <-").or_else(|| line.strip_suffix("  // <-"));
                if unmarked.is_some() {
                    example.marked.insert(format!("{path}:{}", number + 1));
                }
                plain.push_str(unmarked.unwrap_or(line));
                plain.push('\n');
            }
            example.files.insert(path.to_owned(), plain);
        }
        example
    }
}

pub(crate) fn page(check: &Check) -> &'static str {
    checks::page(check.id).unwrap_or_else(|| panic!("write docs/checks/{}.md", check.id))
}
