//! A dashboard that asks a datasource which Grafana is not given: its panels stay empty.

use std::collections::BTreeMap;

use super::Check;
use super::shared::datasources::{Found, Provisioned, asked};
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::source::Node;
use crate::stack::{Dashboard, DatasourceRef, Stack};

pub(super) const CHECK: Check = Check { id: "unknown-datasource", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let Some(provisioned) = Provisioned::of(stack) else { return };
    for dashboard in stack.dashboards.iter().filter(|dashboard| dashboard.is_loaded && !dashboard.is_wrapped)
    {
        let variables: Vec<DatasourceRef> = dashboard
            .variables
            .iter()
            .filter(|node| is_query(node))
            .filter_map(DatasourceRef::read)
            .collect();
        let annotations: Vec<DatasourceRef> =
            annotations(dashboard).iter().filter_map(DatasourceRef::read).collect();
        // A row or a text may keep what it never asks.
        let asking = dashboard.panels.iter().filter(|panel| {
            panel
                .kind
                .as_ref()
                .is_none_or(|kind| !matches!(kind.as_str(), "row" | "text" | "news" | "dashlist"))
        });
        let panels = asking.flat_map(|panel| panel.queries.iter().filter_map(|query| asked(panel, query)));
        // Each once, however many ask for it.
        let mut unknown: BTreeMap<&str, (&DatasourceRef, usize)> = BTreeMap::new();
        for reference in panels.chain(&variables).chain(&annotations) {
            if matches!(provisioned.find(dashboard, reference), Found::Nothing | Found::NoVariable(_)) {
                unknown.entry(&reference.uid).or_insert((reference, 0)).1 += 1;
            }
        }
        for (reference, count) in unknown.into_values() {
            report.push(said(&provisioned, dashboard, reference, count));
        }
    }
}

fn said(
    provisioned: &Provisioned<'_>,
    dashboard: &Dashboard,
    reference: &DatasourceRef,
    count: usize,
) -> Diagnostic {
    let uid = &reference.uid;
    let asked = match count {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    let (message, help) = if let Found::NoVariable(name) = provisioned.find(dashboard, reference) {
        (
            format!("`{uid}` is asked {asked}, and the dashboard has no variable `{name}`"),
            match provisioned.uid() {
                Some(own) => format!(
                    "it was exported for sharing: write `{own}` instead, or add a variable `{name}` of type `datasource`"
                ),
                None => format!("it was exported for sharing: add a variable `{name}` of type `datasource`"),
            },
        )
    } else {
        let help = nearest(uid, provisioned.words()).map_or_else(
            || match provisioned.uid() {
                Some(own) => format!("write `{own}`, or give this uid to a datasource"),
                None => format!("add `uid: {uid}` to the datasource that is meant"),
            },
            |near| format!("did you mean `{near}`?"),
        );
        (format!("no datasource has the uid or name `{uid}`, which is asked {asked}"), help)
    };
    CHECK.finding(message).at(uid.place(), "Grafana says `Datasource … was not found`").help(help)
}

/// Of the kinds of variables, one asks a datasource.
fn is_query(node: &Node) -> bool {
    node.get("type").is_some_and(|kind| matches!(kind.text(), Some("query" | "adhoc")))
}

fn annotations(dashboard: &Dashboard) -> Vec<Node> {
    let mut all = dashboard.root.find(&["annotations", "list"]).map(|node| node.items()).unwrap_or_default();
    all.retain(|node| node.get("enable").is_some_and(|node| node.is_true()));
    all
}
