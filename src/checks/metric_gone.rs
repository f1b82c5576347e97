//! A query for a metric that the version which runs does not have: renamed, removed, or not there yet.

use std::collections::BTreeMap;

use super::Check;
use super::shared::asked::{Asked, Said, queries};
use crate::catalog::engines::Version;
use crate::catalog::metrics::{Known, Part};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::At;
use crate::stack::{Missing, Stack};

pub(super) const CHECK: Check = Check { id: "metric-gone", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let metrics = stack.metrics();
    let mut said = Said::default();
    let mut elsewhere: BTreeMap<(&str, &str), Vec<Gone<'_>>> = BTreeMap::new();
    for asked in queries(stack) {
        for one in asked.selectors().filter(|one| !one.has_substitute) {
            let Some(Missing::Version { known, runs }) = metrics.not_here(one.selector) else { continue };
            let Some(name) = crate::promql::metric(one.selector).filter(|name| said.is_new(&asked, name))
            else {
                continue;
            };
            match runs {
                Some(runs) => report.push(lacks(&asked, name, &known, &runs)),
                // What skymon rendered is of the version that the config names.
                None if asked.is_rendered() => {}
                None => {
                    let gone = Gone { at: asked.query.at(name), name: name.to_owned(), known };
                    elsewhere.entry((asked.file(), &known.exposer.title)).or_default().push(gone);
                }
            }
        }
    }
    report.extend(elsewhere.values().filter_map(|gone| gone_since(gone)));
}

/// A metric that the newest version does not have, where nobody says which version runs.
struct Gone<'m> {
    at: At,
    name: String,
    known: Known<'m>,
}

/// The version that runs is known.
fn lacks(asked: &Asked<'_>, name: &str, known: &Known<'_>, runs: &Version) -> Diagnostic {
    let title = &known.exposer.title;
    let metric = known.metric;
    let is_past = metric.until.as_ref().is_some_and(|until| runs >= until);
    let message = match (&metric.until, &metric.since) {
        (Some(until), _) if is_past => {
            format!("{title} {runs} has no `{name}` any more: it went with {until}")
        }
        (_, Some(since)) => format!("{title} {runs} has no `{name}` yet: it came with {since}"),
        _ => format!("{title} {runs} has no `{name}`"),
    };
    let help = match successor(known) {
        Some(new) if is_past => format!("write `{new}`"),
        _ if is_past => "ask for something else: nothing took its place".to_owned(),
        _ => "ask for what this version has, or upgrade".to_owned(),
    };
    let severity = asked.severity(Severity::Error, Severity::Warning);
    Diagnostic::new(CHECK.id, severity, message)
        .at(asked.query.at(name).place(), "no such series in this version")
        .help(help)
}

/// One finding for a file: an old dashboard asks for many.
fn gone_since(gone: &[Gone<'_>]) -> Option<Diagnostic> {
    let first = gone.first()?;
    let title = &first.known.exposer.title;
    let since = match &first.known.metric.until {
        Some(until) => format!("since {until}"),
        None => "in its newest version".to_owned(),
    };
    let name = &first.name;
    let message = match gone.len() {
        1 => format!("{title} has no `{name}` any more {since}"),
        2 => format!("{title} has no `{name}` any more {since}, nor another one that is asked for here"),
        many => format!(
            "{title} has no `{name}` any more {since}, nor {} others that are asked for here",
            many - 1
        ),
    };
    let new = successor(&first.known)?;
    let help = format!("write `{new}`, or `{new} or {name}` while both versions run");
    let found = Diagnostic::new(CHECK.id, Severity::Note, message);
    Some(found.at(first.at.place(), "of an old version").help(help))
}

/// The series that has its place.
fn successor(known: &Known<'_>) -> Option<String> {
    let ending = match known.part {
        Part::Whole => "",
        Part::Bucket => "_bucket",
        Part::Sum => "_sum",
        Part::Count => "_count",
    };
    Some(format!("{}{ending}", known.metric.replaced_by.as_ref()?))
}
