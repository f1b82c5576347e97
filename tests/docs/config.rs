//! The pages of the config and of what overrides take: keys, defaults, examples.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use skymon::templates::BuiltIn;

use crate::support::project::{Project, fixture};
use crate::{blocks, code, code_spans, page, pages, table};

/// All keys below a schema, with `<>` for a name of the user's.
fn keys(schema: &Value, at: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = at["$ref"].as_str() {
        let name = name.rsplit('/').next().expect("a name");
        return keys(schema, &schema["$defs"][name], path, found);
    }
    for choice in at["anyOf"].as_array().into_iter().flatten() {
        keys(schema, choice, path, found);
    }
    let dot = if path.is_empty() { "" } else { "." };
    for (key, below) in at["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{dot}{key}");
        keys(schema, below, &path, found);
        found.insert(path);
    }
    if at["additionalProperties"].is_object() {
        let path = format!("{path}{dot}<>");
        keys(schema, &at["additionalProperties"], &path, found);
        found.insert(path);
    }
}

/// `services.<name>.labels` → `services.<>.labels`.
fn nameless(path: &str) -> String {
    path.split('.').map(|key| if key.starts_with('<') { "<>" } else { key }).collect::<Vec<_>>().join(".")
}

#[test]
fn config_md_names_every_key_of_the_schema_once_and_no_other() {
    let schema = skymon::commands::schema();
    let mut expected = BTreeSet::new();
    keys(&schema, &schema, "", &mut expected);
    assert!(expected.contains("services.<>.alerts.<>.labels.<>"), "{expected:?}");

    let rows: Vec<(String, String)> =
        table("docs/config.md", "key").iter().map(|row| (nameless(&code(&row[0])), row[3].clone())).collect();
    let mut found: Vec<String> = rows.iter().map(|(key, _)| key.clone()).collect();
    for (key, meaning) in &rows {
        if let Some((_, same)) = meaning.split_once("he keys of `") {
            let same = nameless(same.split('`').next().expect("ends"));
            let below = rows.iter().filter_map(|(other, _)| other.strip_prefix(&format!("{same}.")));
            found.extend(below.map(|rest| format!("{key}.{rest}")));
        }
    }
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(once.len(), found.len(), "a key has two rows");
    let missing: Vec<_> = expected.difference(&once).collect();
    let unknown: Vec<_> = once.difference(&expected).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}; not in the schema: {unknown:?}");
}

#[test]
fn config_md_says_the_defaults_that_are_rendered() {
    let read = |file: &str| page(&format!("snapshots/minimal/{file}"));
    for (key, file, line) in [
        ("ports.prometheus", "docker-compose.yml", "published: \"<>\""),
        ("ports.alertmanager", "docker-compose.yml", "published: \"<>\""),
        ("ports.grafana", "docker-compose.yml", "published: \"<>\""),
        ("prometheus.retention.time", "docker-compose.yml", "--storage.tsdb.retention.time=<>\""),
        ("prometheus.retention.size", "docker-compose.yml", "--storage.tsdb.retention.size=<>\""),
        ("prometheus.scrape_interval", "prometheus/prometheus.yml", "\n  scrape_interval: \"<>\"\n"),
    ] {
        let rows = table("docs/config.md", "key");
        let row = rows.iter().find(|row| code(&row[0]) == key).expect("has a row");
        let line = line.replace("<>", &code(&row[2]));
        assert!(read(file).contains(&line), "{key}: `{line}` is not in {file}");
    }
}

fn validates(config: &str, place: &str) {
    let said = Project::new(config).skymon(&["validate"]);
    assert_eq!(said.status, 0, "{place} does not validate:\n{}{config}", said.text());
}

#[test]
fn every_yaml_block_is_a_config_that_validates_a_part_of_one_or_at_least_yaml() {
    let minimal: Map<String, Value> =
        serde_yaml::from_str(&fixture("examples/minimal.yaml")).expect("is YAML");
    let (mut whole, mut parts) = (0, 0);
    for block in pages().iter().flat_map(|name| blocks(name)).filter(|block| block.language == "yaml") {
        if block.text.starts_with("version:") {
            validates(&block.text, &block.place);
            whole += 1;
        } else if block.mark == "part" {
            let part: Map<String, Value> =
                serde_yaml::from_str(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
            let mut config = minimal.clone();
            config.extend(part);
            // JSON is YAML.
            validates(&serde_json::to_string_pretty(&config).expect("prints"), &block.place);
            parts += 1;
        } else {
            let read: Result<Value, _> = serde_yaml::from_str(&block.text);
            assert!(read.is_ok(), "{}: {read:?}", block.place);
        }
    }
    assert!(whole >= 3 && parts >= 4, "{whole} configs and {parts} parts were found");
}

#[test]
fn templates_md_says_what_each_template_gets() {
    let rows = table("docs/templates.md", "template");
    for row in &rows {
        let path = code(&row[0]);
        let gets: Vec<String> = code_spans(&row[1]).map(str::to_owned).collect();
        assert_gets(&path, &format!("this template gets `{}`;", gets.join("`, `")));
    }
    assert_gets("blackbox/blackbox.yml", "this template gets no values");
    // Parts and what is copied aside, every template is there.
    let is_whole = |path: &&str| {
        path.ends_with(".yml")
            && !path.starts_with("compose/")
            && !path.starts_with("alertmanager/receivers/")
    };
    let whole = BuiltIn::all().into_iter().map(|one| one.path).filter(is_whole);
    for path in whole.filter(|path| *path != "blackbox/blackbox.yml") {
        assert!(rows.iter().any(|row| code(&row[0]) == path), "docs/templates.md has no row for {path}");
    }
}

/// What is said to somebody who asks a template for what it does not get.
#[track_caller]
fn assert_gets(path: &str, expected: &str) {
    let config = fixture("examples/tutorial.yaml");
    let door = "access: {host: a.example, tls: {cert_file: c, key_file: k}, users_file: u}";
    let project = Project::new(&format!("{config}templates: templates/\n{door}\n"));
    project.write(&format!("templates/{path}"), "a: <%= zzzzzzzzzzzz %>\n");
    let said = project.skymon(&["validate"]).stdout;
    assert!(said.contains(expected), "{path}: {expected}\n{said}");
}
