//! PromQL that has been parsed. A rendered expression can only come from here, so none can be malformed.

mod classes;
pub mod labels;
pub mod refused;
pub mod regex;
pub mod series;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use minijinja::value::{Object, Value};
pub use promql_parser::label::{MatchOp, Matcher, Matchers};
use promql_parser::parser::token::{T_EQL, T_EQL_REGEX, T_NEQ, T_NEQ_REGEX};
use promql_parser::parser::value::ValueType;
pub use promql_parser::parser::{self as ast, Expr};
use promql_parser::parser::{self, VectorSelector};
use serde::{Serialize, Serializer};

/// An expression as its author wrote it: line breaks and all, since a person will read it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromQl {
    text: String,
    metrics: BTreeSet<String>,
}

impl PromQl {
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let expr = parse(text).map_err(|error| format!("`{text}` is not PromQL: {error}"))?;
        let metrics = selectors(&expr).into_iter().filter_map(|selector| selector.name.clone()).collect();
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

/// A label that nobody's matchers name.
const LAST: &str = "__skymon_last";

/// The matchers of a selector's braces, to ask whether a series would be selected.
pub fn parse_matchers(text: &str) -> Result<Matchers, String> {
    let wrong = || format!("`{text}` is not a list of matchers");
    // The last matcher is only there if the text has not closed the braces, or begun a comment.
    let comma = if text.trim().is_empty() { "" } else { "," };
    let Expr::VectorSelector(selector) = parser::parse(&format!("x{{{text}{comma} {LAST}=\"\"}}"))? else {
        return Err(wrong());
    };
    let mut matchers = selector.matchers;
    let is_whole = matchers.matchers.pop().is_some_and(|last| last.name == LAST);
    // Alternatives within the braces are a dialect's.
    if is_whole && matchers.or_matchers.is_empty() { Ok(matchers) } else { Err(wrong()) }
}

/// One condition on a label, as Prometheus and Alertmanager both write it. `None` where the regular expression is none.
pub fn matcher(name: &str, op: &str, value: &str) -> Option<Matcher> {
    let op = match op {
        "=" => T_EQL,
        "!=" => T_NEQ,
        "=~" => T_EQL_REGEX,
        "!~" => T_NEQ_REGEX,
        _ => return None,
    };
    Matcher::new_matcher(op, name.to_owned(), value.to_owned()).ok()
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

/// What a text means. `None` where it is not PromQL, or beyond any size.
pub fn tree(text: &str) -> Option<Arc<Expr>> {
    fits(text).then(|| parse(text.trim()).ok())?
}

/// Each text is read once: what was rendered is proven afterwards, and dashboards ask the same again and again.
fn parse(text: &str) -> Result<Arc<Expr>, String> {
    static READ: LazyLock<Mutex<HashMap<String, Arc<Expr>>>> = LazyLock::new(Mutex::default);
    let read = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read().get(text) {
        return Ok(Arc::clone(known));
    }
    if has_endless_time(text) {
        return Err("a time is longer than any".to_owned());
    }
    let expr = Arc::new(parser::parse(text)?);
    read().insert(text.to_owned(), Arc::clone(&expr));
    Ok(expr)
}

/// Whether a range or an offset is beyond what a time can be: the parser would fall over it.
fn has_endless_time(text: &str) -> bool {
    const LONGEST: f64 = 1e15;
    const DIGITS: usize = 15;
    let is_endless = |rest: &str| {
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '+' || c == '-');
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        let word =
            rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())].replace('_', "").to_ascii_lowercase();
        let is_long = |part: &str| part.len() > DIGITS && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        word.parse::<f64>().is_ok_and(|seconds| seconds.is_nan() || seconds.abs() >= LONGEST)
            || word.split(|c: char| !c.is_ascii_hexdigit()).any(is_long)
    };
    let in_brackets = |(at, _): (usize, &str)| {
        let inside = text[at + 1..].split(']').next().unwrap_or_default();
        inside.split(':').any(is_endless)
    };
    let is_offset = |at: &usize| {
        let word = text.get(*at..at + "offset".len());
        word.is_some_and(|word| word.eq_ignore_ascii_case("offset"))
    };
    text.match_indices('[').any(in_brackets)
        || text
            .match_indices(['o', 'O'])
            .map(|(at, _)| at)
            .filter(is_offset)
            .any(|at| is_endless(&text[at + "offset".len()..]))
}

/// Whether a text is small enough to be read.
fn fits(text: &str) -> bool {
    let operators = text.bytes().filter(|byte| b"(+-*/%^=<>".contains(byte)).count();
    let words = text.split_whitespace().count();
    operators + words <= 4 * MAX_OPERATORS && operators <= MAX_OPERATORS
}

/// The expressions right below this one.
pub fn children(expr: &Expr) -> impl DoubleEndedIterator<Item = &Expr> {
    // Without a list of its own for each: every check walks every expression.
    let (mut one, mut other, mut args, mut more): (_, _, &[Box<Expr>], &[Expr]) = (None, None, &[], &[]);
    match expr {
        Expr::Aggregate(inner) => (one, other) = (inner.param.as_deref(), Some(&*inner.expr)),
        Expr::Unary(inner) => one = Some(&*inner.expr),
        Expr::Binary(inner) => (one, other) = (Some(&*inner.lhs), Some(&*inner.rhs)),
        Expr::Paren(inner) => one = Some(&*inner.expr),
        Expr::Subquery(inner) => one = Some(&*inner.expr),
        Expr::Call(inner) => args = &inner.args.args,
        Expr::Extension(inner) => more = inner.expr.children(),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_) => {}
    }
    one.into_iter().chain(other).chain(args.iter().map(AsRef::as_ref)).chain(more)
}

/// The expression and all below it, from the outside to the inside.
pub fn walk(expr: &Expr) -> Vec<&Expr> {
    let mut all = vec![expr];
    let mut at = 0;
    while at < all.len() {
        all.extend(children(all[at]));
        at += 1;
    }
    all
}

/// What is inside of any parentheses.
pub fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(one) => bare(&one.expr),
        other => other,
    }
}

/// Whether the expression gives what a rule can have: series or a number, no range and no text.
pub fn is_value(expr: &Expr) -> bool {
    matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector)
}

/// Everything that the expression asks the database for.
pub fn selectors<'e>(expr: &'e Expr) -> Vec<&'e VectorSelector> {
    let selector = |expr: &'e Expr| match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(matrix) => Some(&matrix.vs),
        _ => None,
    };
    walk(expr).into_iter().filter_map(selector).collect()
}

/// The conditions of a selector's braces.
pub fn matchers(selector: &VectorSelector) -> &[Matcher] {
    &selector.matchers.matchers
}

/// The name of the series that are asked for, if it is one name.
pub fn metric(selector: &VectorSelector) -> Option<&str> {
    // A pattern may match its own text and many names beside: `a:.*`.
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte));
    let is_one = |matcher: &Matcher| match &matcher.op {
        MatchOp::Equal => true,
        MatchOp::Re(_) => is_name(&matcher.value),
        MatchOp::NotEqual | MatchOp::NotRe(_) => false,
    };
    let by_label = || matchers(selector).iter().find(|one| one.name == labels::NAME && is_one(one));
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
            assert_eq!(metric(selectors(&tree)[0]), name, "{text}");
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
