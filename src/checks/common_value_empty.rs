//! A notification prints what is common to all alerts of a group, and they differ in it: with two of them it says nothing.

use std::collections::BTreeMap;

use super::Check;
use super::shared::alert_texts::labels;
use super::shared::notification_texts::{Field, fields};
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::gotemplate::{Base, Kind, Template};
use crate::promql::labels::Labels;
use crate::stack::{Grouping, Route, Rule, Stack};

pub(super) const CHECK: Check = Check { id: "common-value-empty", severity: Severity::Warning, run };

/// An alert, and a route that it ends at.
type Arrival<'a> = (&'a Rule, &'a Labels, &'a Route);

fn run(stack: &Stack, report: &mut Report) {
    let fields: Vec<(Field<'_>, Vec<(String, String)>)> = fields(stack)
        .into_iter()
        .map(|field| {
            let common = common(&field.template);
            (field, common)
        })
        .filter(|(_, common)| !common.is_empty())
        .collect();
    if fields.is_empty() {
        return;
    }
    for alertmanager in &stack.alertmanagers {
        let mut arrivals: BTreeMap<&str, Vec<Arrival<'_>>> = BTreeMap::new();
        for (alert, labels) in stack.fired() {
            for end in alertmanager.journeys(labels).into_iter().filter(|end| end.is_sure) {
                arrivals.entry(end.route.to()).or_default().push((alert, labels, end.route));
            }
        }
        for (field, common) in
            fields.iter().filter(|(field, _)| std::ptr::eq(field.alertmanager, alertmanager))
        {
            let here = arrivals.get(field.receiver.name.as_str()).map_or(&[] as &[_], Vec::as_slice);
            let found = common.iter().find_map(|(kind, name)| {
                here.iter().find_map(|arrival| differs(arrival, kind, name)).map(|why| (kind, name, why))
            });
            if let Some((kind, name, (alert, label))) = found {
                report.push(finding(field, kind, name, alert, &label));
            }
        }
    }
}

fn finding(field: &Field<'_>, kind: &str, name: &str, alert: &Rule, label: &str) -> Diagnostic {
    let each = if kind == "CommonLabels" { ".Labels" } else { ".Annotations" };
    CHECK
        .finding(format!(
            "with two alerts `{}` in one message, `.{kind}.{name}` is empty: they differ in `{label}`",
            alert.name
        ))
        .at(field.text.at.part(&format!(".{kind}.{name}")).place(), "only what is the same in all of them")
        .help(format!("print each: `{{{{ range .Alerts }}}}{{{{ {each}.{name} }}}}{{{{ end }}}}`"))
}

/// What a template prints of `.CommonLabels` and `.CommonAnnotations`. One that decides or repeats anything knows why.
fn common(template: &Template) -> Vec<(String, String)> {
    if template.actions.iter().any(|action| action.kind != Kind::Print) {
        return Vec::new();
    }
    let terms = template.actions.iter().filter(|action| action.is_top).flat_map(|action| &action.terms);
    terms
        .filter(|term| term.base == Base::Dot)
        .filter_map(|term| match term.fields.as_slice() {
            [kind, name] if kind == "CommonLabels" || kind == "CommonAnnotations" => {
                Some((kind.clone(), name.clone()))
            }
            _ => None,
        })
        .collect()
}

/// The label in which two alerts of one group differ, where what is printed differs with it.
fn differs<'a>((alert, labels, route): &Arrival<'a>, kind: &str, name: &str) -> Option<(&'a Rule, String)> {
    let Grouping::By(grouped) = &route.grouping else { return None };
    let varies = |label: &String| {
        labels.surely_has(label) && labels.value(label).is_none() && !grouped.contains(label)
    };
    let asked = if kind == "CommonLabels" {
        vec![name.to_owned()]
    } else {
        let filled = alert.filled().find(|one| !one.is_label && one.name.value == name)?;
        labels_in(filled.template)
    };
    Some((alert, asked.into_iter().find(varies)?))
}

/// The labels that an annotation prints.
fn labels_in(template: &Template) -> Vec<String> {
    let printed = template.actions.iter().filter(|action| action.kind == Kind::Print);
    printed.flat_map(labels).map(|(label, _)| label.to_owned()).collect()
}
