//! Which labels the result of an expression has: which surely, and which at all. What is sure is proven from the expression
//! alone and from what is known of its series; of the rest nothing is said.
//!
//! Apart from the parsing, because this is what PromQL does, not what it looks like: each rule here is one of Prometheus'
//! engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Labels, NAME};
use crate::diagnostics::is_slip;
use crate::promql::tree::{Aggregation, Binary, Call, Group, Grouping, Matching, Op, VectorSelector};
use crate::promql::{Expr, MatchOp, Matcher, alternatives, bare, metric, selectors};

/// What the labels prove of an expression.
#[derive(Debug)]
pub enum Fault<'e> {
    /// A quantile of buckets that have lost their `le`.
    QuantileWithoutLe(&'e Expr),
    /// No series of one side has the labels of one of the other.
    NeverMatch(&'e Binary, Reason),
    /// `by (label)`, and there is none.
    NoSuchGroup(&'e Aggregation, String),
    /// `group_left (label)`, and the other side has none.
    NothingToTake(&'e Binary, String),
    /// Series are asked for a label, or for a value, that they do not have.
    NeverSelects(&'e VectorSelector, &'e Matcher),
    /// A label that nobody makes, and one that is there and was meant: surely, where the series can have no other.
    Misspelt { label: String, near: String, is_sure: bool },
    /// The same of a label's value.
    MisspeltValue(&'e VectorSelector, &'e Matcher, &'e str, String),
}

/// Why two sides never match.
#[derive(Debug, PartialEq, Eq)]
pub enum Reason {
    OnlyLeft(String),
    OnlyRight(String),
    /// Each has what the other has not.
    Both(String, String),
    /// The same label with two values.
    Values {
        label: String,
        left: String,
        right: String,
    },
}

/// What is known of the series of a name; `None` for those without one.
pub trait Series {
    /// The labels of what a selector may find, and whether it is known who makes them: then what they lack is nowhere.
    fn of(&self, selector: &VectorSelector) -> (Labels, bool);

    /// Whether a text is what will stand there: not where a variable is filled in later.
    fn is_final(&self, _text: &str) -> bool {
        true
    }

    /// Whether anybody may make a label of this name.
    fn may_exist(&self, _label: &str) -> bool {
        true
    }
}

/// The labels of an expression's result. `None` where it is a number or a text.
pub fn labels(expr: &Expr, series: &dyn Series) -> Option<Labels> {
    labels_and_faults(expr, series).0
}

/// What is wrong in an expression, from the inside to the outside.
pub fn faults<'e>(expr: &'e Expr, series: &dyn Series) -> Vec<Fault<'e>> {
    labels_and_faults(expr, series).1
}

/// Both at once.
pub fn labels_and_faults<'e>(expr: &'e Expr, series: &dyn Series) -> (Option<Labels>, Vec<Fault<'e>>) {
    let mut walk = Walk { series, faults: Vec::new() };
    (walk.expr(expr, 0), walk.faults)
}

/// Deeper than this nothing is claimed.
const MAX_DEPTH: usize = 100;

struct Walk<'s, 'e> {
    series: &'s dyn Series,
    faults: Vec<Fault<'e>>,
}

impl<'e> Walk<'_, 'e> {
    fn expr(&mut self, expr: &'e Expr, depth: usize) -> Option<Labels> {
        if depth > MAX_DEPTH {
            return Some(Labels::unknown());
        }
        match expr {
            Expr::Number(_) | Expr::Text(_) => None,
            Expr::Vector(one) => Some(self.selector(one)),
            Expr::Matrix(one) => Some(self.selector(&one.selector)),
            Expr::Paren(inner) | Expr::Negative(inner) => self.expr(inner, depth + 1),
            Expr::Subquery(one) => self.expr(&one.expr, depth + 1),
            Expr::Aggregate(one) => Some(self.aggregate(one, depth)),
            Expr::Binary(one) => self.binary(one, depth),
            Expr::Call(one) => self.call(one, depth),
        }
    }

    fn selector(&mut self, selector: &'e VectorSelector) -> Labels {
        let (mut labels, is_known) = self.series.of(selector);
        for matcher in selector.matchers.iter().filter(|matcher| matcher.name != NAME) {
            let is_final = self.series.is_final(&matcher.value);
            let is_slip = self.slip(&matcher.name, &[&labels])
                || (is_known && is_final && self.slip_of_value(selector, matcher, &labels));
            if !is_slip && is_known && is_final && !labels.can_meet(matcher) {
                self.faults.push(Fault::NeverSelects(selector, matcher));
            }
            if is_final {
                labels.take(matcher);
            }
        }
        labels
    }

    /// A value that the label never has, near one that it can have.
    fn slip_of_value(&mut self, selector: &'e VectorSelector, matcher: &'e Matcher, labels: &Labels) -> bool {
        let Some(values) = labels.values(&matcher.name) else { return false };
        let before = self.faults.len();
        let words = match matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.as_str()],
            MatchOp::Re | MatchOp::NotRe => alternatives(&matcher.value).unwrap_or_default(),
        };
        for word in words.into_iter().filter(|word| !values.contains(*word)) {
            if let Some(near) = values.iter().find(|one| is_slip(word, one)) {
                self.faults.push(Fault::MisspeltValue(selector, matcher, word, near.clone()));
            }
        }
        self.faults.len() > before
    }

    /// A name that nobody makes, near one that is there.
    fn slip(&mut self, label: &str, there: &[&Labels]) -> bool {
        let known = || there.iter().flat_map(|one| one.names());
        if known().any(|one| one == label) {
            return false;
        }
        let near = known().find(|one| is_slip(label, one)).filter(|_| !self.series.may_exist(label));
        let Some(near) = near.map(str::to_owned) else { return false };
        let is_sure = !there.iter().any(|one| one.can_have(label));
        self.faults.push(Fault::Misspelt { label: label.to_owned(), near, is_sure });
        true
    }

    fn aggregate(&mut self, one: &'e Aggregation, depth: usize) -> Labels {
        if let Some(param) = &one.param {
            self.expr(param, depth + 1);
        }
        let mut labels = self.expr(&one.expr, depth + 1).unwrap_or_else(Labels::unknown);
        if let Some(Grouping::These(by)) = &one.grouping {
            for label in by.iter().filter(|label| *label != NAME) {
                if !self.slip(label, &[&labels]) && !labels.can_have(label) && !labels.is_of_files {
                    self.faults.push(Fault::NoSuchGroup(one, label.clone()));
                }
            }
        }
        if matches!(one.name, "topk" | "bottomk" | "limitk" | "limit_ratio") {
            return labels;
        }
        match &one.grouping {
            None => labels = Labels::none(),
            Some(Grouping::These(by)) => {
                labels.keep(by);
                labels.name_all();
            }
            Some(Grouping::AllBut(without)) => {
                for label in without {
                    self.slip(label, &[&labels]);
                }
                for label in without {
                    labels.remove(label);
                }
            }
        }
        if one.name == "count_values" {
            match one.param.as_deref().map(bare) {
                Some(Expr::Text(label)) => labels.set(label, None),
                _ => return Labels::unknown(),
            }
        }
        labels
    }

    fn call(&mut self, call: &'e Call, depth: usize) -> Option<Labels> {
        let mut args: Vec<Option<Labels>> = call.args.iter().map(|arg| self.expr(arg, depth + 1)).collect();
        let text = |at: usize| match call.args.get(at).map(bare) {
            Some(Expr::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let vector = args.iter_mut().find_map(Option::take);
        match call.name {
            "scalar" | "time" | "pi" | "start" | "end" | "range" | "step" | "max_of" | "min_of" => None,
            "vector" => Some(Labels::none()),
            "absent" | "absent_over_time" => Some(absence(call.args.first()?)),
            "histogram_quantile" => {
                let buckets = call.args.get(1)?;
                let mut labels = vector?;
                // Of native histograms there are no buckets, and no `le`.
                let is_classic =
                    |one: &VectorSelector| metric(one).is_some_and(|name| name.contains("bucket"));
                if !labels.can_have("le") && selectors(buckets).any(is_classic) {
                    self.faults.push(Fault::QuantileWithoutLe(buckets));
                }
                labels.remove("le");
                Some(labels)
            }
            "histogram_quantiles" | "info" => Some(vector?.with_any()),
            "label_join" => {
                let mut labels = vector?;
                match text(1) {
                    Some(label) => labels.allow(label),
                    None => labels = Labels::unknown(),
                }
                Some(labels)
            }
            "label_replace" => {
                let mut labels = vector?;
                let is_constant = |value: &str| !value.contains('$') && self.series.is_final(value);
                match (text(1), text(2), text(3), text(4)) {
                    (Some(label), Some(value), Some(from), Some(pattern)) => {
                        // An empty value of no label is matched by nothing but what matches anything.
                        let always =
                            pattern == ".*" || pattern == "(.*)" || (from.is_empty() && pattern.is_empty());
                        if always && value.is_empty() {
                            labels.remove(label);
                        } else if always && is_constant(value) {
                            labels.set(label, Some(value));
                        } else {
                            // Where the pattern does not match, it stays as it was.
                            let before = labels.values(label).cloned();
                            let before = before.or_else(|| (!labels.can_have(label)).then(BTreeSet::new));
                            let values = before.filter(|_| !value.is_empty() && is_constant(value));
                            let with = |mut values: BTreeSet<String>| {
                                values.insert(value.to_owned());
                                values
                            };
                            labels.put(label, values.map(with), false);
                        }
                    }
                    _ => labels = Labels::unknown(),
                }
                Some(labels)
            }
            // `hour()` and its like, of the time itself.
            _ if call.args.is_empty() => Some(Labels::none()),
            _ => Some(vector.unwrap_or_else(Labels::unknown)),
        }
    }

    fn binary(&mut self, one: &'e Binary, depth: usize) -> Option<Labels> {
        let (left, right) = (self.expr(&one.left, depth + 1), self.expr(&one.right, depth + 1));
        let (left, right) = match (left, right) {
            (Some(left), Some(right)) => (left, right),
            (left, right) => return left.or(right),
        };
        let matching = &one.matching;
        if one.op == Op::Or || matching.fills {
            return Some(left.or(right));
        }
        if let Some(Grouping::These(on)) = &matching.on {
            for label in on {
                self.slip(label, &[&left, &right]);
            }
        }
        if let Some(reason) = matching.never(&left, &right) {
            self.faults.push(Fault::NeverMatch(one, reason));
        }
        let (mut labels, other, taken) = match &matching.group {
            Some(Group::Right(taken)) => (right, left, taken.as_slice()),
            Some(Group::Left(taken)) => (left, right, taken.as_slice()),
            None if one.op.is_set() => (left, right, [].as_slice()),
            None => (matching.kept(left), right, [].as_slice()),
        };
        // What they match on, they both have.
        if one.op != Op::Unless {
            for label in other.surely().filter(|label| matching.joins(label)) {
                if labels.can_have(label) && labels.value(label).is_none() {
                    let values = match (labels.shared(label), other.shared(label)) {
                        (Some(one), Some(more)) if one != more => {
                            Some(Arc::new(one.as_ref() & more.as_ref()))
                        }
                        (one, more) => one.or(more).cloned(),
                    };
                    labels.give(label, values, true);
                }
            }
        }
        for label in taken {
            if self.slip(label, &[&other]) || !other.can_have(label) {
                if !matches!(self.faults.last(), Some(Fault::Misspelt { label: word, .. }) if word == label) {
                    self.faults.push(Fault::NothingToTake(one, label.clone()));
                }
                labels.remove(label);
            } else {
                labels.give(label, other.shared(label).cloned(), other.surely_has(label));
            }
        }
        Some(labels)
    }
}

/// `absent` has the labels that its selector names with one value each, and of anything else none.
fn absence(of: &Expr) -> Labels {
    let mut labels = Labels::none();
    let selector = match bare(of) {
        Expr::Vector(selector) => selector,
        Expr::Matrix(matrix) => &matrix.selector,
        _ => return labels,
    };
    let matchers = selector.matchers.iter().filter(|matcher| matcher.name != NAME);
    let mut seen = BTreeSet::new();
    for matcher in matchers {
        let is_first = seen.insert(matcher.name.as_str());
        if is_first && matcher.op == MatchOp::Equal && !matcher.value.is_empty() {
            labels.set(&matcher.name, Some(&matcher.value));
        } else {
            labels.remove(&matcher.name);
        }
    }
    labels
}

impl Matching {
    /// Whether the label must have the same value on both sides.
    fn joins(&self, label: &str) -> bool {
        let is_named = |labels: &[String]| labels.iter().any(|one| one == label);
        match &self.on {
            Some(Grouping::These(on)) => is_named(on),
            Some(Grouping::AllBut(ignored)) => label != NAME && !is_named(ignored),
            None => label != NAME,
        }
    }

    /// What one-to-one matching leaves of the left side.
    fn kept(&self, mut left: Labels) -> Labels {
        match &self.on {
            Some(Grouping::These(on)) => left.keep(on),
            Some(Grouping::AllBut(ignored)) => ignored.iter().for_each(|label| left.remove(label)),
            None => {}
        }
        left
    }

    fn never(&self, left: &Labels, right: &Labels) -> Option<Reason> {
        let only = |one: &Labels, other: &Labels| {
            one.surely().find(|label| self.joins(label) && !other.can_have(label)).map(str::to_owned)
        };
        let values = || {
            let differ = |label: &&str| {
                let (ours, theirs) = (left.values(label), right.values(label));
                self.joins(label)
                    && right.surely_has(label)
                    && ours.zip(theirs).is_some_and(|(ours, theirs)| ours.is_disjoint(theirs))
            };
            let label = left.surely().find(differ)?;
            let value = |of: &Labels| {
                let values: Vec<&str> = of.values(label).into_iter().flatten().map(String::as_str).collect();
                values.join("` or `")
            };
            Some(Reason::Values { label: label.to_owned(), left: value(left), right: value(right) })
        };
        // What is grouped by is there, or the grouping means nothing: claimed only where the other side means something else,
        // or is one number for all.
        let lost = |one: &Labels, other: &Labels| {
            one.named().find(|label| self.joins(label) && !other.can_have(label)).map(str::to_owned)
        };
        let meant = || match (lost(left, right), lost(right, left)) {
            (Some(left), Some(right)) => Some(Reason::Both(left, right)),
            (Some(label), None) if right.is_none() => Some(Reason::OnlyLeft(label)),
            (None, Some(label)) if left.is_none() => Some(Reason::OnlyRight(label)),
            _ => None,
        };
        // `on` one label is made for series that have it.
        let on = || match &self.on {
            Some(Grouping::These(on)) if on.len() == 1 => {
                let label = &on[0];
                match (left.can_have(label), right.can_have(label)) {
                    (true, false) => Some(Reason::OnlyLeft(label.clone())),
                    (false, true) => Some(Reason::OnlyRight(label.clone())),
                    _ => None,
                }
            }
            _ => None,
        };
        let sure = match (only(left, right), only(right, left)) {
            (Some(left), Some(right)) => Some(Reason::Both(left, right)),
            (Some(label), None) => Some(Reason::OnlyLeft(label)),
            (None, Some(label)) => Some(Reason::OnlyRight(label)),
            (None, None) => None,
        };
        sure.or_else(values).or_else(meant).or_else(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::tree;

    /// A recorded series with one label, and others of which nothing is known.
    struct Known;

    impl Series for Known {
        fn of(&self, selector: &VectorSelector) -> (Labels, bool) {
            match metric(selector) {
                Some("job:x:rate5m") => {
                    let mut labels = Labels::none();
                    labels.set("job", None);
                    (labels, true)
                }
                _ => (Labels::unknown(), false),
            }
        }
    }

    /// `job="a" instance? *`: what is sure, with its value; what may be; and whether anything else may be.
    fn shown(expr: &str) -> String {
        let Some(labels) = labels(&tree(expr).unwrap_or_else(|| panic!("{expr}")), &Known) else {
            return "number".to_owned();
        };
        let sure = labels.surely().map(|label| match labels.value(label) {
            Some(value) => format!("{label}={value}"),
            None => label.to_owned(),
        });
        let mut words: Vec<String> = sure.collect();
        if let Some(all) = labels.all() {
            words.extend(all.filter(|one| !labels.surely_has(one)).map(|one| format!("{one}?")));
        } else {
            words.extend(labels.those(|one| !one.may_be()).map(|one| format!("-{one}")));
            words.push("*".to_owned());
        }
        words.join(" ")
    }

    #[test]
    fn the_labels_of_a_result_are_those_that_prometheus_leaves() {
        for (expr, expected) in [
            ("1 + 2 * time()", "number"),
            ("x", "*"),
            ("x{a=\"1\", b=~\"2|3\", c!=\"4\", d=\"\", e=~\".*\"}", "a=1 b -d *"),
            ("sum(x)", ""),
            ("sum by (a, b) (x{a=\"1\"})", "a=1 b?"),
            ("sum without (a) (x{a=\"1\", b=\"2\"})", "b=2 -a *"),
            ("topk by (a) (3, x{b=\"1\"})", "b=1 *"),
            ("count_values by (a) (\"v\", x)", "v a?"),
            ("count_values(\"v\", x)", "v"),
            ("rate(x{a=\"1\"}[5m]) * 100 > 5", "a=1 *"),
            ("5 < x{a=\"1\"}", "a=1 *"),
            ("absent(x{a=\"1\", b=~\"2\", c=\"3\", c!=\"4\"})", "a=1"),
            ("absent(sum(x{a=\"1\"}))", ""),
            ("absent_over_time(x{a=\"1\"}[5m])", "a=1"),
            ("vector(1)", ""),
            ("hour()", ""),
            ("hour(x{a=\"1\"})", "a=1 *"),
            ("scalar(x)", "number"),
            ("label_replace(sum by (a) (x), \"b\", \"$1\", \"a\", \"(.+)\")", "a? b?"),
            ("label_replace(vector(1), \"b\", \"1\", \"\", \"\")", "b=1"),
            ("label_join(sum by (a) (x), \"b\", \"-\", \"a\")", "a? b?"),
            ("histogram_quantile(0.9, sum by (le, a) (rate(x_bucket[5m])))", "a?"),
            ("sum by (a) (x) or sum by (b) (y)", "a? b?"),
            ("x{a=\"1\", b=\"2\"} or y{a=\"2\", b=\"2\"}", "a b=2 *"),
            ("sum by (a) (x) and on (a) y{a=\"1\"}", "a=1"),
            ("sum by (a) (x) unless on (a) y{a=\"1\"}", "a?"),
            ("x{c=\"1\"} / on (a, b) y{b=\"2\"}", "b=2 a?"),
            ("x{c=\"1\"} / ignoring (c) y{b=\"2\"}", "b=2 -c *"),
            ("x / on (a) group_left (b) sum by (a, b) (y{b=\"2\"})", "b=2 *"),
            ("sum by (a) (x) / on (a) group_left () y{b=\"2\"}", "a?"),
            ("sum by (a, b) (x) * on (a) group_right () y{b=\"2\"}", "b=2 *"),
            ("job:x:rate5m > 1", "job"),
            ("max_over_time(sum by (a) (x)[5m:])", "a?"),
            ("-sum by (a) (x)", "a?"),
        ] {
            assert_eq!(shown(expr), expected, "{expr}");
        }
    }

    #[test]
    fn sides_that_never_match_are_told_from_those_that_may() {
        fn fault(one: &Fault) -> String {
            match one {
                Fault::QuantileWithoutLe(_) => "le".to_owned(),
                Fault::NeverMatch(_, Reason::OnlyLeft(label)) => format!("left {label}"),
                Fault::NeverMatch(_, Reason::OnlyRight(label)) => format!("right {label}"),
                Fault::NeverMatch(_, Reason::Both(left, right)) => format!("{left} {right}"),
                Fault::NeverMatch(_, Reason::Values { label, left, right }) => {
                    format!("{label} {left} {right}")
                }
                Fault::NoSuchGroup(_, label) => format!("by {label}"),
                Fault::NothingToTake(_, label) => format!("take {label}"),
                Fault::NeverSelects(_, matcher) => format!("select {}", matcher.name),
                Fault::Misspelt { label, .. } => format!("misspelt {label}"),
                Fault::MisspeltValue(_, _, value, _) => format!("misspelt {value}"),
            }
        }
        let found = |expr: &str| {
            let tree = tree(expr).unwrap_or_else(|| panic!("{expr}"));
            format!("{:?}", faults(&tree, &Known).iter().map(fault).collect::<Vec<_>>())
        };
        for (expr, expected) in [
            ("x{a=\"1\"} / sum by (b) (y)", "left a"),
            ("sum(x) > y{a=\"1\"}", "right a"),
            ("x{a=\"1\"} / y{a=\"2\"}", "a 1 2"),
            ("x{a=\"1\"} and y{a=\"2\"}", "a 1 2"),
            ("sum by (a) (x) / sum by (b) (y)", "a b"),
            ("sum by (a) (x) / sum(y)", "left a"),
            ("sum by (a) (x) > 1 and hour() > 8", "left a"),
            ("x / on (a) sum by (b) (y)", "left a"),
            ("histogram_quantile(0.9, sum by (a) (rate(x_bucket[5m])))", "le"),
            ("histogram_quantile(0.9, sum(rate(x_bucket[5m])))", "le"),
            ("sum by (a) (sum by (b) (x))", "by a"),
            ("x * on (a) group_left (c) sum by (a) (y)", "take c"),
            ("job:x:rate5m{instance=\"a\"}", "select instance"),
        ] {
            assert_eq!(found(expr), format!("[\"{expected}\"]"), "{expr}");
        }
        for expr in [
            "x / y",
            "x{a=\"1\"} / ignoring (a) y{a=\"2\"}",
            "x{a=\"1\"} / on (b) y{a=\"2\"}",
            "x{a=\"1\"} or y{a=\"2\"}",
            "sum by (a) (x) / sum by (a) (y)",
            // A label that this stack may not have at all.
            "sum by (cluster, a) (x) / sum by (a) (y)",
            "sum by (a) (x) / on () group_left () sum(y)",
            "sum by (a) (x) > 1 and on () hour() > 8",
            "sum by (a) (x) / scalar(sum(y))",
            "histogram_quantile(0.9, sum by (a) (rate(x[5m])))",
            "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
            "histogram_quantile(0.9, x_bucket)",
            "sum by (a) (x) / on (a, b) y",
            "job:x:rate5m{job=\"a\", instance=\"\"}",
            "sum(x) / sum(y)",
        ] {
            assert_eq!(found(expr), "[]", "{expr}");
        }
    }
}
