//! Reads Grafana's queries: which metrics and which of its variables a query asks for. What a variable looks like is known here
//! alone.

use std::collections::BTreeSet;
use std::iter;
use std::ops::Range;

use anyhow::{Result, anyhow};

use crate::promql::PromQl;

/// The names of the series that a query of a panel asks for.
pub(super) fn metrics(expr: &str) -> Result<BTreeSet<String>> {
    let query = PromQl::parse(&without_variables(expr)).map_err(|error| anyhow!(error))?;
    Ok(query.metrics().clone())
}

/// The query as PromQL reads it. What stands for a Grafana variable does not matter, only that it fits: a duration in
/// a range, a number or the inside of a string elsewhere.
pub fn without_variables(expr: &str) -> String {
    let mut plain = String::with_capacity(expr.len());
    let mut done = 0;
    for variable in GrafanaVariable::all(expr) {
        plain.push_str(&expr[done..variable.range.start]);
        done = variable.range.end;
        let has_unit = expr[done..].starts_with(|letter: char| letter.is_ascii_alphabetic());
        plain.push_str(match plain.ends_with(['[', ':']) {
            true if has_unit => "5",
            true => "5m",
            false => "1",
        });
    }
    plain.push_str(&expr[done..]);
    plain
}

/// The variables that a query uses.
pub(super) fn variables(expr: &str) -> BTreeSet<String> {
    GrafanaVariable::all(expr).map(|variable| variable.name.to_owned()).collect()
}

/// What Grafana fills in, where it stands in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct GrafanaVariable<'t> {
    pub name: &'t str,
    /// How its value is to be written, with the sign before it: `:regex`, `.field`.
    pub form: &'t str,
    /// Braces and all.
    pub range: Range<usize>,
}

impl<'t> GrafanaVariable<'t> {
    /// All in a text: `$name`, `${name}`, `${name:form}`, `${name.field}`, and the old `[[name]]` and `[[name:form]]`.
    pub fn all(text: &'t str) -> impl Iterator<Item = GrafanaVariable<'t>> {
        let mut at = 0;
        iter::from_fn(move || {
            while let Some(start) = text[at..].find(['$', '[']).map(|offset| at + offset) {
                let found = Self::at(text, start);
                at = found.as_ref().map_or(start + 1, |variable| variable.range.end);
                if found.is_some() {
                    return found;
                }
            }
            None
        })
    }

    /// The one that is all of a text.
    pub fn whole(text: &'t str) -> Option<GrafanaVariable<'t>> {
        Self::at(text, 0).filter(|variable| variable.range.end == text.len())
    }

    fn at(text: &'t str, start: usize) -> Option<GrafanaVariable<'t>> {
        let rest = &text[start..];
        let (inside, close) = if let Some(inside) = rest.strip_prefix("[[") {
            (inside, "]]")
        } else if let Some(inside) = rest.strip_prefix("${") {
            (inside, "}")
        } else {
            (rest.strip_prefix('$')?, "")
        };
        let (name, after) = split_word(inside);
        let form = match close {
            "]]" => after.strip_prefix(':').map_or("", |form| &after[..=split_word(form).0.len()]),
            "}" if after.starts_with([':', '.']) => &after[..after.find(['{', '}'])?],
            _ => "",
        };
        let left = after[form.len()..].strip_prefix(close)?;
        (!name.is_empty()).then(|| GrafanaVariable { name, form, range: start..text.len() - left.len() })
    }
}

/// Splits off the word at the beginning.
fn split_word(text: &str) -> (&str, &str) {
    let not_in_word = |letter: char| letter != '_' && !letter.is_ascii_alphanumeric();
    text.split_at(text.find(not_in_word).unwrap_or(text.len()))
}
