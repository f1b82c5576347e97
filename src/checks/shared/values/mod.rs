//! What an expression of PromQL can be: the set of its values, and what its being there depends on, without any data. Read
//! from the inside to the outside: what is known of names (`facts`), what functions make of it (`functions`), what operators do
//! (`interval`), and here how they are put together. Recordings are followed to their own expressions.
//!
//! It is sound: where it does not know, everything is possible. So what it calls impossible is.

mod facts;
mod functions;
mod interval;
mod shares;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use self::facts::Facts;
pub(crate) use self::interval::{Comparison, Interval};
use crate::promql::tree::{Binary, Grouping, Op, VectorSelector};
use crate::promql::{Expr, asks_nothing, bare, metric};
use crate::stack::{Query, Stack};

/// What an expression can be.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    pub(crate) range: Interval,
    /// Whether it can be "not a number", which is neither above nor below anything.
    pub(crate) nan: bool,
    pub(crate) presence: Presence,
    pub(crate) cause: Option<Cause>,
}

/// What decides whether an expression has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    /// Nothing but whether its series are there.
    Given,
    /// It counts them: that there are any may be the question.
    Counted,
    /// It asks which series are there.
    Asked,
    /// What their values are.
    Filtered,
}

/// Where a range comes from, if that is worth telling.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cause {
    /// A quantile is never more than the largest bound of its histogram.
    Buckets { metric: String, top: f64 },
    /// A quantile that is none, which another check tells of.
    NoQuantile,
    /// What is counted: at least one, or nothing at all.
    Count,
    /// As many targets as the configuration lists.
    Targets(u32),
}

impl Values {
    pub(crate) fn anything(presence: Presence) -> Self {
        Self { nan: true, ..Self::of(Interval::EVERYTHING, presence) }
    }

    fn of(range: Interval, presence: Presence) -> Self {
        Self { range, nan: false, presence, cause: None }
    }

    /// Whether no value is possible.
    pub(crate) fn is_never(&self) -> bool {
        self.range.is_empty() && !self.nan
    }

    fn because(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// Either of them.
    fn or(self, other: Self) -> Self {
        if self.is_never() {
            return other;
        }
        if other.is_never() {
            return self;
        }
        let cause = (self.cause == other.cause).then_some(self.cause).flatten();
        Self {
            range: self.range.either(other.range),
            nan: self.nan || other.nan,
            presence: self.presence.max(other.presence),
            cause,
        }
    }
}

/// A comparison that values cannot pass, or that each of them passes.
#[derive(Debug)]
pub(crate) struct Compared<'e> {
    /// The side that has the values.
    pub(crate) side: &'e Expr,
    pub(crate) values: Values,
    /// As if that side stood on the left.
    pub(crate) comparison: Comparison,
    pub(crate) threshold: Interval,
    /// The other side.
    pub(crate) limit: &'e Expr,
    /// Whether no series is in it: a switch that somebody has set.
    is_constant: bool,
}

/// What was found in an expression.
#[derive(Debug, Default)]
pub(crate) struct Found<'e> {
    /// Comparisons that nothing can pass.
    pub(crate) dead: Vec<Compared<'e>>,
    /// Those that everything passes that is a number.
    pub(crate) idle: Vec<Compared<'e>>,
}

/// Deeper than this nobody writes, and everything is possible.
const MAX_DEPTH: usize = 200;

/// Reads the expressions of one stack.
pub(crate) struct Reader<'s> {
    facts: Facts<'s>,
    recordings: BTreeMap<&'s str, Vec<&'s Query>>,
    /// What is known of a recording; nothing yet while it is being read.
    recorded: BTreeMap<&'s str, Option<Values>>,
    /// The bounds of the histograms that are recorded, as far as somebody has asked.
    bounds: RefCell<BTreeMap<String, Option<Bounds>>>,
}

/// The name of a histogram, and its bounds without `+Inf`.
pub(crate) type Bounds = (String, Vec<f64>);

impl<'s> Reader<'s> {
    pub(crate) fn new(stack: &'s Stack) -> Self {
        let mut recordings: BTreeMap<&str, Vec<&Query>> = BTreeMap::new();
        for rule in stack.rules().filter(|rule| !rule.is_alert) {
            recordings.entry(&rule.name).or_default().push(&rule.expr);
        }
        Self { facts: Facts::new(stack), recordings, recorded: BTreeMap::new(), bounds: RefCell::default() }
    }

