//! A rule for a filesystem that no machine shows any more: it came along with a copied file.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::promql::{MatchOp, metric, selectors};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "filesystem-not-there", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for rule in stack.rules() {
        let asked = rule.expr.tree().into_iter().flat_map(selectors);
        let gone = asked
            .filter(|one| metric(one).is_some_and(|name| name.starts_with("node_filesystem_")))
            .any(|one| {
                let mut matchers = one.matchers.iter();
                // Docker's old storage: it left with Docker 24, and was never in a kernel.
                matchers.any(|matcher| {
                    matcher.name == "fstype" && matcher.op == MatchOp::Equal && matcher.value == "aufs"
                })
            });
        if gone {
            report.push(
                CHECK
                    .finding(format!("`{}` watches filesystems of the type `aufs`, which no machine has any more", rule.name))
                    .at(rule.expr.at("aufs").place(), "nothing is ever selected")
                    .help("write `fstype!~\"tmpfs|overlay\"`, or the mount point that is meant: `mountpoint=\"/\"`"),
            );
        }
    }
}
