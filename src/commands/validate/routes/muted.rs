//! Which alerts can mute which, by the inhibition rules.

use std::collections::{BTreeMap, BTreeSet};

use super::Alert;
use crate::promql::labels::Labels;
use crate::stack::{Alertmanager, Inhibition, LabelMatcher, may_meet};

/// The values of the labels that must be equal; `None` where one is not known.
type Key = Vec<Option<String>>;

/// For each inhibition rule the alerts that may be its source.
pub(super) struct Muters<'a> {
    rules: Vec<(&'a Inhibition, BTreeMap<Key, BTreeSet<Source<'a>>>)>,
}

/// One alert, and whether it is a target of the same rule.
type Source<'a> = (&'a str, bool);

impl<'a> Muters<'a> {
    pub(super) fn of(alertmanager: &'a Alertmanager, alerts: &'a [(Alert, Labels)]) -> Muters<'a> {
        let sources = |rule: &'a Inhibition| {
            let mut sources: BTreeMap<Key, BTreeSet<Source<'a>>> = BTreeMap::new();
            for (alert, labels) in alerts.iter().filter(|(_, labels)| may_meet(labels, &rule.source)) {
                let source = (alert.name.as_str(), is_sure(labels, &rule.target));
                sources.entry(key(rule, labels)).or_default().insert(source);
            }
            (rule, sources)
        };
        Muters { rules: alertmanager.inhibit_rules.iter().map(sources).collect() }
    }

    /// The alerts that may mute one.
    pub(super) fn of_alert(&self, alert: &str, labels: &Labels) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (rule, sources) in self.rules.iter().filter(|(rule, _)| may_meet(labels, &rule.target)) {
            // Two alerts that are both source and target do not mute each other.
            let is_source = is_sure(labels, &rule.source);
            let own = key(rule, labels);
            let equal = sources.iter().filter(|(key, _)| may_be_equal(key, &own));
            let others = equal
                .flat_map(|(_, sources)| sources)
                .filter(|(name, is_target)| !(is_source && *is_target) && *name != alert);
            found.extend(others.map(|(name, _)| (*name).to_owned()));
        }
        found
    }
}

fn key(rule: &Inhibition, labels: &Labels) -> Key {
    let value = |name: &str| super::value(labels, name).map(str::to_owned);
    rule.equal.iter().map(|name| value(name)).collect()
}

fn may_be_equal(one: &Key, other: &Key) -> bool {
    one.iter().zip(other).all(|(one, other)| one.is_none() || other.is_none() || one == other)
}

fn is_sure(labels: &Labels, conditions: &[LabelMatcher]) -> bool {
    conditions.iter().all(|one| one.holds(labels) == Some(true))
}
