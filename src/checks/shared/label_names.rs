//! The names of labels that are in use in a stack: what a word that is none of them was probably meant to be.

use std::collections::BTreeSet;

use crate::diagnostics::nearest;
use crate::stack::Stack;

pub(crate) struct LabelNames<'a> {
    /// Those that some alert surely has.
    of_alerts: BTreeSet<&'a str>,
    stack: &'a Stack,
}

impl<'a> LabelNames<'a> {
    pub(crate) fn of(stack: &'a Stack) -> LabelNames<'a> {
        LabelNames { of_alerts: stack.fired().flat_map(|(_, labels)| labels.surely()).collect(), stack }
    }

    /// The label that was meant by a name that nobody uses.
    pub(crate) fn slip(&self, name: &str) -> Option<&'a str> {
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
        targets.any(|(label, _)| label.value == name)
            || stack.rules().any(|rule| has_word(&rule.expr.text, name))
            // Relabeling, service discovery, external labels: all of it is in this file.
            || stack.prometheuses.iter().any(|one| has_word(&one.document.source.text, name))
            // What is discovered brings labels of its own.
            || jobs().any(|job| job.discovers)
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_letter) && !text[at + word.len()..].starts_with(is_letter))
}
