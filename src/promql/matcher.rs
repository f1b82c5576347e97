//! One condition on a label, as Prometheus and Alertmanager both have it.

use std::fmt;
use std::sync::OnceLock;

use regex_lite::Regex;

use super::{alternatives, regex as re2};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOp {
    Equal,
    NotEqual,
    Re,
    NotRe,
}

impl MatchOp {
    pub fn read(sign: &str) -> Option<MatchOp> {
        match sign {
            "=" => Some(MatchOp::Equal),
            "!=" => Some(MatchOp::NotEqual),
            "=~" => Some(MatchOp::Re),
            "!~" => Some(MatchOp::NotRe),
            _ => None,
        }
    }

    pub fn is_regex(self) -> bool {
        matches!(self, MatchOp::Re | MatchOp::NotRe)
    }
}

impl fmt::Display for MatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Re => "=~",
            MatchOp::NotRe => "!~",
        })
    }
}

#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: String,
    pub op: MatchOp,
    pub value: String,
    /// Made when the first value is held against it: most never are.
    pattern: OnceLock<Option<Regex>>,
}

impl Matcher {
    /// `None` where the regular expression is none.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Option<Matcher> {
        let is_right = !op.is_regex() || re2::fault(value).is_none();
        is_right.then(|| Matcher::checked(name, op, value))
    }

    /// Where the regular expression is known to be one.
    pub(super) fn checked(name: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher { name: name.to_owned(), op, value: value.to_owned(), pattern: OnceLock::new() }
    }

    /// Whether a series with this value passes, an empty one where it does not have the label. Where only Go can tell, it may.
    pub fn is_match(&self, value: &str) -> bool {
        self.passes(value).unwrap_or(true)
    }

    /// `None` where only Go can tell.
    pub(super) fn passes(&self, value: &str) -> Option<bool> {
        match self.op {
            MatchOp::Equal => Some(self.value == value),
            MatchOp::NotEqual => Some(self.value != value),
            MatchOp::Re => self.fits(value),
            MatchOp::NotRe => self.fits(value).map(|fits| !fits),
        }
    }

    fn fits(&self, value: &str) -> Option<bool> {
        match self.value.as_str() {
            ".*" => Some(true),
            ".+" => Some(!value.is_empty()),
            pattern => {
                if let Some(words) = alternatives(pattern) {
                    return Some(words.contains(&value));
                }
                let compiled = self.pattern.get_or_init(|| Regex::new(&re2::anchored(pattern)).ok());
                compiled.as_ref().map(|regex| regex.is_match(value))
            }
        }
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:?}", self.name, self.op, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_values_as_in_go() {
        for (pattern, fitting, others) in [
            ("a|b", &["a", "b"][..], &["ab", "", "a|b"][..]),
            (".+", &["a", "a b"], &[""]),
            (".*", &["", "a"], &[]),
            ("a.c", &["abc", "a\nc"], &["abcd", "xabc"]),
            ("a{bbb}c", &["a{bbb}c"], &["abbbc"]),
            ("{x}", &["{x}"], &["x"]),
            ("a{2}", &["aa"], &["a", "a{2}"]),
            (r"\Qa.b\E.", &["a.bc"], &["axbc"]),
            (r"\x{61}[{]\d", &["a{1"], &["a{l"]),
            ("[[a]b", &["[b", "ab"], &["b", "[[a]b"]),
            ("[a&&b~~c]", &["a", "b", "c", "&", "~"], &["", "ab"]),
            ("[^]a][[:digit:]_]", &["x1", "b_"], &["]1", "a_", "x:"]),
            ("5..|429", &["503", "429"], &["5", "4290"]),
        ] {
            let is = Matcher::new("x", MatchOp::Re, pattern).expect("is a pattern");
            let is_not = Matcher::new("x", MatchOp::NotRe, pattern).expect("is a pattern");
            for value in fitting {
                assert!(is.is_match(value) && !is_not.is_match(value), "{pattern} {value:?}");
            }
            for value in others {
                assert!(!is.is_match(value) && is_not.is_match(value), "{pattern} {value:?}");
            }
        }
        // What our engine does not know may match, and may not.
        for op in [MatchOp::Re, MatchOp::NotRe] {
            assert!(Matcher::new("x", op, r"\p{Greek}").is_some_and(|one| one.is_match("a")));
        }
        assert!(Matcher::new("x", MatchOp::Re, "a(").is_none());
    }
}
