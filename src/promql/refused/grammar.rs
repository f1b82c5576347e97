//! The grammar of PromQL as Prometheus has it, and the types of what its parts give. It builds nothing: it only says where
//! Prometheus stops.

mod calls;
mod series;

use std::ops::Range;

use super::functions::AGGREGATIONS;
use super::lexer::{Kind, Lexer, Token};
use super::{Fault, Need, fault};

/// Deeper than this is nobody's, and the program's own stack has an end.
const MAX_DEPTH: usize = 100;

/// What an expression needs beside a Prometheus; or why none takes it. `None` where it is too deep to be read.
pub(super) fn read(text: &str) -> Option<Result<Vec<Need>, Fault>> {
    let mut grammar = Grammar { text, lexer: Lexer::new(text), ahead: None, depth: 0, needs: Vec::new() };
    match grammar.whole() {
        Ok(()) => Some(Ok(grammar.needs)),
        Err(Stop::Fault(fault)) => Some(Err(fault)),
        Err(Stop::TooDeep) => None,
    }
}

enum Stop {
    Fault(Fault),
    TooDeep,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Scalar,
    Vector,
    Matrix,
    Text,
    /// What a function gives that is not known.
    Any,
}

impl Type {
    fn of(letter: u8) -> Type {
        match letter {
            b's' => Type::Scalar,
            b'm' => Type::Matrix,
            b't' => Type::Text,
            _ => Type::Vector,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Type::Scalar => "a scalar",
            Type::Vector => "an instant vector",
            Type::Matrix => "a range vector",
            Type::Text => "a text",
            Type::Any => "a value",
        }
    }

    fn may_be(self, other: Type) -> bool {
        self == other || self == Type::Any
    }

    fn is_value(self) -> bool {
        !matches!(self, Type::Matrix | Type::Text)
    }
}

/// What may stand behind a part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A metric: a range, `offset` and `@`.
    Selector,
    /// A range or a subquery: `offset` and `@`.
    Range,
    Other,
}

/// A part of an expression.
#[derive(Clone)]
struct Part {
    what: Type,
    range: Range<usize>,
    shape: Shape,
    has_offset: bool,
    has_time: bool,
}

impl Part {
    fn new(what: Type, range: Range<usize>) -> Part {
        Part { what, range, shape: Shape::Other, has_offset: false, has_time: false }
    }
}

/// An operator between two parts.
#[derive(Clone)]
struct Operator {
    token: Token,
    sign: String,
}

impl Operator {
    fn is_set(&self) -> bool {
        matches!(self.sign.as_str(), "and" | "or" | "unless")
    }

    fn is_comparison(&self) -> bool {
        matches!(self.sign.as_str(), "==" | "!=" | "<" | "<=" | ">" | ">=")
    }

    /// How strongly it binds.
    fn strength(&self) -> u8 {
        match self.sign.as_str() {
            "or" => 1,
            "and" | "unless" => 2,
            "+" | "-" => 4,
            "*" | "/" | "%" | "atan2" => 5,
            "^" => POWER,
            _ => 3,
        }
    }
}

const POWER: u8 = 6;

/// Words that may stand between two series, and what of them was written.
#[derive(Default)]
struct Matching {
    is_bool: bool,
    /// The labels of `on (…)` or `ignoring (…)`.
    labels: Option<Vec<String>>,
    is_on: bool,
    /// The word `group_left` or `group_right`, and its labels.
    group: Option<(Token, Vec<String>)>,
}

struct Grammar<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    ahead: Option<Token>,
    depth: usize,
    needs: Vec<Need>,
}

type Read<T> = Result<T, Stop>;

