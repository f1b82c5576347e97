//! The pages of findings: ids, checks, and what JSON says of one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use skymon::checks::ALL;

use crate::support::project::{Project, files_below};
use crate::{assert_rows, code, page, root, table};

/// The ids in the sources, with their severities.
fn ids() -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for path in files_below(&root().join("src")) {
        let name = path.to_string_lossy().into_owned();
        let is_test = name.ends_with("tests.rs");
        if !name.ends_with(".rs") || is_test {
            continue;
        }
        let text = page(&format!("src/{name}"));
        let text = text.split("#[cfg(test)]\nmod tests {").next().expect("is there");
        let mut by_variable = None;
        for (call, severity) in [
            ("Diagnostic::error(", "error"),
            ("Diagnostic::from_words(", "error"),
            ("Diagnostic::warning(", "warning"),
            ("Diagnostic::note(", "note"),
            (".stop(", "error"),
        ] {
            for after in text.split(call).skip(1).map(str::trim_start) {
                if let Some(id) = after.strip_prefix('"') {
                    found.insert(id.split('"').next().expect("ends").to_owned(), severity);
                } else if after.starts_with("id,") {
                    by_variable = Some(severity);
                }
            }
        }
        // `("secret-empty", format!(…` that becomes a diagnostic further on in the same file.
        if let Some(severity) = by_variable {
            let texts: Vec<&str> = text.split('"').collect();
            for three in texts.windows(3) {
                let is_id = three[0].trim_end().ends_with('(')
                    && three[2]
                        .strip_prefix(',')
                        .is_some_and(|rest| rest.trim_start().starts_with("format!("));
                if is_id {
                    found.entry(three[1].to_owned()).or_insert(severity);
                }
            }
        }
    }
    found
}

#[test]
fn diagnostics_md_lists_every_id_of_the_sources_with_its_severity() {
    let ids = ids();
    assert!(ids.contains_key("secret-open") && ids.contains_key("drift") && ids.contains_key("alias-loop"));
    let rows = table("docs/diagnostics.md", "id");
    let found: Vec<String> = rows.iter().map(|row| format!("{} {}", row[1], code(&row[0]))).collect();
    let expected: Vec<String> = ids.iter().map(|(id, severity)| format!("{severity} {id}")).collect();
    let missing: Vec<_> = expected.iter().filter(|id| !found.contains(id)).collect();
    let unknown: Vec<_> = found.iter().filter(|id| !expected.contains(id)).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing: {missing:?}; not in the sources: {unknown:?}"
    );
    assert_eq!(found.len(), expected.len(), "an id has two rows");
}

#[test]
fn live_md_has_a_section_for_each_finding_of_running_programs() {
    let rows = table("docs/diagnostics.md", "id");
    let expected: BTreeSet<String> =
        rows.iter().filter(|row| row[2].starts_with("`--live`:")).map(|row| code(&row[0])).collect();
    let found: BTreeSet<String> = skymon::live::findings::ids().map(str::to_owned).collect();
    assert!(found.len() > 10 && expected == found, "{expected:?} {found:?}");
}

#[test]
fn diagnostics_md_lists_every_check_as_its_page_says() {
    let rows: Vec<String> = ALL
        .iter()
        .map(|check| {
            let page = page(&format!("docs/checks/{}.md", check.id));
            let (_, said) = page.split_once(".* ").expect("says in a sentence what is wrong");
            let sentence = said.split("\n\n").next().unwrap_or_default().replace('\n', " ");
            format!("| [`{0}`](checks/{0}.md) | {1} | {sentence} |", check.id, check.severity.name())
        })
        .collect();
    assert_rows("docs/diagnostics.md", "check", &rows);
}

#[test]
fn diagnostics_md_describes_every_key_of_the_json() {
    let project = Project::new("version: 1\nname: A\n");
    let said: Value =
        serde_json::from_str(&project.skymon(&["validate", "--format", "json"]).stdout).unwrap();
    let text = page("docs/diagnostics.md");
    let keys = |value: &Value| value.as_object().expect("a map").keys().cloned().collect::<Vec<_>>();
    let one = &said["diagnostics"][0];
    let spelt = [("", keys(&said)), ("diagnostics[].", keys(one)), ("….", keys(&one["labels"][0]))];
    for (prefix, keys) in spelt {
        for key in keys {
            let ways = [format!("`{prefix}{key}`"), format!("`{prefix}{key}[]`"), format!("`{key}[].")];
            assert!(ways.iter().any(|way| text.contains(way)), "{prefix}{key} is not described");
        }
    }
}
