//! `NAME=value` lines, as `.env` and `env_file` hold them. Apart from interpolation, because the values are a language of
//! their own: quotes, comments, text of several lines.

use std::ops::Range;

/// One assignment. Without a value the variable is taken over from whoever runs compose.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) at: Range<usize>,
    pub(super) value: Option<String>,
    /// In single quotes nothing is replaced.
    pub(super) is_literal: bool,
}

/// Reads what can be read; what is no assignment is passed over.
pub(super) fn parse(text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let line = &text[at..end];
        let start = at + (line.len() - line.trim_start().len());
        let start = start + text[start..end].strip_prefix("export ").map_or(0, |_| "export ".len());
        at = end + 1;
        if text[start..end].starts_with('#') || text[start..end].trim().is_empty() {
            continue;
        }
        let Some(mark) = text[start..end].find(['=', ':']).map(|length| start + length) else {
            let name = text[start..end].trim();
            if is_name(name) {
                let at = start..start + name.len();
                found.push(Assignment { name: name.to_owned(), at, value: None, is_literal: false });
            }
            continue;
        };
        let name = text[start..mark].trim();
        if !is_name(name) {
            continue;
        }
        let (value, is_literal, next) = value(text, mark + 1, end);
        let place = start..start + name.len();
        found.push(Assignment { name: name.to_owned(), at: place, value: Some(value), is_literal });
        at = next;
    }
    found
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The value that begins at `start` of a line that ends at `end`: whether it is literal, and where the next line begins.
fn value(text: &str, start: usize, end: usize) -> (String, bool, usize) {
    let line = &text[start..end];
    let open = start + (line.len() - line.trim_start_matches([' ', '\t']).len());
    for quote in ['"', '\''] {
        let Some(inside) = text[open..].strip_prefix(quote) else { continue };
        let Some(length) = closing(inside, quote) else { break };
        let after = open + 1 + length + 1;
        let next = text[after..].find('\n').map_or(text.len(), |length| after + length + 1);
        let inside = &inside[..length];
        return match quote {
            '"' => (unescaped(inside), false, next),
            _ => (inside.to_owned(), true, next),
        };
    }
    let plain = line.split(" #").next().unwrap_or_default().trim();
    (plain.to_owned(), false, end + 1)
}

/// Where the quote ends that was opened before this text.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let ends = letter == quote && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends.then_some(at)
    })
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            // Left for the interpolation, which reads `$$` as one.
            Some('$') => plain.push_str("$$"),
            Some(other @ ('"' | '\\' | '\'')) => plain.push(other),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_compose_reads_them() {
        let text = "# x\nA=one # c\nexport B=\"two\\nlines\" # c\nC='$3'\nD: four\nE\nF=\"a\nb\"\n=x\nG=a#b\nH='\nI=9";
        let read: Vec<(String, Option<String>)> =
            parse(text).into_iter().map(|one| (one.name, one.value)).collect();
        let expected = [
            ("A", Some("one")),
            ("B", Some("two\nlines")),
            ("C", Some("$3")),
            ("D", Some("four")),
            ("E", None),
            ("F", Some("a\nb")),
            ("G", Some("a#b")),
            ("H", Some("'")),
            ("I", Some("9")),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(read, expected);
        let third = &parse(text)[2];
        assert!(third.is_literal && &text[third.at.clone()] == "C");
    }
}
