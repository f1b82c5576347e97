//! The mark by which a copied template remembers what it was copied from: the digest of the built-in one, in a comment
//! that does not reach the rendered file. So it is seen, without network and without a version, when a newer skymon has
//! another built-in template than the one that was copied.

use std::ops::Range;

use super::builtin::DIGEST;

/// Stands before the digest.
const WORDS: &str = "skymon: copied from ";
/// In JSON there are no comments; `skymon` is a key that no dashboard keeps.
const KEY: &str = "\"copied_from\"";

/// The digest that the text carries, as bytes of it.
pub(super) fn find(path: &str, text: &str) -> Option<Range<usize>> {
    let start = if is_json(path) {
        let after = text.find(KEY)? + KEY.len();
        after + text[after..].find('"')? + 1
    } else {
        let line = text.lines().next()?;
        line.find(WORDS)? + WORDS.len()
    };
    let digits = text[start..].bytes().take_while(u8::is_ascii_hexdigit).count();
    (digits == DIGEST).then_some(start..start + digits)
}

/// The text with that digest, whether it had one before or not.
pub fn mark(path: &str, text: &str, digest: &str) -> String {
    if let Some(range) = find(path, text) {
        let mut marked = text.to_owned();
        marked.replace_range(range, digest);
        return marked;
    }
    if !is_json(path) {
        return format!("{}{text}", line(path, digest));
    }
    let (start, rest) = text.split_once('{').unwrap_or(("", text));
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{start}{{\n  \"skymon\": {{{KEY}: \"{digest}\"}}{comma}{rest}")
}

/// The text of a file that is copied as it is, without its mark. A dashboard loses its mark with all others.
pub(super) fn without_mark<'t>(path: &str, text: &'t str) -> &'t str {
    match find(path, text) {
        Some(_) if !is_json(path) => text.split_once('\n').map_or("", |(_, rest)| rest),
        _ => text,
    }
}

fn line(path: &str, digest: &str) -> String {
    if path.ends_with(".tmpl") {
        format!("{{{{/* {WORDS}{digest} */}}}}\n")
    } else {
        format!("#~ {WORDS}{digest}\n")
    }
}

fn is_json(path: &str) -> bool {
    path.ends_with(".json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0123456789abcdef";
    const NEW: &str = "fedcba9876543210";

    #[test]
    fn a_mark_is_put_found_and_replaced_in_every_kind_of_template() {
        for (path, text) in [
            ("a.yml", "x: 1\n"),
            ("a.md", "# x\n"),
            ("a.tmpl", "{{ x }}\n"),
            ("a.json", "{\"x\": 1}\n"),
            ("b.json", "{}"),
        ] {
            assert_eq!(find(path, text), None);
            let marked = mark(path, text, OLD);
            assert_eq!(&marked[find(path, &marked).expect(path)], OLD);
            let again = mark(path, &marked, NEW);
            assert_eq!(&again[find(path, &again).expect(path)], NEW);
            assert_eq!(again.len(), marked.len(), "it is replaced");
            if path.ends_with(".json") {
                assert!(serde_json::from_str::<serde_json::Value>(&marked).is_ok(), "{marked}");
            }
        }
        assert_eq!(without_mark("a.tmpl", &mark("a.tmpl", "{{ x }}\n", OLD)), "{{ x }}\n");
        assert_eq!(without_mark("a.tmpl", "{{ x }}\n"), "{{ x }}\n");
    }

    #[test]
    fn what_only_looks_like_a_mark_is_none() {
        for text in
            ["#~ skymon: copied from somewhere\n", "x: 1\n#~ skymon: copied from 0123456789abcdef\n", ""]
        {
            assert_eq!(find("a.yml", text), None, "{text}");
        }
    }
}
