//! PromQL that has been parsed. A rendered expression can only come from here, so none can be malformed.

mod classes;
mod grammar;
pub mod labels;
mod matcher;
pub mod refused;
pub mod regex;
pub mod rule_tests;
pub mod tree;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use hashbrown::HashMap;
use minijinja::value::{Object, Value};
use serde::{Serialize, Serializer};

use self::grammar::Reading;
pub use self::matcher::{MatchOp, Matcher};
pub use self::tree::Expr;
use self::tree::VectorSelector;

/// An expression as its author wrote it: line breaks and all, since a person will read it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromQl {
    text: String,
    metrics: BTreeSet<String>,
}

impl PromQl {
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = |why: &str| format!("`{text}` is not PromQL: {why}");
        let reading = read(text);
        let expr = match &*reading {
            Reading::Taken(Some(expr), _) => expr,
            Reading::Taken(None, needs) => {
                return Err(wrong(needs.first().map_or("a time is unknown", |need| &need.fault.message)));
            }
            Reading::Refused(fault) => return Err(wrong(&fault.message)),
            Reading::TooDeep => return Err(wrong("it is too large")),
        };
        let metrics = selectors(expr).filter_map(|selector| selector.name.clone()).collect();
        Ok(Self { text: text.to_owned(), metrics })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Names of all metrics that the expression asks for.
    pub fn metrics(&self) -> &BTreeSet<String> {
        &self.metrics
    }
}

impl fmt::Display for PromQl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// In a template an expression stays what it is, so that the printing rule can tell it from text.
impl Object for PromQl {
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for PromQl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_object(self.clone()).serialize(serializer)
    }
}

/// The matchers of a selector's braces, to ask whether a series would be selected.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, String> {
    grammar::matchers(text).ok_or_else(|| format!("`{text}` is not a list of matchers"))
}

/// One condition on a label as it is written. `None` where the regular expression is none.
pub fn matcher(name: &str, op: &str, value: &str) -> Option<Matcher> {
    Matcher::new(name, MatchOp::read(op)?, value)
}

/// The words of a regular expression that is a list of them: `a|b`.
pub fn alternatives(pattern: &str) -> Option<Vec<&str>> {
    let text = pattern.strip_prefix('^').unwrap_or(pattern);
    let text = text.strip_suffix('$').unwrap_or(text);
    let inside = text.strip_prefix("(?:").or_else(|| text.strip_prefix('('));
    let text = inside.and_then(|inside| inside.strip_suffix(')')).unwrap_or(text);
    let is_plain = |c: char| c.is_alphanumeric() || "-_ /:@,=#%&".contains(c);
    let alternatives: Vec<&str> = text.split('|').collect();
    alternatives.iter().all(|word| word.chars().all(is_plain)).then_some(alternatives)
}

/// An expression with more operators than this is nobody's: each may be one level of the tree, and of the program's stack.
const MAX_OPERATORS: usize = 1000;

/// What a text means. `None` where it is not PromQL, or beyond any size, or where not all of it is known.
pub fn tree(text: &str) -> Option<Arc<Expr>> {
    match &*read(text) {
        Reading::Taken(expr, _) => expr.clone(),
        _ => None,
    }
}

/// Each text is read once: what was rendered is proven afterwards, and dashboards ask the same again and again.
fn read(text: &str) -> Arc<Reading> {
    static READ: LazyLock<Mutex<HashMap<Box<str>, Arc<Reading>>>> = LazyLock::new(Mutex::default);
    let known = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(reading) = known().get(text) {
        return Arc::clone(reading);
    }
    let reading = Arc::new(if fits(text) { grammar::read(text) } else { Reading::TooDeep });
    let kept = (text.into(), Arc::clone(&reading));
    known().insert(kept.0, kept.1);
    reading
}

/// Whether a text is small enough to be read.
fn fits(text: &str) -> bool {
    // A shorter one has not even the letters for more.
    let words = || text.split_whitespace().count();
    let operators = || text.bytes().filter(|byte| b"(+-*/%^=<>".contains(byte)).count();
    text.len() <= MAX_OPERATORS || operators() <= MAX_OPERATORS && operators() + words() <= 4 * MAX_OPERATORS
}

/// The expressions right below this one.
pub fn children(expr: &Expr) -> impl DoubleEndedIterator<Item = &Expr> {
    let (mut one, mut other, mut args): (_, _, &[Expr]) = (None, None, &[]);
    match expr {
        Expr::Aggregate(inner) => (one, other) = (inner.param.as_deref(), Some(&*inner.expr)),
        Expr::Binary(inner) => (one, other) = (Some(&*inner.left), Some(&*inner.right)),
        Expr::Negative(inner) | Expr::Paren(inner) => one = Some(&**inner),
        Expr::Subquery(inner) => one = Some(&*inner.expr),
        Expr::Call(inner) => args = &inner.args,
        Expr::Number(_) | Expr::Text(_) | Expr::Vector(_) | Expr::Matrix(_) => {}
    }
    one.into_iter().chain(other).chain(args)
}

