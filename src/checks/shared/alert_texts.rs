//! The texts of alerts, as Prometheus fills them in: what they ask for.

use std::ops::Range;

use crate::gotemplate::{Action, Base, Term};

/// The labels that an action asks for, each with where: `$labels.x`, `.Labels.x`, `$.Labels.x`, `index $labels "x"`
pub(crate) fn labels(action: &Action) -> Vec<(&str, Range<usize>)> {
    let mut found = Vec::new();
    for (at, term) in action.terms.iter().enumerate() {
        let below = match &term.base {
            Base::Variable(name) if name == "$labels" => Some(term.fields.as_slice()),
            Base::Variable(name) if name == "$" => in_labels(&term.fields),
            Base::Dot if action.is_top => in_labels(&term.fields),
            _ => None,
        };
        match below {
            Some([label, ..]) => found.push((label.as_str(), term.range.clone())),
            Some([]) if at > 0 && action.terms[at - 1].base == Base::Function("index".to_owned()) => {
                if let Some(Term { base: Base::Text(label), range, .. }) = action.terms.get(at + 1) {
                    found.push((label.as_str(), range.clone()));
                }
            }
            _ => {}
        }
    }
    found
}

fn in_labels(fields: &[String]) -> Option<&[String]> {
    let (first, rest) = fields.split_first()?;
    (first == "Labels").then_some(rest)
}
