//! A bucket that a histogram does not have: the series is not there, and what is made of it neither.

use super::Check;
use super::shared::values::Reader;
use crate::diagnostics::{Report, Severity};
use crate::promql::MatchOp;
use crate::promql::selectors;
use crate::promql::tree::VectorSelector;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "bucket-not-there", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let reader = Reader::new(stack);
    for rule in stack.rules() {
        let Some(tree) = rule.expr.tree() else { continue };
        let found = selectors(tree).find_map(|selector| {
            let le = bound(selector)?;
            let (histogram, bounds) = reader.bounds_of(selector)?;
            let number: f64 = le.parse().ok().filter(|number: &f64| number.is_finite())?;
            let is_there = bounds.iter().any(|bound| (bound - number).abs() <= number.abs() * 1e-9);
            (!is_there).then_some((le, number, histogram, bounds))
        });
        let Some((le, number, histogram, bounds)) = found else { continue };
        let below = bounds.iter().rfind(|bound| **bound < number);
        let above = bounds.iter().find(|bound| **bound > number);
        let near: Vec<String> =
            below.into_iter().chain(above).map(|bound| format!("`le=\"{bound:?}\"`")).collect();
        report.push(
            CHECK
                .finding(format!("`{histogram}` has no bucket that ends at {le}"))
                .at(rule.expr.at(&format!("\"{le}\"")).place(), "no such series, and so no value")
                .help(format!("write {}, or set the buckets where the server is started", near.join(" or "))),
        );
    }
}

/// The bound that is asked for.
fn bound(selector: &VectorSelector) -> Option<&str> {
    let mut matchers = selector.matchers.iter();
    let le = matchers.find(|matcher| matcher.name == "le" && matcher.op == MatchOp::Equal)?;
    Some(&le.value)
}
