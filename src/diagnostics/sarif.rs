//! The report as SARIF 2.1.0, which code hosts show beside the lines. Only the rules that are used are in it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Diagnostic, Label, Report, resolve, worst};
use crate::source::Sources;

/// More results than this no host takes from one run.
const MAX_RESULTS: usize = 5000;

pub fn render(report: &Report, sources: &Sources) -> Value {
    let shown = worst(&report.sorted(sources), MAX_RESULTS);
    let ids: BTreeSet<&str> = shown.iter().map(|one| one.id).collect();
    let rules: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "skymon", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": shown.iter().map(|one| result(one, sources)).collect::<Vec<_>>(),
        }],
    })
}

fn result(one: &Diagnostic, sources: &Sources) -> Value {
    let text = one
        .help
        .as_ref()
        .map_or_else(|| one.message.clone(), |help| format!("{}\nhelp: {help}", one.message));
    let (primary, others): (Vec<&Label>, Vec<&Label>) = one.labels.iter().partition(|label| label.primary);
    let places =
        |labels: Vec<&Label>| labels.into_iter().filter_map(|one| location(one, sources)).collect::<Vec<_>>();
    let mut result = json!({
        "ruleId": one.id,
        "level": one.severity.name(),
        "message": {"text": text},
        "locations": places(primary),
    });
    let related = places(others);
    if !related.is_empty() {
        result["relatedLocations"] = Value::Array(related);
    }
    result
}

/// `None` where the place is in no file.
fn location(label: &Label, sources: &Sources) -> Option<Value> {
    let spot = resolve(&label.place, sources);
    if spot.file.is_empty() {
        return None;
    }
    let mut physical = json!({"artifactLocation": {"uri": uri(spot.file)}});
    if let Some((source, range)) = spot.span {
        let (start, end) = (source.line_column(range.start), source.line_column(range.end.max(range.start)));
        physical["region"] =
            json!({"startLine": start.0, "startColumn": start.1, "endLine": end.0, "endColumn": end.1});
    }
    let mut location = json!({"physicalLocation": physical});
    if !label.text.is_empty() {
        location["message"] = json!({"text": label.text});
    }
    Some(location)
}

/// A path as a relative reference of a URI.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::super::format_tests::{report, sources};
    use super::*;

    #[test]
    fn a_result_has_its_rule_place_and_help() {
        let found = render(&report(), &sources());
        let run = &found["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"], json!([{"id": "aside"}, {"id": "bad-value"}]));
        let result = &run["results"][1];
        assert_eq!(result["level"], "error");
        assert_eq!(result["message"]["text"], "no, 100%\nhelp: yes");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.yml");
        assert_eq!(place["region"], json!({"startLine": 1, "startColumn": 4, "endLine": 1, "endColumn": 5}));
        assert_eq!(run["results"][0]["locations"][0]["physicalLocation"].get("region"), None);
    }
}
