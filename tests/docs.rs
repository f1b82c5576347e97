//! The docs are true: every key, alert, engine, finding, link, command and example in them is compared with the program.
//!
//! What stands in the pages for this file's sake:
//! - a `yaml` block that begins with `version:` is a whole config, and validates;
//! - `<!-- part -->` above a `yaml` block: its top keys take the place of those of the minimal stack, and that validates;
//! - `<!-- file: NAME -->` above a block: written to the folder in which the page's `console` blocks run;
//! - a `console` block holds commands after `$ ` and all that they print; a line `…` stands for any lines.

mod support;

#[path = "docs/config.rs"]
mod config;
#[path = "docs/alerts.rs"]
mod alerts;
#[path = "docs/engines.rs"]
mod engines;
#[path = "docs/findings.rs"]
mod findings;
#[path = "docs/commands.rs"]
mod commands;
#[path = "docs/tree.rs"]
mod tree;

use std::fs;
use std::path::Path;

use support::project::files_below;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}

/// All pages that a person reads here, relative to the repository.
fn pages() -> Vec<String> {
    let docs = files_below(&root().join("docs")).into_iter().map(|path| format!("docs/{}", path.display()));
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .into_iter()
        .chain(docs)
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// A fenced block.
struct Block {
    language: String,
    /// What a comment above it says of it.
    mark: String,
    text: String,
    place: String,
}

fn blocks(name: &str) -> Vec<Block> {
    let text = page(name);
    let mut found = Vec::new();
    let mut mark = String::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(language) = code.strip_prefix("```") {
            let body: String = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .flat_map(|line| [line.get(indent..).unwrap_or_default(), "\n"])
                .collect();
            found.push(Block {
                language: language.to_owned(),
                mark: std::mem::take(&mut mark),
                text: body,
                place: format!("{name}:{}", number + 1),
            });
        } else if !line.is_empty() {
            let comment = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"));
            comment.unwrap_or_default().clone_into(&mut mark);
        }
    }
    found
}

/// The rows of the tables whose first column is called so: the cells of each.
fn table(name: &str, first_column: &str) -> Vec<Vec<String>> {
    let text = page(name);
    let head = format!("| {first_column} |");
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        inside = line.starts_with(&head) || (inside && line.starts_with('|'));
        if inside && !line.starts_with(&head) && !line.starts_with("|---") {
            rows.push(line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect());
        }
    }
    assert!(!rows.is_empty(), "{name} has no table `{head} …`");
    rows
}

/// What stands between backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The first word of a cell that is code.
fn code(cell: &str) -> String {
    code_spans(cell).next().unwrap_or_else(|| panic!("`{cell}` does not begin with code")).to_owned()
}

/// Each expected line stands in the page, and each line of that kind is expected.
#[track_caller]
fn assert_rows(name: &str, first_column: &str, expected: &[String]) {
    let found: Vec<String> =
        table(name, first_column).iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    let wrong: Vec<&str> = found.iter().filter(|row| !expected.contains(row)).map(String::as_str).collect();
    let missing: Vec<&str> = expected.iter().filter(|row| !found.contains(row)).map(String::as_str).collect();
    assert!(
        wrong.is_empty() && missing.is_empty(),
        "{name}: instead of\n{}\nwrite\n{}\n",
        wrong.join("\n"),
        missing.join("\n")
    );
    assert_eq!(found, *expected, "{name}: the rows are in another order, or one is there twice");
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    if items.is_empty() { "–".to_owned() } else { items.join(", ") }
}
