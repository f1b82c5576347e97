//! A change as a unified diff, for `render --diff` and for a refusal.
//!
//! Apart from `compare`, because how a difference is shown has no part in deciding what it is.

use similar::TextDiff;

use super::compare::Change;
use super::disk::Found;

/// From what is on disk to what is rendered; `label` is the name of the rendered folder.
pub(super) fn of(change: &Change, label: &str) -> String {
    let name = format!("{label}/{}", change.path);
    let new_name =
        format!("{name} ({})", if change.rendered.is_some() { "rendered" } else { "no longer rendered" });
    let new = change.rendered.as_deref().unwrap_or_default();

    let bytes = match &change.on_disk {
        Found::Nothing => return unified("", new, &format!("{name} (not on disk)"), &new_name),
        Found::File(bytes) => bytes,
        Found::Link | Found::Folder | Found::Special | Found::Blocked { .. } => {
            return format!("{name}: {}\n", change.reason().unwrap_or_default());
        }
    };
    match text(bytes) {
        None => format!("binary file {name} differs\n"),
        Some(old) if change.rendered.is_some() && without_crlf(old) == without_crlf(new) => {
            // Hunks would show every line twice, with nothing to be seen between them.
            format!("--- {name} (on disk, only the line endings differ: {})\n+++ {new_name}\n", endings(old))
        }
        Some(old) => unified(old, new, &format!("{name} (on disk)"), &new_name),
    }
}

/// The diff in the colours that git uses.
pub fn colorize(diff: &str) -> String {
    diff.split_inclusive('\n').map(colorize_line).collect()
}

fn colorize_line(line: &str) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    let colour = match text {
        _ if text.starts_with("--- ") || text.starts_with("+++ ") || text.starts_with("binary file ") => "1",
        _ if text.starts_with("@@ ") => "36",
        _ if text.starts_with('-') => "31",
        _ if text.starts_with('+') => "32",
        _ => return line.to_owned(),
    };
    format!("\u{1b}[{colour}m{text}\u{1b}[0m{end}")
}

/// From one text to another.
pub fn unified(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    if old.is_empty() && new.is_empty() {
        return format!("--- {old_name}\n+++ {new_name}\n");
    }
    TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(old_name, new_name).to_string()
}

/// A zero byte is what git takes for binary too.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn without_crlf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn endings(text: &str) -> &'static str {
    if text.contains("\r\n") { "CRLF" } else { "LF" }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::colorize;
    use crate::output::compare;
    use crate::output::testing::{Folder, files};

    fn diff(folder: &Folder, rendered: &[(&str, &str)]) -> String {
        compare(&files(rendered), &folder.out).unwrap().diff()
    }

    #[test]
    fn every_change_is_shown_from_disk_to_rendered() {
        let folder = Folder::rendered(&[("b", "one\ntwo\n"), ("c", "old\n"), ("d", "same\n")]);
        folder.put("b", "one\nmine\n");
        assert_eq!(
            diff(&folder, &[("a", "new"), ("b", "one\ntwo\n"), ("d", "same\n")]),
            "\
--- monitoring/a (not on disk)
+++ monitoring/a (rendered)
@@ -0,0 +1 @@
+new
\\ No newline at end of file
--- monitoring/b (on disk)
+++ monitoring/b (rendered)
@@ -1,2 +1,2 @@
 one
-mine
+two
--- monitoring/c (on disk)
+++ monitoring/c (no longer rendered)
@@ -1 +0,0 @@
-old
"
        );
    }

    #[test]
    fn only_line_endings_are_said_not_shown() {
        let folder = Folder::rendered(&[("a", "1\n2\n")]);
        folder.put("a", "1\r\n2\r\n");
        assert_eq!(
            diff(&folder, &[("a", "1\n2\n")]),
            "--- monitoring/a (on disk, only the line endings differ: CRLF)\n+++ monitoring/a (rendered)\n"
        );
    }

    #[test]
    fn what_is_not_text_is_named() {
        let folder = Folder::rendered(&[("a", "1\n"), ("b", "1\n")]);
        fs::write(folder.out.join("a"), b"\xff\xfe").unwrap();
        fs::write(folder.out.join("b"), b"\0").unwrap();
        fs::create_dir(folder.out.join("c")).unwrap();
        assert_eq!(
            diff(&folder, &[("a", "1\n"), ("b", "1\n"), ("c", "1\n")]),
            "binary file monitoring/a differs\nbinary file monitoring/b differs\n\
             monitoring/c: a folder stands in its place\n"
        );
    }

    #[test]
    fn an_empty_file_has_a_header_too() {
        assert_eq!(
            diff(&Folder::new(), &[("a", "")]),
            "--- monitoring/a (not on disk)\n+++ monitoring/a (rendered)\n"
        );
    }

    #[test]
    fn colours_leave_the_text_as_it_is() {
        let folder = Folder::rendered(&[("a", "1\n2\n")]);
        let plain = diff(&folder, &[("a", "1\n3"), ("b", "x\n")]);
        let coloured = colorize(&plain);
        assert!(coloured.contains("\u{1b}[31m-2\u{1b}[0m\n") && coloured.contains("\u{1b}[32m+3\u{1b}[0m\n"));
        let bare = ["1", "31", "32", "36", "0"]
            .iter()
            .fold(coloured, |text, code| text.replace(&format!("\u{1b}[{code}m"), ""));
        assert_eq!(bare, plain);
    }
}
