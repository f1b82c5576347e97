//! A key that the program does not know: it refuses the whole file.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::forms::Fault;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "unknown-key", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    CHECK.misfits(Fault::UnknownKey, stack, report);
}
