//! From the text of a template to the words in its actions. Apart from their meaning, because where an action ends is
//! decided by quotes and comments alone.

use std::ops::Range;

use super::Fault;

#[derive(Debug)]
pub(super) struct Token {
    pub(super) what: What,
    pub(super) range: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A keyword, or a function's name.
    Word(String),
    Variable(String, Vec<String>),
    Dot(Vec<String>),
    Text(String),
    Pipe,
    Declare,
    Assign,
    Open,
    Close,
    /// Between two variables that are declared.
    Comma,
    /// A number, a character.
    Other,
}

/// One `{{ … }}` that is no comment.
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    pub(super) range: Range<usize>,
}

/// All actions of a text.
pub(super) fn actions(text: &str) -> Result<Vec<Lexed>, Fault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|offset| at + offset) {
        let mut lexer = Lexer { text, at: start + 2, start };
        // `{{- `: the dash is a sign of its own only where a space follows.
        if lexer.rest().strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space)) {
            lexer.at += 2;
        }
        if let Some(end) = lexer.comment()? {
            at = end;
            continue;
        }
        let tokens = lexer.tokens()?;
        at = lexer.at;
        found.push(Lexed { tokens, range: start..at });
    }
    Ok(found)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Where the action begins.
    start: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn unclosed(&self) -> Fault {
        let line = self.text[self.start..].lines().next().unwrap_or_default();
        Fault::new(self.start..self.start + line.len(), "`{{` is not closed").help("close it with `}}`")
    }

    /// Where a comment ends, if the action is one: around it there is no space but that of the dashes.
    fn comment(&self) -> Result<Option<usize>, Fault> {
        let Some(body) = self.rest().strip_prefix("/*") else {
            let is_apart = self.rest().trim_start_matches(is_space).starts_with("/*");
            return if is_apart { Err(self.apart()) } else { Ok(None) };
        };
        let begin = self.at + 2;
        let Some(end) = body.find("*/").map(|offset| begin + offset + 2) else {
            return Err(
                Fault::new(self.start..begin, "the comment is not closed").help("close it with `*/}}`")
            );
        };
        let after = &self.text[end..];
        let trimmed = || after.strip_prefix(is_space)?.strip_prefix("-}}");
        let close = after.strip_prefix("}}").or_else(trimmed);
        match close {
            Some(left) => Ok(Some(self.text.len() - left.len())),
            None => Err(Fault::new(self.start..end, "after a comment its action ends")
                .help("write `}}` right after `*/`")),
        }
    }

    fn apart(&self) -> Fault {
        let line = self.text[self.start..].lines().next().unwrap_or_default();
        let end = line.find("}}").map_or(line.len(), |end| end + 2);
        Fault::new(self.start..self.start + end, "a comment begins right after `{{`")
            .help("write `{{/* … */}}`, or `{{- /* … */ -}}`")
    }

    /// The words up to `}}`, and the place after it.
    fn tokens(&mut self) -> Result<Vec<Token>, Fault> {
        let mut tokens = Vec::new();
        loop {
            let before = self.at;
            self.at = self.text.len() - self.rest().trim_start_matches(is_space).len();
            let rest = self.rest();
            if rest.starts_with("}}") {
                self.at += 2;
                return Ok(tokens);
            }
            if rest.starts_with("-}}") && self.at > before {
                self.at += 3;
                return Ok(tokens);
            }
            let Some(first) = rest.chars().next() else { return Err(self.unclosed()) };
            let start = self.at;
            let what = self.token(first)?;
            tokens.push(Token { what, range: start..self.at });
        }
    }

    fn token(&mut self, first: char) -> Result<What, Fault> {
        let rest = self.rest();
        let (what, length) = match first {
            '"' | '\'' => return self.quoted(first),
            '`' => {
                let Some(end) = rest[1..].find('`') else { return Err(self.unended()) };
                (What::Text(rest[1..=end].to_owned()), end + 2)
            }
            '|' => (What::Pipe, 1),
            '(' => (What::Open, 1),
            ')' => {
                // `(…).Field`
                self.at += 1;
                self.fields()?;
                return Ok(What::Close);
            }
            ':' if rest.starts_with(":=") => (What::Declare, 2),
            '=' => (What::Assign, 1),
            ',' => (What::Comma, 1),
            '$' => {
                self.at += 1;
                let name = format!("${}", self.name());
                let fields = self.fields()?;
                return Ok(What::Variable(name, fields));
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                if rest[1..].starts_with(is_part) {
                    return Ok(What::Dot(self.fields()?));
                }
                (What::Dot(Vec::new()), 1)
            }
            '+' | '-' if !rest[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                return Err(Fault::new(self.at..self.at + 1, "a template does not calculate")
                    .help("let the expression of the rule do it"));
            }
            c if c.is_ascii_digit() || c == '+' || c == '-' || c == '.' => {
                let length =
                    rest[1..].find(|c: char| !is_part(c) && c != '.').map_or(rest.len(), |end| end + 1);
                (What::Other, length)
            }
            c if is_part(c) => {
                let word = self.name().to_owned();
                self.terminated()?;
                return Ok(What::Word(word));
            }
            other => return Err(self.stray(other)),
        };
        self.at += length;
        Ok(what)
    }

    fn quoted(&mut self, quote: char) -> Result<What, Fault> {
        let rest = self.rest();
        let mut is_escaped = false;
        for (at, letter) in rest.char_indices().skip(1) {
            if letter == '\n' {
                break;
            }
            if letter == quote && !is_escaped {
                self.at += at + 1;
                let inside = &rest[1..at];
                return Ok(if quote == '"' { What::Text(inside.to_owned()) } else { What::Other });
            }
            is_escaped = letter == '\\' && !is_escaped;
        }
        Err(self.unended())
    }

    fn unended(&self) -> Fault {
        let end = self.rest().lines().next().unwrap_or_default().len();
        Fault::new(self.at..self.at + end, "a text in quotes does not end").help("close the quote")
    }

    fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// `.a.b`
    fn fields(&mut self) -> Result<Vec<String>, Fault> {
        let mut fields = Vec::new();
        while self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(is_part)) {
            self.at += 1;
            fields.push(self.name().to_owned());
        }
        self.terminated()?;
        Ok(fields)
    }

    /// What may stand right after a name.
    fn terminated(&self) -> Result<(), Fault> {
        let rest = self.rest();
        match rest.chars().next() {
            None => Ok(()),
            Some(c) if is_space(c) || ".,|:)(=".contains(c) || rest.starts_with("}}") => Ok(()),
            Some(other) => Err(self.stray(other)),
        }
    }

    fn stray(&self, letter: char) -> Fault {
        let range = self.at..self.at + letter.len_utf8();
        // One brace alone is a slip for two.
        if letter == '}' {
            return self.unclosed();
        }
        let fault = Fault::new(range, format!("`{letter}` cannot stand there"));
        match letter {
            '-' | '/' => fault.help("a label of such a name is asked for as `{{ index $labels \"name\" }}`"),
            _ => fault.help("take it away, or put it in quotes"),
        }
    }
}

/// Go knows no others.
fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

fn is_part(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}
