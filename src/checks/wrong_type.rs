//! A value of another kind than the program reads there: it refuses the whole file.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::forms::Fault;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "wrong-type", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    CHECK.misfits(Fault::WrongType, stack, report);
}
