//! The grammar of PromQL as Prometheus has it, and the types of what its parts give: what it stops at, this stops at.

mod calls;
mod functions;
mod lexer;
mod series;

use std::ops::Range;
use std::sync::Arc;

use self::functions::AGGREGATIONS;
use self::lexer::{Kind, Lexer, Token};
pub(super) use self::series::Braces;
use super::matcher::Matcher;
use super::regex;
use super::tree::{Binary, Expr, Group, Grouping, Matching, Op, Type, VectorSelector};

/// Deeper than this is nobody's, and the program's own stack has an end.
const MAX_DEPTH: usize = 100;

/// What a text is to Prometheus.
#[derive(Debug)]
pub(super) enum Reading {
    /// What it means, where all of that can be known, and what it needs beside a Prometheus.
    Taken(Option<Arc<Expr>>, Vec<Need>),
    Refused(Fault),
    TooDeep,
}

/// Why an expression is refused.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: String,
    pub(super) range: Range<usize>,
    pub(super) pattern: Option<Box<(String, regex::Refused)>>,
    /// Whether another language takes it.
    pub(super) is_dialect: bool,
}

fn fault(message: impl Into<String>, range: Range<usize>, help: impl Into<String>) -> Fault {
    Fault { message: message.into(), help: help.into(), range, pattern: None, is_dialect: false }
}

/// What not every Prometheus has, and what is to be said where it is missing.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) fault: Fault,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// It is switched on by a flag.
    Experiment(&'static str),
    /// It went with 3.0.
    Gone,
    /// It came later than the version that this grammar is of.
    Newer,
    /// A function that is not known; whether it is nearly one that is.
    Unknown { is_near: bool },
}

/// Reads an expression.
pub(super) fn read(text: &str) -> Reading {
    let mut grammar = Grammar::of(text);
    match grammar.whole() {
        Ok(expr) => Reading::Taken(grammar.is_known.then(|| Arc::new(expr)), grammar.needs),
        Err(Stop::Fault(fault)) => Reading::Refused(fault),
        Err(Stop::TooDeep) => Reading::TooDeep,
    }
}

/// Reads what stands in the braces of a selector behind a name, without them.
pub(super) fn matchers(text: &str) -> Option<Vec<Matcher>> {
    let text = format!("{{{text}}}");
    let braces = braces(&text, Some("x")).ok()?;
    // A comment may have swallowed the last brace, and another one closed them.
    (braces.end == text.len()).then_some(braces.matchers)
}

/// Reads the braces that a text begins with, behind a name or none.
pub(super) fn braces(text: &str, before: Option<&str>) -> Result<Braces, Fault> {
    let mut grammar = Grammar::of(text);
    let braces = grammar.take().and_then(|_| grammar.braces(before));
    braces.map_err(|stop| match stop {
        Stop::Fault(fault) => fault,
        Stop::TooDeep => fault("it is nested too deep", 0..text.len(), "write it in parts"),
    })
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
}

/// A part of an expression.
struct Part {
    expr: Expr,
    what: Type,
    range: Range<usize>,
}

impl Part {
    fn new(expr: Expr, what: Type, range: Range<usize>) -> Part {
        Part { expr, what, range }
    }
}

/// An operator between two parts.
struct Operator {
    token: Token,
    op: Op,
}

struct Grammar<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    ahead: Option<Token>,
    depth: usize,
    needs: Vec<Need>,
    /// Whether all that it means is known: not of a function that is not, and not of a time that is calculated.
    is_known: bool,
}

type Read<T> = Result<T, Stop>;

