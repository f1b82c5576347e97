//! The words of an expression, cut as Prometheus cuts them. What it stops at, this stops at.

use std::ops::Range;

use super::{Fault, fault};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, or a word of the language.
    Word,
    Number,
    /// A number with units: `5m`.
    Duration,
    Text,
    Sign,
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// The brackets that are open, and where.
    open: Vec<(char, usize)>,
}

const DIGITS: &str = "0123456789";

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer { text, at: 0, open: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Result<Token, Fault> {
        self.pass_over_nothing();
        let start = self.at;
        // Right behind the bracket only a duration is read, and no comment yet.
        if let Some(('[', open)) = self.open.last()
            && self.text[open + 1..start].trim_start().starts_with('#')
        {
            let comment = start - self.text[open + 1..start].trim_start().len();
            return Err(fault(
                "a range does not begin with a comment",
                comment..comment + 1,
                "write the comment behind the brackets",
            ));
        }
        let Some(letter) = self.peek() else { return self.end() };
        let inside = self.inside();
        let kind = match letter {
            '"' | '\'' | '`' if inside != '[' => self.text(letter)?,
            letter if is_letter(letter) || (letter == ':' && is_open(inside)) => {
                self.word(is_open(inside));
                Kind::Word
            }
            letter if inside != '{' && self.begins_number(letter) => self.number()?,
            _ => {
                self.sign(letter, inside)?;
                Kind::Sign
            }
        };
        Ok(Token { kind, range: start..self.at })
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn is_in_range(&self) -> bool {
        self.open.iter().any(|(letter, _)| *letter == '[')
    }

    /// The bracket that it is in.
    fn inside(&self) -> char {
        self.open.last().map_or(' ', |(letter, _)| *letter)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// Spaces and comments.
    fn pass_over_nothing(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            if self.peek() != Some('#') {
                return;
            }
            self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at);
        }
    }

    fn end(&self) -> Result<Token, Fault> {
        match self.open.last() {
            Some(&(open, at)) => {
                let help = "close it where its content ends";
                Err(fault(format!("`{open}` is not closed"), at..at + 1, help))
            }
            None => Ok(Token { kind: Kind::End, range: self.at..self.at }),
        }
    }

    fn word(&mut self, may_have_colons: bool) {
        let is_part = |c: char| is_letter(c) || c.is_ascii_digit() || (c == ':' && may_have_colons);
        let rest = &self.text[self.at..];
        // In a range a letter is a sign of its own to Prometheus: a colon.
        let is_colon = self.inside() == '[' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        self.at += if is_colon { 1 } else { rest.find(|c| !is_part(c)).unwrap_or(rest.len()) };
    }

    fn sign(&mut self, letter: char, inside: char) -> Result<(), Fault> {
        let start = self.at;
        let rest = &self.text[start..];
        if inside == '{' && !matches!(letter, '}' | ']' | ')') {
            return self.sign_in_braces(rest);
        }
        self.at += letter.len_utf8();
        match letter {
            '=' | '!' | '<' | '>' if is_open(inside) => {
                let sign = sign_at(rest);
                if !["==", "!=", "<", "<=", ">", ">="].contains(&sign) {
                    return Err(not_a_sign(sign, start));
                }
                self.at = start + sign.len();
            }
            '(' => self.open.push((letter, start)),
            '[' | '{' if is_open(inside) => self.open.push((letter, start)),
            ')' | ']' | '}' => self.close(letter, start)?,
            '+' | '-' | '*' | '/' | '%' | '^' | ',' => {}
            '@' if is_open(inside) => {}
            ':' if inside == '[' => {}
            '.' | ':' if is_open(inside) => return Err(self.not_a_name(start, "name", "{\"a.b\"}")),
            _ => return Err(not_a_sign(sign_at(rest), start)),
        }
        Ok(())
    }

    /// A name with a sign in it that it cannot have.
    fn not_a_name(&self, at: usize, what: &str, right: &str) -> Fault {
        let is_part = |c: char| is_letter(c) || c.is_ascii_digit() || ".:-".contains(c);
        let start = self.text[..at].rfind(|c| !is_part(c)).map_or(0, |before| before + 1);
        let end = self.text[at..].find(|c| !is_part(c)).map_or(self.text.len(), |length| at + length);
        let word = self.text[start..end].trim_end_matches([':', '-', '.']);
        let word = if word.is_empty() { &self.text[start..end] } else { word };
        let help = format!(
            "a {what} has letters, digits and `_`; any other stands in quotes, from 3.0 on: `{right}`"
        );
        fault(format!("`{word}` is no {what}"), start..start + word.len(), help)
    }

    fn sign_in_braces(&mut self, rest: &str) -> Result<(), Fault> {
        let start = self.at;
        if let Some(sign) = ["=~", "!~", "!=", "=", ","].iter().find(|sign| rest.starts_with(**sign)) {
            self.at += sign.len();
            return Ok(());
        }
        if rest.starts_with(['.', ':', '-'])
            && self.text[..start].ends_with(|c: char| c.is_ascii_alphanumeric())
        {
            return Err(self.not_a_name(start, "label", "{\"a.b\"=\"…\"}"));
        }
        let word = match sign_at(rest) {
            sign if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                let is_part = |c: char| is_letter(c) || c.is_ascii_digit() || c == '.';
                &rest[..rest.find(|c| !is_part(c)).unwrap_or(sign.len())]
            }
            sign => sign,
        };
        let help = if word == "\\" {
            "write the quotes without a backslash: nobody takes it away"
        } else if self.text[..start].trim_end().ends_with(['=', '~']) {
            "put the label's value in straight quotes: `name=\"value\"`"
        } else {
            "write a label's matcher as `name=\"value\"`, with a comma before the next"
        };
        Err(fault(format!("`{word}` cannot stand there in a selector"), start..start + word.len(), help))
    }

    fn close(&mut self, letter: char, at: usize) -> Result<(), Fault> {
        let opening = match letter {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        match self.open.pop() {
            Some((last, _)) if last == opening => Ok(()),
            Some((last, _)) => {
                let help = "close each bracket with its own, the last one first";
                Err(fault(format!("`{last}` is closed with `{letter}`"), at..at + 1, help))
            }
            None => {
                let help = format!("take it away, or write the `{opening}` that it belongs to");
                Err(fault(format!("`{letter}` closes nothing"), at..at + 1, help))
            }
        }
    }

    // Text.

    fn text(&mut self, quote: char) -> Result<Kind, Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            let letter = self.peek();
            match letter {
                Some('\n') if quote == '`' => self.at += 1,
                None | Some('\n') => {
                    let word = self.text[start..].lines().next().unwrap_or_default();
                    let help = format!("close it with `{quote}`");
                    return Err(fault("a quote is not closed", start..start + word.len(), help));
                }
                Some('\\') if quote != '`' => self.escape(quote)?,
                Some(letter) => {
                    self.at += letter.len_utf8();
                    if letter == quote {
                        return Ok(Kind::Text);
                    }
                }
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek().unwrap_or_default();
        let wrong = |end: usize| {
            let word = &self.text[start..end.min(self.text.len())];
            let help = "write the backslash twice, or the text in backticks";
            fault(format!("unknown escape sequence `{word}`"), start..start + word.len(), help)
        };
        let (digits, base, most) = match letter {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => (0, 10, 0),
            letter if letter == quote => (0, 10, 0),
            '0'..='7' => (3, 8, 255),
            'x' => (2, 16, 255),
            'u' => (4, 16, u32::from(char::MAX)),
            'U' => (8, 16, u32::from(char::MAX)),
            _ => return Err(wrong(self.at + letter.len_utf8())),
        };
        let start = if base == 8 { self.at } else { self.at + 1 };
        let code = self.text.get(start..start + digits).filter(|_| digits > 0);
        let code = code.map(|code| u32::from_str_radix(code, base).ok().filter(|code| *code <= most));
        let is_wrong = match code {
            None => digits > 0,
            // Half of a pair is no letter.
            Some(code) => code.is_none_or(|code| char::from_u32(code).is_none()),
        };
        if is_wrong {
            return Err(wrong(start));
        }
        self.at = start + digits;
        Ok(())
    }

    // Numbers.

    fn begins_number(&self, letter: char) -> bool {
        let second = self.text[self.at + letter.len_utf8()..].chars().next();
        letter.is_ascii_digit() || (letter == '.' && second.is_some_and(|c| c.is_ascii_digit()))
    }

    fn number(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        if self.plain_number() {
            return Ok(Kind::Number);
        }
        if self.units() {
            return Ok(Kind::Duration);
        }
        let rest = &self.text[start..];
        let is_part = |c: char| is_letter(c) || c.is_ascii_digit() || c == '.';
        let word = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let range = start..start + word.len();
        if self.inside() == '[' || word.starts_with(|c: char| c.is_ascii_digit()) && has_unit(word) {
            let help = format!("write whole numbers with their units: {}", in_units(word));
            return Err(fault(format!("`{word}` is no time"), range, help));
        }
        Err(fault(format!("`{word}` is no number"), range, "write it in digits: `5000000`, `5e6`"))
    }

    fn takes(&mut self, letters: &str) -> bool {
        let is_one = self.peek().is_some_and(|letter| letters.contains(letter));
        self.at += usize::from(is_one);
        is_one
    }

    fn takes_all(&mut self, letters: &str) {
        while self.takes(letters) {}
    }

    fn is_within_word(&self) -> bool {
        self.peek().is_some_and(|letter| is_letter(letter) || letter.is_ascii_digit())
    }

    /// A number without a unit. Its forms are those of Prometheus, with what they do not fit together with.
    fn plain_number(&mut self) -> bool {
        let mut digits = DIGITS;
        if self.takes("0") && self.takes("xX") {
            self.takes("_");
            digits = "0123456789abcdefABCDEF";
        }
        self.takes(".");
        self.takes(digits);
        let (mut has_dot, mut has_exponent) = (false, false);
        while let Some(letter) = self.peek().filter(|c| digits.contains(*c) || "._eE".contains(*c)) {
            match letter {
                '.' if has_dot => return false,
                'e' | 'E' if has_exponent => return false,
                '.' => {
                    self.at += 1;
                    has_dot = true;
                    if self.takes("_.") || digits.len() > DIGITS.len() {
                        return false;
                    }
                }
                'e' | 'E' => {
                    self.at += 1;
                    has_exponent = true;
                    self.takes("+-");
                    if self.takes("._eE") || self.peek().is_none() {
                        return false;
                    }
                }
                '_' => {
                    self.at += 1;
                    if self.takes("._eE") || self.peek().is_none() {
                        return false;
                    }
                }
                _ => self.takes_all(digits),
            }
        }
        !self.is_within_word()
    }

    /// What follows the digits of a time.
    fn units(&mut self) -> bool {
        if !self.takes("smhdwy") {
            return false;
        }
        self.takes("s");
        while self.takes(DIGITS) {
            self.takes_all(DIGITS);
            if !self.takes("smhdw") {
                return false;
            }
            self.takes("s");
        }
        !self.is_within_word()
    }
}

