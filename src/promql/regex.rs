//! Regular expressions as the programs read them: RE2 in Go's dialect, of which only the syntax is looked at here.

use std::ops::ControlFlow;

use super::classes;

/// Why the programs refuse a pattern, and what to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: &'static str,
    pub help: &'static str,
}

/// More often than this nothing is repeated.
const MAX_REPEATS: u32 = 1000;

type Read<T> = ControlFlow<Refused, T>;

/// `None` where a pattern is taken.
pub fn fault(pattern: &str) -> Option<Refused> {
    Reader { rest: pattern, groups: Vec::new(), names: Vec::new(), repeats: 1, last: None }
        .read()
        .break_value()
}

fn refuse<T>(message: &'static str, help: &'static str) -> Read<T> {
    ControlFlow::Break(Refused { message, help })
}

/// What stands right before a repetition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// How often it is repeated within itself.
    Item(u32),
    Repetition,
}

struct Reader<'p> {
    rest: &'p str,
    /// How often something is repeated in each open group before this one.
    groups: Vec<u32>,
    names: Vec<&'p str>,
    repeats: u32,
    last: Option<Last>,
}

impl Reader<'_> {
    fn read(mut self) -> Read<()> {
        while let Some(letter) = self.rest.chars().next() {
            if let Some((length, least, most)) = count(self.rest) {
                let is_open = most == u32::MAX;
                if least > MAX_REPEATS || (!is_open && most > MAX_REPEATS) || most < least {
                    return refuse(
                        "there is no such number of repetitions",
                        "write the lower one first, and none above 1000",
                    );
                }
                self.pass(length);
                self.repeat(if is_open { least } else { most })?;
                continue;
            }
            match letter {
                '(' => self.group()?,
                ')' => {
                    let Some(before) = self.groups.pop() else {
                        return refuse(
                            "`)` closes nothing",
                            "take it away, or write `\\\\)` where the sign itself is meant",
                        );
                    };
                    self.pass(1);
                    self.last = Some(Last::Item(self.repeats));
                    self.repeats = self.repeats.max(before);
                }
                '|' => {
                    self.pass(1);
                    self.last = None;
                }
                '[' => {
                    self.class()?;
                    self.last = Some(Last::Item(1));
                }
                '*' | '+' | '?' => {
                    self.pass(1);
                    self.repeat(1)?;
                }
                '\\' => {
                    self.escaped()?;
                    self.last = Some(Last::Item(1));
                }
                letter => {
                    self.pass(letter.len_utf8());
                    self.last = Some(Last::Item(1));
                }
            }
        }
        if self.groups.is_empty() {
            return ControlFlow::Continue(());
        }
        refuse("`(` is not closed", "close it, or write `\\\\(` where the sign itself is meant")
    }

    fn pass(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn takes(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn repeat(&mut self, count: u32) -> Read<()> {
        self.takes("?");
        let within = match self.last {
            Some(Last::Item(within)) => within,
            Some(Last::Repetition) => {
                return refuse("a repetition is repeated", "write one of `*`, `+` and `?`");
            }
            None => {
                return refuse("nothing stands before a repetition", "write `.*` where anything is meant");
            }
        };
        let repeats = within.saturating_mul(count.max(1));
        if repeats > MAX_REPEATS {
            return refuse("repetitions of repetitions: more than 1000", "write smaller numbers");
        }
        self.repeats = self.repeats.max(repeats);
        self.last = Some(Last::Repetition);
        ControlFlow::Continue(())
    }

    fn group(&mut self) -> Read<()> {
        self.pass(1);
        if self.takes("?P<")
            || (self.rest.starts_with("?<")
                && !self.rest.starts_with("?<=")
                && !self.rest.starts_with("?<!")
                && self.takes("?<"))
        {
            let (name, after) = self.rest.split_once('>').unwrap_or_default();
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_word) || self.names.contains(&name) {
                return refuse(
                    "a group has no name that can be read",
                    "write `(…)`, or `(?P<name>…)`, each name once",
                );
            }
            self.names.push(name);
            self.rest = after;
        } else if self.takes("?") && self.flags()? {
            // Nothing is opened: `(?i)`. What is repeated behind it stands before it.
            self.last = self.last.map(|last| match last {
                Last::Repetition => Last::Item(self.repeats),
                item @ Last::Item(_) => item,
            });
            return ControlFlow::Continue(());
        }
        self.last = None;
        self.groups.push(std::mem::replace(&mut self.repeats, 1));
        ControlFlow::Continue(())
    }

    /// Whether it ends with them.
    fn flags(&mut self) -> Read<bool> {
        let wrong = if self.rest.starts_with(['=', '!', '<']) {
            ("there is no look-around in RE2", "write what is not to match as a second matcher, with `!~`")
        } else {
            ("a group begins with what is no flag", "write `(?i)`, `(?s)`, `(?m)`, `(?U)`, or `(?:…)`")
        };
        let (mut is_negated, mut is_new) = (false, true);
        while let Some(letter) = self.rest.chars().next() {
            self.pass(letter.len_utf8());
            match letter {
                'i' | 'm' | 's' | 'U' => is_new = false,
                '-' if !is_negated => (is_negated, is_new) = (true, true),
                ':' | ')' if !is_negated || !is_new => return ControlFlow::Continue(letter == ')'),
                _ => break,
            }
        }
        refuse(wrong.0, wrong.1)
    }

    /// Behind a backslash, outside of a class.
    fn escaped(&mut self) -> Read<()> {
        let letter = self.rest[1..].chars().next();
        match letter {
            Some('A' | 'b' | 'B' | 'z') => self.pass(2),
            Some('Q') => {
                self.pass(2);
                let (text, after) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = after;
                // What is quoted may be nothing.
                if text.is_empty() {
                    return ControlFlow::Continue(());
                }
            }
            _ if self.shorthand()? => {}
            _ => {
                self.letter()?;
            }
        }
        ControlFlow::Continue(())
    }

    /// `\d`, `\pN`, `\p{Greek}`.
    fn shorthand(&mut self) -> Read<bool> {
        let mut letters = self.rest.chars().skip(1);
        match letters.next() {
            Some('d' | 'D' | 's' | 'S' | 'w' | 'W') => self.pass(2),
            Some('p' | 'P') => {
                let first = letters.next();
                let rest = self.rest;
                let (name, length) = match first {
                    Some('{') => {
                        let end = rest.find('}').unwrap_or_default();
                        (rest.get(3..end).unwrap_or_default(), end + 1)
                    }
                    Some(letter) => (&rest[2..2 + letter.len_utf8()], 2 + letter.len_utf8()),
                    None => ("", 2),
                };
                if classes::is_unknown(name) {
                    return refuse(
                        "`\\p` names no class of signs",
                        "write `\\\\p{L}` for letters, `\\\\p{N}` for numbers, or a script: `\\\\p{Greek}`",
                    );
                }
                self.pass(length);
            }
            _ => return ControlFlow::Continue(false),
        }
        ControlFlow::Continue(true)
    }

    /// One sign, escaped or not.
    fn letter(&mut self) -> Read<u32> {
        let Some(letter) = self.rest.chars().next() else {
            return refuse("`[` is not closed", "close it, or write `\\\\[` where the sign itself is meant");
        };
        self.pass(letter.len_utf8());
        if letter != '\\' {
            return ControlFlow::Continue(letter.into());
        }
        let unknown = "there is no such escape: a backslash before a letter";
        let help = "write a backslash before signs only, twice in double quotes: `\\\\.`; or `\\\\d`, `\\\\w`, `\\\\s`";
        let Some(letter) = self.rest.chars().next() else {
            return refuse("it ends with a lone `\\`", "take it away, or write it twice");
        };
        self.pass(letter.len_utf8());
        let is_octal = |c: char| ('0'..='7').contains(&c);
        let code = match letter {
            '1'..='7' if !self.rest.starts_with(is_octal) => {
                return refuse("there are no back references in RE2", "write the pattern itself once more");
            }
            '0'..='7' => {
                let digits = self.rest.chars().take(2).take_while(|c| is_octal(*c)).count();
                let code = u32::from_str_radix(&self.rest[..digits], 8).unwrap_or_default();
                self.pass(digits);
                letter.to_digit(8).unwrap_or_default() * 8_u32.pow(u32::try_from(digits).unwrap_or_default())
                    + code
            }
            'x' => {
                let (digits, length) = match self.rest.strip_prefix('{') {
                    Some(inside) => {
                        let digits = inside.split('}').next().unwrap_or_default();
                        (digits, digits.len() + 2)
                    }
                    None => (self.rest.get(..2).unwrap_or_default(), 2),
                };
                match u32::from_str_radix(digits, 16) {
                    Ok(code) if code <= char::MAX.into() && length <= self.rest.len() => {
                        self.pass(length);
                        code
                    }
                    _ => return refuse(unknown, help),
                }
            }
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            letter
                if letter.is_ascii_punctuation()
                    || letter.is_ascii_whitespace()
                    || letter.is_ascii_control() =>
            {
                letter.into()
            }
            _ => return refuse(unknown, help),
        };
        ControlFlow::Continue(code)
    }

    fn class(&mut self) -> Read<()> {
        self.pass(1);
        self.takes("^");
        let mut is_first = true;
        while is_first || !self.rest.starts_with(']') {
            is_first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                const NAMES: [&str; 14] = [
                    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
                    "space", "upper", "word", "xdigit",
                ];
                let name = self.rest[2..end].trim_start_matches('^');
                if !NAMES.contains(&name) {
                    return refuse(
                        "there is no such class of signs",
                        "write `[[:alpha:]]`, `[[:digit:]]`, or the signs",
                    );
                }
                self.pass(end + 2);
                continue;
            }
            if self.rest.starts_with('\\') && self.shorthand()? {
                continue;
            }
            let low = self.letter()?;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
                self.pass(1);
                if self.letter()? < low {
                    return refuse("a range in `[…]` runs backwards", "write its lower end first");
                }
            }
        }
        self.pass(1);
        ControlFlow::Continue(())
    }
}

