//! Sets of numbers with two ends, and what PromQL's operators make of them. Always wide enough: every value that can come out
//! is in the set, and maybe some that cannot.

use std::fmt;

use crate::promql::tree::Op;

/// All numbers from `low` to `high`. An end that is open is not among them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
    low_open: bool,
    high_open: bool,
    /// Only whole numbers are among them.
    pub(crate) whole: bool,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Interval {
    pub(super) const EVERYTHING: Self = Self::closed(f64::NEG_INFINITY, f64::INFINITY);
    pub(super) const NOTHING: Self = Self::closed(f64::INFINITY, f64::NEG_INFINITY);
    /// What is counted or measured, and never negative.
    pub(super) const FROM_ZERO: Self = Self::closed(0.0, f64::INFINITY);
    pub(super) const RATIO: Self = Self::closed(0.0, 1.0);
    pub(super) const BOOL: Self = Self::closed(0.0, 1.0).in_whole_numbers();

    pub(super) const fn closed(low: f64, high: f64) -> Self {
        Self { low, high, low_open: false, high_open: false, whole: false }
    }

    pub(super) fn point(value: f64) -> Self {
        Self { whole: value.fract() == 0.0, ..Self::closed(value, value) }
    }

    pub(super) const fn in_whole_numbers(self) -> Self {
        Self { whole: true, ..self }
    }

    pub(super) const fn in_any_numbers(self) -> Self {
        Self { whole: false, ..self }
    }

    pub(super) fn is_empty(self) -> bool {
        // Written so that an end that is no number leaves nothing.
        let has_some = self.low < self.high || (self.low <= self.high && !self.low_open && !self.high_open);
        !has_some
    }

    /// The one number that it is.
    pub(crate) fn only(self) -> Option<f64> {
        (self.low.total_cmp(&self.high).is_eq() && !self.low_open && !self.high_open).then_some(self.low)
    }

    fn is_endless(self) -> bool {
        self.low.is_infinite() || self.high.is_infinite()
    }

    pub(super) fn contains(self, value: f64) -> bool {
        !self.both(Self::closed(value, value)).is_empty()
    }

    /// What is in either, and what lies between.
    pub(super) fn either(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let lower =
            if self.low < other.low || (self.low <= other.low && !self.low_open) { self } else { other };
        let higher =
            if self.high > other.high || (self.high >= other.high && !self.high_open) { self } else { other };
        Self {
            low: lower.low,
            low_open: lower.low_open,
            high: higher.high,
            high_open: higher.high_open,
            whole: self.whole && other.whole,
        }
    }

    pub(super) fn both(self, other: Self) -> Self {
        let lower =
            if self.low > other.low || (self.low >= other.low && self.low_open) { self } else { other };
        let higher =
            if self.high < other.high || (self.high <= other.high && self.high_open) { self } else { other };
        let both = Self {
            low: lower.low,
            low_open: lower.low_open,
            high: higher.high,
            high_open: higher.high_open,
            whole: self.whole || other.whole,
        };
        both.tight()
    }

    /// Whole numbers begin and end at whole numbers.
    fn tight(self) -> Self {
        if !self.whole || self.is_empty() {
            return self;
        }
        let low = if self.low_open { self.low.floor() + 1.0 } else { self.low.ceil() };
        let high = if self.high_open { self.high.ceil() - 1.0 } else { self.high.floor() };
        Self::closed(low, high).in_whole_numbers()
    }

    /// What of it can pass a comparison with some value of `other`.
    pub(super) fn passing(self, comparison: Comparison, other: Self) -> Self {
        if other.is_empty() {
            return Self::NOTHING;
        }
        let from = |low, low_open| Self { low_open, ..Self::closed(low, f64::INFINITY) };
        let to = |high, high_open| Self { high_open, ..Self::closed(f64::NEG_INFINITY, high) };
        match comparison {
            Comparison::Equal => self.both(other),
            Comparison::Above => self.both(from(other.low, true)),
            Comparison::AtLeast => self.both(from(other.low, other.low_open)),
            Comparison::Below => self.both(to(other.high, true)),
            Comparison::AtMost => self.both(to(other.high, other.high_open)),
            Comparison::NotEqual => other.only().map_or(self, |value| self.without(value)),
        }
    }

    /// Without a number that stands at one of its ends.
    fn without(self, value: f64) -> Self {
        let same = |end: f64| end.total_cmp(&value).is_eq();
        Self {
            low_open: self.low_open || same(self.low),
            high_open: self.high_open || same(self.high),
            ..self
        }
        .tight()
    }

    /// Whether each value of it passes a comparison with each value of `other`.
    pub(super) fn always(self, comparison: Comparison, other: Self) -> bool {
        let apart = |low: Self, high: Self| {
            low.high < high.low || (low.high <= high.low && (low.high_open || high.low_open))
        };
        match comparison {
            Comparison::Above => apart(other, self),
            Comparison::Below => apart(self, other),
            Comparison::AtLeast => self.low >= other.high,
            Comparison::AtMost => self.high <= other.low,
            Comparison::Equal => self.only().is_some() && self.only() == other.only(),
            Comparison::NotEqual => self.both(other).is_empty(),
        }
    }
}