    /// What an expression can be, and what is found in it.
    pub(crate) fn read<'e>(&mut self, expr: &'e Expr) -> (Values, Found<'e>) {
        let mut found = Found::default();
        let values = self.values(expr, 0, &mut found);
        (values, found)
    }

    /// Whether a selector asks for what the catalogue has.
    pub(crate) fn knows(&self, selector: &VectorSelector) -> bool {
        self.facts.knows(selector)
    }

    /// The histogram that a selector asks for the buckets of, and their bounds.
    pub(crate) fn bounds_of(&self, selector: &VectorSelector) -> Option<Bounds> {
        self.facts.bounds(selector)
    }

    /// The comparison, or several, that make an alert hold as long as its series are there.
    pub(crate) fn always<'e>(&mut self, expr: &'e Expr) -> Option<Compared<'e>> {
        match bare(expr) {
            Expr::Binary(one) if one.op == Op::Or => {
                self.always(&one.left).or_else(|| self.always(&one.right))
            }
            Expr::Binary(one) if one.op.is_comparison() && !one.matching.is_bool => {
                let compared = self.compared(one)?;
                let asks = match compared.comparison {
                    // That anything is there at all.
                    Comparison::Above | Comparison::AtLeast | Comparison::NotEqual | Comparison::Equal => {
                        compared.values.presence > Presence::Given
                    }
                    Comparison::Below | Comparison::AtMost => compared.values.presence > Presence::Counted,
                };
                let is_number = compared.threshold.only().is_some_and(|limit| !limit.is_nan());
                let holds = compared.values.range.always(compared.comparison, compared.threshold);
                (holds && is_number && !compared.values.nan && !asks && !compared.is_constant)
                    .then_some(compared)
            }
            _ => None,
        }
    }

    /// The sides of a comparison.
    fn compared<'e>(&mut self, one: &'e Binary) -> Option<Compared<'e>> {
        let mut ignored = Found::default();
        let (left, right) =
            (self.values(&one.left, 0, &mut ignored), self.values(&one.right, 0, &mut ignored));
        Some(sides(one, Comparison::of(one.op)?, left, right))
    }

    fn values<'e>(&mut self, expr: &'e Expr, depth: usize, found: &mut Found<'e>) -> Values {
        if depth > MAX_DEPTH {
            return Values::anything(Presence::Filtered);
        }
        match expr {
            Expr::Number(number) if number.is_nan() => Values::anything(Presence::Given),
            Expr::Number(number) => Values::of(Interval::point(*number), Presence::Given),
            Expr::Paren(inner) => self.values(inner, depth + 1, found),
            Expr::Negative(inner) => {
                let inner = self.values(inner, depth + 1, found);
                Values { range: inner.range.negated(), ..inner }
            }
            Expr::Subquery(one) => self.values(&one.expr, depth + 1, found),
            Expr::Vector(selector) => self.selected(selector, depth),
            Expr::Matrix(matrix) => self.selected(&matrix.selector, depth),
            Expr::Binary(one) => self.binary(one, depth, found),
            Expr::Aggregate(one) => self.aggregated(one, depth, found),
            Expr::Call(one) => self.called(one, depth, found),
            Expr::Text(_) => Values::anything(Presence::Filtered),
        }
    }

    /// The series of a selector.
    fn selected(&mut self, selector: &VectorSelector, depth: usize) -> Values {
        let recorded = metric(selector).and_then(|name| self.recordings.get_key_value(name));
        let Some((&name, queries)) = recorded else { return self.facts.values(selector) };
        if let Some(known) = self.recorded.get(name) {
            // A recording that reads itself.
            return known.clone().unwrap_or_else(|| Values::anything(Presence::Filtered));
        }
        self.recorded.insert(name, None);
        let queries = queries.clone();
        let read = |query: &&'s Query| match query.tree() {
            Some(tree) => self.values(tree, depth + 10, &mut Found::default()),
            None => Values::anything(Presence::Filtered),
        };
        let all: Vec<Values> = queries.iter().map(read).collect();
        // What is said there is not said again of who reads it.
        let values = all.into_iter().reduce(Values::or).filter(|values| !values.is_never());
        let values = values.unwrap_or_else(|| Values::anything(Presence::Filtered));
        self.recorded.insert(name, Some(values.clone()));
        values
    }

    fn binary<'e>(&mut self, one: &'e Binary, depth: usize, found: &mut Found<'e>) -> Values {
        let constant_before = found.dead.len();
        let left = self.values(&one.left, depth + 1, found);
        let mut elsewhere = Found::default();
        let right = match one.op {
            // What is taken away may well be nothing.
            Op::Unless => self.values(&one.right, depth + 1, &mut elsewhere),
            _ => self.values(&one.right, depth + 1, found),
        };
        if one.matching.fills {
            return Values::anything(Presence::Filtered);
        }
        match one.op {
            Op::Or => Values { presence: left.presence.min(right.presence), ..left.or(right) },
            Op::Unless => Values { presence: left.presence.max(Presence::Asked), ..left },
            Op::And => {
                // Somebody switched it off.
                let switched_off = |compared: &Compared| compared.is_constant;
                let mut kept = found.dead.split_off(constant_before);
                kept.retain(|compared| !switched_off(compared));
                found.dead.append(&mut kept);
                self.both(one, left, &right, depth, found)
            }
            _ if one.op.is_comparison() => compare(one, left, right, found),
            _ => self.calculated(one, left, right, depth),
        }
    }

    /// `and`: the values are those of the left, and where both sides ask the same series, what both let pass.
    fn both<'e>(
        &mut self,
        one: &'e Binary,
        left: Values,
        right: &Values,
        depth: usize,
        found: &mut Found<'e>,
    ) -> Values {
        let presence = left.presence.max(right.presence).max(Presence::Asked);
        if left.is_never() || right.is_never() {
            return Values { nan: false, ..Values::of(Interval::NOTHING, presence) };
        }
        let is_plain = one.matching.on.is_none();
        if !is_plain || source(&one.left) != source(&one.right) {
            return Values { presence, ..left };
        }
        let range = left.range.both(right.range);
        let values = Values { range, nan: left.nan && right.nan, presence, cause: left.cause.clone() };
        if values.is_never()
            && let Expr::Binary(last) = bare(&one.right)
            && let Some(comparison) = Comparison::of(last.op)
        {
            let (of, limit) = (
                self.values(&last.left, depth + 1, &mut Found::default()),
                self.values(&last.right, depth + 1, &mut Found::default()),
            );
            let compared = sides(last, comparison, of, limit);
            found.dead.push(Compared { values: left, ..compared });
        }
        values
    }

    fn calculated(&mut self, one: &Binary, left: Values, right: Values, depth: usize) -> Values {
        let presence = left.presence.max(right.presence);
        if left.is_never() || right.is_never() {
            return Values::of(Interval::NOTHING, presence);
        }
        if one.op == Op::Divide
            && let Some((range, nan)) = self.share(one, depth)
        {
            return Values { range, nan, presence, cause: None };
        }
        let (range, nan) = match one.op {
            Op::Add => left.range.plus(right.range),
            Op::Subtract => left.range.minus(right.range),
            Op::Multiply => left.range.times(right.range),
            Op::Divide => left.range.over(right.range),
            Op::Modulo => left.range.modulo(right.range),
            Op::Power => left.range.to_the(right.range),
            _ => (Interval::EVERYTHING, true),
        };
        // Of what is moved or scaled by a constant, the reason is the same.
        let cause = match (left.range.only(), right.range.only()) {
            (Some(_), None) => right.cause,
            (None, Some(_)) => left.cause,
            _ => None,
        };
        Values { range, nan: nan || left.nan || right.nan, presence, cause }
    }
}

