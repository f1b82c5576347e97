//! What is asked of the database: selectors, ranges, subqueries, and how long ago.

use std::time::Duration;

use super::lexer::{Kind, Token};
use super::{Fault, Grammar, Need, Part, Read, Stop, Type, Why, fault, number};
use crate::promql::labels::NAME;
use crate::promql::matcher::{MatchOp, Matcher};
use crate::promql::regex;
use crate::promql::tree::{At, Expr, MatrixSelector, Offset, Subquery, VectorSelector, When};
use crate::values::prometheus_duration;

/// No time is longer.
const LONGEST: Duration = Duration::from_secs(292 * 365 * 86_400);

/// What stands in the braces of a selector.
#[derive(Default)]
pub(in crate::promql) struct Braces {
    /// Names in quotes.
    pub(in crate::promql) names: Vec<String>,
    pub(in crate::promql) matchers: Vec<Matcher>,
    /// Whether it leaves anything out.
    asks_for_some: bool,
    pub(in crate::promql) end: usize,
}

impl Grammar<'_> {
    /// Behind `{`.
    pub(super) fn selector(&mut self, start: usize, before: Option<&str>) -> Read<Part> {
        let Braces { mut names, matchers, asks_for_some, end } = self.braces(before)?;
        let range = start..end;
        if !asks_for_some && before.is_none() {
            let message = format!("`{}` selects everything", &self.text[range.clone()]);
            return Err(fault(message, range, "name the metric, or a label with a value").into());
        }
        let name = before.map(str::to_owned).or_else(|| names.pop());
        let selector = VectorSelector { name, matchers, when: When::default() };
        Ok(Part::new(Expr::Vector(selector), Type::Vector, range))
    }

    /// To the closing brace. `before` is the name that stands before the opening one.
    pub(super) fn braces(&mut self, before: Option<&str>) -> Read<Braces> {
        let mut braces = Braces::default();
        loop {
            let token = self.take()?;
            match token.kind {
                Kind::Sign if self.is(&token, "}") => {
                    braces.end = token.range.end;
                    return Ok(braces);
                }
                Kind::Word | Kind::Text => {}
                _ => return Err(self.misplaced(&token)),
            }
            let next = self.peek()?;
            let second = if token.kind == Kind::Text && (self.is(&next, ",") || self.is(&next, "}")) {
                let name = self.unquoted(&token);
                braces.asks_for_some |= !name.is_empty();
                braces.names.push(name);
                braces.names.last()
            } else {
                let matcher = self.matcher(&self.label(&token))?;
                braces.asks_for_some |= matcher.passes("") != Some(true);
                braces.matchers.push(matcher);
                braces.matchers.last().filter(|last| last.name == NAME).map(|last| &last.value)
            };
            if let (Some(first), Some(second)) = (before, second) {
                let message = format!("the metric has two names, `{first}` and `{second}`");
                return Err(fault(message, token.range, "take one of the names away").into());
            }
            let next = self.peek()?;
            if !self.takes(",")? && !self.is(&next, "}") {
                return Err(self.misplaced(&next));
            }
        }
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
    fn matcher(&mut self, label: &str) -> Read<Matcher> {
        let sign = self.take()?;
        let Some(op) = MatchOp::read(self.word(&sign)).filter(|_| sign.kind == Kind::Sign) else {
            return Err(self.misplaced(&sign));
        };
        let token = self.take()?;
        if token.kind != Kind::Text {
            let message = format!("`{}` cannot stand there in a selector", self.shown(&token));
            return Err(fault(message, token.range, "put the label's value in quotes").into());
        }
        let value = self.unquoted(&token);
        if op.is_regex()
            && let Some(refused) = regex::fault(&value)
        {
            return Err(
                Fault { pattern: Some(Box::new((value, refused))), ..fault("", token.range, "") }.into()
            );
        }
        Ok(Matcher::checked(label, op, &value))
    }

    /// Behind a part stands `[`.
    pub(super) fn range(&mut self, part: Part) -> Read<Part> {
        let open = self.take()?;
        let range = self.span(true)?.length;
        // To Prometheus a single letter is a colon, too: `[5 m]` is a subquery of five seconds.
        let next = self.peek()?;
        if self.is(&next, ":") || (next.kind == Kind::Word && next.range.len() == 1) {
            self.ahead = None;
            let next = self.peek()?;
            let step = if self.is(&next, "]") { None } else { Some(self.span(true)?.length) };
            let end = self.bracket()?;
            if !part.what.may_be(Type::Vector) {
                let message = format!("a subquery of {}", part.what.name());
                let help = "a subquery is of an instant vector: `rate(…[5m])[1h:]`";
                return Err(fault(message, part.range, help).into());
            }
            let subquery = Subquery { expr: part.expr.into(), range, step, when: When::default() };
            return Ok(Part::new(Expr::Subquery(subquery), Type::Matrix, part.range.start..end));
        }
        let end = self.bracket()?;
        let refused =
            |message: &str, help: &str| Err(Stop::from(fault(message, open.range.start..end, help)));
        let Expr::Vector(selector) = part.expr else {
            let help = "write the range right behind a metric, or a subquery as `(…)[1h:]`";
            return refused("a range of what is no metric", help);
        };
        if selector.when != When::default() {
            return refused(
                "the range stands behind `offset` or `@`",
                "write the range first: `x[5m] offset 1h`",
            );
        }
        let matrix = MatrixSelector { selector, range };
        Ok(Part::new(Expr::Matrix(matrix), Type::Matrix, part.range.start..end))
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
    fn span(&mut self, must_be_positive: bool) -> Read<Offset> {
        let sign = self.peek()?;
        let mut is_ahead = false;
        while self.takes("+")? || self.takes("-")? {
            is_ahead ^= self.text[..self.lexer.place()].ends_with('-');
        }
        let token = self.peek()?;
        let length = match token.kind {
            Kind::Duration => self.duration(&token)?,
            Kind::Number if let Some(seconds) = number(self.word(&token)) => {
                let length = Duration::try_from_secs_f64(seconds).ok();
                self.not_too_long(length, &token)?
            }
            Kind::Word if !must_be_positive && self.is(&token, "nan") => {
                self.ahead = None;
                return Ok(self.unknown());
            }
            _ if self.is(&token, "(") => return self.calculated(),
            Kind::Word if matches!(self.word(&token), "step" | "min" | "max" | "range") => {
                return self.calculated();
            }
            _ => {
                let message = format!("`{}` is no time", self.shown(&token));
                return Err(fault(message, token.range, "write how long: `[5m]`, `[90s]`").into());
            }
        };
        self.ahead = None;
        let next = self.peek()?;
        let is_more = ["+", "-", "*", "/", "%", "^"].iter().any(|operator| self.is(&next, operator));
        if must_be_positive && is_more {
            return self.calculated();
        }
        if must_be_positive && (length.is_zero() || is_ahead) {
            let range = sign.range.start..token.range.end;
            let message =
                format!("a range of `{}`: it must be longer than nothing", &self.text[range.clone()]);
            return Err(fault(message, range, "write how long: `[5m]`, `[90s]`").into());
        }
        Ok(Offset { is_ahead, length })
    }

    /// A time that is not known before it is asked for.
    fn unknown(&mut self) -> Offset {
        self.is_known = false;
        Offset { is_ahead: false, length: Duration::ZERO }
    }

    /// The rest of a time that is calculated.
    fn calculated(&mut self) -> Read<Offset> {
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
        Ok(self.unknown())
    }

    pub(super) fn duration(&self, token: &Token) -> Read<Duration> {
        let word = self.word(token);
        let Some(time) = prometheus_duration(word) else {
            let help = "write whole numbers with their units, the large ones first: `1h30m`, `90s`";
            return Err(fault(format!("`{word}` is no time"), token.range.clone(), help).into());
        };
        self.not_too_long(Some(time), token)
    }

    /// `None` is longer than any.
    fn not_too_long(&self, time: Option<Duration>, token: &Token) -> Read<Duration> {
        time.filter(|time| *time <= LONGEST).ok_or_else(|| {
            let help = "write a shorter one: none is longer than 292 years";
            fault(format!("`{}` is no time", self.word(token)), token.range.clone(), help).into()
        })
    }

    pub(super) fn offset(&mut self, mut part: Part) -> Read<Part> {
        let word = self.take()?;
        let next = self.peek()?;
        if next.kind == Kind::End {
            let help = "write how long ago, as `offset 5m`";
            return Err(fault("nothing stands behind `offset`", word.range, help).into());
        }
        let offset = self.span(false)?;
        let Some(when) = when(&mut part.expr) else {
            let help = "write it right behind a metric or a range: `x offset 5m`, `rate(x[5m] offset 5m)`";
            return Err(Fault {
                is_dialect: true,
                ..fault("`offset` is of a metric only", word.range, help)
            }
            .into());
        };
        if when.offset.replace(offset).is_some() {
            return Err(fault("`offset` stands there twice", word.range, "take one `offset` away").into());
        }
        part.range.end = self.lexed();
        Ok(part)
    }

    pub(super) fn time(&mut self, mut part: Part) -> Read<Part> {
        let sign = self.take()?;
        let mut token = self.take()?;
        let is_before = self.is(&token, "-");
        if is_before || self.is(&token, "+") {
            token = self.take()?;
        }
        let help = "write a time in seconds, `start()` or `end()`";
        let seconds = |seconds: f64| At::Time(if is_before { -seconds } else { seconds });
        let at = match token.kind {
            Kind::Duration => seconds(self.duration(&token)?.as_secs_f64()),
            Kind::Number => {
                // Thousandths of them are counted in 64 bits.
                let known = number(self.word(&token)).filter(|seconds| *seconds < 9.223_372_036_854_775e15);
                let Some(known) = known else {
                    let message = format!("`{}` is beyond all times", self.word(&token));
                    return Err(fault(message, token.range, help).into());
                };
                seconds(known)
            }
            Kind::Word if self.is(&token, "start") || self.is(&token, "end") => {
                for bracket in ["(", ")"] {
                    if !self.takes(bracket)? {
                        return Err(fault("`@` wants a time", token.range, help).into());
                    }
                }
                if self.is(&token, "start") { At::Start } else { At::End }
            }
            _ => {
                let range = if token.kind == Kind::End { sign.range } else { token.range };
                return Err(fault("`@` wants a time", range, help).into());
            }
        };
        let Some(when) = when(&mut part.expr) else {
            let help = "write it right behind a metric or a range: `x @ end()`";
            return Err(
                Fault { is_dialect: true, ..fault("`@` is of a metric only", sign.range, help) }.into()
            );
        };
        if when.at.replace(at).is_some() {
            return Err(fault("`@` stands there twice", sign.range, "take one of them away").into());
        }
        part.range.end = self.lexed();
        Ok(part)
    }
}

/// What `offset` and `@` may stand behind.
fn when(expr: &mut Expr) -> Option<&mut When> {
    match expr {
        Expr::Vector(selector) => Some(&mut selector.when),
        Expr::Matrix(matrix) => Some(&mut matrix.selector.when),
        Expr::Subquery(subquery) => Some(&mut subquery.when),
        _ => None,
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
