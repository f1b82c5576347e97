//! A key that the program needs is not there: it refuses the whole file.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::forms::Fault;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "missing-key", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    CHECK.misfits(Fault::MissingKey, stack, report);
}