/// A set of numbers, and whether "not a number" can come with them.
pub(super) type Outcome = (Interval, bool);

/// From the ends of both, what lies between. An end that is no number (∞ − ∞, 0 · ∞) could be anything.
fn hull(ends: &[f64], whole: bool) -> Outcome {
    if ends.iter().any(|end| end.is_nan()) {
        return (Interval::EVERYTHING, true);
    }
    let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (Interval { whole, ..Interval::closed(low, high) }, false)
}

impl Interval {
    pub(super) fn plus(self, other: Self) -> Outcome {
        let (range, nan) = hull(&[self.low + other.low, self.high + other.high], self.whole && other.whole);
        // ∞ − ∞
        let cancel = |a: Self, b: Self| a.low == f64::NEG_INFINITY && b.high == f64::INFINITY;
        (range, nan || cancel(self, other) || cancel(other, self))
    }

    pub(super) fn minus(self, other: Self) -> Outcome {
        self.plus(other.negated())
    }

    pub(super) fn negated(self) -> Self {
        Self {
            low: -self.high,
            high: -self.low,
            low_open: self.high_open,
            high_open: self.low_open,
            whole: self.whole,
        }
    }

    pub(super) fn times(self, other: Self) -> Outcome {
        let whole = self.whole && other.whole;
        let (result, _) = hull(&self.corners(other, |a, b| a * b), whole);
        // 0 · ∞
        let vanishes = |a: Self, b: Self| a.is_endless() && b.low <= 0.0 && b.high >= 0.0;
        if !vanishes(self, other) && !vanishes(other, self) {
            return (result, false);
        }
        let from_zero = self.low >= 0.0 && other.low >= 0.0;
        (if from_zero { Self { whole, ..Self::FROM_ZERO } } else { Self::EVERYTHING }, true)
    }

    pub(super) fn over(self, other: Self) -> Outcome {
        if other.low > 0.0 || other.high < 0.0 {
            let (result, _) = hull(&self.corners(other, |a, b| a / b), false);
            // ∞ / ∞
            return match (self.is_endless() && other.is_endless(), self.low >= 0.0 && other.low > 0.0) {
                (false, _) => (result, false),
                (true, true) => (Self::FROM_ZERO, true),
                (true, false) => (Self::EVERYTHING, true),
            };
        }
        if self.low >= 0.0 && other.low >= 0.0 {
            let low = self.low / other.high;
            let no_number = self.contains(0.0) || self.high.is_infinite();
            return (Self::closed(if low.is_nan() { 0.0 } else { low }, f64::INFINITY), no_number);
        }
        (Self::EVERYTHING, true)
    }

    pub(super) fn modulo(self, other: Self) -> Outcome {
        let whole = self.whole && other.whole;
        if self.low >= 0.0 && other.low > 0.0 {
            let high = other.high.min(self.high);
            return (Self { whole, ..Self::closed(0.0, high) }, self.high.is_infinite());
        }
        (Self::EVERYTHING, true)
    }

