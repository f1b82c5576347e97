//! Functions and aggregations: what each takes, and the labels in brackets.

use super::functions::{self, Function, Known};
use super::lexer::{Kind, Token};
use super::{Grammar, Need, Part, Read, Stop, Type, Why, fault};
use crate::diagnostics::nearest;
use crate::promql::tree::{Aggregation, Call, Expr, Grouping};

/// What switches experimental functions on.
const FUNCTIONS: &str = "promql-experimental-functions";
/// How a list of labels is written.
const LABELS: &str = "write the names of labels, with a comma between them: `(job, instance)`";

impl Grammar<'_> {
    pub(super) fn call(&mut self, token: &Token) -> Read<Part> {
        let known = functions::named(self.word(token));
        self.needs.extend(need(self.word(token), token, known));
        let arguments = self.arguments()?;
        let range = token.range.start..self.closing()?;
        let Some(Function { name, takes, .. }) = known else {
            self.is_known = false;
            // Nobody asks what it means.
            return Ok(Part::new(Expr::Number(f64::NAN), Type::Any, range));
        };
        self.fits(token, takes, &arguments)?;
        let call = Call { name, args: arguments.into_iter().map(|one| one.expr).collect() };
        let what = call.gives();
        Ok(Part::new(Expr::Call(call), what, range))
    }

    /// What stands in the brackets of a call.
    pub(super) fn arguments(&mut self) -> Read<Vec<Part>> {
        self.take()?;
        let mut arguments = Vec::new();
        let first = self.peek()?;
        if self.is(&first, ")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            let comma = self.peek()?;
            if !self.takes(",")? {
                return Ok(arguments);
            }
            let next = self.peek()?;
            if self.is(&next, ")") {
                let message = "nothing stands behind the last comma";
                return Err(fault(message, comma.range, "take the last comma away").into());
            }
        }
    }

    pub(super) fn closing(&mut self) -> Read<usize> {
        let token = self.peek()?;
        if self.takes(")")? { Ok(token.range.end) } else { Err(self.unexpected(&token)) }
    }

    pub(super) fn fits(&self, token: &Token, takes: &str, arguments: &[Part]) -> Read<()> {
        let name = self.word(token);
        let kinds: Vec<Type> = takes.bytes().filter(|letter| !b"?*".contains(letter)).map(Type::of).collect();
        let least = takes.find(['?', '*']).unwrap_or(kinds.len());
        let most = if takes.contains('*') { usize::MAX } else { kinds.len() };
        if arguments.len() < least || arguments.len() > most {
            let wanted = match (least, most) {
                (0, 0) => "nothing".to_owned(),
                (least, most) if least == most => count(least),
                (least, usize::MAX) => format!("at least {}", count(least)),
                (_, most) => format!("at most {}", count(most)),
            };
            let message = format!("`{name}` takes {wanted}, and gets {}", arguments.len());
            let help = format!("write it as `{}`", example(name, takes));
            return Err(fault(message, token.range.clone(), help).into());
        }
        for (at, argument) in arguments.iter().enumerate() {
            let wanted = kinds[at.min(kinds.len() - 1)];
            if !argument.what.may_be(wanted) {
                return Err(misfit(name, argument, wanted, takes));
            }
        }
        Ok(())
    }

    pub(super) fn aggregation(
        &mut self,
        token: &Token,
        name: &'static str,
        takes: &'static str,
    ) -> Read<Part> {
        let mut grouping = self.grouping()?;
        let open = self.peek()?;
        if !self.is(&open, "(") {
            return Err(self.unexpected(&open));
        }
        let mut arguments = self.arguments()?;
        let mut end = self.closing()?;
        if grouping.is_none() {
            grouping = self.grouping()?;
            end = if grouping.is_some() { self.lexed() } else { end };
        }
        self.fits(token, takes, &arguments)?;
        if name.starts_with("limit") {
            let message =
                format!("the aggregation `{}` is an experiment, and switched off", self.word(token));
            let fault = fault(message, token.range.clone(), switched_on());
            self.needs.push(Need { fault, why: Why::Experiment(FUNCTIONS) });
        }
        let expr = arguments.pop().map_or(Expr::Number(f64::NAN), |one| one.expr).into();
        let param = arguments.pop().map(|one| one.expr.into());
        let aggregation = Aggregation { name, param, expr, grouping };
        Ok(Part::new(Expr::Aggregate(aggregation), Type::Vector, token.range.start..end))
    }

    /// `by (…)` or `without (…)`.
    fn grouping(&mut self) -> Read<Option<Grouping>> {
        if self.takes("by")? {
            Ok(Some(Grouping::These(self.labels("by")?)))
        } else if self.takes("without")? {
            Ok(Some(Grouping::AllBut(self.labels("without")?)))
        } else {
            Ok(None)
        }
    }

    /// Labels in brackets, behind a word.
    pub(super) fn labels(&mut self, word: &str) -> Read<Vec<String>> {
        let open = self.peek()?;
        if !self.takes("(")? {
            let message = format!("`{word}` names its labels in brackets");
            let help = format!("write `{word} (…)`");
            let range = if open.kind == Kind::End { self.last_word() } else { open.range };
            return Err(fault(message, range, help).into());
        }
        let mut labels = Vec::new();
        loop {
            let token = self.take()?;
            let is_no_label =
                matches!(self.word(&token).to_ascii_lowercase().as_str(), "inf" | "nan" | "without");
            match token.kind {
                Kind::Sign if self.is(&token, ")") => return Ok(labels),
                Kind::Word if !is_no_label => labels.push(self.word(&token).to_owned()),
                Kind::Text if token.range.len() > 2 => labels.push(self.unquoted(&token)),
                _ => {
                    let message = format!("`{}` is no label", self.shown(&token));
                    return Err(fault(message, token.range, LABELS).into());
                }
            }
            let next = self.peek()?;
            if !self.takes(",")? && !self.is(&next, ")") {
                let message = format!("`{}` cannot stand there in a list of labels", self.shown(&next));
                return Err(fault(message, next.range, LABELS).into());
            }
        }
    }
}