/// A pattern for the engine that we have, which must match a whole value. What RE2 writes otherwise is said in its words.
pub(super) fn anchored(pattern: &str) -> String {
    let mut said = String::from("^(?s:");
    let mut rest = pattern;
    let mut is_in_class = false;
    while let Some(letter) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix("\\Q").filter(|_| !is_in_class) {
            let (text, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
            said.push_str(&regex_lite::escape(text));
            rest = after;
            continue;
        }
        let length = match letter {
            '\\' => escape_length(rest),
            // A brace that counts nothing is itself; so is a bracket within a class.
            '{' if !is_in_class => count(rest).map_or(0, |(length, ..)| length),
            '[' if is_in_class && rest.starts_with("[:") => 2,
            '[' | '&' | '~' if is_in_class => 0,
            '[' => {
                is_in_class = true;
                // What stands first does not close it.
                1 + usize::from(rest[1..].starts_with('^'))
                    + usize::from(rest[1..].trim_start_matches('^').starts_with(']'))
            }
            ']' => {
                is_in_class = false;
                1
            }
            letter => letter.len_utf8(),
        };
        if length == 0 {
            said.push('\\');
        }
        let (written, after) = rest.split_at(length.max(1));
        said.push_str(written);
        rest = after;
    }
    said.push_str(")$");
    said
}