/// Whether the whole language may stand in a bracket: of a selector and of a range only a part of it may.
fn is_open(inside: char) -> bool {
    inside != '{' && inside != '['
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

/// Whether a number ends in what people write for a time.
fn has_unit(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.starts_with(['s', 'm', 'h', 'd', 'w', 'y']) && !unit.contains('.')
}

/// How a time is written that somebody wrote otherwise.
fn in_units(word: &str) -> &'static str {
    let ends = |units: &[&str]| units.iter().any(|unit| word.ends_with(unit));
    if ends(&["min", "mins", "minute", "minutes"]) {
        "`5m`"
    } else if ends(&["mo", "month", "months", "M"]) {
        "`30d`"
    } else {
        "`1h30m`, `90s`"
    }
}

/// The sign that a text begins with, as far as it is one to those who wrote it.
fn sign_at(rest: &str) -> &str {
    let is_sign = |c: char| "=~<>!&|?$".contains(c);
    let first = rest.chars().next().map_or(0, char::len_utf8);
    if !rest.starts_with(is_sign) {
        return &rest[..first];
    }
    &rest[..rest.find(|c| !is_sign(c)).unwrap_or(rest.len())]
}

fn not_a_sign(word: &str, start: usize) -> Fault {
    let help = match word {
        "&&" | "&" => "write `and`",
        "||" => "write `or`",
        "|" => "write `or`, or in a label's pattern `a|b`",
        "=~" | "!~" => "compare labels within the selector: `x{label=~\"…\"}`",
        "!" => "write `unless`, or compare with `!=`",
        "≥" => "write `>=`",
        "≤" => "write `<=`",
        "≠" => "write `!=`",
        "×" | "·" => "write `*`",
        "÷" => "write `/`",
        "–" | "—" | "−" => "write `-`",
        "“" | "”" | "„" | "‘" | "’" | "«" | "»" => "write straight quotes: `\"`",
        "?" => "write the condition with `and`, or compare with `bool`",
        "$" => "write the value itself: nobody fills it in",
        word if word.contains(['=', '!', '<', '>']) => "write one of `==`, `!=`, `>`, `>=`, `<`, `<=`",
        _ => "take it away",
    };
    fault(format!("PromQL has no `{word}`"), start..start + word.len(), help)
}