/// What a function needs that not every Prometheus has.
fn need(name: &str, token: &Token, known: Option<Function>) -> Option<Need> {
    let (why, message, help) = match known.map(|known| known.since) {
        Some(Known::Always) => return None,
        Some(Known::Experiment) => {
            let message = format!("the function `{name}` is an experiment, and switched off");
            (Why::Experiment(FUNCTIONS), message, switched_on())
        }
        Some(Known::Gone(now)) => {
            let message = format!("the function `{name}` went with 3.0");
            (Why::Gone, message, format!("write `{now}`, and {}: it is an experiment", switched_on()))
        }
        None => {
            let near = nearest(name, functions::names());
            let help = near.map_or_else(
                || "write the name of a function, or the operator that is missing before `(`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            (Why::Unknown { is_near: near.is_some() }, format!("there is no function `{name}`"), help)
        }
    };
    Some(Need { fault: fault(message, token.range.clone(), help), why })
}

fn switched_on() -> String {
    format!("start Prometheus with `--enable-feature={FUNCTIONS}`")
}

/// An argument that is not what the function takes.
fn misfit(name: &str, found: &Part, wanted: Type, takes: &str) -> Stop {
    let message = format!("`{name}` takes {} there, not {}", wanted.name(), found.what.name());
    let help = match (wanted, found.what) {
        (Type::Matrix, Type::Vector) if matches!(found.expr, Expr::Vector(_)) => {
            format!("give it a range: `{name}(…[5m])`")
        }
        (Type::Matrix, Type::Vector) => {
            format!("write it of a metric, or as a subquery: `{name}((…)[1h:])`")
        }
        (_, Type::Matrix) => "take a `rate(…)` or an `…_over_time(…)` of the range first".to_owned(),
        (Type::Vector, Type::Scalar) => {
            "write a series there, or make one of the number: `vector(…)`".to_owned()
        }
        _ => format!("write it as `{}`", example(name, takes)),
    };
    fault(message, found.range.clone(), help).into()
}

/// `one argument`, `3 arguments`.
fn count(arguments: usize) -> String {
    match arguments {
        1 => "one argument".to_owned(),
        more => format!("{more} arguments"),
    }
}

/// How a function is written.
fn example(name: &str, takes: &str) -> String {
    let mut arguments: Vec<String> = Vec::new();
    for letter in takes.bytes() {
        arguments.push(match letter {
            b'v' => "x".to_owned(),
            b'm' => "x[5m]".to_owned(),
            b's' => "1".to_owned(),
            b't' => "\"text\"".to_owned(),
            _ => continue,
        });
    }
    format!("{name}({})", arguments.join(", "))
}