/// How long an escape is: `\.`, `\x{61}`, `\p{Greek}`.
fn escape_length(rest: &str) -> usize {
    let in_braces = ["\\x{", "\\p{", "\\P{"].iter().any(|start| rest.starts_with(start));
    match rest.find('}') {
        Some(end) if in_braces => end + 1,
        _ => rest.chars().take(2).map(char::len_utf8).sum(),
    }
}

/// `{2}`, `{2,}`, `{2,5}`: how long it is, and its numbers. Anything else is no repetition, but text.
fn count(rest: &str) -> Option<(usize, u32, u32)> {
    let inside = rest.strip_prefix('{')?.split('}').next()?;
    rest.get(inside.len() + 1..).filter(|after| after.starts_with('}'))?;
    let number = |text: &str| {
        let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_led_by_zero = text.len() > 1 && text.starts_with('0');
        (is_one && !is_led_by_zero).then(|| text.parse().unwrap_or(MAX_REPEATS + 1))
    };
    let (least, most) = match inside.split_once(',') {
        None => (number(inside)?, number(inside)?),
        Some((least, "")) => (number(least)?, u32::MAX),
        Some((least, most)) => (number(least)?, number(most)?),
    };
    Some((inside.len() + 2, least, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_refuses_is_told_and_what_it_takes_is_not() {
        for pattern in [
            "a(b",
            "a)b",
            "a[b",
            "[z-a]",
            "a(?!b)",
            "(?<=a)b",
            "*a",
            "a|*b",
            "(+)",
            "a\\",
            "a**",
            "a+?*",
            "x++",
            r"\p{Foo=a}",
            r"\pQ",
            r"\p{",
            r"\p{Lx",
            r"\p",
            r"[\p{Greec}]",
            r"\p{é}",
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
            r"\pL\p{Greek}[^\P{Lu}]",
        ] {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }
}
