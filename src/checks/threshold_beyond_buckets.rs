//! A quantile compared with more than its histogram can tell: whatever is slower counts as its last bound.

use super::Check;
use super::shared::values::Cause;
use super::shared::verdicts::{Kind, verdicts};
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "threshold-beyond-buckets", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for verdict in verdicts(stack).into_iter().filter(|verdict| verdict.kind == Kind::BeyondBuckets) {
        let Some(Cause::Buckets { metric, top }) = &verdict.compared.values.cause else { continue };
        let (name, range) = (&verdict.rule.name, verdict.compared.values.range);
        report.push(
            CHECK
                .finding(format!("`{name}` waits for a quantile that there is not: the largest bucket of `{metric}` ends at {top}"))
                .at(verdict.place, "no quantile is larger, however slow it is")
                .help(format!(
                    "write a number below {}, or set larger buckets where the server is started",
                    range.high
                )),
        );
    }
}
