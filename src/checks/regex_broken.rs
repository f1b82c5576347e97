//! A regular expression that the programs refuse: with it they refuse the whole file.

use super::Check;
use super::shared::asked::surely_promql;
use super::shared::readers::Readers;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::promql::refused::{Problem, Reader, problem};
use crate::promql::{Expr, bare, regex, selectors, walk};
use crate::source::{At, Node, Spanned};
use crate::stack::{LabelMatcher, Stack};

pub(super) const CHECK: Check = Check { id: "regex-broken", severity: Severity::Error, run };

/// What comes of a pattern that is read with the file, with each probe, and with each evaluation.
const FILE: &str = "the whole file is refused";
const PROBE: &str = "every probe fails";
const EVALUATION: &str = "every evaluation fails";

fn run(stack: &Stack, report: &mut Report) {
    let readers = Readers::of(stack);
    for one in surely_promql(stack).filter(|one| !one.query.has_variables()) {
        let reader = readers.of_query(&one);
        let found = in_expression(&one.query.text, one.query.tree(), reader);
        let Some((pattern, refused, outcome)) = found else { continue };
        report.push(finding(&pattern, &refused, &one.query.at(&pattern), outcome));
    }
    for prometheus in &stack.prometheuses {
        for pattern in relabelings(&prometheus.root) {
            if let Some(refused) = regex::fault(&pattern) {
                report.push(finding(&pattern, &refused, &pattern.at, FILE));
            }
        }
    }
    for blackbox in &stack.blackboxes {
        for (pattern, outcome) in answers(&blackbox.document.root()) {
            if let Some(refused) = regex::fault(&pattern) {
                report.push(finding(&pattern, &refused, &pattern.at, outcome));
            }
        }
    }
    for alertmanager in &stack.alertmanagers {
        let routes = alertmanager.routes().into_iter().flat_map(|route| &route.matchers);
        let inhibitions =
            alertmanager.inhibit_rules.iter().flat_map(|rule| rule.source.iter().chain(&rule.target));
        for matcher in routes.chain(inhibitions) {
            let Some(pattern) = pattern(matcher) else { continue };
            if let Some(refused) = regex::fault(&pattern) {
                report.push(finding(&pattern, &refused, &matcher.text.at.part(&pattern), FILE));
            }
        }
    }
}

fn finding(pattern: &str, refused: &regex::Refused, at: &At, outcome: &str) -> Diagnostic {
    CHECK
        .finding(format!("`{pattern}` is no regular expression: {}", refused.message))
        .at(at.place(), outcome)
        .help(refused.help)
}

/// The first that is refused, with what comes of it. Where the parser takes one that the program does not, it stands in the tree.
fn in_expression(
    text: &str,
    tree: Option<&Expr>,
    reader: &Reader,
) -> Option<(String, regex::Refused, &'static str)> {
    let Some(tree) = tree else {
        return match problem(text, reader)? {
            Problem::Regex(pattern, refused) => Some((pattern, refused, FILE)),
            Problem::Refused(_) => None,
        };
    };
    let matchers = selectors(tree).flat_map(|selector| &selector.matchers);
    let selecting = matchers.filter(|matcher| matcher.op.is_regex()).map(|one| (one.value.as_str(), FILE));
    let replaced = walk(tree).filter_map(|expr| match expr {
        Expr::Call(call) if call.name == "label_replace" => match bare(call.args.get(4)?) {
            Expr::Text(pattern) => Some((pattern.as_str(), EVALUATION)),
            _ => None,
        },
        _ => None,
    });
    let mut all = selecting.chain(replaced);
    all.find_map(|(pattern, outcome)| Some((pattern.to_owned(), regex::fault(pattern)?, outcome)))
}

/// The patterns of all relabelings of a configuration.
fn relabelings(root: &Node) -> Vec<Spanned<String>> {
    const KEYS: [&str; 4] =
        ["relabel_configs", "metric_relabel_configs", "alert_relabel_configs", "write_relabel_configs"];
    let items = |node: Option<Node>| node.map(|node| node.items()).unwrap_or_default();
    let mut places = items(root.get("scrape_configs"));
    places.extend(items(root.get("remote_write")));
    places.extend(root.get("alerting"));
    places.extend(items(root.find(&["alerting", "alertmanagers"])));
    let lists = places.iter().flat_map(|place| KEYS.iter().filter_map(|key| place.get(key)));
    lists.flat_map(|list| list.items()).filter_map(|rule| rule.get("regex")?.value()).collect()
}

/// The patterns of all answers that a prober waits for, each with what comes of it where it is none.
fn answers(root: &Node) -> Vec<(Spanned<String>, &'static str)> {
    let is_pattern = |key: &str| key == "expect" || key.ends_with("regexp");
    // Those of names, unlike those of pages, are read when an answer comes.
    let outcome = |key: &str| {
        let is_of_dns =
            ["fail_if_matches", "fail_if_not_matches", "fail_if_all_match", "fail_if_none_matches"]
                .iter()
                .any(|begin| key.starts_with(begin));
        if is_of_dns { PROBE } else { FILE }
    };
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        for (key, below) in node.entries() {
            if is_pattern(&key) {
                let patterns = below.value().into_iter().chain(below.texts());
                found.extend(patterns.map(|pattern| (pattern, outcome(&key))));
            }
            open.push(below);
        }
        open.extend(node.items());
    }
    found
}

/// The pattern of a matcher that could not be read.
fn pattern(matcher: &LabelMatcher) -> Option<String> {
    if matcher.matcher.is_some() {
        return None;
    }
    let text = matcher.text.as_str();
    let after = text.split_once("=~").or_else(|| text.split_once("!~")).map_or(text, |(_, after)| after);
    Some(after.trim().trim_matches('"').to_owned())
}
