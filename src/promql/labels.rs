//! The labels of the series of a result: which surely, which at all, and with which values.

mod walk;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use self::walk::{Fault, Reason, Series, faults, labels, labels_and_faults};
use super::{MatchOp, Matcher};

/// The name of the series: a label in PromQL's own eyes, and none in anybody else's.
pub const NAME: &str = "__name__";

/// The labels of each series of a result, but for its name.
#[derive(Clone, Debug)]
pub struct Labels {
    /// Those of which something is known, by name.
    known: Vec<Label>,
    /// Whether any other may be there, too.
    has_others: bool,
    /// Whether it is the files that say which there are, and no aggregation: many group by labels that some stacks lack.
    is_of_files: bool,
}

/// What is known of one label.
#[derive(Clone, Debug)]
struct Label {
    name: Arc<str>,
    there: There,
    /// Whether it is known by name to be there, on some series at least.
    is_expected: bool,
    /// Whether an aggregation names it: somebody means it to be there.
    is_named: bool,
    /// All values that it can have where it is there, if they are known.
    values: Option<Values>,
}

/// Which series have a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    OnNone,
    Perhaps,
    OnAll,
}

/// Shared: a hundred services are the values of one label on each of their series.
type Values = Arc<BTreeSet<String>>;

impl Label {
    /// Of which nothing is known but whether it can be there.
    fn new(name: Arc<str>, may: bool) -> Label {
        let there = if may { There::Perhaps } else { There::OnNone };
        Label { name, there, is_expected: false, is_named: false, values: None }
    }

    /// Whether a series can have it.
    fn may_be(&self) -> bool {
        self.there != There::OnNone
    }

    /// Whether no series is without it.
    fn is_sure(&self) -> bool {
        self.there == There::OnAll
    }

    /// What is true of both.
    fn or(self, other: Label) -> Label {
        let is_expected = self.is_expected || other.is_expected || self.is_sure() != other.is_sure();
        let values = match (self.values, other.values) {
            (Some(mut one), Some(more)) => (one.len() + more.len() <= MAX_VALUES).then(|| {
                Arc::make_mut(&mut one).extend(more.iter().cloned());
                one
            }),
            (one, None) => one.filter(|_| other.there == There::OnNone),
            (None, more) => more.filter(|_| self.there == There::OnNone),
        };
        Label {
            name: self.name,
            there: if self.there == other.there { self.there } else { There::Perhaps },
            is_expected,
            is_named: self.is_named && other.is_named,
            values,
        }
    }
}

impl Labels {
    /// Any label, and none for sure: of which nothing is known.
    pub fn unknown() -> Labels {
        Labels { has_others: true, ..Labels::none() }
    }

    pub fn none() -> Labels {
        Labels { known: Vec::new(), has_others: false, is_of_files: false }
    }

    fn place(&self, label: &str) -> Result<usize, usize> {
        self.known.binary_search_by(|one| (*one.name).cmp(label))
    }

    fn find(&self, label: &str) -> Option<&Label> {
        self.place(label).ok().map(|at| &self.known[at])
    }

    fn entry(&mut self, label: &str) -> &mut Label {
        let at = self.place(label).unwrap_or_else(|at| {
            self.known.insert(at, Label::new(label.into(), self.has_others));
            at
        });
        &mut self.known[at]
    }

    pub fn can_have(&self, label: &str) -> bool {
        self.find(label).map_or(self.has_others, Label::may_be)
    }

    pub fn surely_has(&self, label: &str) -> bool {
        self.find(label).is_some_and(Label::is_sure)
    }

    /// The one value that the label has on every series.
    pub fn value(&self, label: &str) -> Option<&str> {
        let known = self.find(label).filter(|one| one.is_sure())?;
        let values = known.values.as_ref().filter(|values| values.len() == 1)?;
        values.first().map(String::as_str)
    }

    /// All values that the label has where it is there; `None` where they are not known.
    pub fn values(&self, label: &str) -> Option<&BTreeSet<String>> {
        self.shared(label).map(AsRef::as_ref)
    }

    fn shared(&self, label: &str) -> Option<&Values> {
        self.find(label)?.values.as_ref()
    }

    fn those(&self, which: impl Fn(&Label) -> bool) -> impl Iterator<Item = &str> {
        self.known.iter().filter(move |one| which(one)).map(|one| &*one.name)
    }

    /// Those that no series is without.
    pub fn surely(&self) -> impl Iterator<Item = &str> {
        self.those(Label::is_sure)
    }

    /// Those that are known by name to be there, on some series at least.
    pub fn expected(&self) -> impl Iterator<Item = &str> {
        self.those(|one| one.is_sure() || one.is_expected)
    }

    /// Those that an aggregation names.
    fn named(&self) -> impl Iterator<Item = &str> {
        self.those(|one| one.is_named)
    }

