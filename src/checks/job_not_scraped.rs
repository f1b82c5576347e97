//! A rule or a panel that asks for a `job` or an `instance` that nothing scrapes.

use std::collections::BTreeMap;

use super::addresses::Address;
use super::datasources::Provisioned;
use super::jobs::{Scraped, scraped};
use super::{Check, words};
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::promql::ast::{Expr, VectorSelector};
use crate::promql::{MatchOp, Matcher, metric, selectors, walk};
use crate::stack::{Program, Query, Stack};

pub(super) const CHECK: Check = Check { id: "job-not-scraped", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let Some(scraped) = scraped(stack) else { return };
    for file in stack.rule_files.iter().filter(|file| file.is_loaded) {
        let all = file.rules().flat_map(|rule| {
            let who = format!("`{}`", rule.name);
            lost(&rule.expr, &scraped).into_iter().map(move |lost| (who.clone(), &rule.expr, lost))
        });
        say(all, report);
    }
    panels(stack, &scraped, report);
}

fn panels(stack: &Stack, scraped: &Scraped, report: &mut Report) {
    let Some(provisioned) = Provisioned::of(stack).filter(|_| asks_own(stack)) else { return };
    for dashboard in stack.dashboards.iter().filter(|dashboard| dashboard.is_loaded) {
        let queries =
            dashboard.panels.iter().flat_map(|panel| panel.queries.iter().map(move |query| (panel, query)));
        let all = queries.filter_map(|(panel, query)| {
            // Most ask for neither, and need not be read.
            let expr = query.expr.as_ref()?;
            let may_ask = expr.text.contains("job") || expr.text.contains("instance");
            (may_ask && provisioned.is_prometheus(dashboard, panel, query)).then_some(expr)
        });
        say(
            all.flat_map(|expr| {
                lost(expr, scraped).into_iter().map(move |lost| ("a panel".to_owned(), expr, lost))
            }),
            report,
        );
    }
}

/// One finding for each name in a file, at the first of those that ask for it.
fn say<'q>(all: impl Iterator<Item = (String, &'q Query, Lost)>, report: &mut Report) {
    let mut by_name: BTreeMap<(String, String), (String, &Query, Lost, usize)> = BTreeMap::new();
    for (who, query, lost) in all {
        let name = (lost.label.clone(), lost.value.clone());
        by_name.entry(name).or_insert((who, query, lost, 0)).3 += 1;
    }
    for (who, query, lost, count) in by_name.into_values() {
        let asks = match count {
            1 => format!("{who} asks"),
            many => format!("{who} and {} more ask", many - 1),
        };
        report.push(said(query, &lost, &asks));
    }
}

/// Whether every Prometheus that Grafana asks is one of the stack.
fn asks_own(stack: &Stack) -> bool {
    let mut all = stack
        .datasources
        .iter()
        .filter(|one| one.kind.as_ref().is_some_and(|kind| kind.value == "prometheus"));
    all.all(|one| {
        let service = one
            .url
            .as_ref()
            .zip(stack.service(&one.service))
            .and_then(|(url, (compose, _))| compose.named(Address::parse(url).host));
        service.is_some_and(|service| service.program == Some(Program::Prometheus))
    })
}

/// A matcher that matches nothing of the stack.
struct Lost {
    label: String,
    value: String,
    /// What was meant, if something is near.
    near: Option<String>,
    known: Vec<String>,
}

fn lost(query: &Query, scraped: &Scraped) -> Vec<Lost> {
    let Some(tree) = query.tree() else { return Vec::new() };
    let selectors = selectors(tree);
    // Of alternatives, one is enough: `x{job="a"} or x{job="b"}`.
    let has_or =
        walk(tree).iter().any(|expr| matches!(expr, Expr::Binary(one) if one.op.to_string() == "or"));
    let mut found: Vec<Lost> = Vec::new();
    for selector in &selectors {
        for matcher in &selector.matchers.matchers {
            let Some(one) = unmatched(matcher, scraped).filter(|_| is_written(query, matcher)) else {
                continue;
            };
            let stands_in = |other: &&VectorSelector| {
                metric(other) == metric(selector)
                    && !other.matchers.matchers.iter().any(|matcher| unmatched(matcher, scraped).is_some())
            };
            if (has_or && selectors.iter().any(stands_in))
                || found.iter().any(|other| other.value == one.value)
            {
                continue;
            }
            found.push(one);
        }
    }
    found
}

fn unmatched(matcher: &Matcher, scraped: &Scraped) -> Option<Lost> {
    let known = match matcher.name.as_str() {
        "job" => &scraped.jobs,
        "instance" => scraped.instances.as_ref()?,
        _ => return None,
    };
    let asks = matches!(matcher.op, MatchOp::Equal | MatchOp::Re(_));
    if !asks || matcher.is_match("") || known.iter().any(|name| matcher.is_match(name)) {
        return None;
    }
    let near = nearest(&matcher.value, known.iter().map(String::as_str)).map(str::to_owned);
    (scraped.is_sure || near.is_some()).then(|| Lost {
        label: matcher.name.clone(),
        value: matcher.value.clone(),
        near,
        known: known.iter().cloned().collect(),
    })
}

/// Whether the value stands in the text itself: where a variable was, anything may come.
pub(super) fn is_written(query: &Query, matcher: &Matcher) -> bool {
    let plain: String = query.text.chars().filter(|c| !c.is_whitespace()).collect();
    let value: String = matcher.value.chars().filter(|c| !c.is_whitespace()).collect();
    ["\"", "'", "`"]
        .iter()
        .any(|quote| plain.contains(&format!("{}{}{quote}{value}{quote}", matcher.name, matcher.op)))
        || (!plain.contains('$') && !plain.contains("[["))
}

fn said(query: &Query, lost: &Lost, who: &str) -> Diagnostic {
    let Lost { label, value, near, known } = lost;
    // `node` for `node-exporter`: enough for a question.
    let part = known.iter().find(|name| name.contains(value.as_str()) || value.contains(name.as_str()));
    let help = match near.as_ref().or(part) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the stack scrapes {}; add what is missing, or remove this",
            words::list(known.iter().map(String::as_str))
        ),
    };
    CHECK
        .finding(format!("{who} for the {label} `{value}`, and nothing has it"))
        .at(query.at(value).place(), "no target of the stack")
        .help(help)
}
