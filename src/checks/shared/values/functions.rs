//! What functions and aggregations make of the values that they are given.

use super::{Bounds, Cause, Found, Interval, Presence, Reader, Values};
use crate::checks::shared::shapes::function;
use crate::promql::tree::{Aggregation, Call};
use crate::promql::{Expr, metric, selectors};
use crate::stack::Query;

impl Reader<'_> {
    pub(super) fn aggregated<'e>(
        &mut self,
        one: &'e Aggregation,
        depth: usize,
        found: &mut Found<'e>,
    ) -> Values {
        let inner = self.values(&one.expr, depth + 1, found);
        let parameter = one.param.as_ref().map(|param| self.values(param, depth + 1, found));
        if inner.is_never() {
            return inner;
        }
        let counted = |high: Option<u32>| {
            let high = high.map_or(f64::INFINITY, f64::from);
            let presence = inner.presence.max(Presence::Counted);
            Values::of(Interval::closed(1.0, high).in_whole_numbers(), presence)
        };
        let limit = self.facts.series(&one.expr);
        match one.name {
            "sum" => {
                let range = inner.range.summed(limit.map(f64::from));
                let cause = limit.map(Cause::Targets);
                // ∞ − ∞
                let nan = inner.nan || (range.low.is_infinite() && range.high.is_infinite());
                Values { range, nan, cause, ..inner }
            }
            "count" | "count_values" => counted(limit).because(limit.map_or(Cause::Count, Cause::Targets)),
            "group" => Values::of(Interval::point(1.0), inner.presence.max(Presence::Counted)),
            "avg" => Values { range: inner.range.in_any_numbers(), ..inner },
            "min" | "max" | "topk" | "bottomk" | "limitk" | "limit_ratio" => inner,
            "quantile" => quantile(parameter.as_ref(), inner),
            "stddev" | "stdvar" => Values { range: Interval::FROM_ZERO, cause: None, ..inner },
            _ => Values::anything(Presence::Filtered),
        }
    }

    pub(super) fn called<'e>(&mut self, one: &'e Call, depth: usize, found: &mut Found<'e>) -> Values {
        let (name, args) = (one.name, one.args.as_slice());
        if name.starts_with("absent") {
            return Values::of(Interval::point(1.0), Presence::Asked);
        }
        if matches!(name, "histogram_quantile" | "histogram_fraction") {
            return self.of_histogram(name, args, depth, found);
        }
        let mut given: Vec<Values> = args.iter().map(|arg| self.values(arg, depth + 1, found)).collect();
        // Those of which the series come last.
        let series = usize::from(name == "quantile_over_time");
        let first = if series < given.len() { Some(given.remove(series)) } else { None };
        let Some(inner) = first else { return without_arguments(name) };
        if inner.is_never() {
            return inner;
        }
        let number = |given: &[Values], at: usize| given.get(at).map(|values| values.range);
        let to = |range: Interval| Values { range, cause: None, ..inner.clone() };
        match name {
            "rate" | "irate" | "increase" if may_count(&inner, &args[0]) => {
                Values { nan: false, ..to(Interval::FROM_ZERO) }
            }
            "changes" | "resets" => Values { nan: false, ..to(Interval::FROM_ZERO.in_whole_numbers()) },
            "count_over_time" => {
                let presence = inner.presence.max(Presence::Counted);
                Values::of(Interval::closed(1.0, f64::INFINITY).in_whole_numbers(), presence)
                    .because(Cause::Count)
            }
            "present_over_time" => Values::of(Interval::point(1.0), inner.presence.max(Presence::Counted)),
            "avg_over_time" => Values { range: inner.range.in_any_numbers(), ..inner },
            "min_over_time" | "max_over_time" | "last_over_time" | "first_over_time" | "sort"
            | "sort_desc" | "sort_by_label" | "sort_by_label_desc" | "label_replace" | "label_join"
            | "vector" => inner,
            "sum_over_time" => {
                let range = inner.range.summed(None);
                let nan = inner.nan || (range.low.is_infinite() && range.high.is_infinite());
                Values { range, nan, cause: None, ..inner }
            }
            "quantile_over_time" => quantile(given.first(), inner),
            "stddev_over_time" | "stdvar_over_time" | "mad_over_time" | "exp" | "timestamp" => {
                to(Interval::FROM_ZERO)
            }
            // Of more series than one, or none, it is no number.
            "scalar" => Values { nan: true, presence: Presence::Given, ..inner },
            "abs" => to(inner.range.absolute()),
            "sgn" => to(Interval::closed(-1.0, 1.0).in_whole_numbers()),
            "ceil" => to(inner.range.through(f64::ceil).in_whole_numbers()),
            "floor" => to(inner.range.through(f64::floor).in_whole_numbers()),
            "round" if given.is_empty() => to(rounded(inner.range)),
            "sqrt" if inner.range.low >= 0.0 => to(inner.range.through(f64::sqrt)),
            "clamp_min" => number(&given, 0).map_or_else(
                || Values::anything(Presence::Filtered),
                |limit| Values { range: inner.range.at_least(limit), ..inner.clone() },
            ),
            "clamp_max" => number(&given, 0).map_or_else(
                || Values::anything(Presence::Filtered),
                |limit| Values { range: inner.range.at_most(limit), ..inner.clone() },
            ),
            "clamp" => {
                match (number(&given, 0).and_then(Interval::only), number(&given, 1).and_then(Interval::only))
                {
                    (Some(low), Some(high)) if low <= high => {
                        let range = inner.range.at_least(Interval::point(low)).at_most(Interval::point(high));
                        Values { range, ..inner }
                    }
                    _ => Values::anything(Presence::Filtered),
                }
            }
            "delta"
            | "idelta"
            | "deriv"
            | "predict_linear"
            | "rate"
            | "irate"
            | "increase"
            | "round"
            | "sqrt"
            | "ln"
            | "log2"
            | "log10"
            | "double_exponential_smoothing"
            | "holt_winters"
            | "deg"
            | "rad" => Values { nan: true, ..to(Interval::EVERYTHING) },
            _ => of_the_calendar(name).map_or_else(
                || Values::anything(Presence::Filtered),
                |range| Values::of(range, inner.presence),
            ),
        }
    }

    fn of_histogram<'e>(
        &mut self,
        name: &str,
        args: &'e [Expr],
        depth: usize,
        found: &mut Found<'e>,
    ) -> Values {
        let Some((buckets, numbers)) = args.split_last() else {
            return Values::anything(Presence::Filtered);
        };
        let inner = self.values(buckets, depth + 1, found);
        let share = numbers.first().map(|number| self.values(number, depth + 1, found));
        if inner.is_never() {
            return inner;
        }
        let presence = inner.presence;
        if name == "histogram_fraction" {
            return Values { nan: true, ..Values::of(Interval::RATIO, presence) };
        }
        match share.and_then(|share| share.range.only()) {
            Some(share) if !(0.0..=1.0).contains(&share) => {
                let end = if share > 1.0 { f64::INFINITY } else { f64::NEG_INFINITY };
                Values { nan: true, ..Values::of(Interval::point(end), presence) }.because(Cause::NoQuantile)
            }
            Some(_) => self.between_bounds(buckets, presence),
            None => Values::anything(presence),
        }
    }

    /// What a quantile can be of these buckets.
    fn between_bounds(&mut self, buckets: &Expr, presence: Presence) -> Values {
        let Some((metric, bounds)) = self.bounds(buckets, 0) else { return Values::anything(presence) };
        let (Some(first), Some(top)) = (bounds.first(), bounds.last()) else {
            return Values::anything(presence);
        };
        let range = Interval::closed(first.min(0.0), *top);
        Values { nan: true, ..Values::of(range, presence) }.because(Cause::Buckets { metric, top: *top })
    }

    /// The histogram of an expression's buckets, and its bounds; of several the one that reaches highest.
    fn bounds(&self, buckets: &Expr, depth: usize) -> Option<Bounds> {
        let rewrites = crate::promql::walk(buckets)
            .any(|one| function(one).is_some_and(|name| name.starts_with("label_")));
        if rewrites || depth > 20 {
            return None;
        }
        let mut all = Vec::new();
        for selector in selectors(buckets) {
            let name = metric(selector)?;
            all.push(match self.recordings.get(name) {
                Some(queries) => self.bounds_of_recording(name, queries, depth)?,
                None => self.facts.bounds(selector)?,
            });
        }
        highest(all)
    }

    /// Each service may record it, and ask for it: it is read once.
    fn bounds_of_recording(&self, name: &str, queries: &[&Query], depth: usize) -> Option<Bounds> {
        if let Some(known) = self.bounds.borrow().get(name) {
            return known.clone();
        }
        let all: Option<Vec<Bounds>> =
            queries.iter().map(|query| self.bounds(query.tree()?, depth + 1)).collect();
        let found = all.and_then(highest);
        self.bounds.borrow_mut().insert(name.to_owned(), found.clone());
        found
    }
}

