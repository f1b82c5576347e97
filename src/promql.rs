//! PromQL that has been parsed. A rendered expression can only come from here, so none can be malformed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, Value};
pub use promql_parser::label::Matchers;
use promql_parser::parser::{self, Expr};
use promql_parser::util::{ExprVisitor, walk_expr};
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
        let expr = parser::parse(text).map_err(|error| format!("`{text}` is not PromQL: {error}"))?;
        let mut metrics = Metrics(BTreeSet::new());
        match walk_expr(&mut metrics, &expr) {
            Ok(_) => Ok(Self { text: text.to_owned(), metrics: metrics.0 }),
            Err(never) => match never {},
        }
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

struct Metrics(BTreeSet<String>);

impl ExprVisitor for Metrics {
    type Error = Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Infallible> {
        let selector = match expr {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &matrix.vs,
            _ => return Ok(true),
        };
        self.0.extend(selector.name.clone());
        Ok(true)
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
