//! What the expressions of rules and panels need to be there: the selectors in them that nothing else can stand in for.

use crate::diagnostics::Place;
use crate::live::Target;
use crate::promql::tree::{Op, VectorSelector};
use crate::promql::{self, Expr, bare, children};
use crate::stack::{Query, Stack};

/// An expression with who asks it.
pub(super) struct Question<'s> {
    query: &'s Query,
    tree: &'s Expr,
    pub(super) by: String,
    /// What stood for a variable is `1` now.
    pub(super) is_panel: bool,
}

/// A selector in it, and whether its growth is asked for.
#[derive(Clone, Copy)]
pub(super) struct Need<'a> {
    pub(super) selector: &'a VectorSelector,
    pub(super) name: &'a str,
    pub(super) grows: bool,
    pub(super) question: &'a Question<'a>,
}

impl Need<'_> {
    /// Where its name stands.
    pub(super) fn place(&self) -> Place {
        self.question.query.at(self.name).place()
    }

    /// Whether it may be about this target: as far as its conditions are on labels that targets have.
    pub(super) fn is_about(&self, target: &Target) -> bool {
        self.selector.matchers.iter().all(|matcher| {
            let is_variable = self.question.is_panel && matcher.value.contains('1');
            let value = target.labels.get(&matcher.name);
            is_variable || value.is_none_or(|value| matcher.is_match(value))
        })
    }
}

/// All expressions of rules and panels.
pub(super) fn questions(stack: &Stack) -> Vec<Question<'_>> {
    let rules = stack.rules().filter_map(|rule| {
        let kind = if rule.is_alert { "alert" } else { "recording" };
        Some(Question {
            query: &rule.expr,
            tree: rule.expr.tree()?,
            by: format!("the {kind} `{}`", rule.name),
            is_panel: false,
        })
    });
    let panels = stack.dashboards.iter().flat_map(|dashboard| &dashboard.panels).flat_map(|panel| {
        let title = panel.title.as_ref().map_or("", |title| title.as_str());
        panel.queries.iter().filter_map(move |query| {
            let query = query.expr.as_ref()?;
            Some(Question { query, tree: query.tree()?, by: format!("the panel `{title}`"), is_panel: true })
        })
    });
    rules.chain(panels).collect()
}

/// Functions that are of counters alone.
const GROWTH: [&str; 4] = ["rate", "irate", "increase", "resets"];

impl Question<'_> {
    /// Everything that is asked for.
    pub(super) fn all(&self) -> Vec<Need<'_>> {
        self.needs(&|_| false)
    }

    /// What is asked for and not there. Of alternatives one is enough: engines say the same by other names in other versions.
    pub(super) fn needs(&self, is_there: &dyn Fn(&VectorSelector) -> bool) -> Vec<Need<'_>> {
        let mut found = Vec::new();
        self.collect(self.tree, false, is_there, &mut found);
        found
    }

    fn collect<'a>(
        &'a self,
        expr: &'a Expr,
        grows: bool,
        is_there: &dyn Fn(&VectorSelector) -> bool,
        found: &mut Vec<Need<'a>>,
    ) {
        let selector = match expr {
            Expr::Vector(selector) => Some(selector),
            Expr::Matrix(matrix) => Some(&matrix.selector),
            _ => None,
        };
        if let Some(selector) = selector {
            if let Some(name) = promql::metric(selector)
                && !is_there(selector)
            {
                found.push(Need { selector, name, grows, question: self });
            }
            return;
        }
        match bare(expr) {
            Expr::Call(call) if call.name.starts_with("absent") => {}
            Expr::Call(call) => {
                let grows = grows || GROWTH.contains(&call.name);
                for argument in &call.args {
                    self.collect(argument, grows, is_there, found);
                }
            }
            Expr::Binary(binary) if binary.op == Op::Or => {
                let before = found.len();
                self.collect(&binary.left, grows, is_there, found);
                let mut right = Vec::new();
                self.collect(&binary.right, grows, is_there, &mut right);
                if right.is_empty() {
                    found.truncate(before);
                }
            }
            Expr::Binary(binary) if binary.op == Op::Unless => {
                self.collect(&binary.left, grows, is_there, found);
            }
            other => {
                for below in children(other) {
                    self.collect(below, grows, is_there, found);
                }
            }
        }
    }
}
