//! A file of datasources without `apiVersion`: Grafana reads it as it did before version 5, when the keys had other names, and
//! passes over those of today.

use std::sync::Arc;

use super::Check;
use super::shared::words;
use crate::diagnostics::{Report, Severity, nearest};
use crate::source::{Document, Node, Spanned};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "datasource-of-old-form", severity: Severity::Error, run };

/// What a datasource could not have then, or was called otherwise.
const LOST: [&str; 8] = [
    "basicAuth",
    "basicAuthUser",
    "isDefault",
    "jsonData",
    "orgId",
    "secureJsonData",
    "uid",
    "withCredentials",
];

fn run(stack: &Stack, report: &mut Report) {
    let files = stack.grafanas.iter().filter_map(|one| one.datasource_files.as_deref()).flatten();
    for file in files.filter(|file| file.is_complete() && is_old(file)) {
        let sources = file.root().get("datasources").map(|node| node.items()).unwrap_or_default();
        let keys = sources.iter().flat_map(Node::entries).map(|(key, _)| key);
        let keys: Vec<Spanned<String>> = keys.filter(|key| LOST.contains(&key.as_str())).collect();
        let Some(first) = keys.first() else { continue };
        let mut lost: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        lost.sort_unstable();
        lost.dedup();
        report.push(
            CHECK
                .finding(format!(
                    "without `apiVersion` Grafana reads the file as its first versions did, and passes over {}",
                    words::list(lost)
                ))
                .at(first.place(), "unknown to the old form")
                .help("write `apiVersion: 1` at the top of the file"),
        );
    }
}

/// Whether no version is written. One that is only misspelt is told as unknown.
fn is_old(file: &Arc<Document>) -> bool {
    let top = file.root();
    let version = top.get("apiVersion");
    let is_none = |node: &Node| node.is_nothing() || node.text() == Some("0");
    let is_misspelt = || top.entries().iter().any(|(key, _)| nearest(&key.value, ["apiVersion"]).is_some());
    match version {
        Some(node) => is_none(&node),
        None => !is_misspelt(),
    }
}
