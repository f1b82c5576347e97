//! No rule asks for `up`: nobody notices a replica that is gone.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Query, Stack};

pub(super) const CHECK: Check = Check { id: "lost-target-unnoticed", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    // Where no rule could be read, nothing is known of them.
    if stack.alerts().next().is_none() || stack.rules().any(|rule| asks_for_targets(&rule.expr)) {
        return;
    }
    for prometheus in stack.prometheuses.iter().filter(|prometheus| !prometheus.jobs.is_empty()) {
        let unknown = prometheus.rule_files.iter().any(|pattern| pattern.files.is_none());
        let Some(jobs) = prometheus.root.get("scrape_configs").filter(|_| !unknown) else { continue };
        report.push(
            CHECK
                .finding("no alert asks whether the targets answer: nobody notices one that is lost")
                .at(jobs.name_at().place(), "the series of a lost target only end")
                .help("add an alert on `up == 0` with `for: 1m`"),
        );
    }
}

/// `up` itself, or what could be it.
fn asks_for_targets(query: &Query) -> bool {
    let Some(tree) = query.tree() else { return true };
    crate::promql::selectors(tree).any(|selector| {
        crate::promql::metric(selector).is_none_or(|name| matches!(name, "up" | "scrape_samples_scraped"))
    })
}
