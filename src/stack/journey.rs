//! The way of an alert through the tree of routes, as Alertmanager walks it. Where a label is not known, every way that is
//! possible is walked, and each end says on which conditions it is one.

use std::collections::BTreeMap;

use super::Stack;
use super::alertmanager::{Alertmanager, LabelMatcher, Route};
use super::conditions::Conditions;
use super::rules::Rule;
use crate::promql::matcher;
use crate::source::Node;

/// What is known of the labels that an alert has when it fires.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// `None`: it may have it, and nobody knows the value. An empty text: it surely does not.
    pub known: BTreeMap<String, Option<String>>,
    /// Whether it may have others.
    pub is_open: bool,
}

/// What is known of one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Empty where the alert does not have it: to Alertmanager that is the same.
    Is(&'a str),
    Unknown,
}

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

impl Labels {
    pub fn get(&self, name: &str) -> Value<'_> {
        match self.known.get(name) {
            Some(Some(value)) => Value::Is(value),
            Some(None) => Value::Unknown,
            None if self.is_open => Value::Unknown,
            None => Value::Is(""),
        }
    }

    /// Whether a condition holds: `None` where that depends on what is not known.
    pub fn meet(&self, one: &LabelMatcher) -> Option<bool> {
        // Of what could not be read nothing is claimed.
        let matcher = one.matcher.as_ref()?;
        match self.get(&matcher.name) {
            Value::Is(value) => Some(matcher.is_match(value)),
            Value::Unknown => None,
        }
    }

    /// Whether an alert with these labels may meet them all.
    pub fn may_meet(&self, conditions: &[LabelMatcher]) -> bool {
        conditions.iter().all(|one| self.meet(one) != Some(false))
    }
}

impl From<&BTreeMap<String, String>> for Labels {
    fn from(labels: &BTreeMap<String, String>) -> Labels {
        let known = labels.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
        Labels { known, is_open: false }
    }
}

impl Alertmanager {
    /// The branches that an alert with exactly these labels ends at, in order. A condition that could not be read is
    /// taken to hold.
    pub fn journey(&self, labels: &BTreeMap<String, String>) -> Vec<&Route> {
        let ends = self.journeys(&labels.into());
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
            match labels.meet(one) {
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

impl Stack {
    /// What is known of the labels that an alert has when it comes to Alertmanager.
    pub fn fired(&self, alert: &Rule) -> Labels {
        let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (name, value) in &alert.labels {
            let is_template = value.contains("{{");
            known.insert(name.value.clone(), (!is_template).then(|| value.value.clone()));
        }
        known.insert("alertname".to_owned(), Some(alert.name.value.clone()));
        let mut labels = Labels { known, is_open: true };
        for node in self.prometheuses.iter().filter_map(|one| one.root.get("alerting")) {
            let sections = node.get("alertmanagers").map(|node| node.items()).unwrap_or_default();
            for one in sections.iter().chain([&node]) {
                let rules = one.get("alert_relabel_configs").map(|node| node.items()).unwrap_or_default();
                rules.iter().for_each(|rule| labels.relabel(rule));
            }
        }
        labels
    }
}

impl Labels {
    /// What a relabeling leaves of what is known.
    fn relabel(&mut self, rule: &Node) {
        let text = |key: &str| rule.get(key).and_then(|node| node.text().map(str::to_owned));
        match text("action").unwrap_or_default().to_lowercase().as_str() {
            "keep" | "drop" | "keepequal" | "dropequal" => {}
            "labeldrop" => {
                let regex = matcher("", "=~", &text("regex").unwrap_or_default());
                for (name, value) in &mut self.known {
                    if regex.as_ref().is_none_or(|regex| regex.is_match(name)) {
                        *value = regex.as_ref().map(|_| String::new());
                    }
                }
            }
            "labelkeep" | "labelmap" => {
                self.known.clear();
                self.is_open = true;
            }
            _ => {
                self.known.insert(text("target_label").unwrap_or_default(), None);
            }
        }
    }
}
