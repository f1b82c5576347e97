//! A dashboard's variable that can have a value for which no panel finds anything: a service that is called otherwise by now.

use super::Check;
use super::shared::words::list;
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::source::{Node, Spanned};
use crate::stack::{Dashboard, Flow, Query, Stack};

pub(super) const CHECK: Check = Check { id: "variable-never-found", severity: Severity::Warning, run };

/// A longer list is somebody's choice for other stacks, too.
const MAX_VALUES: usize = 20;

fn run(stack: &Stack, report: &mut Report) {
    let flow = Flow::of(stack);
    for dashboard in &stack.dashboards {
        for variable in &dashboard.variables {
            report.extend(check(&flow, dashboard, variable));
        }
    }
}

fn check(flow: &Flow<'_>, dashboard: &Dashboard, variable: &Node) -> Option<Diagnostic> {
    let kind = variable.get("type")?;
    let name = variable.get("name")?.value()?;
    let query =
        variable.get("query")?.value().filter(|_| matches!(kind.text(), Some("custom" | "constant")))?;
    let values = values(&query);
    if values.len() > MAX_VALUES {
        return None;
    }
    let asked: Vec<&Query> = dashboard
        .panels
        .iter()
        .flat_map(|panel| &panel.queries)
        .filter_map(|query| query.expr.as_ref())
        .filter(|query| query.mentions(&name))
        .collect();
    let (value, (metric, label)) = values.into_iter().find_map(|value| {
        let mut found = None;
        for query in &asked {
            // One that finds something is enough.
            found = Some(flow.never_found(query, &name, value)?);
        }
        Some((value, found?))
    })?;
    let known = flow.values(&metric, &label);
    let known: Vec<&str> = known.iter().flatten().map(String::as_str).collect();
    let help = match nearest(value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("give it a value that `{label}` has"),
        None => format!("`{label}` is {} here", list(known)),
    };
    let message = format!("no panel finds anything where the variable `{}` is `{value}`", name.value);
    Some(CHECK.finding(message).at(query.place(), format!("no series has it as `{label}`")).help(help))
}

/// `a, b, Text : c`
fn values(query: &Spanned<String>) -> Vec<&str> {
    let each = query.split(',').map(|one| one.rsplit_once(" : ").map_or(one, |(_, value)| value).trim());
    each.filter(|one| !one.is_empty()).collect()
}
