//! The YAML parser's complaints in the user's words. Apart from the index, because it is only text.

use super::SourceFile;
use crate::diagnostics::Diagnostic;

/// A part of the parser's text, what to say instead, and the help.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "mapping values are not allowed",
        "a second `:` stands where only a value may",
        "check the indentation of this line and the one before, or quote the value",
    ),
    ("simple key expect", "a key without `:` after it", "write `key: value`"),
    (
        "unknown anchor",
        "the alias refers to an anchor that does not exist before it",
        "write `&name` at the value first",
    ),
    ("unexpected character: `%'", "a value cannot begin with `%`", "quote it: '%…'"),
    ("unexpected character: `@'", "a value cannot begin with `@`", "quote it: '@…'"),
    ("unexpected character: ``'", "a value cannot begin with a backtick", "quote it: '`…'"),
    ("quoted scalar, found unexpected end", "the quote is never closed", "close it with the same quote"),
    (
        "unknown escape character",
        "an unknown escape in double quotes",
        r"write `\\` for a backslash, or use single quotes",
    ),
    ("misplaced bracket", "a closing bracket without an opening one", "remove it, or quote the value"),
    ("expected ',' or ']'", "the list is not closed", "close it with `]`"),
    ("expected ',' or '}'", "the map is not closed", "close it with `}`"),
    (
        "illegal placement of ':'",
        "a `:` stands where none may, perhaps a bracket above is not closed",
        "close the `[` or `{` before it",
    ),
    (
        "expected '-' indicator",
        "this line is not an item of the list above it",
        "check the indentation, or write `- ` before it",
    ),
    (
        "expected <block end>",
        "the indentation of this line fits nothing above it",
        "align it with its neighbours",
    ),
    (
        "did not find expected key",
        "no key is found here",
        "check the indentation of this line and the ones before",
    ),
    ("expected node content", "a value is missing here", "write one, or remove the mark before it"),
    (
        "expected <document start>",
        "this fits nothing that stands above it",
        "check the indentation and the lines before",
    ),
    (
        "invalid indentation",
        "the indentation of this line fits nothing above it",
        "align it with its neighbours",
    ),
];

/// What is wrong at byte `at`.
pub(crate) fn explain_syntax(file: &SourceFile, at: usize, info: &str) -> Diagnostic {
    if let Some(tab) = tab_near(file, at, info) {
        return Diagnostic::error("yaml-syntax", "a tab stands where YAML wants spaces")
            .at_span(&file.name, tab..tab + 1, "a tab")
            .help("indent with spaces");
    }
    if info.contains("recursion limit") {
        return Diagnostic::error("too-deep", "the file is nested too deep").at_span(&file.name, at..at, "");
    }
    let at = file.floor(at);
    let end = at + file.text[at..].chars().next().map_or(0, |c| if c == '\n' { 0 } else { c.len_utf8() });
    match WORDS.iter().find(|(part, _, _)| info.contains(part)) {
        Some((_, message, help)) => {
            Diagnostic::error("yaml-syntax", *message).at_span(&file.name, at..end, "").help(*help)
        }
        None => Diagnostic::error("yaml-syntax", format!("this is not YAML: {info}")).at_span(
            &file.name,
            at..end,
            "",
        ),
    }
}

/// The tab that the parser tripped over: at the place, just before it, or in the indentation that follows.
fn tab_near(file: &SourceFile, at: usize, info: &str) -> Option<usize> {
    let bytes = file.text.as_bytes();
    if bytes.get(at) == Some(&b'\t') {
        return Some(at);
    }
    if at > 0 && bytes.get(at - 1) == Some(&b'\t') {
        return Some(at - 1);
    }
    if info.contains("tab") {
        return file.text.get(at..)?.find('\t').map(|tab| at + tab);
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::source::{SourceFile, SpanIndex};

    #[test]
    fn every_syntax_error_names_its_place_in_plain_words() {
        let cases = [
            ("a: b: c\n", (1, 5), "a second `:` stands where only a value may"),
            ("a: 1\n\tb: 2\n", (2, 1), "a tab stands where YAML wants spaces"),
            ("a:\tb\n", (1, 3), "a tab stands where YAML wants spaces"),
            ("a: [1\nb: 2\n", (2, 2), "a `:` stands where none may, perhaps a bracket above is not closed"),
            ("é: @x", (1, 4), "a value cannot begin with `@`"),
            ("a: 'x\n", (1, 4), "the quote is never closed"),
            ("x: *nope", (1, 4), "the alias refers to an anchor that does not exist before it"),
            ("a: }", (1, 4), "a closing bracket without an opening one"),
            ("é: [é, b", (1, 9), "the list is not closed"),
        ];
        for (text, place, message) in cases {
            let file = SourceFile::new("skymon.yaml", text);
            let (index, diagnostics) = SpanIndex::new(&file);
            assert_eq!(diagnostics[0].message, message, "{text:?}");
            assert!(!index.is_complete());
            let crate::diagnostics::Place::Span { range, .. } = &diagnostics[0].labels[0].place else {
                panic!()
            };
            assert_eq!(file.line_column(range.start), place, "{text:?}");
        }
    }
}
