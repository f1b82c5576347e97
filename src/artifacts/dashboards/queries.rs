//! Reads Grafana's queries: which metrics and which of its variables a query asks for.

use std::collections::BTreeSet;

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
    for piece in pieces(expr) {
        match piece {
            Piece::Text(text) => plain.push_str(text),
            Piece::Variable(_) if plain.ends_with(['[', ':']) => plain.push_str("5m"),
            Piece::Variable(_) => plain.push('1'),
        }
    }
    plain
}

/// The variables that a query uses.
pub(super) fn variables(expr: &str) -> BTreeSet<String> {
    pieces(expr)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.to_owned()),
            Piece::Text(_) => None,
        })
        .collect()
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Cuts a query at Grafana's variables: `$name`, `${name}` and `${name:format}`.
fn pieces(expr: &str) -> Vec<Piece<'_>> {
    let not_in_name = |letter: char| letter != '_' && !letter.is_ascii_alphanumeric();
    let mut pieces = Vec::new();
    let mut rest = expr;
    while let Some((before, after)) = rest.split_once('$') {
        pieces.push(Piece::Text(before));
        let braced = after.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (name, next) =
            braced.unwrap_or_else(|| after.split_at(after.find(not_in_name).unwrap_or(after.len())));
        let name = name.split(not_in_name).next().unwrap_or_default();
        pieces.push(if name.is_empty() { Piece::Text("$") } else { Piece::Variable(name) });
        rest = next;
    }
    pieces.push(Piece::Text(rest));
    pieces
}
