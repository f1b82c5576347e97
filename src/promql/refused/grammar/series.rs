//! What is asked of the database: selectors, ranges, subqueries, and how long ago.

use super::super::lexer::{Kind, Token};
use super::super::{Fault, Need, Why, fault};
use super::{Grammar, Part, Read, Shape, Stop, Type, is_number};
use crate::promql::regex;
use crate::values::prometheus_duration;

impl Grammar<'_> {
    /// Behind `{`.
    pub(super) fn selector(&mut self, start: usize, before: Option<&str>) -> Read<Part> {
        let mut wants_some = before.is_some();
        // The name that stands in the braces.
        let mut within = None;
        let end = loop {
            let token = self.take()?;
            match token.kind {
                Kind::Sign if self.is(&token, "}") => break token.range.end,
                Kind::Word | Kind::Text => {}
                _ => return Err(self.misplaced(&token)),
            }
            let next = self.peek()?;
            if token.kind == Kind::Text && (self.is(&next, ",") || self.is(&next, "}")) {
                let name = self.unquoted(&token);
                wants_some |= !name.is_empty();
                within = Some(name);
            } else {
                let label = self.label(&token);
                let (operator, value) = self.matcher()?;
                wants_some |= asks_for_some(&operator, &value);
                within = within.or_else(|| (label == "__name__").then_some(value));
            }
            if let (Some(first), Some(second)) = (before, &within) {
                let message = format!("the metric has two names, `{first}` and `{second}`");
                return Err(fault(message, token.range, "take one of the names away").into());
            }
            let next = self.peek()?;
            if !self.takes(",")? && !self.is(&next, "}") {
                return Err(self.misplaced(&next));
            }
        };
        let range = start..end;
        if !wants_some {
            let message = format!("`{}` selects everything", &self.text[range.clone()]);
            return Err(fault(message, range, "name the metric, or a label with a value").into());
        }
        Ok(Part { shape: Shape::Selector, ..Part::new(Type::Vector, range) })
    }

    pub(super) fn unquoted(&self, token: &Token) -> String {
        unquote(self.word(token))
    }

    fn label(&self, token: &Token) -> String {
        if token.kind == Kind::Text { self.unquoted(token) } else { self.word(token).to_owned() }
    }

    fn misplaced(&self, token: &Token) -> Stop {
        let message = format!("`{}` cannot stand there in a selector", self.shown(token));
        let help = "write a label's matcher as `name=\"value\"`, with a comma before the next";
        fault(message, token.range.clone(), help).into()
    }

    /// The sign and the value behind a label.
    fn matcher(&mut self) -> Read<(String, String)> {
        let sign = self.take()?;
        let operator = self.word(&sign).to_owned();
        if sign.kind != Kind::Sign || !["=", "!=", "=~", "!~"].contains(&operator.as_str()) {
            return Err(self.misplaced(&sign));
        }
        let token = self.take()?;
        if token.kind != Kind::Text {
            let message = format!("`{}` cannot stand there in a selector", self.shown(&token));
            return Err(fault(message, token.range, "put the label's value in quotes").into());
        }
        let value = self.unquoted(&token);
        if operator.ends_with('~')
            && let Some(refused) = regex::fault(&value)
        {
            return Err(
                Fault { pattern: Some(Box::new((value, refused))), ..fault("", token.range, "") }.into()
            );
        }
        Ok((operator, value))
    }

    /// Behind a part stands `[`.
    pub(super) fn range(&mut self, part: &Part) -> Read<Part> {
        let open = self.take()?;
        self.span(true)?;
        // To Prometheus a single letter is a colon, too: `[5 m]` is a subquery of five seconds.
        let next = self.peek()?;
        if self.is(&next, ":") || (next.kind == Kind::Word && next.range.len() == 1) {
            self.ahead = None;
            let next = self.peek()?;
            if !self.is(&next, "]") {
                self.span(true)?;
            }
            let end = self.bracket()?;
            if !part.what.may_be(Type::Vector) {
                let message = format!("a subquery of {}", part.what.name());
                let help = "a subquery is of an instant vector: `rate(…[5m])[1h:]`";
                return Err(fault(message, part.range.clone(), help).into());
            }
            return Ok(Part { shape: Shape::Range, ..Part::new(Type::Matrix, part.range.start..end) });
        }
        let end = self.bracket()?;
        let refused =
            |message: &str, help: &str| Err(Stop::from(fault(message, open.range.start..end, help)));
        if part.shape != Shape::Selector {
            let help = "write the range right behind a metric, or a subquery as `(…)[1h:]`";
            return refused("a range of what is no metric", help);
        }
        if part.has_offset || part.has_time {
            return refused(
                "the range stands behind `offset` or `@`",
                "write the range first: `x[5m] offset 1h`",
            );
        }
        Ok(Part { shape: Shape::Range, ..Part::new(Type::Matrix, part.range.start..end) })
    }

    fn bracket(&mut self) -> Read<usize> {
        let token = self.take()?;
        if self.is(&token, "]") {
            return Ok(token.range.end);
        }
        let message = format!("`{}` cannot stand there in a range", self.shown(&token));
        Err(fault(message, token.range, "write how long: `[5m]`, or `[1h:1m]` for a subquery").into())
    }

    /// How long: a time or a number of seconds, or something that is calculated, which is an experiment.
    fn span(&mut self, must_be_positive: bool) -> Read<()> {
        let sign = self.peek()?;
        let mut is_negative = false;
        while self.takes("+")? || self.takes("-")? {
            is_negative ^= self.text[..self.lexer.place()].ends_with('-');
        }
        let token = self.peek()?;
        let help = "write how long: `[5m]`, `[90s]`";
        let is_zero = match token.kind {
            Kind::Duration => self.duration(&token)?,
            Kind::Number if is_number(self.word(&token)) => self.word(&token).parse() == Ok(0.0),
            Kind::Word if !must_be_positive && self.is(&token, "nan") => false,
            _ if self.is(&token, "(") => return self.calculated(),
            Kind::Word if matches!(self.word(&token), "step" | "min" | "max" | "range") => {
                return self.calculated();
            }
            _ => {
                let message = format!("`{}` is no time", self.shown(&token));
                return Err(fault(message, token.range, help).into());
            }
        };
        self.ahead = None;
        let next = self.peek()?;
        let is_more = ["+", "-", "*", "/", "%", "^"].iter().any(|operator| self.is(&next, operator));
        if must_be_positive && is_more {
            return self.calculated();
        }
        if must_be_positive && (is_zero || is_negative) {
            let range = sign.range.start..token.range.end;
            let message =
                format!("a range of `{}`: it must be longer than nothing", &self.text[range.clone()]);
            return Err(fault(message, range, help).into());
        }
        Ok(())
    }

    /// The rest of a time that is calculated.
    fn calculated(&mut self) -> Read<()> {
        let start = self.peek()?;
        let mut open = 0_usize;
        loop {
            let token = self.peek()?;
            let is_end = self.is(&token, "]") || self.is(&token, ":") || token.kind == Kind::End;
            if is_end {
                break;
            }
            if self.is(&token, "(") {
                open += 1;
            } else if self.is(&token, ")") {
                if open == 0 {
                    break;
                }
                open -= 1;
            }
            self.ahead = None;
            // Behind `offset` it is one pair of brackets.
            if open == 0 && self.is(&token, ")") && !self.lexer.is_in_range() {
                break;
            }
        }
        let help = "write the time itself, or start Prometheus with `--enable-feature=promql-duration-expr`";
        let fault =
            fault("a time is calculated, which is an experiment, and switched off", start.range, help);
        self.needs.push(Need { fault, why: Why::Experiment("promql-duration-expr") });
        Ok(())
    }

    /// Whether a time is none at all.
    pub(super) fn duration(&mut self, token: &Token) -> Read<bool> {
        const YEARS: u64 = 292;
        let word = self.word(token);
        let time = prometheus_duration(word);
        if let Some(time) = time.filter(|time| time.as_secs() <= YEARS * 365 * 86_400) {
            return Ok(time.is_zero());
        }
        let help = match time {
            Some(_) => "write a shorter one: none is longer than 292 years",
            None => "write whole numbers with their units, the large ones first: `1h30m`, `90s`",
        };
        Err(fault(format!("`{word}` is no time"), token.range.clone(), help).into())
    }

    pub(super) fn offset(&mut self, part: &Part) -> Read<Part> {
        let word = self.take()?;
        let next = self.peek()?;
        if next.kind == Kind::End {
            let help = "write how long ago, as `offset 5m`";
            return Err(fault("nothing stands behind `offset`", word.range, help).into());
        }
        self.span(false)?;
        if part.shape == Shape::Other {
            let help = "write it right behind a metric or a range: `x offset 5m`, `rate(x[5m] offset 5m)`";
            return Err(Fault {
                is_dialect: true,
                ..fault("`offset` is of a metric only", word.range, help)
            }
            .into());
        }
        if part.has_offset {
            return Err(fault("`offset` stands there twice", word.range, "take one `offset` away").into());
        }
        let range = part.range.start..self.lexed();
        Ok(Part { has_offset: true, range, ..part.clone() })
    }

    pub(super) fn time(&mut self, part: &Part) -> Read<Part> {
        let sign = self.take()?;
        let mut token = self.take()?;
        if self.is(&token, "-") || self.is(&token, "+") {
            token = self.take()?;
        }
        let help = "write a time in seconds, `start()` or `end()`";
        match token.kind {
            Kind::Duration => {
                self.duration(&token)?;
            }
            Kind::Number => {
                let seconds: Option<f64> = self.word(&token).replace('_', "").parse().ok();
                // Thousandths of them are counted in 64 bits.
                if seconds.is_some_and(|seconds| seconds.abs() >= 9.223_372_036_854_775e15) {
                    let message = format!("`{}` is beyond all times", self.word(&token));
                    return Err(fault(message, token.range, help).into());
                }
            }
            Kind::Word if self.is(&token, "start") || self.is(&token, "end") => {
                for bracket in ["(", ")"] {
                    if !self.takes(bracket)? {
                        return Err(fault("`@` wants a time", token.range, help).into());
                    }
                }
            }
            _ => {
                let range = if token.kind == Kind::End { sign.range } else { token.range };
                return Err(fault("`@` wants a time", range, help).into());
            }
        }
        if part.shape == Shape::Other {
            let help = "write it right behind a metric or a range: `x @ end()`";
            return Err(
                Fault { is_dialect: true, ..fault("`@` is of a metric only", sign.range, help) }.into()
            );
        }
        if part.has_time {
            return Err(fault("`@` stands there twice", sign.range, "take one of them away").into());
        }
        let range = part.range.start..self.lexed();
        Ok(Part { has_time: true, range, ..part.clone() })
    }
}

