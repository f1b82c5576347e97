//! The labels of the series that rules make: each name is followed to the expressions behind it. Apart from `labels`, which asks
//! for them: this is done once, for all.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::labels::{of_scrape, with_own};
use super::targets::takes_recordings;
use super::{Rule, Stack};
use crate::promql::labels::{Labels, Series, labels};
use crate::promql::tree::VectorSelector;
use crate::promql::{Expr, metric, selectors};

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
        let follower = Follower::of(stack);
        follower.makers.keys().for_each(|name| follower.follow(name));
        let known = |(name, labels): (&str, Option<Labels>)| {
            (name.to_owned(), labels.unwrap_or_else(Labels::unknown))
        };
        let labels = follower.known.into_inner().into_iter().map(known).collect();
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
    /// `None` while they are followed, and where nobody knows them.
    known: RefCell<BTreeMap<&'s str, Option<Labels>>>,
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
        Follower { stack, makers, known: RefCell::default(), is_whole }
    }

    /// Follows a name to the rules that make it, and to what they read, from the bottom to the top. A circle is cut: of what
    /// is in it nothing is known.
    fn follow(&self, name: &'s str) {
        let is_known = |name: &str| self.known.borrow().contains_key(name);
        let mut todo = vec![(name, false)];
        while let Some((name, is_entered)) = todo.pop() {
            let rules = &self.makers[name];
            if is_entered {
                let each = rules.iter().map(|rule| self.made_by(rule, name));
                let labels = each.reduce(Labels::or).filter(|_| self.has_all(name));
                self.known.borrow_mut().insert(name, labels);
            } else if !is_known(name) {
                self.known.borrow_mut().insert(name, None);
                todo.push((name, true));
                let below = rules.iter().filter_map(|rule| rule.expr.tree());
                let read = below.flat_map(|tree| self.read_by(tree)).filter(|name| !is_known(name));
                todo.extend(read.map(|name| (name, false)));
            }
        }
    }

    /// The names that an expression reads and rules make.
    fn read_by(&self, tree: &Expr) -> Vec<&'s str> {
        let names = selectors(tree).into_iter().filter_map(metric);
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
        match metric(selector).and_then(|name| self.known.borrow().get(name).cloned()) {
            Some(known) => (known.unwrap_or_else(Labels::unknown), true),
            None => of_scrape(self.stack, selector, &|_| true),
        }
    }
}
