//! The docs are true: every key, alert, engine, finding, link, command and example in them is compared with the program.
//!
//! What stands in the pages for this file's sake:
//! - a `yaml` block that begins with `version:` is a whole config, and validates;
//! - `<!-- part -->` above a `yaml` block: its top keys take the place of those of the minimal stack, and that validates;
//! - `<!-- file: NAME -->` above a block: written to the folder in which the page's `console` blocks run;
//! - a `console` block holds commands after `$ ` and all that they print; a line `…` stands for any lines.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory as _;
use minijinja::context;
use serde_json::{Map, Value};
use skymon::catalog::alerts::AlertEntry;
use skymon::catalog::engines::{Engine, Engines};
use skymon::catalog::machines::{self, Exporter, Recorded};
use skymon::catalog::vocabulary::{Shape, WORDS, Word};
use skymon::checks::ALL;
use skymon::promql::PromQl;
use skymon::templates::{BuiltIn, Templates};
use skymon::values::UrlPath;
use support::project::{Project, files_below, fixture};
use support::tools;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}

/// All pages that a person reads here, relative to the repository.
fn pages() -> Vec<String> {
    let docs = files_below(&root().join("docs")).into_iter().map(|path| format!("docs/{}", path.display()));
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .into_iter()
        .chain(docs)
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// A fenced block.
struct Block {
    language: String,
    /// What a comment above it says of it.
    mark: String,
    text: String,
    place: String,
}

fn blocks(name: &str) -> Vec<Block> {
    let text = page(name);
    let mut found = Vec::new();
    let mut mark = String::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(language) = code.strip_prefix("```") {
            let body: String = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| line.trim() != "```")
                .flat_map(|line| [line.get(indent..).unwrap_or_default(), "\n"])
                .collect();
            found.push(Block {
                language: language.to_owned(),
                mark: std::mem::take(&mut mark),
                text: body,
                place: format!("{name}:{}", number + 1),
            });
        } else if !line.is_empty() {
            let comment = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"));
            comment.unwrap_or_default().clone_into(&mut mark);
        }
    }
    found
}

/// The rows of the tables whose first column is called so: the cells of each.
fn table(name: &str, first_column: &str) -> Vec<Vec<String>> {
    let text = page(name);
    let head = format!("| {first_column} |");
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        inside = line.starts_with(&head) || (inside && line.starts_with('|'));
        if inside && !line.starts_with(&head) && !line.starts_with("|---") {
            rows.push(line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect());
        }
    }
    assert!(!rows.is_empty(), "{name} has no table `{head} …`");
    rows
}

/// What stands between backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The first word of a cell that is code.
fn code(cell: &str) -> String {
    code_spans(cell).next().unwrap_or_else(|| panic!("`{cell}` does not begin with code")).to_owned()
}

/// Each expected line stands in the page, and each line of that kind is expected.
#[track_caller]
fn assert_rows(name: &str, first_column: &str, expected: &[String]) {
    let found: Vec<String> =
        table(name, first_column).iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    let wrong: Vec<&str> = found.iter().filter(|row| !expected.contains(row)).map(String::as_str).collect();
    let missing: Vec<&str> = expected.iter().filter(|row| !found.contains(row)).map(String::as_str).collect();
    assert!(
        wrong.is_empty() && missing.is_empty(),
        "{name}: instead of\n{}\nwrite\n{}\n",
        wrong.join("\n"),
        missing.join("\n")
    );
    assert_eq!(found, *expected, "{name}: the rows are in another order, or one is there twice");
}

// The config.

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

// Alerts.

/// The series that an alert cannot do without.
fn needs(entry: &AlertEntry) -> BTreeSet<String> {
    let recorded: [&str; 0] = [];
    let slo = context! { page => [2, 1], ticket => [2, 1] };
    let values = context! {
        service => "x", threshold => 1, min_requests => 1, scale_to_zero => false, for_seconds => 0, recorded, slo
    };
    let expr = Templates::new().render_snippet("alert.promql", &entry.expr, &values).expect("renders");
    PromQl::parse(&expr).expect("is PromQL").metrics().clone()
}

fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    if items.is_empty() { "–".to_owned() } else { items.join(", ") }
}

#[test]
fn alerts_md_has_every_alert_with_its_defaults() {
    let rows: Vec<String> = AlertEntry::all()
        .iter()
        .map(|entry| {
            let threshold = entry.threshold.as_ref().map_or("–", |threshold| threshold.as_str());
            let requests = entry
                .min_requests
                .map(|count| format!(", with {} requests or more", count.get()))
                .unwrap_or_default();
            format!(
                "| `{}` | {} | {} | {threshold}{requests} | {} | {} |",
                entry.name,
                entry.severity.as_str(),
                entry.hold,
                list(&needs(entry)),
                list(&entry.muted_by)
            )
        })
        .collect();
    assert_rows("docs/alerts.md", "alert", &rows);
}

#[test]
fn alerts_md_says_what_an_engine_has_otherwise() {
    let text = page("docs/alerts.md");
    for engine in Engines::built_in().iter() {
        for (alert, change) in &engine.alerts {
            let line = match &change.threshold {
                Some(threshold) => {
                    format!("{} has another default for `{alert}`: {}.", engine.title, threshold.as_str())
                }
                None => format!("{} has no `{alert}` unless the config enables it.", engine.title),
            };
            assert!(text.contains(&line), "{line}");
        }
    }
}

#[test]
fn alerts_md_says_the_timings_that_are_rendered() {
    let read = |file: &str| -> Value {
        serde_yaml::from_str(&page(&format!("snapshots/minimal/{file}"))).expect("is YAML")
    };
    let spaced = |text: &str| {
        let unit = text.len() - 1;
        format!("{} {}", &text[..unit], if &text[unit..] == "m" { "min" } else { &text[unit..] })
    };
    let alertmanager = read("alertmanager/alertmanager.yml");
    let routes = alertmanager["route"]["routes"].as_array().expect("has routes");
    for row in table("docs/alerts.md", "severity") {
        let matcher = format!("severity=\"{}\"", code(&row[0]));
        let route =
            routes.iter().find(|route| route["matchers"][0] == matcher.as_str()).expect("has a route");
        for (cell, key) in row[3..].iter().zip(["group_wait", "group_interval", "repeat_interval"]) {
            assert_eq!(*cell, spaced(route[key].as_str().expect("is text")), "{key} of {matcher}");
        }
    }

    let seconds = |text: &Value| -> u64 {
        text.as_str().and_then(|text| text.strip_suffix('s')).expect("seconds").parse().expect("a number")
    };
    let prometheus = read("prometheus/prometheus.yml");
    let down = AlertEntry::find("ServiceDown").expect("there is one");
    let together = seconds(&prometheus["global"]["scrape_interval"])
        + seconds(&prometheus["global"]["evaluation_interval"])
        + down.hold.as_millis() / 1000
        + seconds(&alertmanager["route"]["group_wait"]);
    assert!(page("docs/alerts.md").contains(&format!("| **together** | **{together} s** |")), "{together}");
}

// Engines.

#[test]
fn engines_md_has_every_engine_as_its_data_file_says() {
    let path = |path: &Option<UrlPath>| {
        path.as_ref().map_or("–".to_owned(), |path| format!("`{}`", path.as_str()))
    };
    let rows: Vec<String> = Engines::built_in()
        .iter()
        .map(|engine| {
            let port = engine.ready_port.map_or(String::new(), |port| format!(", users {port}"));
            format!(
                "| `{}` | {}{port} | {} | {} | {} |",
                engine.name,
                engine.port,
                path(&engine.metrics_path),
                path(&engine.ready_path),
                engine.enable
            )
        })
        .collect();
    assert_rows("docs/engines.md", "engine", &rows);
}

#[test]
fn the_help_of_init_names_every_engine() {
    let said = Project::empty().skymon(&["init", "--help"]).expect_success().stdout;
    let words: Vec<&str> = said.split_whitespace().collect();
    let names: Vec<&str> = Engines::built_in().names().collect();
    assert!(
        words.join(" ").contains(&format!("What serves the model: {} [default", names.join(", "))),
        "{said}"
    );
}