impl Grammar<'_> {
    fn whole(&mut self) -> Read<()> {
        if self.peek()?.kind == Kind::End {
            return Err(fault("it is empty", 0..0, "write what it is to be").into());
        }
        self.expression(0)?;
        let rest = self.peek()?;
        if rest.kind == Kind::End { Ok(()) } else { Err(self.unexpected(&rest)) }
    }

    // Words.

    fn peek(&mut self) -> Read<Token> {
        if let Some(token) = &self.ahead {
            return Ok(token.clone());
        }
        let token = self.lexer.next()?;
        self.ahead = Some(token.clone());
        Ok(token)
    }

    fn take(&mut self) -> Read<Token> {
        let token = self.peek()?;
        self.ahead = None;
        Ok(token)
    }

    fn word(&self, token: &Token) -> &str {
        &self.text[token.range.clone()]
    }

    fn is(&self, token: &Token, sign: &str) -> bool {
        matches!(token.kind, Kind::Word | Kind::Sign) && self.word(token).eq_ignore_ascii_case(sign)
    }

    fn takes(&mut self, sign: &str) -> Read<bool> {
        let token = self.peek()?;
        let is_it = self.is(&token, sign);
        if is_it {
            self.ahead = None;
        }
        Ok(is_it)
    }

    // Expressions.

    fn expression(&mut self, strength: u8) -> Read<Part> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::TooDeep);
        }
        let mut left = self.signed()?;
        while let Some(operator) = self.operator()?.filter(|operator| operator.strength() > strength) {
            self.ahead = None;
            let matching = self.matching()?;
            self.something_behind(&operator)?;
            // Only a power binds to the right.
            let strength = operator.strength() - u8::from(operator.strength() == POWER);
            let right = self.expression(strength)?;
            left = self.binary(&left, &operator, &matching, &right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&mut self) -> Read<Option<Operator>> {
        let token = self.peek()?;
        let sign = match token.kind {
            Kind::Word => self.word(&token).to_ascii_lowercase(),
            Kind::Sign => self.word(&token).to_owned(),
            _ => return Ok(None),
        };
        Ok(is_operator(&sign).then_some(Operator { token, sign }))
    }

    fn something_behind(&mut self, operator: &Operator) -> Read<()> {
        let next = self.peek()?;
        let sign = self.word(&operator.token);
        if next.kind == Kind::End {
            let message = format!("nothing stands behind `{sign}`");
            return Err(fault(message, operator.token.range.clone(), "write what it is to work with").into());
        }
        let word = self.word(&next);
        let is_hard = next.kind == Kind::Sign && is_operator(word) && word != "-" && word != "+";
        if is_hard || (next.kind == Kind::Sign && word == ")") {
            let message = format!("nothing stands between `{sign}` and `{word}`");
            return Err(fault(message, next.range, "take one of them away").into());
        }
        Ok(())
    }

    fn signed(&mut self) -> Read<Part> {
        let sign = self.peek()?;
        if !(self.is(&sign, "-") || self.is(&sign, "+")) {
            return self.postfixed();
        }
        self.ahead = None;
        let operator = Operator { sign: self.word(&sign).to_owned(), token: sign.clone() };
        self.something_behind(&operator)?;
        let part = self.expression(POWER - 1)?;
        if !part.what.is_value() {
            let message = format!("`{}` stands before {}", operator.sign, part.what.name());
            let help = "write it before a number or an instant vector";
            return Err(fault(message, part.range, help).into());
        }
        Ok(Part::new(part.what, sign.range.start..part.range.end))
    }

    /// A part, and what may stand behind it: a range, `offset`, `@`.
    fn postfixed(&mut self) -> Read<Part> {
        let mut part = self.part()?;
        loop {
            let token = self.peek()?;
            if self.is(&token, "[") {
                part = self.range(&part)?;
            } else if self.is(&token, "offset") {
                part = self.offset(&part)?;
            } else if self.is(&token, "@") {
                part = self.time(&part)?;
            } else {
                return Ok(part);
            }
        }
    }

    fn part(&mut self) -> Read<Part> {
        let token = self.take()?;
        let start = token.range.start;
        match token.kind {
            Kind::Number => {
                if !is_number(self.word(&token)) {
                    let message = format!("`{}` is no number", self.word(&token));
                    return Err(fault(message, token.range, "write it in digits: `5000000`, `5e6`").into());
                }
                Ok(Part::new(Type::Scalar, token.range))
            }
            Kind::Duration => {
                self.duration(&token)?;
                Ok(Part::new(Type::Scalar, token.range))
            }
            Kind::Text => Ok(Part::new(Type::Text, token.range)),
            Kind::Word => self.name(&token),
            Kind::Sign if self.is(&token, "(") => {
                let inside = self.peek()?;
                if self.is(&inside, ")") {
                    let help = "write an expression in the brackets";
                    return Err(fault("nothing stands in `()`", start..inside.range.end, help).into());
                }
                let part = self.expression(0)?;
                let end = self.closing()?;
                Ok(Part::new(part.what, start..end))
            }
            Kind::Sign if self.is(&token, "{") => self.selector(start, None),
            Kind::Sign | Kind::End => Err(self.unexpected(&token)),
        }
    }

    /// What begins with a word.
    fn name(&mut self, token: &Token) -> Read<Part> {
        let word = self.word(token).to_owned();
        let lower = word.to_ascii_lowercase();
        let next = self.peek()?;
        let is_call = self.is(&next, "(");
        if let Some((_, takes)) = AGGREGATIONS.iter().find(|(name, _)| *name == lower) {
            if is_call || self.is(&next, "by") || self.is(&next, "without") {
                return self.aggregation(token, takes);
            }
        } else if matches!(lower.as_str(), "inf" | "nan") {
            return Ok(Part::new(Type::Scalar, token.range.clone()));
        } else if matches!(
            lower.as_str(),
            "atan2" | "bool" | "group_left" | "group_right" | "ignoring" | "on"
        ) {
            return Err(self.unexpected(token));
        } else if is_call && !is_keyword(&lower) && !word.contains(':') {
            return self.call(token);
        }
        if self.takes("{")? {
            return self.selector(token.range.start, Some(&word));
        }
        Ok(Part { shape: Shape::Selector, ..Part::new(Type::Vector, token.range.clone()) })
    }

    // Operators.

    fn matching(&mut self) -> Read<Matching> {
        let mut matching = Matching { is_bool: self.takes("bool")?, ..Matching::default() };
        matching.is_on = self.takes("on")?;
        if matching.is_on || self.takes("ignoring")? {
            matching.labels = Some(self.labels(if matching.is_on { "on" } else { "ignoring" })?);
        }
        let group = self.peek()?;
        if self.is(&group, "group_left") || self.is(&group, "group_right") {
            let word = self.word(&group).to_ascii_lowercase();
            if matching.labels.is_none() {
                let message = format!("`{word}` stands behind `on (…)` or `ignoring (…)`");
                return Err(fault(message, group.range, format!("write `on (…) {word} (…)`")).into());
            }
            self.ahead = None;
            let open = self.peek()?;
            let labels = if self.is(&open, "(") { self.labels(&word)? } else { Vec::new() };
            matching.group = Some((group, labels));
        }
        Ok(matching)
    }

    fn binary(&mut self, left: &Part, operator: &Operator, matching: &Matching, right: &Part) -> Read<Part> {
        let (sign, range) = (&operator.sign, operator.token.range.clone());
        let refused = |message: String, help: &str| Err(Stop::from(fault(message, range.clone(), help)));
        if matching.is_bool && !operator.is_comparison() {
            return refused(format!("`bool` behind `{sign}`, which compares nothing"), "take `bool` away");
        }
        if let Some(side) = [left, right].into_iter().find(|side| !side.what.is_value()) {
            let message = format!("`{sign}` works with {}", side.what.name());
            let text = self.text[side.range.clone()].trim_matches(['"', '\'', '`']);
            let help = match side.what {
                Type::Matrix => "take a `rate(…)` or an `…_over_time(…)` of the range first".to_owned(),
                _ if text.parse::<f64>().is_ok() => format!("write the number without quotes: `{text}`"),
                _ => "write a number or a series; a text may stand in braces and as an argument".to_owned(),
            };
            return Err(fault(message, side.range.clone(), help).into());
        }
        let is_scalar = |side: &Part| side.what == Type::Scalar;
        let (is_one, are_both) = (is_scalar(left) || is_scalar(right), is_scalar(left) && is_scalar(right));
        if operator.is_comparison() && are_both && !matching.is_bool {
            let help = "compare a series with a number, or write `bool` behind the sign";
            return refused(format!("`{sign}` compares two numbers"), help);
        }
        if operator.is_set() && is_one {
            let help = format!("both sides of `{sign}` are series: a number is `vector(…)`");
            return refused(format!("`{sign}` with a number"), &help);
        }
        let labels = matching.labels.as_deref().unwrap_or_default();
        if is_one && !labels.is_empty() {
            let help = "take `on (…)` away: one side is a number";
            return refused("labels are matched with a number".to_owned(), help);
        }
        if let Some((group, included)) = &matching.group {
            if operator.is_set() {
                let message = format!("`{}` behind `{sign}`", self.word(group));
                let help = "take it away: `and`, `or` and `unless` match many anyway";
                return Err(fault(message, group.range.clone(), help).into());
            }
            if let Some(twice) = included.iter().find(|label| matching.is_on && labels.contains(label)) {
                let message =
                    format!("the label `{twice}` stands in `on (…)` and in `{} (…)`", self.word(group));
                let help = "name it in one of them: those of `on (…)` are kept anyway";
                return Err(fault(message, group.range.clone(), help).into());
            }
        }
        let what = match (left.what, right.what) {
            (Type::Scalar, Type::Scalar) => Type::Scalar,
            (Type::Vector, _) | (_, Type::Vector) => Type::Vector,
            _ => Type::Any,
        };
        Ok(Part::new(what, left.range.start..right.range.end))
    }

    // What is said.

    /// Where the last word that was taken ends.
    fn lexed(&self) -> usize {
        match &self.ahead {
            Some(token) => self.text[..token.range.start].trim_end().len(),
            None => self.lexer.place(),
        }
    }

    /// What stands at the end of the text.
    fn last_word(&self) -> Range<usize> {
        let text = self.text.trim_end();
        text.rfind(|c: char| c.is_whitespace() || c == ')').map_or(0, |at| at + 1)..text.len()
    }

    /// A word as a message shows it.
    fn shown(&self, token: &Token) -> &str {
        match token.kind {
            Kind::End => "the end",
            _ => self.word(token),
        }
    }

    /// Something that cannot stand where it stands.
    fn unexpected(&self, token: &Token) -> Stop {
        let word = self.word(token);
        let before = self.text[..token.range.start].trim_end();
        let say = |message: String, help: &str| Stop::from(fault(message, token.range.clone(), help));
        if token.kind == Kind::End {
            return fault("it ends too early", self.last_word(), "write what is missing at its end").into();
        }
        match word.to_ascii_lowercase().as_str() {
            "," if before.is_empty() || !before.contains('(') => say(
                "a comma stands outside of brackets".to_owned(),
                "take it away, or write the operator that is meant",
            ),
            "," => say(
                "a comma stands where an expression is wanted".to_owned(),
                "take it away, or write what is missing",
            ),
            "by" | "without" => say(
                format!("`{word}` belongs to no aggregation"),
                "write it right behind `sum`, `avg`, … or behind their brackets, and once",
            ),
            "on" | "ignoring" => say(format!("`{word}` stands behind an operator"), "write `x / on (…) y`"),
            "group_left" | "group_right" => say(
                format!("`{word}` stands behind `on (…)` or `ignoring (…)`"),
                "write `x / on (…) group_left (…) y`",
            ),
            "bool" => say("`bool` stands behind a comparison".to_owned(), "write `x > bool y`"),
            "for" => {
                say("`for` is no word of PromQL".to_owned(), "write it as a key of the alert: `for: 5m`")
            }
            "{" => say(
                "a second pair of braces".to_owned(),
                "write all matchers in one pair, with a comma between them",
            ),
            "[" => say("a range of nothing".to_owned(), "write the range right behind a metric"),
            _ if before.is_empty() || before.ends_with(['(', ',']) => {
                let help = "write what it calculates with";
                say(format!("nothing stands before `{word}`"), help)
            }
            _ if token.kind == Kind::Word
                && matches!(before.rsplit(|c: char| !c.is_ascii_alphabetic()).next(), Some("not")) =>
            {
                say("PromQL has no `not`".to_owned(), "write `unless`, or compare with `!=`")
            }
            _ => {
                let help = "write `*`, `>`, `and`, … between the two";
                say(format!("an operator is missing before `{word}`"), help)
            }
        }
    }
}

fn is_operator(sign: &str) -> bool {
    matches!(
        sign,
        "+" | "-"
            | "*"
            | "/"
            | "%"
            | "^"
            | "=="
            | "!="
            | "<"
            | "<="
            | ">"
            | ">="
            | "and"
            | "or"
            | "unless"
            | "atan2"
    )
}

/// Words that are no functions, and may be metrics.
fn is_keyword(word: &str) -> bool {
    matches!(word, "and" | "by" | "offset" | "or" | "unless" | "without")
}

/// Whether the digits, points and lines of a number are where a number has them, and it is not beyond all numbers.
fn is_number(word: &str) -> bool {
    if word.get(1..2).is_some_and(|letter| letter.eq_ignore_ascii_case("x")) {
        return word.ends_with(|c: char| c.is_ascii_hexdigit());
    }
    let is_between = |(at, _): (usize, &str)| {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        at > 0 && digit(word.as_bytes().get(at - 1)) && digit(word.as_bytes().get(at + 1))
    };
    word.match_indices('_').all(is_between) && word.replace('_', "").parse::<f64>().is_ok_and(f64::is_finite)
}
