//! The labels of the series that rules make: each name is followed to the expressions behind it. Apart from `labels`, which asks
//! for them: this is done once, for all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use super::labels::{of_scrape, with_own};
use super::targets::takes_recordings;
use super::{Rule, Stack};
use crate::cores;
use crate::promql::labels::{Labels, Series, labels};
use crate::promql::tree::VectorSelector;
use crate::promql::{metric, selectors};

/// What is known of what is recorded.
#[derive(Debug)]
pub(super) struct Recorded {
    /// Of each name.
    labels: BTreeMap<String, Labels>,
    /// Whether a label of a name is made somewhere, of those that were asked for.
    made: Mutex<HashMap<String, bool>>,
}

impl Recorded {
    pub(super) fn of(stack: &Stack) -> Recorded {
        let mut follower = Follower::of(stack);
        follower.follow();
        let known = |(name, labels): (&str, Option<Labels>)| {
            (name.to_owned(), labels.unwrap_or_else(Labels::unknown))
        };
        let labels = follower.known.into_iter().map(known).collect();
        Recorded { labels, made: Mutex::default() }
    }

    /// The labels of the series of a name; `None` where no rule makes them.
    pub(super) fn labels(&self, name: &str) -> Option<&Labels> {
        self.labels.get(name)
    }

    /// Whether a label of this name is made; it is looked for once.
    pub(super) fn is_made(&self, label: &str, look: impl FnOnce() -> bool) -> bool {
        let made = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made().get(label).copied();
        known.unwrap_or_else(|| {
            let is_made = look();
            made().insert(label.to_owned(), is_made);
            is_made
        })
    }
}

/// What Prometheus makes of the alerts that fire, and of those that will.
const OF_ALERTS: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

struct Follower<'s> {
    stack: &'s Stack,
    /// Name → the rules that make series of it.
    makers: BTreeMap<&'s str, Vec<&'s Rule>>,
    /// `None` where nobody knows them.
    known: BTreeMap<&'s str, Option<Labels>>,
    /// Whether nobody sends series that are recorded elsewhere, under the same names.
    is_whole: bool,
}

impl<'s> Follower<'s> {
    fn of(stack: &'s Stack) -> Follower<'s> {
        let mut makers: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in stack.rules().filter(|rule| !rule.is_alert) {
            makers.entry(rule.name.as_str()).or_default().push(rule);
        }
        let is_asked = stack.queries().any(|query| query.text.contains(OF_ALERTS[0]));
        for name in OF_ALERTS.into_iter().filter(|_| is_asked) {
            makers.entry(name).or_default().extend(stack.alerts());
        }
        let mut prometheuses = stack
            .prometheuses
            .iter()
            .map(|one| (one, stack.service(&one.service).map(|(_, service)| service)));
        let is_whole = !prometheuses.any(|(one, service)| takes_recordings(one, service));
        Follower { stack, makers, known: BTreeMap::new(), is_whole }
    }

    /// Follows the names from the bottom to the top: those that read nothing recorded, then those that read these, and so on,
    /// each step on all cores. A circle is cut: to those that read its first name, nothing is known of it.
    fn follow(&mut self) {
        // Of each name who reads it, and how many of those that it reads are not followed yet.
        let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.makers.keys() {
            let read = self.read_by(name);
            left.insert(name, read.len());
            for one in read {
                readers.entry(one).or_default().push(name);
            }
        }
        let mut ready: Vec<&str> =
            left.iter().filter(|(_, left)| **left == 0).map(|(name, _)| *name).collect();
        let mut cut: BTreeSet<&str> = BTreeSet::new();
        loop {
            let found = cores::map_small(std::mem::take(&mut ready), |name| (name, self.find(name)));
            let mut told: Vec<&str> = Vec::new();
            for (name, labels) in found {
                left.remove(name);
                self.known.insert(name, labels);
                told.extend((!cut.contains(name)).then_some(name));
            }
            if told.is_empty() {
                let Some(first) = left.keys().copied().find(|name| !cut.contains(name)) else { return };
                cut.insert(first);
                self.known.insert(first, None);
                told.push(first);
            }
            for reader in told.iter().filter_map(|name| readers.get(name)).flatten() {
                if let Some(left) = left.get_mut(reader) {
                    *left -= 1;
                    ready.extend((*left == 0).then_some(*reader));
                }
            }
        }
    }

    /// The labels of the series of a name, from those of what its rules read.
    fn find(&self, name: &str) -> Option<Labels> {
        let each = self.makers[name].iter().map(|rule| self.made_by(rule, name));
        each.reduce(Labels::or).filter(|_| self.has_all(name))
    }

    /// The recorded names that the rules of a name read.
    fn read_by(&self, name: &str) -> BTreeSet<&'s str> {
        let trees = self.makers[name].iter().filter_map(|rule| rule.expr.tree());
        let names = trees.flat_map(selectors).filter_map(metric);
        names.filter_map(|name| Some(*self.makers.get_key_value(name)?.0)).collect()
    }

    /// The labels of a series that a rule makes.
    fn made_by(&self, rule: &Rule, name: &str) -> Labels {
        let found = rule.expr.tree().map(|tree| labels(tree, self).unwrap_or_else(Labels::none));
        let mut labels = with_own(found.unwrap_or_else(Labels::unknown), rule);
        if OF_ALERTS.contains(&name) {
            labels.set("alertname", Some(&rule.name));
        }
        if name == OF_ALERTS[0] {
            let states = ["firing", "pending"].map(str::to_owned);
            labels.put("alertstate", Some(states.into()), true);
        }
        if OF_ALERTS.contains(&name) { labels.of_files() } else { labels }
    }

    /// Whether nobody else makes such series, too: another Prometheus, or a rule that was not read.
    fn has_all(&self, name: &str) -> bool {
        self.is_whole && (!OF_ALERTS.contains(&name) || self.stack.metrics().has_all_rules())
    }
}

impl Series for Follower<'_> {
    fn of(&self, selector: &VectorSelector) -> (Labels, bool) {
        match metric(selector).and_then(|name| self.known.get(name)) {
            Some(known) => (known.clone().unwrap_or_else(Labels::unknown), true),
            None => of_scrape(self.stack, selector, &|_| true),
        }
    }
}
