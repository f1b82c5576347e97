//! A test of rules that names an alert or a recording which no rule makes: a rule was dropped or renamed, and its test was not.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::promql;
use crate::source::{Node, Spanned};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "tested-rule-missing", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let alerts: BTreeSet<&str> = stack.alerts().map(|alert| alert.name.as_str()).collect();
    let recorded: BTreeSet<&str> =
        stack.rules().filter(|rule| !rule.is_alert).map(|rule| rule.name.as_str()).collect();
    // Without any rule the tests are of a stack that is elsewhere.
    if stack.rules().next().is_none() {
        return;
    }
    for tests in &stack.rule_tests {
        let mut said = BTreeSet::new();
        for test in &tests.tests {
            for name in items(test, "alert_rule_test").filter_map(|one| one.get("alertname")?.value()) {
                if !alerts.contains(name.as_str()) && said.insert(name.value.clone()) {
                    report.push(missing(&name, "alert", &name, &alerts));
                }
            }
            let given: Vec<String> = items(test, "input_series")
                .filter_map(|one| Some(one.get("series")?.text()?.to_owned()))
                .collect();
            for expr in items(test, "promql_expr_test").filter_map(|one| one.get("expr")?.value()) {
                for name in unrecorded(&expr, &recorded, &given) {
                    if said.insert(name.clone()) {
                        report.push(missing(&expr, "recording", &name, &recorded));
                    }
                }
            }
        }
    }
}

fn items(test: &Node, key: &str) -> impl Iterator<Item = Node> {
    test.get(key).map(|node| node.items()).unwrap_or_default().into_iter()
}

/// Names that only a recording can have, and that neither a rule nor the test itself brings.
fn unrecorded(expr: &str, recorded: &BTreeSet<&str>, given: &[String]) -> Vec<String> {
    let Some(tree) = promql::tree(expr) else { return Vec::new() };
    let names = promql::selectors(&tree).filter_map(promql::metric);
    let is_given = |name: &str| given.iter().any(|series| series.split('{').next() == Some(name));
    names
        .filter(|name| name.contains(':') && !recorded.contains(name) && !is_given(name))
        .map(str::to_owned)
        .collect()
}

fn missing(at: &Spanned<String>, kind: &str, name: &str, known: &BTreeSet<&str>) -> Diagnostic {
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? Otherwise bring the rule back, or remove its test"),
        None => "bring the rule back, or remove its test".to_owned(),
    };
    CHECK
        .finding(format!("no rule makes the {kind} `{name}` that is tested here"))
        .at(at.place(), "the test fails, or proves nothing")
        .help(help)
}