    /// All that are known by name, there or perhaps there.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.expected().chain(self.all().into_iter().flatten())
    }

    /// All that there can be; `None` where any other may be there too.
    pub fn all(&self) -> Option<impl Iterator<Item = &str>> {
        (!self.has_others).then(|| self.those(Label::may_be))
    }

    /// It is there, perhaps.
    pub fn allow(&mut self, label: &str) {
        self.give(label, None, false);
    }

    /// It is there, with this value if one is known.
    pub fn set(&mut self, label: &str, value: Option<&str>) {
        self.put(label, value.map(|value| BTreeSet::from([value.to_owned()])), true);
    }

    /// It is there, surely or perhaps, with one of these values if they are known.
    pub fn put(&mut self, label: &str, values: Option<BTreeSet<String>>, is_sure: bool) {
        self.give(label, values.map(Arc::new), is_sure);
    }

    fn give(&mut self, label: &str, values: Option<Values>, is_sure: bool) {
        let known = self.entry(label);
        known.there = if is_sure { There::OnAll } else { There::Perhaps };
        known.values = values.filter(|values| !values.is_empty() && values.len() <= MAX_VALUES);
    }

    /// The same, as the files say it and no aggregation.
    #[must_use]
    pub fn of_files(self) -> Labels {
        Labels { is_of_files: true, ..self }
    }

    /// Somebody makes it, on some series at least.
    pub fn expect(&mut self, label: &str) {
        self.entry(label).is_expected = true;
    }

    pub fn remove(&mut self, label: &str) {
        match self.place(label) {
            Ok(at) if self.has_others => self.known[at] = Label::new(Arc::clone(&self.known[at].name), false),
            Ok(at) => drop(self.known.remove(at)),
            Err(at) if self.has_others => self.known.insert(at, Label::new(label.into(), false)),
            Err(_) => {}
        }
    }

    /// The same, and any other label beside.
    #[must_use]
    pub fn with_any(mut self) -> Labels {
        for label in &mut self.known {
            if !label.is_sure() {
                label.there = There::Perhaps;
                // Where it is not, another may come.
                label.values = None;
            }
        }
        Labels { has_others: true, ..self }
    }

    /// Whether some series may be taken by a condition.
    pub fn can_meet(&self, matcher: &Matcher) -> bool {
        let label = matcher.name.as_str();
        let with = || {
            self.shared(label).is_none_or(|values| match matcher.op {
                MatchOp::Equal => values.contains(&matcher.value),
                _ => values.iter().any(|value| matcher.is_match(value)),
            })
        };
        (self.can_have(label) && with()) || (!self.surely_has(label) && matcher.is_match(""))
    }

    /// Those that a condition leaves.
    fn take(&mut self, matcher: &Matcher) {
        let label = matcher.name.as_str();
        let is_equal = matcher.op == MatchOp::Equal;
        if is_equal && matcher.value.is_empty() {
            self.remove(label);
        } else if is_equal {
            self.set(label, Some(&matcher.value));
        } else {
            let left = |values: &Values| {
                let all = values.iter();
                Arc::new(all.filter(|value| matcher.is_match(value)).cloned().collect())
            };
            let values = self.shared(label).map(left);
            let is_sure = self.surely_has(label) || !matcher.is_match("");
            if is_sure || values.is_some() {
                self.give(label, values, is_sure);
            }
        }
    }

    /// Those of them that an aggregation or a matching keeps, and no other.
    fn keep(&mut self, labels: &[String]) {
        if self.has_others {
            for label in labels {
                self.entry(label);
            }
        }
        self.known.retain(|one| one.may_be() && labels.iter().any(|label| **label == *one.name));
        self.has_others = false;
        self.is_of_files = false;
    }

    /// Says of all of them that somebody means them.
    fn name_all(&mut self) {
        self.known.iter_mut().for_each(|one| one.is_named = one.may_be());
    }

    /// What is true of both.
    #[must_use]
    pub fn or(self, other: Labels) -> Labels {
        let (ours, theirs) = (self.has_others, other.has_others);
        let mut known = Vec::with_capacity(self.known.len().max(other.known.len()));
        let (mut left, mut right) = (self.known.into_iter().peekable(), other.known.into_iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(more)) => one.name.cmp(&more.name),
            };
            let one = left.next_if(|_| order.is_le());
            let more = right.next_if(|_| order.is_ge());
            known.extend(match (one, more) {
                (Some(one), Some(more)) => Some(one.or(more)),
                (Some(one), None) => {
                    let more = Label::new(Arc::clone(&one.name), theirs);
                    Some(one.or(more))
                }
                (None, Some(more)) => {
                    let one = Label::new(Arc::clone(&more.name), ours);
                    Some(one.or(more))
                }
                (None, None) => None,
            });
        }
        Labels { known, has_others: ours || theirs, is_of_files: self.is_of_files || other.is_of_files }
    }

    fn is_none(&self) -> bool {
        self.all().is_some_and(|mut all| all.next().is_none())
    }
}

/// More values than these are not kept: nobody writes so many.
const MAX_VALUES: usize = 200;
