//! The labels of the series of a result: which surely, which at all, and with which values.

mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::walk::{Fault, Reason, Series, faults, labels};
use super::{MatchOp, Matcher};

/// The name of the series: a label in PromQL's own eyes, and none in anybody else's.
pub const NAME: &str = "__name__";

/// The labels of each series of a result, but for its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    may: May,
    /// Those that no series is without.
    surely: BTreeSet<String>,
    /// All values that a label can have where it is there, of those of which they are known.
    values: BTreeMap<String, Values>,
    /// Those that are known by name to be there, on some series at least.
    expected: BTreeSet<String>,
    /// Those that an aggregation names: somebody means them to be there.
    named: BTreeSet<String>,
    /// Whether it is the files that say which there are, and no aggregation: many group by labels that some stacks lack.
    is_of_files: bool,
}

/// Shared: a hundred services are the values of one label on each of their series.
type Values = Arc<BTreeSet<String>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum May {
    AllBut(BTreeSet<String>),
    Only(BTreeSet<String>),
}

impl May {
    fn has(&self, label: &str) -> bool {
        match self {
            May::AllBut(never) => !never.contains(label),
            May::Only(these) => these.contains(label),
        }
    }
}

impl Labels {
    /// Any label, and none for sure: of which nothing is known.
    pub fn unknown() -> Labels {
        Labels {
            may: May::AllBut(BTreeSet::new()),
            surely: BTreeSet::new(),
            values: BTreeMap::new(),
            expected: BTreeSet::new(),
            named: BTreeSet::new(),
            is_of_files: false,
        }
    }

    pub fn none() -> Labels {
        Labels { may: May::Only(BTreeSet::new()), ..Labels::unknown() }
    }

    pub fn can_have(&self, label: &str) -> bool {
        self.may.has(label)
    }

    pub fn surely_has(&self, label: &str) -> bool {
        self.surely.contains(label)
    }

    /// The one value that the label has on every series.
    pub fn value(&self, label: &str) -> Option<&str> {
        let values = self.values.get(label).filter(|values| values.len() == 1 && self.surely_has(label))?;
        values.first().map(String::as_str)
    }

    /// All values that the label has where it is there; `None` where they are not known.
    pub fn values(&self, label: &str) -> Option<&BTreeSet<String>> {
        self.shared(label).map(AsRef::as_ref)
    }

    fn shared(&self, label: &str) -> Option<&Values> {
        self.values.get(label)
    }

    /// Those that no series is without.
    pub fn surely(&self) -> impl Iterator<Item = &str> {
        self.surely.iter().map(String::as_str)
    }

    /// Those that are known by name to be there, on some series at least.
    pub fn expected(&self) -> impl Iterator<Item = &str> {
        self.surely.union(&self.expected).map(String::as_str)
    }

    /// All that are known by name, there or perhaps there.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.expected().chain(self.all().into_iter().flatten().map(String::as_str))
    }

    /// All that there can be; `None` where any other may be there too.
    pub fn all(&self) -> Option<&BTreeSet<String>> {
        match &self.may {
            May::Only(these) => Some(these),
            May::AllBut(_) => None,
        }
    }

    /// It is there, perhaps.
    pub fn allow(&mut self, label: &str) {
        self.surely.remove(label);
        self.values.remove(label);
        match &mut self.may {
            May::AllBut(never) => never.remove(label),
            May::Only(these) => these.insert(label.to_owned()),
        };
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
        self.allow(label);
        if is_sure {
            self.surely.insert(label.to_owned());
        }
        if let Some(values) = values.filter(|values| !values.is_empty() && values.len() <= MAX_VALUES) {
            self.values.insert(label.to_owned(), values);
        }
    }

    /// The same, as the files say it and no aggregation.
    #[must_use]
    pub fn of_files(self) -> Labels {
        Labels { is_of_files: true, ..self }
    }

    /// Somebody makes it, on some series at least.
    pub fn expect(&mut self, label: &str) {
        self.expected.insert(label.to_owned());
    }

    pub fn remove(&mut self, label: &str) {
        self.surely.remove(label);
        self.values.remove(label);
        self.expected.remove(label);
        self.named.remove(label);
        match &mut self.may {
            May::AllBut(never) => never.insert(label.to_owned()),
            May::Only(these) => these.remove(label),
        };
    }

    /// The same, and any other label beside.
    #[must_use]
    pub fn with_any(mut self) -> Labels {
        // Where one of these is not, another may come.
        self.values.retain(|label, _| self.surely.contains(label));
        Labels { may: May::AllBut(BTreeSet::new()), ..self }
    }

    /// Whether some series may be taken by a condition.
    pub fn can_meet(&self, matcher: &Matcher) -> bool {
        let label = matcher.name.as_str();
        let with = || {
            let values = self.values.get(label);
            values.is_none_or(|values| match matcher.op {
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

    fn keep(&mut self, labels: &[String]) {
        let kept = |label: &String| labels.contains(label);
        self.is_of_files = false;
        self.may = May::Only(labels.iter().filter(|label| self.can_have(label)).cloned().collect());
        self.surely.retain(kept);
        self.values.retain(|label, _| kept(label));
        self.expected.retain(kept);
        self.named.retain(kept);
    }

    /// What is true of both.
    #[must_use]
    pub fn or(self, other: Labels) -> Labels {
        let (one, more) = (&self.may, &other.may);
        let mut values = self.values;
        values.retain(|label, _| other.values.contains_key(label) || !more.has(label));
        for (label, added) in other.values {
            if let Some(known) = values.get_mut(&label) {
                if known.len() + added.len() <= MAX_VALUES {
                    Arc::make_mut(known).extend(added.iter().cloned());
                } else {
                    values.remove(&label);
                }
            } else if !one.has(&label) {
                values.insert(label, added);
            }
        }
        let may = match (self.may, other.may) {
            (May::Only(a), May::Only(b)) => May::Only(&a | &b),
            (May::AllBut(a), May::AllBut(b)) => May::AllBut(&a & &b),
            (May::AllBut(never), May::Only(these)) | (May::Only(these), May::AllBut(never)) => {
                May::AllBut(&never - &these)
            }
        };
        Labels {
            may,
            values,
            surely: &self.surely & &other.surely,
            expected: &(&self.expected | &other.expected) | &(&self.surely ^ &other.surely),
            named: &self.named & &other.named,
            is_of_files: self.is_of_files || other.is_of_files,
        }
    }

    fn is_none(&self) -> bool {
        matches!(&self.may, May::Only(these) if these.is_empty())
    }
}

/// More values than these are not kept: nobody writes so many.
const MAX_VALUES: usize = 200;
