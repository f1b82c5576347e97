//! What lies where: rendered files, links, decisions, modules, and the top of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::project::files_below;
use crate::{blocks, code_spans, page, pages, root, table};

#[test]
fn the_readme_shows_every_file_that_is_rendered_and_no_other() {
    let readme = blocks("README.md");
    let tree = readme.iter().find(|block| block.text.contains("\nmonitoring/\n")).expect("shows the tree");
    let (_, below) = tree.text.split_once("\nmonitoring/\n").expect("is there");
    let shown: Vec<&str> = below.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let is = |shown: &str, file: &str| match shown.split_once('<') {
        None => shown == file,
        Some((start, rest)) => {
            let end = rest.split_once('>').expect("closes").1;
            let name = file.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            name.is_some_and(|name| !name.contains(['+', '/']) && name != "stack")
        }
    };
    // Neither has all: the one has runbooks of its own, the other no replica that is found elsewhere.
    let rendered: BTreeSet<String> = ["everything", "tutorial"]
        .iter()
        .flat_map(|stack| files_below(&root().join("snapshots").join(stack)))
        .map(|path| path.display().to_string())
        .collect();
    for file in &rendered {
        assert!(shown.iter().any(|shown| is(shown, file)), "{file} is not shown");
    }
    for shown in shown {
        assert!(rendered.iter().any(|file| is(shown, file)), "{shown} is not rendered");
    }
}

/// The targets of all links of a page that lead into the repository, as paths from its root.
fn links(name: &str) -> Vec<PathBuf> {
    let text = page(name);
    let folder = Path::new(name).parent().expect("lies in a folder");
    text.split("](")
        .skip(1)
        .filter_map(|after| after.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(|target| {
            let mut path = folder.to_owned();
            for part in target.split('/') {
                if part == ".." {
                    path.pop();
                } else {
                    path.push(part);
                }
            }
            path
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    for name in pages() {
        for target in links(&name) {
            assert!(root().join(&target).is_file(), "{name}: {} is no file", target.display());
        }
    }
}

#[test]
fn every_page_is_linked_from_where_a_reader_looks_for_it() {
    let (readme, architecture) = (links("README.md"), links("docs/architecture.md"));
    let findings = links("docs/diagnostics.md");
    for name in pages() {
        let from = match name.as_str() {
            name if name.starts_with("docs/decisions/") => &architecture,
            name if name.starts_with("docs/checks/") => &findings,
            _ => &readme,
        };
        let is_linked = name == "README.md" || from.contains(&PathBuf::from(&name));
        assert!(is_linked, "{name} is linked from nowhere");
    }
}

#[test]
fn a_decision_is_short_and_says_context_choice_and_consequences() {
    for name in pages().into_iter().filter(|name| name.starts_with("docs/decisions/")) {
        let text = page(&name);
        assert!(text.lines().count() <= 40, "{name} is long");
        for part in ["**Context.**", "**Choice.**", "**Consequences.**"] {
            assert!(text.contains(part), "{name} has no {part}");
        }
    }
}

#[test]
fn architecture_md_has_a_paragraph_for_each_module_in_the_order_of_lib_rs() {
    let library = page("src/lib.rs");
    let modules: Vec<&str> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let text = page("docs/architecture.md");
    let headings: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert_eq!(headings, modules);
}

/// What git knows at the top of the repository; in a copy without git all that is there and not ignored.
fn top() -> BTreeSet<String> {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let is_own = root().join(".git").exists();
    if let Some(listed) = listed.ok().filter(|listed| is_own && listed.status.success()) {
        let files = String::from_utf8(listed.stdout).expect("is UTF-8");
        return files.lines().filter_map(|file| file.split('/').next()).map(str::to_owned).collect();
    }
    let ignored = page(".gitignore");
    let is_ignored =
        |name: &String| name == ".git" || ignored.lines().any(|line| line.trim_matches('/') == name);
    let entries = fs::read_dir(root()).expect("reads the folder");
    let names =
        entries.map(|entry| entry.expect("reads the entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| !is_ignored(name)).collect()
}

#[test]
fn nothing_lies_at_the_top_but_what_contributing_names() {
    let rows = table("CONTRIBUTING.md", "at the top");
    let named = rows.iter().flat_map(|row| code_spans(&row[0])).map(str::to_owned).collect();
    let found = top();
    let stray: Vec<&String> = found.difference(&named).collect();
    let gone: Vec<&String> = named.difference(&found).collect();
    assert!(
        stray.is_empty() && gone.is_empty(),
        "CONTRIBUTING.md does not name {stray:?}; {gone:?} is not there"
    );
}

#[test]
fn every_file_that_contributing_names_is_there() {
    let text = page("CONTRIBUTING.md");
    for span in code_spans(&text).filter(|span| {
        ["src/", "tests/", "templates/", "docs/", "snapshots/"].iter().any(|folder| span.starts_with(folder))
    }) {
        let is_pattern = span.contains(['<', '*']);
        let path = if is_pattern { span.rsplit_once('/').expect("has a folder").0 } else { span };
        assert!(root().join(path).exists(), "{span} is not there");
    }
    let names = [
        ("WORDS", "src/catalog/vocabulary.rs"),
        ("integrations!", "src/catalog/receivers/mod.rs"),
        ("fn resolve", "src/plan/programs.rs"),
        ("fn build", "src/artifacts/mod.rs"),
        ("ALL", "src/checks/mod.rs"),
    ];
    for (what, file) in names {
        assert!(page(file).contains(what), "{file} has no `{what}`");
        assert!(text.contains(what.trim_start_matches("fn ")), "CONTRIBUTING.md does not name `{what}`");
    }
}
