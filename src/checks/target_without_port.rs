//! A target without a port beside others that have one: it was forgotten, and port 80 is asked.

use super::Check;
use super::shared::addresses::Address;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "target-without-port", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for job in stack.prometheuses.iter().flat_map(|one| &one.jobs).filter(|job| !job.is_redirected()) {
        let Some(usual) = job.addresses().find_map(|address| Address::parse(address).port) else { continue };
        let default = if job.scheme == "https" { 443 } else { 80 };
        for address in job.addresses().filter(|address| has_none(address)) {
            report.push(
                CHECK
                    .finding(format!(
                        "`{address}` has no port: `{}` asks it at {default}, and another at {usual}",
                        job.name
                    ))
                    .at(address.place(), "the others of the job have one")
                    .help(format!("write `{address}:{usual}`, or `{address}:{default}` where that is meant")),
            );
        }
    }
}

/// A plain host and nothing else.
fn has_none(address: &str) -> bool {
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !address.is_empty() && address.chars().all(is_host)
}
