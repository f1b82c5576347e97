//! Which series are counters: the catalogue knows, or else the name and the other queries do.

use std::collections::BTreeSet;

use super::asked::queries;
use super::shapes::{is_rate, ranged};
use crate::promql::tree::VectorSelector;
use crate::promql::{metric, walk};
use crate::stack::{Metrics, Stack};

/// Endings of a name that nobody gives to anything else.
const ENDINGS: [&str; 5] =
    ["requests_total", "errors_total", "failures_total", "seconds_total", "tokens_total"];

pub(crate) struct Counters<'s> {
    metrics: &'s Metrics,
    /// Names of which the stack takes a rate.
    rated: BTreeSet<&'s str>,
}

impl<'s> Counters<'s> {
    pub(crate) fn of(stack: &'s Stack) -> Counters<'s> {
        let trees = queries(stack).filter_map(|asked| asked.query.tree());
        let rated = trees.flat_map(walk).filter_map(|expr| {
            let (_, matrix) = ranged(expr).filter(|(function, _)| is_rate(function))?;
            metric(&matrix.selector)
        });
        Counters { metrics: stack.metrics(), rated: rated.collect() }
    }

    /// The name, where it is surely a counter's.
    pub(crate) fn name<'e>(&self, selector: &'e VectorSelector) -> Option<&'e str> {
        let name = metric(selector)?;
        if self.metrics.is_recorded(name) || name.contains(':') && self.metrics.known(selector).is_empty() {
            return None;
        }
        let known = self.metrics.known(selector);
        if !known.is_empty() {
            return self.metrics.is_counter(selector).then_some(name);
        }
        let by_name = ENDINGS.iter().any(|ending| name.ends_with(ending));
        let by_use = self.rated.contains(name) && name.ends_with("_total");
        (by_name || by_use).then_some(name)
    }
}