impl<'t> Grammar<'t> {
    fn of(text: &'t str) -> Grammar<'t> {
        Grammar { text, lexer: Lexer::new(text), ahead: None, depth: 0, needs: Vec::new(), is_known: true }
    }

    fn whole(&mut self) -> Read<Expr> {
        if self.peek()?.kind == Kind::End {
            return Err(fault("it is empty", 0..0, "write what it is to be").into());
        }
        let part = self.expression(0)?;
        let rest = self.peek()?;
        if rest.kind == Kind::End { Ok(part.expr) } else { Err(self.unexpected(&rest)) }
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

    fn word(&self, token: &Token) -> &'t str {
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
        while let Some(operator) = self.operator()?.filter(|operator| operator.op.strength() > strength) {
            self.ahead = None;
            let (matching, group) = self.matching()?;
            self.something_behind(&operator.token)?;
            // Only a power binds to the right.
            let strength = operator.op.strength() - u8::from(operator.op == Op::Power);
            let right = self.expression(strength)?;
            left = self.binary(left, &operator, matching, group, right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&mut self) -> Read<Option<Operator>> {
        let token = self.peek()?;
        let may_be = matches!(token.kind, Kind::Word | Kind::Sign);
        let op = Op::read(self.word(&token)).filter(|_| may_be);
        Ok(op.map(|op| Operator { token, op }))
    }

    fn something_behind(&mut self, operator: &Token) -> Read<()> {
        let next = self.peek()?;
        let sign = self.word(operator);
        if next.kind == Kind::End {
            let message = format!("nothing stands behind `{sign}`");
            return Err(fault(message, operator.range.clone(), "write what it is to work with").into());
        }
        let word = self.word(&next);
        let is_hard = Op::read(word).is_some() && word != "-" && word != "+";
        if next.kind == Kind::Sign && (is_hard || word == ")") {
            let message = format!("nothing stands between `{sign}` and `{word}`");
            return Err(fault(message, next.range, "take one of them away").into());
        }
        Ok(())
    }

    fn signed(&mut self) -> Read<Part> {
        let sign = self.peek()?;
        let is_minus = self.is(&sign, "-");
        if !is_minus && !self.is(&sign, "+") {
            return self.postfixed();
        }
        self.ahead = None;
        self.something_behind(&sign)?;
        let part = self.expression(Op::Power.strength() - 1)?;
        if !part.what.is_value() {
            let message = format!("`{}` stands before {}", self.word(&sign), part.what.name());
            let help = "write it before a number or an instant vector";
            return Err(fault(message, part.range, help).into());
        }
        let expr = match part.expr {
            expr if !is_minus => expr,
            Expr::Number(number) => Expr::Number(-number),
            expr => Expr::Negative(Box::new(expr)),
        };
        Ok(Part::new(expr, part.what, sign.range.start..part.range.end))
    }

    /// A part, and what may stand behind it: a range, `offset`, `@`.
    fn postfixed(&mut self) -> Read<Part> {
        let mut part = self.part()?;
        loop {
            let token = self.peek()?;
            if self.is(&token, "[") {
                part = self.range(part)?;
            } else if self.is(&token, "offset") {
                part = self.offset(part)?;
            } else if self.is(&token, "@") {
                part = self.time(part)?;
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
                let Some(number) = number(self.word(&token)) else {
                    let message = format!("`{}` is no number", self.word(&token));
                    return Err(fault(message, token.range, "write it in digits: `5000000`, `5e6`").into());
                };
                Ok(Part::new(Expr::Number(number), Type::Scalar, token.range))
            }
            Kind::Duration => {
                let seconds = self.duration(&token)?.as_secs_f64();
                Ok(Part::new(Expr::Number(seconds), Type::Scalar, token.range))
            }
            Kind::Text => Ok(Part::new(Expr::Text(self.unquoted(&token)), Type::Text, token.range)),
            Kind::Word => self.name(&token),
            Kind::Sign if self.is(&token, "(") => {
                let inside = self.peek()?;
                if self.is(&inside, ")") {
                    let help = "write an expression in the brackets";
                    return Err(fault("nothing stands in `()`", start..inside.range.end, help).into());
                }
                let part = self.expression(0)?;
                let end = self.closing()?;
                Ok(Part::new(Expr::Paren(Box::new(part.expr)), part.what, start..end))
            }
            Kind::Sign if self.is(&token, "{") => self.selector(start, None),
            Kind::Sign | Kind::End => Err(self.unexpected(&token)),
        }
    }

    /// What begins with a word.
    fn name(&mut self, token: &Token) -> Read<Part> {
        let word = self.word(token);
        let is = |known: &&str| known.eq_ignore_ascii_case(word);
        let next = self.peek()?;
        let is_call = self.is(&next, "(");
        if let Some((name, takes)) = AGGREGATIONS.iter().find(|(name, _)| is(name)) {
            if is_call || self.is(&next, "by") || self.is(&next, "without") {
                return self.aggregation(token, name, takes);
            }
        } else if let Some(number) =
            [("inf", f64::INFINITY), ("nan", f64::NAN)].iter().find(|(name, _)| is(name))
        {
            return Ok(Part::new(Expr::Number(number.1), Type::Scalar, token.range.clone()));
        } else if ["atan2", "bool", "group_left", "group_right", "ignoring", "on"].iter().any(&is) {
            return Err(self.unexpected(token));
        } else if is_call && !KEYWORDS.iter().any(is) && !word.contains(':') {
            return self.call(token);
        }
        if self.takes("{")? {
            return self.selector(token.range.start, Some(word));
        }
        Ok(Part::new(Expr::Vector(VectorSelector::of(word)), Type::Vector, token.range.clone()))
    }

    // Operators.

    /// The words that may stand between two series, and the one that groups.
    fn matching(&mut self) -> Read<(Matching, Option<Token>)> {
        let mut matching = Matching { is_bool: self.takes("bool")?, ..Matching::default() };
        matching.on = if self.takes("on")? {
            Some(Grouping::These(self.labels("on")?))
        } else if self.takes("ignoring")? {
            Some(Grouping::AllBut(self.labels("ignoring")?))
        } else {
            None
        };
        let group = self.peek()?;
        let is_left = self.is(&group, "group_left");
        let is_there = is_left || self.is(&group, "group_right");
        if is_there {
            let word = if is_left { "group_left" } else { "group_right" };
            if matching.on.is_none() {
                let message = format!("`{word}` stands behind `on (…)` or `ignoring (…)`");
                return Err(fault(message, group.range, format!("write `on (…) {word} (…)`")).into());
            }
            self.ahead = None;
            let open = self.peek()?;
            let labels = if self.is(&open, "(") { self.labels(word)? } else { Vec::new() };
            matching.group = Some(if is_left { Group::Left(labels) } else { Group::Right(labels) });
        }
        self.fills(&mut matching)?;
        Ok((matching, is_there.then_some(group)))
    }

    /// `fill (0)`, `fill_left (0)`, `fill_right (0)`.
    fn fills(&mut self, matching: &mut Matching) -> Read<()> {
        loop {
            let word = self.peek()?;
            let is_word = ["fill", "fill_left", "fill_right"].iter().any(|one| self.is(&word, one));
            if !is_word || !self.text[word.range.end..].trim_start().starts_with('(') {
                return Ok(());
            }
            self.ahead = None;
            let arguments = self.arguments()?;
            self.closing()?;
            let [Part { expr: Expr::Number(_), .. }] = arguments.as_slice() else {
                let message = format!("`{}` takes one number", self.word(&word));
                return Err(fault(message, word.range, "write `fill (0)`").into());
            };
            matching.fills = true;
            let message = format!("`{}` is younger than this Prometheus", self.word(&word));
            let fault = fault(message, word.range, "write `… or …` with what is to stand there");
            self.needs.push(Need { fault, why: Why::Newer });
        }
    }

    fn binary(
        &mut self,
        left: Part,
        operator: &Operator,
        matching: Matching,
        group: Option<Token>,
        right: Part,
    ) -> Read<Part> {
        let (op, range) = (operator.op, operator.token.range.clone());
        let refused = |message: String, help: &str| Err(Stop::from(fault(message, range.clone(), help)));
        if matching.is_bool && !op.is_comparison() {
            return refused(format!("`bool` behind `{op}`, which compares nothing"), "take `bool` away");
        }
        if let Some(side) = [&left, &right].into_iter().find(|side| !side.what.is_value()) {
            let message = format!("`{op}` works with {}", side.what.name());
            let text = self.text[side.range.clone()].trim_matches(['"', '\'', '`']);
            let help = match side.what {
                Type::Matrix => "take a `rate(…)` or an `…_over_time(…)` of the range first".to_owned(),
                _ if text.parse::<f64>().is_ok() => format!("write the number without quotes: `{text}`"),
                _ => "write a number or a series; a text may stand in braces and as an argument".to_owned(),
            };
            return Err(fault(message, side.range.clone(), help).into());
        }
        let is_scalar = |side: &Part| side.what == Type::Scalar;
        let (is_one, are_both) =
            (is_scalar(&left) || is_scalar(&right), is_scalar(&left) && is_scalar(&right));
        if op.is_comparison() && are_both && !matching.is_bool {
            let help = "compare a series with a number, or write `bool` behind the sign";
            return refused(format!("`{op}` compares two numbers"), help);
        }
        if op.is_set() && is_one {
            let help = format!("both sides of `{op}` are series: a number is `vector(…)`");
            return refused(format!("`{op}` with a number"), &help);
        }
        let (on, labels) = match &matching.on {
            Some(Grouping::These(labels)) => (labels.as_slice(), labels.as_slice()),
            Some(Grouping::AllBut(labels)) => ([].as_slice(), labels.as_slice()),
            None => Default::default(),
        };
        if is_one && !labels.is_empty() {
            let help = "take `on (…)` away: one side is a number";
            return refused("labels are matched with a number".to_owned(), help);
        }
        if let (Some(word), Some(Group::Left(included) | Group::Right(included))) = (group, &matching.group) {
            let written = self.word(&word);
            if op.is_set() {
                let message = format!("`{written}` behind `{op}`");
                let help = "take it away: `and`, `or` and `unless` match many anyway";
                return Err(fault(message, word.range, help).into());
            }
            if let Some(twice) = included.iter().find(|label| on.contains(label)) {
                let message = format!("the label `{twice}` stands in `on (…)` and in `{written} (…)`");
                let help = "name it in one of them: those of `on (…)` are kept anyway";
                return Err(fault(message, word.range, help).into());
            }
        }
        let what = match (left.what, right.what) {
            (Type::Scalar, Type::Scalar) => Type::Scalar,
            (Type::Vector, _) | (_, Type::Vector) => Type::Vector,
            _ => Type::Any,
        };
        let range = left.range.start..right.range.end;
        let (left, right) = (Box::new(left.expr), Box::new(right.expr));
        Ok(Part::new(Expr::Binary(Binary { op, left, right, matching }), what, range))
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

/// Words that are no functions, and may be metrics.
const KEYWORDS: [&str; 6] = ["and", "by", "offset", "or", "unless", "without"];

/// What a number is, if its digits, points and lines are where a number has them, and it is not beyond all numbers.
fn number(word: &str) -> Option<f64> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        let is_whole = digits.ends_with(|c: char| c.is_ascii_hexdigit());
        return is_whole.then(|| hexadecimal(digits));
    }
    let is_between = |(at, _): (usize, &str)| {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        at > 0 && digit(word.as_bytes().get(at - 1)) && digit(word.as_bytes().get(at + 1))
    };
    if !word.match_indices('_').all(is_between) {
        return None;
    }
    word.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

fn hexadecimal(digits: &str) -> f64 {
    digits.chars().filter_map(|c| c.to_digit(16)).fold(0.0, |number, digit| number * 16.0 + f64::from(digit))
}
