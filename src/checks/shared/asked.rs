//! Everything in a stack that asks Prometheus for series: the rules, the panels and the variables of dashboards.

use std::collections::BTreeSet;

use crate::diagnostics::Severity;
use crate::promql::tree::{Op, VectorSelector};
use crate::promql::{Expr, children};
use crate::stack::{DatasourceRef, Panel, Query, Rule, Stack};

/// A query, and who asks it.
#[derive(Clone)]
pub(crate) struct Asked<'s> {
    pub(crate) query: &'s Query,
    by: By<'s>,
    /// Where a dashboard says which datasource it asks.
    source: Option<&'s DatasourceRef>,
}

#[derive(Clone)]
enum By<'s> {
    Rule(&'s Rule),
    Panel(&'s Panel),
    Variable,
}

impl<'s> Asked<'s> {
    /// What it selects, as far as the names are written out: half of a name may come from a variable.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = Selected<'s>> {
        let (text, is_rule) = (self.query.text.as_str(), self.is_rule());
        let written = move |one: &Selected<'_>| {
            crate::promql::metric(one.selector).is_some_and(|name| is_rule || text.contains(name))
        };
        self.query.tree().into_iter().flat_map(selected).filter(written)
    }

    pub(crate) fn is_rule(&self) -> bool {
        matches!(self.by, By::Rule(_))
    }

    /// Who asks, as a message names it.
    pub(crate) fn subject(&self) -> String {
        match self.by {
            By::Rule(rule) => format!("`{}`", rule.name),
            By::Panel(Panel { title: Some(title), .. }) => format!("the panel `{title}`"),
            By::Panel(_) => "a panel".to_owned(),
            By::Variable => "a variable".to_owned(),
        }
    }

    /// A panel that stays empty is seen by who looks at it; a rule is silent.
    pub(crate) fn severity(&self, of_rules: Severity, of_panels: Severity) -> Severity {
        if self.is_rule() { of_rules } else { of_panels }
    }

    /// Whether skymon wrote the file.
    pub(crate) fn is_rendered(&self) -> bool {
        self.query.text.at.document().source.text.starts_with("# Rendered by skymon")
    }

    pub(crate) fn file(&self) -> &'s str {
        self.query.text.at.document().name()
    }
}

/// All queries of a stack that Prometheus is asked: those of rules first, then those of dashboards.
pub(crate) fn queries(stack: &Stack) -> impl Iterator<Item = Asked<'_>> {
    let rules = stack.rules().map(|rule| Asked { query: &rule.expr, by: By::Rule(rule), source: None });
    let panels = stack.dashboards.iter().flat_map(|dashboard| &dashboard.panels);
    let panels = panels.flat_map(|panel| {
        panel.queries.iter().filter_map(|query| {
            let source = query.datasource.as_ref().or(panel.datasource.as_ref());
            Some(Asked { query: query.expr.as_ref()?, by: By::Panel(panel), source })
        })
    });
    let variables = stack.dashboards.iter().flat_map(|one| &one.variable_queries).filter_map(|query| {
        Some(Asked { query: query.expr.as_ref()?, by: By::Variable, source: query.datasource.as_ref() })
    });
    rules.chain(panels.chain(variables).filter(|asked| asked.source.is_none_or(is_prometheus)))
}

/// Those that are PromQL for sure: elsewhere, what looks like a fault may be right in another language.
pub(crate) fn surely_promql(stack: &Stack) -> impl Iterator<Item = Asked<'_>> {
    let mut kinds = stack.datasources.iter().filter_map(|datasource| datasource.kind.as_ref());
    let is_only = !stack.datasources.is_empty() && kinds.all(|kind| kind.value == "prometheus");
    queries(stack).filter(move |asked| match asked.by {
        By::Rule(_) => true,
        By::Panel(_) => {
            let kind = asked.source.and_then(|source| source.kind.as_deref());
            kind.map_or(is_only, |kind| kind == "prometheus")
        }
        By::Variable => false,
    })
}

/// Loki's queries look much the same.
fn is_prometheus(source: &DatasourceRef) -> bool {
    match &source.kind {
        Some(kind) => kind.contains("prometheus") || kind == "datasource",
        None => !["loki", "tempo", "influx", "elastic"]
            .iter()
            .any(|other| source.uid.to_lowercase().contains(other)),
    }
}

/// A selector where it stands.
pub(crate) struct Selected<'e> {
    pub(crate) selector: &'e VectorSelector,
    /// Whether something else may stand in for it: a side of `or`.
    pub(crate) has_substitute: bool,
}

/// Everything that an expression selects.
pub(crate) fn selected(expr: &Expr) -> Vec<Selected<'_>> {
    let mut open = vec![(expr, false)];
    let mut found = Vec::new();
    while let Some((expr, has_substitute)) = open.pop() {
        match expr {
            Expr::Vector(selector) => found.push(Selected { selector, has_substitute }),
            Expr::Matrix(matrix) => found.push(Selected { selector: &matrix.selector, has_substitute }),
            other => {
                let is_or = matches!(other, Expr::Binary(binary) if binary.op == Op::Or);
                open.extend(children(other).rev().map(|child| (child, has_substitute || is_or)));
            }
        }
    }
    found
}

/// What was said already: one finding for each name and file, however often it is asked for.
#[derive(Default)]
pub(crate) struct Said(BTreeSet<(String, String)>);

impl Said {
    pub(crate) fn is_new(&mut self, asked: &Asked<'_>, name: &str) -> bool {
        self.0.insert((asked.file().to_owned(), name.to_owned()))
    }
}
