//! A query for a series that nobody exposes: a slip in the name, or a metric that somebody only imagined. The alert is silent for
//! ever, the panel empty.

use super::Check;
use super::shared::asked::{Asked, Said, queries};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::stack::{Missing, Stack, is_slip_of_metric};

pub(super) const CHECK: Check = Check { id: "unknown-metric", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let metrics = stack.metrics();
    let mut said = Said::default();
    for asked in queries(stack) {
        for one in asked.selectors() {
            let Some(name) = crate::promql::metric(one.selector) else { continue };
            // Where something else may stand in, one of the two may be of another version.
            let is_told = |why: &Missing<'_>| {
                !one.has_substitute || near(why).is_some_and(|near| is_slip_of_metric(name, near))
            };
            let Some(why) = metrics.missing(one.selector).filter(is_told) else { continue };
            let Some(finding) = finding(&asked, name, &why) else { continue };
            let what = match &why {
                // Of a program that is not scraped all is missing.
                Missing::NotScraped { exposer } => &exposer.name,
                _ => name,
            };
            if said.is_new(&asked, what) {
                report.push(finding);
            }
        }
    }
}

fn near<'m>(why: &'m Missing<'_>) -> Option<&'m str> {
    match why {
        Missing::Unknown { near, .. } | Missing::Unrecorded { near } => near.as_deref(),
        _ => None,
    }
}

fn finding(asked: &Asked<'_>, name: &str, why: &Missing<'_>) -> Option<Diagnostic> {
    let (message, help, is_sure) = match why {
        Missing::Unknown { owner, near: Some(near) } => (
            format!("`{name}` does not exist: {} has no metric of that name", owner.title),
            format!("did you mean `{near}`?"),
            true,
        ),
        Missing::Unknown { owner, near: None } => (
            format!("`{name}` does not exist in any version of {} that skymon knows", owner.title),
            "look for it at the target's `/metrics`; `skymon metrics import` makes known what is there"
                .to_owned(),
            false,
        ),
        Missing::Unrecorded { near: Some(near) } => {
            (format!("no rule records `{name}`"), format!("did you mean `{near}`?"), true)
        }
        Missing::Unrecorded { near: None } => (
            format!("no rule records `{name}`"),
            format!("add a rule with `record: {name}`, or ask for what is recorded"),
            true,
        ),
        Missing::Elsewhere { jobs, exposer } => {
            let jobs: Vec<String> = jobs.iter().map(|job| format!("`{job}`")).collect();
            (
                format!("no target of {} exposes `{name}`", jobs.join(" or ")),
                format!("it is a metric of {}: ask the job that scrapes it", exposer.title),
                true,
            )
        }
        Missing::NotScraped { exposer } => (
            format!("no job scrapes {}: there is no `{name}`", exposer.title),
            "add its address to a job".to_owned(),
            true,
        ),
        Missing::Version { .. } => return None,
    };
    let severity = if is_sure {
        asked.severity(Severity::Error, Severity::Warning)
    } else {
        asked.severity(Severity::Warning, Severity::Note)
    };
    let found =
        Diagnostic::new(CHECK.id, severity, message).at(asked.query.at(name).place(), "no such series");
    Some(found.help(help))
}