/// The expression and all below it, each before what is inside of it.
pub fn walk(expr: &Expr) -> impl Iterator<Item = &Expr> {
    // Every check walks every expression: what has one part only waits in no list.
    let (mut next, mut waiting) = (Some(expr), Vec::new());
    std::iter::from_fn(move || {
        let this = next.take().or_else(|| waiting.pop())?;
        match this {
            Expr::Aggregate(inner) => {
                next = inner.param.as_deref().or(Some(&inner.expr));
                waiting.extend(inner.param.as_ref().map(|_| &*inner.expr));
            }
            Expr::Binary(inner) => {
                next = Some(&inner.left);
                waiting.push(&*inner.right);
            }
            Expr::Negative(inner) | Expr::Paren(inner) => next = Some(inner),
            Expr::Subquery(inner) => next = Some(&inner.expr),
            Expr::Call(inner) => {
                if let Some((first, others)) = inner.args.split_first() {
                    next = Some(first);
                    waiting.extend(others.iter().rev());
                }
            }
            Expr::Number(_) | Expr::Text(_) | Expr::Vector(_) | Expr::Matrix(_) => {}
        }
        Some(this)
    })
}

/// What is inside of any parentheses.
pub fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(inner),
        other => other,
    }
}

/// Whether the expression gives what a rule can have: series or a number, no range and no text.
pub fn is_value(expr: &Expr) -> bool {
    expr.gives().is_value()
}

/// Everything that the expression asks the database for.
pub fn selectors(expr: &Expr) -> impl Iterator<Item = &VectorSelector> {
    walk(expr).filter_map(|expr| match expr {
        Expr::Vector(selector) => Some(selector),
        Expr::Matrix(matrix) => Some(&matrix.selector),
        _ => None,
    })
}

/// Whether it needs no database: a number, or what is calculated from numbers and the time.
pub fn asks_nothing(expr: &Expr) -> bool {
    selectors(expr).next().is_none()
}

/// The name of the series that are asked for, if it is one name.
pub fn metric(selector: &VectorSelector) -> Option<&str> {
    // A pattern may match its own text and many names beside: `a:.*`.
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte));
    let is_one = |matcher: &Matcher| match matcher.op {
        MatchOp::Equal => true,
        MatchOp::Re => is_name(&matcher.value),
        MatchOp::NotEqual | MatchOp::NotRe => false,
    };
    let by_label = || selector.matchers.iter().find(|one| one.name == labels::NAME && is_one(one));
    selector.name.as_deref().or_else(|| by_label().map(|one| one.value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_names_every_metric_it_asks_for() {
        let expr = PromQl::parse(
            "sum(rate(a_total{x=\"1\"}[5m])) / b:c:d > 5 or absent(e) unless delta(f[1h] offset 1d) < 0",
        )
        .expect("is PromQL");
        assert_eq!(expr.metrics().iter().collect::<Vec<_>>(), ["a_total", "b:c:d", "e", "f"]);
    }

    #[test]
    fn a_selector_has_a_name_only_where_it_can_be_no_other() {
        for (text, name) in [
            ("up{a=\"b\"}", Some("up")),
            ("{__name__=\"up\"}", Some("up")),
            ("{__name__=\"http.requests\"}", Some("http.requests")),
            ("{__name__=~\"a:up\"}", Some("a:up")),
            ("{__name__=~\"a:.*\"}", None),
            ("{__name__=~\"a_.+_total\"}", None),
            ("{__name__=~\"up|x\"}", None),
            ("{__name__!=\"up\", a=\"b\"}", None),
        ] {
            let tree = tree(text).expect("is PromQL");
            assert_eq!(selectors(&tree).next().and_then(metric), name, "{text}");
        }
    }

    #[test]
    fn no_time_is_too_long_to_be_refused() {
        for time in ["inf", "-Inf", "nan", "1e40", "1_0e40", "99999999999999999999", "0xffffffffffffffffff"] {
            for text in [format!("x offset {time}"), format!("x[{time}]"), format!("x[5m:{time}]")] {
                assert!(tree(&text).is_none(), "{text}");
            }
        }
        // Those that are long, and can be.
        for text in ["x offset 999999999s", "x[292y]", "x > 1e40", "x @ 1e12"] {
            assert!(tree(text).is_some(), "{text}");
        }
        let longest = format!("x[{}y]", u32::MAX);
        let _: Option<Arc<Expr>> = tree(&longest);
    }

    #[test]
    fn what_is_not_promql_cannot_become_an_expression() {
        assert!(PromQl::parse("sum(").is_err());
        assert!(PromQl::parse("a b").is_err());
    }

    #[test]
    fn matchers_end_with_the_braces_that_they_stand_in() {
        for text in ["", " ", "a=\"b\"", "a=\"b\", c=~\"d|}\"", "a='#'"] {
            assert!(parse_matchers(text).is_ok(), "{text}");
        }
        for text in [
            "a=\"b\"} or y{c=\"d\"",
            "a=\"b\"} #",
            "a=\"b\"} offset 5m #",
            "} #",
            "a=\"b\"}[5m",
            "a=\"b\" or c=\"d\"",
            "a",
            "a=b",
            "a=\"",
            "a=~\"(\"",
            "__name__=\"y\"",
            "\"y\"",
        ] {
            assert!(parse_matchers(text).is_err(), "{text}");
        }
    }
}