    pub(super) fn to_the(self, other: Self) -> Outcome {
        match (self.only(), other.only()) {
            (Some(base), Some(exponent)) if !base.powf(exponent).is_nan() => {
                (Self::point(base.powf(exponent)), false)
            }
            _ if self.low >= 0.0 => (Self::FROM_ZERO, false),
            _ => (Self::EVERYTHING, true),
        }
    }

    /// Of each element the larger: `clamp_min`.
    pub(super) fn at_least(self, other: Self) -> Self {
        let whole = self.whole && other.whole;
        Self { whole, ..Self::closed(self.low.max(other.low), self.high.max(other.high)) }
    }

    /// `clamp_max`
    pub(super) fn at_most(self, other: Self) -> Self {
        let whole = self.whole && other.whole;
        Self { whole, ..Self::closed(self.low.min(other.low), self.high.min(other.high)) }
    }

    /// What a function makes of it that never falls.
    pub(super) fn through(self, rising: impl Fn(f64) -> f64) -> Self {
        Self::closed(rising(self.low), rising(self.high))
    }

    pub(super) fn absolute(self) -> Self {
        let low = if self.low <= 0.0 && self.high >= 0.0 { 0.0 } else { self.low.abs().min(self.high.abs()) };
        Self { whole: self.whole, ..Self::closed(low, self.low.abs().max(self.high.abs())) }
    }

    /// What at least one and at most `count` values of it add up to.
    pub(super) fn summed(self, count: Option<f64>) -> Self {
        let many = count.unwrap_or(f64::INFINITY);
        let low = if self.low >= 0.0 { self.low } else { self.low * many };
        let high = if self.high <= 0.0 { self.high } else { self.high * many };
        Self { whole: self.whole, ..Self::closed(low, high) }
    }

    fn corners(self, other: Self, op: impl Fn(f64, f64) -> f64) -> [f64; 4] {
        [
            op(self.low, other.low),
            op(self.low, other.high),
            op(self.high, other.low),
            op(self.high, other.high),
        ]
    }
}

/// As a sentence goes on after "is".
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, high, .. } = *self;
        match (low.is_finite(), high.is_finite()) {
            _ if self.only().is_some() => write!(f, "always {low}"),
            (true, true) if self.whole && (high - low - 1.0).abs() < 0.5 => write!(f, "{low} or {high}"),
            (true, true) => write!(f, "between {low} and {high}"),
            (true, false) if self.low_open => write!(f, "above {low}"),
            (true, false) => write!(f, "at least {low}"),
            (false, true) if self.high_open => write!(f, "below {high}"),
            (false, true) => write!(f, "at most {high}"),
            (false, false) => f.write_str("any number"),
        }
    }
}

impl Comparison {
    pub(crate) fn of(operator: Op) -> Option<Self> {
        Some(match operator {
            Op::Equal => Self::Equal,
            Op::NotEqual => Self::NotEqual,
            Op::Greater => Self::Above,
            Op::GreaterOrEqual => Self::AtLeast,
            Op::Less => Self::Below,
            Op::LessOrEqual => Self::AtMost,
            _ => return None,
        })
    }

    /// The same with its sides swapped.
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::AtLeast => Self::AtMost,
            Self::Below => Self::Above,
            Self::AtMost => Self::AtLeast,
            same => same,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "PromQL compares to the last digit")]
mod tests {
    use super::*;

