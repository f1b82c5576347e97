//! A rule or a panel that asks for a `job` or an `instance` that nothing scrapes.

use std::collections::BTreeMap;

use super::Check;
use super::shared::datasources::Provisioned;
use super::shared::jobs::{Scraped, scraped};
use super::shared::shapes::is_written;
use super::shared::words;
use crate::diagnostics::{Diagnostic, Report, Severity, nearest};
use crate::promql::tree::{Op, VectorSelector};
use crate::promql::{Expr, MatchOp, Matcher, metric, selectors, walk};
use crate::stack::{Query, Stack};

pub(super) const CHECK: Check = Check { id: "job-not-scraped", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let Some(scraped) = scraped(stack) else { return };
    for file in stack.rule_files.iter().filter(|file| file.is_loaded) {
        let all = file.rules().flat_map(|rule| {
            let who = format!("`{}`", rule.name);
            lost(&rule.expr, &scraped).into_iter().map(move |lost| (who.clone(), &rule.expr, lost))
        });
        say(all, &scraped, report);
    }
    panels(stack, &scraped, report);
}

fn panels(stack: &Stack, scraped: &Scraped, report: &mut Report) {
    let Some(provisioned) = Provisioned::of(stack).filter(|_| stack.targets().asks_own) else { return };
    for dashboard in stack.dashboards.iter().filter(|dashboard| dashboard.is_loaded) {
        let queries =
            dashboard.panels.iter().flat_map(|panel| panel.queries.iter().map(move |query| (panel, query)));
        let all = queries.filter_map(|(panel, query)| {
            // Most ask for neither, and need not be read.
            let expr = query.expr.as_ref()?;
            let may_ask = expr.text.contains("job") || expr.text.contains("instance");
            (may_ask && provisioned.is_prometheus(dashboard, panel, query)).then_some(expr)
        });
        let lost = all.flat_map(|expr| {
            lost(expr, scraped).into_iter().map(move |one| ("a panel".to_owned(), expr, one))
        });
        say(lost, scraped, report);
    }
}

/// One finding for each name in a file, at the first of those that ask for it.
fn say<'q>(all: impl Iterator<Item = (String, &'q Query, Lost)>, scraped: &Scraped, report: &mut Report) {
    let mut by_name: BTreeMap<Lost, (String, &Query, usize)> = BTreeMap::new();
    for (who, query, lost) in all {
        by_name.entry(lost).or_insert((who, query, 0)).2 += 1;
    }
    for (lost, (who, query, count)) in &by_name {
        let asks = match count {
            1 => format!("{who} asks"),
            many => format!("{who} and {} more ask", many - 1),
        };
        report.extend(said(query, lost, scraped, &asks));
    }
}

/// A matcher that matches nothing of the stack: its label and its value.
type Lost = (String, String);

fn lost(query: &Query, scraped: &Scraped) -> Vec<Lost> {
    let Some(tree) = query.tree() else { return Vec::new() };
    // Of alternatives, one is enough: `x{job="a"} or x{job="b"}`.
    let has_or = walk(tree).any(|expr| matches!(expr, Expr::Binary(one) if one.op == Op::Or));
    let mut found: Vec<Lost> = Vec::new();
    for selector in selectors(tree) {
        for matcher in &selector.matchers {
            let Some(one) = unmatched(matcher, scraped).filter(|_| is_written(query, matcher)) else {
                continue;
            };
            let stands_in = |other: &VectorSelector| {
                metric(other) == metric(selector)
                    && !other.matchers.iter().any(|matcher| unmatched(matcher, scraped).is_some())
            };
            if (has_or && selectors(tree).any(stands_in)) || found.contains(&one) {
                continue;
            }
            found.push(one);
        }
    }
    found
}

fn unmatched(matcher: &Matcher, scraped: &Scraped) -> Option<Lost> {
    let known = scraped.known(&matcher.name)?;
    let is_known = match matcher.op {
        MatchOp::Equal => known.contains(&matcher.value),
        MatchOp::Re => known.iter().any(|name| matcher.is_match(name)),
        MatchOp::NotEqual | MatchOp::NotRe => return None,
    };
    (!is_known && !matcher.is_match("")).then(|| (matcher.name.clone(), matcher.value.clone()))
}

/// Where other names may come in, only one that is near another is a fault.
fn said(query: &Query, (label, value): &Lost, scraped: &Scraped, who: &str) -> Option<Diagnostic> {
    let known = scraped.known(label)?;
    // Of addresses, most are near each other.
    let near = nearest(value, known.iter().map(String::as_str)).filter(|_| label == "job");
    if !scraped.is_sure && near.is_none() {
        return None;
    }
    // `node` for `node-exporter`: enough for a question.
    let is_part = |name: &&str| value.len() > 2 && (name.contains(value.as_str()) || value.contains(name));
    let help = match near.or_else(|| known.iter().map(String::as_str).find(is_part)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the stack scrapes {}; add what is missing, or remove this",
            words::list(known.iter().map(String::as_str))
        ),
    };
    Some(
        CHECK
            .finding(format!("{who} for the {label} `{value}`, and nothing has it"))
            .at(query.at(value).place(), "no target of the stack")
            .help(help),
    )
}
