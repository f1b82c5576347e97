//! What an expert would say after reading all files of a stack together. One file for each check, named as its id, and one
//! page in `docs/checks/` whose examples are its tests (`tests/checks.rs`). The table below is the list.
//!
//! A check sees the [`Stack`] and nothing else: it does not care whether skymon rendered the files. Severity is by
//! consequence: an error will not work, or nobody will know; a warning will hurt; a note is worth a thought. A false alarm
//! is a bug: what a check cannot know, it says nothing of.

mod allow;
mod pages;

// What the checks share.
mod shapes;
mod words;

mod average_as_ratio;
mod receiver_without_integration;
mod rules_not_loaded;
mod silent_at_no_data;
mod single_file_mount;

pub use self::pages::page;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::Stack;

/// One thing that can be wrong with a stack.
pub struct Check {
    /// Kebab-case words: the name of its file and of its page.
    pub id: &'static str,
    pub severity: Severity,
    run: fn(&Stack, &mut Report),
}

/// All checks, in the order of their ids.
pub const ALL: &[Check] = &[
    average_as_ratio::CHECK,
    receiver_without_integration::CHECK,
    rules_not_loaded::CHECK,
    silent_at_no_data::CHECK,
    single_file_mount::CHECK,
];

impl Check {
    /// A finding of this check. Its first place is the one that an allowance speaks of.
    fn finding(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.id, self.severity, message.into())
    }

    pub fn find(id: &str) -> Option<&'static Check> {
        ALL.iter().find(|check| check.id == id)
    }

    /// What this check alone finds, allowed or not.
    pub fn findings(&self, stack: &Stack) -> Report {
        let mut report = Report::new();
        (self.run)(stack, &mut report);
        report
    }
}

/// Everything that is wrong with a stack and not allowed, with what could not be read of it.
pub fn run(stack: &Stack) -> Report {
    let mut report = Report::new();
    for check in ALL {
        (check.run)(stack, &mut report);
    }
    let mut report = allow::apply(stack, report);
    report.extend(stack.notes.iter().cloned());
    report
}
