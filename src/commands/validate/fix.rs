//! `--fix`: the cures that cannot change what a file means, as a diff, and with `--yes` on disk.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::super::{note, print};
use crate::diagnostics::{Edit, Report, counted};
use crate::output;
use crate::private_files;
use crate::source::{Document, SourceFile};
use crate::stack::Stack;

/// A file and what it would become.
struct Fixed {
    name: String,
    old: String,
    new: String,
}

/// Shows what would change in a folder, and writes it where `write` says so. Whether anything was written.
pub(super) fn run(report: &Report, stack: &Stack, write: bool, colour: bool) -> Result<bool> {
    let files = fixed(report, stack);
    if files.is_empty() {
        note("note: nothing here can be mended without changing what it means\n")?;
        return Ok(false);
    }
    for file in &files {
        let diff = output::unified(&file.old, &file.new, &file.name, &format!("{} (mended)", file.name));
        print(&if colour { output::colorize(&diff) } else { diff })?;
    }
    let count = counted(&[(files.len(), "file")]);
    if !write {
        note(&format!("note: nothing is written yet; `--fix --yes` changes {count}\n"))?;
        return Ok(false);
    }
    for file in &files {
        private_files::rewrite(Path::new(&file.name), &file.new)?;
    }
    note(&format!("mended: {count}\n"))?;
    Ok(true)
}

/// All files with their edits done. One that would not be whole afterwards stays as it is.
fn fixed(report: &Report, stack: &Stack) -> Vec<Fixed> {
    let mut edits: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for edit in report.iter().flat_map(|finding| &finding.fix) {
        edits.entry(&edit.file).or_default().push(edit);
    }
    let documents = edits.into_iter().filter_map(|(name, edits)| {
        let document = stack.documents.iter().find(|document| document.name() == name)?;
        Some((name, edits, &document.source.text))
    });
    documents
        .filter_map(|(name, edits, old)| {
            let new = apply(old, edits)?;
            let is_whole = Document::yaml(SourceFile::new(name, new.clone())).1.is_empty();
            is_whole.then(|| Fixed { name: name.to_owned(), old: old.clone(), new })
        })
        .collect()
}

/// `None` where two edits are about the same bytes.
fn apply(old: &str, mut edits: Vec<&Edit>) -> Option<String> {
    edits.sort_by_key(|edit| edit.range.start);
    edits.dedup();
    let mut new = String::new();
    let mut at = 0;
    for edit in edits {
        new.push_str(old.get(at..edit.range.start)?);
        new.push_str(&edit.text);
        at = edit.range.end;
    }
    new.push_str(old.get(at..)?);
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_done_in_their_order_and_never_twice_at_one_place() {
        let edit = |range, text: &str| Edit { file: String::new(), range, text: text.to_owned() };
        let (a, b, c) = (edit(0..1, "x"), edit(4..5, ""), edit(4..6, "y"));
        assert_eq!(apply("a b c d", vec![&b, &a, &b]).as_deref(), Some("x b  d"));
        assert_eq!(apply("a b c d", vec![&b, &c]), None);
    }
}