    const ALL: [Comparison; 6] = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Above,
        Comparison::AtLeast,
        Comparison::Below,
        Comparison::AtMost,
    ];

    fn holds(comparison: Comparison, a: f64, b: f64) -> bool {
        match comparison {
            Comparison::Equal => a == b,
            Comparison::NotEqual => a != b,
            Comparison::Above => a > b,
            Comparison::AtLeast => a >= b,
            Comparison::Below => a < b,
            Comparison::AtMost => a <= b,
        }
    }

    /// An operator on sets, and on numbers.
    type Operator = (&'static str, fn(Interval, Interval) -> Outcome, fn(f64, f64) -> f64);

    /// Intervals of many kinds, each with numbers that are in it.
    fn samples() -> Vec<(Interval, Vec<f64>)> {
        let numbers = [f64::NEG_INFINITY, -2.5, -1.0, 0.0, 0.5, 1.0, 2.0, 95.0, f64::INFINITY];
        let mut all = Vec::new();
        for low in numbers {
            for high in numbers.into_iter().filter(|high| *high >= low) {
                for (low_open, high_open) in [(false, false), (true, false), (false, true)] {
                    for whole in [false, true] {
                        let interval = Interval { low, high, low_open, high_open, whole }.tight();
                        let inside: Vec<f64> = numbers
                            .into_iter()
                            .chain([0.25, 1.5, 40.0])
                            .filter(|number| interval.low <= *number && *number <= interval.high)
                            .filter(|number| !(interval.low_open && *number == interval.low))
                            .filter(|number| !(interval.high_open && *number == interval.high))
                            .filter(|number| !whole || number.fract() == 0.0 || number.is_infinite())
                            .collect();
                        all.push((interval, inside));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn no_value_that_can_come_out_of_an_operator_is_left_out() {
        let ops: [Operator; 6] = [
            ("+", Interval::plus, |a, b| a + b),
            ("-", Interval::minus, |a, b| a - b),
            ("*", Interval::times, |a, b| a * b),
            ("/", Interval::over, |a, b| a / b),
            ("%", Interval::modulo, |a, b| a % b),
            ("^", Interval::to_the, f64::powf),
        ];
        let samples = samples();
        for (a, of_a) in &samples {
            for (b, of_b) in &samples {
                for (name, over, of) in ops {
                    let (result, nan) = over(*a, *b);
                    for (x, y) in of_a.iter().flat_map(|x| of_b.iter().map(move |y| (*x, *y))) {
                        let value = of(x, y);
                        let is_in = if value.is_nan() { nan } else { result.contains(value) };
                        assert!(is_in, "{x} {name} {y} = {value} is not in {a:?} {name} {b:?} = {result:?}");
                        assert!(
                            !result.whole || value.is_nan() || value.is_infinite() || value.fract() == 0.0
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_passes_a_comparison_is_kept_and_what_always_passes_always_does() {
        let samples = samples();
        for (a, of_a) in &samples {
            for (b, of_b) in &samples {
                for comparison in ALL {
                    let passing = a.passing(comparison, *b);
                    for (x, y) in of_a.iter().flat_map(|x| of_b.iter().map(move |y| (*x, *y))) {
                        let passes = holds(comparison, x, y);
                        assert!(!passes || passing.contains(x), "{x} {comparison:?} {y}: {a:?}, {b:?}");
                        assert!(passes || !a.always(comparison, *b), "{x} {comparison:?} {y}: {a:?}, {b:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_threshold_outside_leaves_nothing() {
        let passing = |interval: Interval, comparison: Comparison, number: f64| {
            interval.passing(comparison, Interval::point(number))
        };
        assert!(passing(Interval::BOOL, Comparison::Above, 1.0).is_empty());
        assert!(passing(Interval::BOOL, Comparison::Equal, 0.5).is_empty());
        assert_eq!(passing(Interval::BOOL, Comparison::NotEqual, 1.0).only(), Some(0.0));
        assert!(!passing(Interval::RATIO, Comparison::Above, 0.95).is_empty());
        assert!(passing(Interval::RATIO, Comparison::Above, 95.0).is_empty());
        assert!(Interval::FROM_ZERO.always(Comparison::AtLeast, Interval::point(0.0)));
        assert!(!Interval::FROM_ZERO.always(Comparison::Above, Interval::point(0.0)));
        assert_eq!(passing(Interval::FROM_ZERO, Comparison::Above, 5.0).to_string(), "above 5");
        assert_eq!(Interval::BOOL.to_string(), "0 or 1");
    }
}