#[test]
fn engines_md_has_the_page_that_explain_prints_of_every_engine() {
    let text = page("docs/engines.md");
    let project = Project::empty();
    for engine in Engines::built_in().iter() {
        let said = project.skymon(&["explain", &engine.name]).expect_success().stdout;
        let said = said.split_once("\n\n").expect("a heading and a body").1;
        let section = format!("\n## `{}`\n\n{said}", engine.name);
        assert!(text.contains(&section), "docs/engines.md: write\n{section}");
    }
}

#[test]
fn machines_md_has_every_recorded_series_and_every_error_code() {
    let exporters = [machines::replicas(), machines::node(), machines::dcgm(), machines::cadvisor()];
    let row = |exporter: &Exporter, one: &Recorded| {
        format!("| `{}` | {} | {} |", one.record, one.about, exporter.title)
    };
    let rows: Vec<String> = exporters
        .iter()
        .flat_map(|exporter| exporter.recordings.iter().map(|one| row(exporter, one)))
        .collect();
    assert_rows("docs/machines.md", "recorded series", &rows);
    let xids = &machines::dcgm().xids;
    let of = |codes: &BTreeMap<u32, String>, class: &str| -> Vec<String> {
        codes.iter().map(|(code, means)| format!("| `{code}` | {class} | {means} |")).collect()
    };
    let rows = [of(&xids.hardware, "hardware"), of(&xids.application, "application")].concat();
    assert_rows("docs/machines.md", "code", &rows);
}

