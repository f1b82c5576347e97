//! Recorded series that are called like those of an exporter: nobody sees where they come from.

use super::Check;
use super::shared::words::list;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Rule, Stack};

pub(super) const CHECK: Check = Check { id: "recording-name", severity: Severity::Note, run };

fn run(stack: &Stack, report: &mut Report) {
    for file in &stack.rule_files {
        let plain: Vec<&Rule> =
            file.rules().filter(|rule| !rule.is_alert && !rule.name.contains(':')).collect();
        let Some(first) = plain.first() else { continue };
        let names = list(plain.iter().map(|rule| rule.name.as_str()));
        let are = if plain.len() == 1 { "is recorded and named" } else { "are recorded and named" };
        report.push(
            CHECK
                .finding(format!("{names} {are} like a metric that is scraped"))
                .at(first.name.place(), "without a colon")
                .help(format!("name it `level:metric:operation`, as `job:{}:rate5m`: the colons say that a rule made it", first.name)),
        );
    }
}
