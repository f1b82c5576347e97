//! What is scraped, or an alert, is asked for a label, or for a value, that no target and no metric gives it: nothing is ever
//! selected. `label_not_recorded` says the same of what rules record, `job_not_scraped` of the names of jobs.

use std::collections::BTreeMap;

use super::Check;
use super::shared::asked::{Asked, surely_promql};
use super::shared::words::list;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::labels::Fault;
use crate::promql::{MatchOp, Matcher, metric};
use crate::stack::{Flow, Stack};

pub(super) const CHECK: Check = Check { id: "label-not-there", severity: Severity::Error, run };

/// One thing that is asked for in one file: by whom first, and by how many.
struct Lost<'s> {
    asked: Asked<'s>,
    name: &'s str,
    matcher: &'s Matcher,
    count: usize,
}

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    let mut lost: BTreeMap<(String, String), Lost<'_>> = BTreeMap::new();
    let mut order = Vec::new();
    for asked in surely_promql(stack) {
        for fault in flow.faults(asked.query) {
            let Fault::NeverSelects(selector, matcher) = fault else { continue };
            let Some(name) = metric(selector).filter(|name| !stack.metrics().is_recorded(name)) else {
                continue;
            };
            if ["job", "instance"].contains(&matcher.name.as_str()) {
                continue;
            }
            let key = (asked.file().to_owned(), matcher.to_string());
            if let Some(known) = lost.get_mut(&key) {
                known.count += 1;
                continue;
            }
            order.push(key.clone());
            lost.insert(key, Lost { asked: asked.clone(), name, matcher, count: 1 });
        }
    }
    report.extend(order.iter().filter_map(|key| lost.get(key)).map(|one| said(&flow, one)));
}

fn said(flow: &Flow<'_>, lost: &Lost<'_>) -> Diagnostic {
    let Lost { asked, name, matcher, count } = lost;
    let label = matcher.name.as_str();
    let more = match count {
        1 => String::new(),
        2 => ", and so does one more in this file".to_owned(),
        many => format!(", and so do {} more in this file", many - 1),
    };
    let message =
        format!("{} asks for `{name}` with `{matcher}`, and no series has that{more}", asked.subject());
    let is_value = matcher.op == MatchOp::Equal;
    let help = match flow.values(name, label) {
        Some(values) => {
            format!("`{label}` is {} here: ask for that", list(values.iter().map(String::as_str)))
        }
        None => format!("give the label to the targets, or ask without `{label}`"),
    };
    let place = asked.query.at(if is_value && matcher.value.len() > 2 { &matcher.value } else { label });
    Diagnostic::new(CHECK.id, asked.severity(Severity::Error, Severity::Warning), message)
        .at(place.place(), "never there")
        .help(help)
}