#[test]
fn machines_md_lists_the_counters_that_must_be_asked_for() {
    let text = page("docs/machines.md");
    for (metric, exposed) in machines::dcgm().metrics.iter().filter(|(_, exposed)| !exposed.default) {
        let line = format!("{metric}, {}, {}\n", exposed.r#type.as_str(), exposed.about);
        assert!(text.contains(&line), "{line}");
    }
}

#[test]
fn engines_md_lists_the_metrics_that_a_custom_server_must_have() {
    let found: Vec<String> = table("docs/engines.md", "metric").iter().map(|row| code(&row[0])).collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(
        found,
        Engines::built_in().get("custom").expect("is built in").metrics.keys().map(String::as_str).collect()
    );
}

#[test]
fn instrumentation_md_lists_the_metrics_of_the_module_and_shows_how_the_tested_servers_have_it() {
    let engine = Engine::instrumented(&[]);
    let rows = table("docs/instrumentation.md", "metric");
    let found: BTreeSet<String> = rows.iter().map(|row| row[..4].join(" | ")).collect();
    let expected = engine.metrics.iter().map(|(name, metric)| {
        let unit = format!("{:?}", metric.unit).to_lowercase();
        format!("`{name}` | {} | {} | {}", metric.r#type.as_str(), list(&metric.labels), unit)
    });
    assert_eq!(found, expected.collect());

    let servers = ["flask", "fastapi"].map(|name| page(&format!("tests/instrumentation/{name}_server.py")));
    let shown: Vec<Block> =
        blocks("docs/instrumentation.md").into_iter().filter(|block| block.language == "python").collect();
    for (block, server) in shown.iter().zip(servers) {
        for line in block.text.lines() {
            assert!(server.lines().any(|own| own == line), "{}: `{line}` is not tested", block.place);
        }
    }
}

/// Whether all that the engine says of a word is a mean.
fn says_mean(engine: &Engine, word: &Word) -> bool {
    engine.vocabulary.get(word.name).is_some_and(|source| source.per.is_some())
}

/// The names under which a word is recorded; `…` is both levels.
fn recorded(word: &Word) -> Vec<String> {
    let name = word.name;
    match word.shape {
        Shape::Counter { .. } => vec![format!("…:{name}:rate5m")],
        Shape::Gauge(fold) => vec![format!("…:{name}:{}", fold.as_str())],
        Shape::Histogram => {
            let mut names = vec![
                format!("service:{name}_bucket:rate5m"),
                format!("service:{name}:p50_rate5m"),
                format!("service:{name}:p95_rate5m"),
                format!("…:{name}:p99_rate5m"),
            ];
            if Engines::built_in().iter().any(|engine| says_mean(engine, word)) {
                names.push(format!("…:{name}:mean_rate5m"));
            }
            names
        }
        Shape::StartTime => {
            vec!["service_replica:start_time_seconds:max".to_owned(), "…:restarts:changes1h".to_owned()]
        }
    }
}

#[test]
fn engines_md_has_every_word_of_the_vocabulary_and_who_exposes_it() {
    let rows: Vec<String> = WORDS
        .iter()
        .map(|word| {
            let said: Vec<String> = Engines::built_in()
                .iter()
                .filter(|engine| engine.vocabulary.contains_key(word.name))
                .map(|engine| {
                    let mean = if says_mean(engine, word) { " (mean)" } else { "" };
                    format!("`{}`{mean}", engine.name)
                })
                .collect();
            format!("| `{}` | {} | {} | {} |", word.name, word.about, list(&recorded(word)), said.join(", "))
        })
        .collect();
    assert_rows("docs/engines.md", "word", &rows);
}

#[test]
fn engines_md_says_what_traffic_is_drawn_from() {
    let label =
        |label: &Option<String>| label.as_ref().map_or("–".to_owned(), |label| format!("`{label}`"));
    let rows: Vec<String> = Engines::built_in()
        .iter()
        .filter_map(|engine| Some((&engine.name, engine.traffic.as_ref()?)))
        .map(|(name, traffic)| {
            let (endpoint, status) = (label(&traffic.endpoint), label(&traffic.status));
            format!("| `{name}` | `{}` | {endpoint} | {status} |", traffic.metric)
        })
        .collect();
    assert_rows("docs/engines.md", "traffic of", &rows);
}

#[test]
fn the_pages_of_engines_skyserve_and_machines_name_every_series_that_is_recorded_and_no_other() {
    let mut rendered = BTreeSet::new();
    let engines = Project::of_fixture("engines");
    engines.render();
    let of_engines = files_below(&engines.path("monitoring"))
        .into_iter()
        .map(|file| engines.read(&format!("monitoring/{}", file.display())));
    let of_snapshots = files_below(&root().join("snapshots"))
        .into_iter()
        .map(|file| page(&format!("snapshots/{}", file.display())));
    for text in of_engines.chain(of_snapshots) {
        rendered.extend(
            text.lines()
                .filter_map(|line| line.trim().strip_prefix("- record: \"")?.strip_suffix('"'))
                .map(str::to_owned),
        );
    }
    let text = page("docs/engines.md")
        + &page("docs/skyserve.md")
        + &page("docs/machines.md")
        + &page("docs/slo.md");
    let named: BTreeSet<String> = text
        .lines()
        .flat_map(code_spans)
        .filter(|name| name.matches(':').count() == 2 && !name.ends_with("…") && !name.contains(' '))
        .flat_map(|name| match name.strip_prefix('…') {
            Some(rest) => vec![format!("service{rest}"), format!("service_replica{rest}")],
            None => vec![name.to_owned()],
        })
        .collect();
    assert_eq!(named, rendered);
}

// Findings.

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

// Templates.

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

// What a reader would do.

/// Whether the lines are the expected ones, where `…` stands for any.
fn fits(expected: &[&str], lines: &[&str]) -> bool {
    match expected {
        [] => lines.is_empty(),
        ["…", rest @ ..] => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        [first, rest @ ..] => lines.first() == Some(first) && fits(rest, &lines[1..]),
    }
}

/// Runs a line as a shell does, in an environment of its own, and returns what it prints.
fn shell(line: &str, dir: &Path) -> (i32, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_skymon")).parent().expect("lies in a folder");
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec 2>&1; {line}")])
        .current_dir(dir)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()));
    let said = tools::run(&mut command);
    (said.status, said.stdout)
}

