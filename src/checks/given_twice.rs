//! The same thing is said in two ways that exclude each other: the program refuses the whole file.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::forms::Fault;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "given-twice", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    CHECK.misfits(Fault::GivenTwice, stack, report);
}
