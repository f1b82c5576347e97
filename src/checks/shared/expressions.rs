//! The expressions of a stack wherever they stand: in rules, and in panels. A dashboard repeats its expressions in many panels,
//! so that each fault is told once for each dashboard.

use std::collections::BTreeSet;

use crate::diagnostics::{Diagnostic, Report};
use crate::stack::{Panel, PanelQuery, Query, Stack};

pub(crate) struct Use<'s> {
    pub query: &'s Query,
    /// The rule or the panel, as a message names it.
    pub subject: String,
    pub is_panel: bool,
}

/// Those of rules first, then those of panels.
pub(crate) fn all(stack: &Stack) -> impl Iterator<Item = Use<'_>> {
    let rules = stack.rules().map(|rule| Use {
        query: &rule.expr,
        subject: format!("`{}`", rule.name),
        is_panel: false,
    });
    let panels = stack.dashboards.iter().flat_map(|dashboard| &dashboard.panels);
    let queries = panels.flat_map(move |panel| {
        panel.queries.iter().filter_map(move |query| {
            let expr = query.expr.as_ref().filter(|_| asks_prometheus(stack, panel, query))?;
            let title =
                panel.title.as_ref().map_or("a panel".to_owned(), |title| format!("the panel `{title}`"));
            Some(Use { query: expr, subject: title, is_panel: true })
        })
    });
    rules.chain(queries)
}

/// Loki's queries stand at the same key.
fn asks_prometheus(stack: &Stack, panel: &Panel, query: &PanelQuery) -> bool {
    let named = query.datasource.as_ref().or(panel.datasource.as_ref());
    if let Some(kind) = named.and_then(|datasource| datasource.kind.as_deref()) {
        return kind == "prometheus";
    }
    let mut kinds = stack.datasources.iter().filter_map(|datasource| datasource.kind.as_ref());
    !stack.datasources.is_empty() && kinds.all(|kind| kind.value == "prometheus")
}

/// Findings of which a dashboard has each once.
#[derive(Default)]
pub(crate) struct Once(BTreeSet<(String, String)>);

impl Once {
    /// `fault` is what makes two findings the same.
    pub(crate) fn push(&mut self, report: &mut Report, one: &Use<'_>, fault: &str, finding: Diagnostic) {
        let file = one.query.text.at.document().name().to_owned();
        if !one.is_panel || self.0.insert((file, fault.to_owned())) {
            report.push(finding);
        }
    }
}