/// An empty folder with the name that the pages have for it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("my-stack");
    fs::create_dir(&folder).expect("makes the folder");
    (dir, folder)
}

#[test]
fn every_command_of_a_console_block_prints_what_the_page_says() {
    let mut commands = 0;
    for name in pages() {
        let (_dir, folder) = folder();
        for block in blocks(&name) {
            if let Some(file) = block.mark.strip_prefix("file: ") {
                let path = folder.join(file);
                fs::create_dir_all(path.parent().expect("lies in the folder")).expect("makes the folder");
                fs::write(path, &block.text).expect("writes the file");
            }
            if block.language != "console" {
                continue;
            }
            for run in format!("\n{}", block.text).split("\n$ ").skip(1) {
                let (line, expected) = run.split_once('\n').unwrap_or((run, ""));
                let (_, said) = shell(line, &folder);
                let wanted: Vec<&str> = expected.trim_end().lines().collect();
                let lines: Vec<&str> = said.trim_end().lines().collect();
                assert!(fits(&wanted, &lines), "{}: `{line}` prints\n{said}", block.place);
                commands += 1;
            }
        }
    }
    assert!(commands >= 6, "{commands} commands were found");
}

#[test]
fn every_shell_command_of_the_readme_and_contributing_works() {
    let makefile = page("Makefile");
    for name in ["README.md", "CONTRIBUTING.md"] {
        let (_dir, folder) = folder();
        for block in blocks(name).into_iter().filter(|block| block.language == "sh") {
            for line in block.text.lines().map(|line| line.split(" #").next().expect("is there").trim()) {
                let place = &block.place;
                if let Some(args) =
                    line.strip_prefix("cargo run --locked -- ").or_else(|| line.strip_prefix("skymon "))
                {
                    let (status, said) = shell(&format!("skymon {args}"), &folder);
                    assert_eq!(status, 0, "{place}: `{line}` prints\n{said}");
                } else if let Some(target) = line.strip_prefix("make ") {
                    assert!(makefile.contains(&format!("\n{target}:")), "{place}: no target `{target}`");
                } else {
                    assert!(root().join(line).is_file(), "{place}: `{line}` is neither known nor a file");
                }
            }
        }
    }
}

#[test]
fn the_readme_names_every_command() {
    let rows = table("README.md", "command");
    let named: BTreeSet<String> =
        rows.iter().map(|row| code(&row[0]).split(' ').nth(1).expect("a command").to_owned()).collect();
    let there: BTreeSet<String> =
        skymon::cli::Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(named, there);
}

#[test]
fn the_readme_shows_every_file_that_is_rendered_and_no_other() {
    let readme = blocks("README.md");
    let tree = readme.iter().find(|block| block.text.contains("\nmonitoring/\n")).expect("shows the tree");
    let (_, below) = tree.text.split_once("\nmonitoring/\n").expect("is there");
    let shown: Vec<&str> = below.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let is = |shown: &str, file: &str| match shown.split_once('<') {
        None => shown == file,
        Some((start, rest)) => {
            let end = rest.split_once('>').expect("closes").1;
            let name = file.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            name.is_some_and(|name| !name.contains(['+', '/']) && name != "stack")
        }
    };
    // Neither has all: the one has runbooks of its own, the other no replica that is found elsewhere.
    let rendered: BTreeSet<String> = ["everything", "tutorial"]
        .iter()
        .flat_map(|stack| files_below(&root().join("snapshots").join(stack)))
        .map(|path| path.display().to_string())
        .collect();
    for file in &rendered {
        assert!(shown.iter().any(|shown| is(shown, file)), "{file} is not shown");
    }
    for shown in shown {
        assert!(rendered.iter().any(|file| is(shown, file)), "{shown} is not rendered");
    }
}

