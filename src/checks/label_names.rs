//! The names of labels that are in use in a stack: what a word that is none of them was probably meant to be.

use std::collections::BTreeSet;

use crate::diagnostics::nearest;
use crate::stack::Stack;

pub(super) struct LabelNames<'a> {
    /// Those that some alert surely has.
    of_alerts: BTreeSet<&'a str>,
    stack: &'a Stack,
}

impl<'a> LabelNames<'a> {
    pub(super) fn of(stack: &'a Stack) -> LabelNames<'a> {
        LabelNames { of_alerts: stack.fired().flat_map(|(_, labels)| labels.surely()).collect(), stack }
    }

    /// The label that was meant by a name that nobody uses.
    pub(super) fn slip(&self, name: &str) -> Option<&'a str> {
        if self.of_alerts.contains(name) {
            return None;
        }
        let near = nearest(name, self.of_alerts.iter().copied())?;
        (!self.is_used(name)).then_some(near)
    }

    /// Whether the name stands anywhere where labels are made or asked for.
    fn is_used(&self, name: &str) -> bool {
        let stack = self.stack;
        let jobs = || stack.prometheuses.iter().flat_map(|one| &one.jobs);
        let mut targets = jobs().flat_map(|job| &job.targets).flat_map(|target| &target.labels);
        let has = |node: &crate::source::Node| node.document().source.text.contains(name);
        targets.any(|(label, _)| label.value == name)
            || stack.rules().any(|rule| rule.expr.text.contains(name))
            // Relabeling, service discovery, external labels: all of it is in this file.
            || stack.prometheuses.iter().any(|one| has(&one.root))
            // What is discovered brings labels of its own.
            || jobs().any(|job| job.discovers)
    }
}