/// A comparison keeps the values of its left side, or where that is a number those of its right.
fn compare<'e>(one: &'e Binary, left: Values, right: Values, found: &mut Found<'e>) -> Values {
    let presence = left.presence.max(right.presence);
    let alive = !left.is_never() && !right.is_never();
    let Some(comparison) = Comparison::of(one.op).filter(|_| alive) else {
        return Values::of(Interval::NOTHING, presence);
    };
    let nan = left.nan || right.nan;
    let compared = sides(one, comparison, left, right);
    let (values, comparison, threshold) = (&compared.values, compared.comparison, compared.threshold);
    let passing = values.range.passing(comparison, threshold);
    let differs_from_all = comparison == Comparison::NotEqual && nan;
    let never = passing.is_empty() && !differs_from_all;
    let always = values.range.always(comparison, threshold);
    if one.matching.is_bool {
        let range = match (never, always && (!nan || differs_from_all)) {
            (true, _) => Interval::point(0.0),
            (_, true) => Interval::point(1.0),
            _ => Interval::BOOL,
        };
        return Values::of(range, presence);
    }
    let kept = Values {
        // What is no number differs from all, and the other side may be none.
        range: if differs_from_all { values.range } else { passing },
        nan: differs_from_all && values.nan,
        presence: Presence::Filtered,
        cause: values.cause.clone(),
    };
    if never {
        found.dead.push(compared);
    } else if always {
        found.idle.push(compared);
    }
    kept
}

/// Which side has the values that are kept, or where both have some, that are spoken of.
fn sides(one: &Binary, comparison: Comparison, left: Values, right: Values) -> Compared<'_> {
    let is_number = |expr: &Expr| asks_nothing(expr);
    let is_constant = is_number(&one.left) && is_number(&one.right);
    if is_number(&one.left) && !is_number(&one.right) {
        return Compared {
            side: &one.right,
            values: right,
            comparison: comparison.mirrored(),
            threshold: left.range,
            limit: &one.left,
            is_constant,
        };
    }
    Compared {
        side: &one.left,
        values: left,
        comparison,
        threshold: right.range,
        limit: &one.right,
        is_constant,
    }
}

/// What is compared, without what filters it.
fn source(expr: &Expr) -> &Expr {
    match bare(expr) {
        Expr::Binary(one) if one.op.is_comparison() && !one.matching.is_bool => {
            match (asks_nothing(&one.left), asks_nothing(&one.right)) {
                (false, true) => source(&one.left),
                (true, false) => source(&one.right),
                _ => expr,
            }
        }
        Expr::Binary(one) if matches!(one.op, Op::And | Op::Unless) => source(&one.left),
        other => other,
    }
}

/// The labels that an aggregation keeps, or drops, in any order.
fn grouping(grouping: Option<&Grouping>) -> (bool, BTreeSet<&String>) {
    match grouping {
        Some(Grouping::AllBut(labels)) => (true, labels.iter().collect()),
        Some(Grouping::These(labels)) => (false, labels.iter().collect()),
        None => (false, BTreeSet::new()),
    }
}