/// The targets of all links of a page that lead into the repository, as paths from its root.
fn links(name: &str) -> Vec<PathBuf> {
    let text = page(name);
    let folder = Path::new(name).parent().expect("lies in a folder");
    text.split("](")
        .skip(1)
        .filter_map(|after| after.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(|target| {
            let mut path = folder.to_owned();
            for part in target.split('/') {
                if part == ".." {
                    path.pop();
                } else {
                    path.push(part);
                }
            }
            path
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    for name in pages() {
        for target in links(&name) {
            assert!(root().join(&target).is_file(), "{name}: {} is no file", target.display());
        }
    }
}

#[test]
fn every_page_is_linked_from_where_a_reader_looks_for_it() {
    let (readme, architecture) = (links("README.md"), links("docs/architecture.md"));
    let findings = links("docs/diagnostics.md");
    for name in pages() {
        let from = match name.as_str() {
            name if name.starts_with("docs/decisions/") => &architecture,
            name if name.starts_with("docs/checks/") => &findings,
            _ => &readme,
        };
        let is_linked = name == "README.md" || from.contains(&PathBuf::from(&name));
        assert!(is_linked, "{name} is linked from nowhere");
    }
}

#[test]
fn a_decision_is_short_and_says_context_choice_and_consequences() {
    for name in pages().into_iter().filter(|name| name.starts_with("docs/decisions/")) {
        let text = page(&name);
        assert!(text.lines().count() <= 40, "{name} is long");
        for part in ["**Context.**", "**Choice.**", "**Consequences.**"] {
            assert!(text.contains(part), "{name} has no {part}");
        }
    }
}

#[test]
fn architecture_md_has_a_paragraph_for_each_module_in_the_order_of_lib_rs() {
    let library = page("src/lib.rs");
    let modules: Vec<&str> =
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let text = page("docs/architecture.md");
    let headings: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert_eq!(headings, modules);
}

/// What git knows at the top of the repository; in a copy without git all that is there and not ignored.
fn top() -> BTreeSet<String> {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    let is_own = root().join(".git").exists();
    if let Some(listed) = listed.ok().filter(|listed| is_own && listed.status.success()) {
        let files = String::from_utf8(listed.stdout).expect("is UTF-8");
        return files.lines().filter_map(|file| file.split('/').next()).map(str::to_owned).collect();
    }
    let ignored = page(".gitignore");
    let is_ignored =
        |name: &String| name == ".git" || ignored.lines().any(|line| line.trim_matches('/') == name);
    let entries = fs::read_dir(root()).expect("reads the folder");
    let names =
        entries.map(|entry| entry.expect("reads the entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| !is_ignored(name)).collect()
}

#[test]
fn nothing_lies_at_the_top_but_what_contributing_names() {
    let rows = table("CONTRIBUTING.md", "at the top");
    let named = rows.iter().flat_map(|row| code_spans(&row[0])).map(str::to_owned).collect();
    let found = top();
    let stray: Vec<&String> = found.difference(&named).collect();
    let gone: Vec<&String> = named.difference(&found).collect();
    assert!(
        stray.is_empty() && gone.is_empty(),
        "CONTRIBUTING.md does not name {stray:?}; {gone:?} is not there"
    );
}

#[test]
fn every_file_that_contributing_names_is_there() {
    let text = page("CONTRIBUTING.md");
    for span in code_spans(&text).filter(|span| {
        ["src/", "tests/", "templates/", "docs/", "snapshots/"].iter().any(|folder| span.starts_with(folder))
    }) {
        let is_pattern = span.contains(['<', '*']);
        let path = if is_pattern { span.rsplit_once('/').expect("has a folder").0 } else { span };
        assert!(root().join(path).exists(), "{span} is not there");
    }
    let names = [
        ("WORDS", "src/catalog/vocabulary.rs"),
        ("integrations!", "src/catalog/receivers/mod.rs"),
        ("fn resolve", "src/plan/programs.rs"),
        ("fn build", "src/artifacts/mod.rs"),
        ("ALL", "src/checks/mod.rs"),
    ];
    for (what, file) in names {
        assert!(page(file).contains(what), "{file} has no `{what}`");
        assert!(text.contains(what.trim_start_matches("fn ")), "CONTRIBUTING.md does not name `{what}`");
    }
}
