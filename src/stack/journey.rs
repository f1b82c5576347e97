//! The way of an alert through the tree of routes, as Alertmanager walks it. Where a label is not known, every way that is
//! possible is walked, and each end says on which conditions it is one.

use std::collections::BTreeMap;

use super::alertmanager::{Alertmanager, LabelMatcher, Route};
use super::conditions::{Conditions, asks_for_presence};
use crate::promql::labels::Labels;

/// Where an alert ends.
#[derive(Debug)]
pub struct End<'a> {
    pub route: &'a Route,
    /// What decides whether it ends here, as far as its labels are not known.
    pub conditions: Vec<&'a LabelMatcher>,
    /// Whether it ends here whatever the labels are that are not known.
    pub is_sure: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    No,
    Maybe,
    Yes,
}

impl LabelMatcher {
    /// Whether it holds: `None` where that depends on what is not known, and where it could not be read.
    pub fn holds(&self, labels: &Labels) -> Option<bool> {
        let matcher = self.matcher.as_ref()?;
        if let Some(value) = labels.value(&matcher.name) {
            return Some(matcher.is_match(value));
        }
        if !labels.can_have(&matcher.name) {
            // A missing label and an empty one are the same.
            return Some(matcher.is_match(""));
        }
        asks_for_presence(matcher).filter(|_| labels.surely_has(&matcher.name))
    }
}

/// Whether an alert with these labels may meet all conditions.
pub fn may_meet(labels: &Labels, conditions: &[LabelMatcher]) -> bool {
    conditions.iter().all(|one| one.holds(labels) != Some(false))
}

impl Alertmanager {
    /// The branches that an alert with exactly these labels ends at, in order. A condition that could not be read is
    /// taken to hold.
    pub fn journey(&self, labels: &BTreeMap<String, String>) -> Vec<&Route> {
        let mut exactly = Labels::none();
        for (name, value) in labels {
            exactly.set(name, Some(value));
        }
        let ends = self.journeys(&exactly);
        ends.into_iter().filter(|end| end.is_sure).map(|end| end.route).collect()
    }

    /// The branches that an alert ends at, or may end at, in order.
    pub fn journeys(&self, labels: &Labels) -> Vec<End<'_>> {
        let mut ends = Vec::new();
        if let Some(root) = &self.route {
            root.follow(labels, &Way { conditions: Vec::new(), is_sure: true }, &mut ends);
        }
        ends
    }
}

/// How an alert came to a branch.
struct Way<'a> {
    /// Everything that was asked and could not be answered.
    conditions: Vec<&'a LabelMatcher>,
    is_sure: bool,
}

impl Route {
    /// Whether it is taken, where the alert comes to it.
    fn follow<'a>(&'a self, labels: &Labels, way: &Way<'a>, ends: &mut Vec<End<'a>>) -> Truth {
        let mut conditions = way.conditions.clone();
        for one in &self.matchers {
            match one.holds(labels) {
                Some(true) => {}
                Some(false) => return Truth::No,
                None if one.matcher.is_none() => {}
                None => conditions.push(one),
            }
        }
        let asks = conditions.len() > way.conditions.len();
        if asks && Conditions::of(conditions.iter().copied()).contradict() {
            return Truth::No;
        }
        let mut below = Way { is_sure: way.is_sure && !asks, conditions };
        let mut taken = Truth::No;
        for route in &self.routes {
            let took = route.follow(labels, &below, ends);
            taken = taken.max(took);
            match took {
                Truth::Yes if !route.continues => break,
                // What comes after it sees the alert only if this one has not taken it.
                Truth::Maybe if !route.continues => below.is_sure = false,
                _ => {}
            }
        }
        if taken != Truth::Yes {
            let is_sure = below.is_sure && taken == Truth::No;
            ends.push(End { route: self, conditions: below.conditions, is_sure });
        }
        if asks { Truth::Maybe } else { Truth::Yes }
    }
}
