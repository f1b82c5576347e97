//! Regular expressions as the programs read them: RE2 in Go's dialect. What is surely refused is told; of the rest nothing is
//! said, since this reader and Go's differ at the edges.

use regex_syntax::Error;
use regex_syntax::ast::ErrorKind;

/// Why the programs refuse a pattern, and what to write.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: &'static str,
    pub help: &'static str,
}

/// `None` where a pattern is taken, or where it may be.
pub fn fault(pattern: &str) -> Option<Refused> {
    // Up to `\E` all is text, here only.
    if pattern.contains(r"\Q") || pattern.contains(r"\C") {
        return None;
    }
    let (message, help) = match regex_syntax::parse(pattern) {
        Ok(_) if repeats_twice(pattern) => ("a repetition is repeated", "write one of `*`, `+` and `?`"),
        Err(Error::Parse(error)) => {
            let rest = pattern.get(error.span().start.offset..).unwrap_or_default();
            said(error.kind(), rest)?
        }
        _ => return None,
    };
    Some(Refused { message, help })
}

/// What this reader and Go's both refuse.
fn said(kind: &ErrorKind, rest: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::GroupUnclosed => {
            ("`(` is not closed", "close it, or write `\\\\(` where the sign itself is meant")
        }
        ErrorKind::GroupUnopened => {
            ("`)` closes nothing", "take it away, or write `\\\\)` where the sign itself is meant")
        }
        ErrorKind::ClassUnclosed => {
            ("`[` is not closed", "close it, or write `\\\\[` where the sign itself is meant")
        }
        ErrorKind::ClassRangeInvalid => ("a range in `[…]` runs backwards", "write its lower end first"),
        ErrorKind::UnsupportedLookAround => {
            ("there is no look-around in RE2", "write what is not to match as a second matcher, with `!~`")
        }
        ErrorKind::EscapeUnexpectedEof => ("it ends with a lone `\\`", "take it away, or write it twice"),
        ErrorKind::RepetitionMissing if rest.starts_with(['*', '+', '?']) => {
            ("nothing stands before a repetition", "write `.*` where anything is meant")
        }
        _ => return None,
    })
}

/// `a**`, `a+*`: Go takes a `?` behind a repetition, and nothing else.
fn repeats_twice(pattern: &str) -> bool {
    let is_sign = |letter: u8| matches!(letter, b'*' | b'+' | b'?');
    let (mut in_class, mut is_escaped) = (false, false);
    // The signs right behind each other.
    let mut signs = 0;
    for letter in pattern.bytes() {
        let is_plain = is_escaped || in_class;
        if !is_plain && is_sign(letter) {
            signs += 1;
            if signs > 2 || (signs == 2 && letter != b'?') {
                return true;
            }
            continue;
        }
        // The `?` of `(?i)` is none.
        signs = if letter == b'(' && !is_plain { -1 } else { 0 };
        in_class = if is_escaped { in_class } else { (in_class && letter != b']') || letter == b'[' };
        is_escaped = letter == b'\\' && !is_escaped;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_refuses_is_told_and_what_it_takes_is_not() {
        for pattern in [
            "a(b", "a)b", "a[b", "[z-a]", "a(?!b)", "(?<=a)b", "*a", "a|*b", "(+)", "a\\", "a**", "a+?*",
            "x++",
        ] {
            let refused = fault(pattern);
            assert!(refused.is_some(), "{pattern}");
        }
        for pattern in [
            "",
            "a",
            ".*",
            "a|b",
            "a*?",
            "a+?b",
            "(?i)a",
            "(?:a)?",
            "[*+?][*]+",
            r"\*\+",
            r"a\??",
            "a{bbb}c",
            "{foo}",
            "a{2}",
            r"\Qa*\E",
            r"\123",
            r"\_",
            "(?P<n>a)",
            "(a+)+",
            "[]a]",
            "[^]]*",
            r"[\]*+]+",
            "5..|429",
        ] {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }
}
