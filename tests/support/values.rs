//! Hostile values: what breaks quoting, templates, YAML 1.1 readers, shells and terminals, whole or in pieces.
//!
//! A generator of our own instead of a library for property tests: a case is a whole rendered stack read by real
//! programs, which no library can shrink, and all that is left to do is to choose from a list by a seed.

use std::fmt::Write as _;

/// Values that have broken something somewhere, and pieces of them.
const PIECES: &[&str] = &[
    "no",
    "on",
    "y",
    "~",
    "null",
    "true",
    "0x1f",
    "1e3",
    "0o17",
    "1_000",
    "22:22",
    ".inf",
    "2001-01-01",
    "=",
    "<<",
    "\"",
    "'",
    "\\",
    "\\n",
    "\\\"",
    "''",
    "`",
    "$",
    "$$",
    "$1",
    "${1}",
    "$HOME",
    "${X:-y}",
    "${X?}",
    "$(id)",
    "{{",
    "}}",
    "{{ .Labels.x }}",
    "{{ end }}",
    "{{-",
    "-}}",
    "{",
    "}",
    "{%",
    "<%= x %>",
    "#% endfor",
    "<%",
    "%>",
    "#",
    " #",
    "# x",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "! ",
    "!!str x",
    "&a",
    "*a",
    "|",
    ">",
    "%",
    "%41",
    "@",
    "[",
    "]",
    ",",
    ";",
    "&&",
    "../..",
    "..",
    ".",
    "/",
    "//",
    "~/x",
    "*",
    "[a-z]",
    "?",
    "?x=1",
    "(",
    ")",
    "^",
    "+",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\0",
    "\u{7}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{80}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{ffff}",
    "é",
    "e\u{301}",
    "漢字",
    "🦀",
    "\u{10ffff}",
    "<script>",
    "</b>",
    "&amp;",
    "|x|",
    "[x](y)",
    "**",
    "__",
    " ",
    "  ",
    "a",
    "Z",
    "9",
    "x.y",
];

/// Prometheus, compose and the rest have buffers of that size.
const LONG: usize = 64 * 1024;

/// The same values on every machine for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % end as u64).expect("is small")
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Any text at all, seldom an empty one, seldom a very long one.
    pub(crate) fn hostile(&mut self) -> String {
        match self.below(80) {
            0 => String::new(),
            1 => "x".repeat(LONG),
            2 => self.pieces(4).chars().cycle().take(LONG / 4).collect(),
            3..=20 => (*self.one_of(PIECES)).to_owned(),
            _ => {
                let count = 1 + self.below(6);
                self.pieces(count)
            }
        }
    }

    /// Hostile in what one line of text may hold.
    pub(crate) fn hostile_line(&mut self) -> String {
        self.hostile().chars().filter(|c| !c.is_control()).collect()
    }

    fn pieces(&mut self, count: usize) -> String {
        (0..count).map(|_| *self.one_of(PIECES)).collect()
    }
}

/// A text as YAML, in one of the ways a person or a program may write it.
pub(crate) fn yaml(text: &str, random: &mut Random) -> String {
    let printable = |c: char| {
        !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}'..='\u{ffff}')
    };
    if text.chars().all(printable) && random.once_in(2) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if printable(c) => quoted.push(c),
            c => write!(quoted, "\\U{:08X}", c as u32).expect("writes to a string"),
        }
    }
    quoted.push('"');
    quoted
}