/// Whether a matcher refuses series without the label.
fn asks_for_some(operator: &str, value: &str) -> bool {
    match operator {
        "=" => !value.is_empty(),
        "!=" => value.is_empty(),
        operator => crate::promql::matcher("x", operator, value).is_none_or(|matcher| !matcher.is_match("")),
    }
}

/// What stands in quotes. The lexer has seen that each backslash begins something.
fn unquote(quoted: &str) -> String {
    let inside = &quoted[1..quoted.len() - 1];
    if quoted.starts_with('`') || !inside.contains('\\') {
        return inside.to_owned();
    }
    let mut said = Vec::new();
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once('\\') {
        said.extend(before.bytes());
        let letter = after.chars().next().unwrap_or_default();
        let (start, digits, base) = match letter {
            '0'..='7' => (0, 3, 8),
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            _ => (letter.len_utf8(), 0, 10),
        };
        let end = start + digits;
        let code = u32::from_str_radix(after.get(start..end).unwrap_or_default(), base).ok();
        match code {
            // Two or three digits are a byte, more are a letter.
            Some(code) if digits < 4 => said.push(u8::try_from(code).unwrap_or_default()),
            _ => {
                let plain = match letter {
                    'a' => '\x07',
                    'b' => '\x08',
                    'f' => '\x0c',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\x0b',
                    other => code.and_then(char::from_u32).unwrap_or(other),
                };
                said.extend(plain.encode_utf8(&mut [0; 4]).bytes());
            }
        }
        rest = after.get(end..).unwrap_or_default();
    }
    said.extend(rest.bytes());
    String::from_utf8_lossy(&said).into_owned()
}