fn highest(all: Vec<Bounds>) -> Option<Bounds> {
    let mut highest: Option<Bounds> = None;
    for one in all {
        if highest.as_ref().is_none_or(|highest| highest.1.last() < one.1.last()) {
            highest = Some(one);
        }
    }
    highest
}

/// A quantile lies among its values, where it is one.
fn quantile(share: Option<&Values>, inner: Values) -> Values {
    match share.and_then(|share| share.range.only()) {
        Some(share) if (0.0..=1.0).contains(&share) => {
            Values { range: inner.range.in_any_numbers(), nan: true, ..inner }
        }
        Some(share) => {
            let end = if share > 1.0 { f64::INFINITY } else { f64::NEG_INFINITY };
            Values { range: Interval::point(end), ..inner }.because(Cause::NoQuantile)
        }
        None => Values { range: Interval::EVERYTHING, nan: true, cause: None, ..inner },
    }
}

/// Whether a rate is of what only grows: it is never negative, and who writes `rate` of an unknown name says so.
fn may_count(inner: &Values, arg: &Expr) -> bool {
    let is_unknown = inner.range.low.is_infinite() && matches!(arg, Expr::Matrix(_));
    inner.range.low >= 0.0 || is_unknown
}

fn rounded(range: Interval) -> Interval {
    // Half is rounded up.
    range.through(|value| (value + 0.5).floor()).in_whole_numbers()
}

fn without_arguments(name: &str) -> Values {
    match name {
        "time" => Values::of(Interval::FROM_ZERO, Presence::Given),
        "pi" => Values::of(Interval::point(std::f64::consts::PI), Presence::Given),
        _ => of_the_calendar(name)
            .map_or_else(|| Values::anything(Presence::Filtered), |range| Values::of(range, Presence::Given)),
    }
}

fn of_the_calendar(name: &str) -> Option<Interval> {
    let (low, high) = match name {
        "minute" => (0.0, 59.0),
        "hour" => (0.0, 23.0),
        "day_of_week" => (0.0, 6.0),
        "day_of_month" => (1.0, 31.0),
        "day_of_year" => (1.0, 366.0),
        "days_in_month" => (28.0, 31.0),
        "month" => (1.0, 12.0),
        _ => return None,
    };
    Some(Interval::closed(low, high).in_whole_numbers())
}
