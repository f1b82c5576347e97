//! Two jobs of one name: Prometheus refuses the configuration.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "duplicate-job", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let mut known = BTreeMap::new();
        for job in &prometheus.jobs {
            let Some(first) = known.insert(job.name.as_str(), &job.name) else { continue };
            report.push(
                CHECK
                    .finding(format!("two jobs are called `{}`: Prometheus does not start", job.name))
                    .at(job.name.place(), "again")
                    .at(first.place(), "here first")
                    .help("give one of them another name, or make one job of both"),
            );
        }
    }
}
