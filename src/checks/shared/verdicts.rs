//! What comparisons come to, told apart by what the reader can do about it: each is one finding of one check.

use std::collections::BTreeSet;

use super::shapes::{aggregation, function};
use super::values::{Cause, Compared, Comparison, Reader};
use super::words::is_heartbeat;
use crate::diagnostics::Place;
use crate::promql::{Expr, bare, children, metric, walk};
use crate::stack::{Rule, Stack};

/// A comparison in a rule that does not do what a comparison is for.
pub(crate) struct Verdict<'s> {
    pub(crate) rule: &'s Rule,
    pub(crate) kind: Kind,
    /// What is compared, in a word or two.
    pub(crate) what: String,
    /// The operator and the number, as `> 95`.
    pub(crate) condition: String,
    pub(crate) place: Place,
    pub(crate) compared: Compared<'s>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing passes, and the rule is silent.
    Never,
    /// Nothing passes, and another part of the rule still works.
    NeverInPart,
    Always,
    /// A share is compared with a percentage, and so always below it.
    PercentOfRatio,
    /// A quantile is asked to be above what its histogram can tell.
    BeyondBuckets,
}

/// All of a stack's rules.
pub(crate) fn verdicts(stack: &Stack) -> Vec<Verdict<'_>> {
    let judged = judged(stack);
    let these = stack.rules().enumerate().filter(|(at, _)| judged.contains(at));
    judge(stack, these).map(|(_, verdict)| verdict).collect()
}

/// Which rules have a verdict, by their order. One reader looks at all: it knows what it has read.
pub(crate) fn judged(stack: &Stack) -> &BTreeSet<usize> {
    stack.judged(|| judge(stack, stack.rules().enumerate()).map(|(at, _)| at).collect())
}

/// Those of some of its rules, each with the place of its rule among all.
fn judge<'s>(
    stack: &'s Stack,
    rules: impl Iterator<Item = (usize, &'s Rule)>,
) -> impl Iterator<Item = (usize, Verdict<'s>)> {
    let mut reader = None;
    rules.filter_map(move |(at, rule)| {
        let reader = reader.get_or_insert_with(|| Reader::new(stack));
        Some((at, verdict_of(reader, rule)?))
    })
}

fn verdict_of<'s>(reader: &mut Reader<'s>, rule: &'s Rule) -> Option<Verdict<'s>> {
    let tree = rule.expr.tree()?;
    let (values, found) = reader.read(tree);
    let never = if values.is_never() { Kind::Never } else { Kind::NeverInPart };
    let dead = found.dead.into_iter().filter_map(|compared| {
        let kind = match &compared.values.cause {
            Some(Cause::NoQuantile) => return None,
            Some(Cause::Buckets { .. }) => Kind::BeyondBuckets,
            _ if is_percentage(&compared) => Kind::PercentOfRatio,
            // `count(x) == 0 or absent(x)` says it twice, and once right.
            Some(Cause::Count) if never == Kind::NeverInPart && counts_all(compared.side, tree) => {
                return None;
            }
            _ => never,
        };
        Some((kind, compared))
    });
    let idle = found.idle.into_iter().filter(is_percentage).map(|one| (Kind::PercentOfRatio, one));
    // One fault is often written twice in one expression.
    let mut first = dead.chain(idle).next();
    if first.is_none() && rule.is_alert && !is_heartbeat(rule) {
        first = reader
            .always(tree)
            .filter(|compared| compared.values.cause != Some(Cause::NoQuantile))
            .map(|compared| (Kind::Always, compared));
    }
    first.map(|(kind, compared)| verdict(rule, kind, compared))
}

/// Whether what is counted is a name as it is, and the same expression asks whether that is there.
fn counts_all(side: &Expr, tree: &Expr) -> bool {
    let Some(counted) = aggregation(side, &["count"]).map(|count| bare(&count.expr)) else { return false };
    let asks = |one: &&Expr| function(one).is_some_and(|name| name == "absent");
    let is_same = |one: &Expr| children(one).any(|inner| bare(inner) == counted);
    walk(tree).filter(asks).any(is_same)
}

/// A number of percents beside what is at most 1.
fn is_percentage(compared: &Compared) -> bool {
    let range = compared.values.range;
    let is_ratio = !range.whole && range.low.abs() < f64::EPSILON && (range.high - 1.0).abs() < f64::EPSILON;
    is_ratio && compared.threshold.only().is_some_and(|limit| (2.0..=100.0).contains(&limit))
}

fn verdict<'s>(rule: &'s Rule, kind: Kind, compared: Compared<'s>) -> Verdict<'s> {
    let limit = match bare(compared.limit) {
        Expr::Number(number) => number.to_string(),
        other => short(other),
    };
    let condition = format!("{} {limit}", compared.comparison.as_str());
    let places = [condition.as_str(), limit.as_str()].map(|word| rule.expr.at(word));
    let is_found = |at: &&crate::source::At| at.range != rule.expr.text.at.range;
    let at = places.iter().find(is_found).unwrap_or(&rule.expr.text.at);
    Verdict { rule, kind, what: short(compared.side), condition, place: at.place(), compared }
}

/// An expression in a message: itself where it is short, and where it is long its outermost word.
pub(crate) fn short(expr: &Expr) -> String {
    const LONGEST: usize = 48;
    let text = expr.to_string();
    if text.len() <= LONGEST {
        return text;
    }
    match bare(expr) {
        Expr::Vector(selector) => metric(selector).unwrap_or("this").to_owned(),
        Expr::Call(call) => format!("{}(…)", call.name),
        Expr::Aggregate(one) => format!("{}(…)", one.name),
        Expr::Binary(one) if !one.op.is_comparison() => {
            format!("{} {} {}", outermost(&one.left), one.op, outermost(&one.right))
        }
        Expr::Binary(one) => short(&one.left),
        _ => "this".to_owned(),
    }
}

fn outermost(expr: &Expr) -> String {
    match bare(expr) {
        Expr::Vector(selector) => metric(selector).unwrap_or("…").to_owned(),
        Expr::Number(number) => number.to_string(),
        Expr::Call(call) => format!("{}(…)", call.name),
        Expr::Aggregate(one) => format!("{}(…)", one.name),
        _ => "…".to_owned(),
    }
}

impl Verdict<'_> {
    pub(crate) fn limit(&self) -> Option<f64> {
        self.compared.threshold.only()
    }

    /// Whether only larger values pass.
    pub(crate) fn asks_for_more(&self) -> bool {
        matches!(self.compared.comparison, Comparison::Above | Comparison::AtLeast)
    }
}
