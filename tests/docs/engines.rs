//! The pages of engines, machines and the instrumentation: what each exposes, and what is recorded of it.

use std::collections::{BTreeMap, BTreeSet};

use skymon::catalog::engines::{Engine, Engines};
use skymon::catalog::machines::{self, Exporter, Recorded};
use skymon::catalog::vocabulary::{Shape, WORDS, Word};
use skymon::values::UrlPath;

use crate::support::project::{Project, files_below};
use crate::{Block, assert_rows, blocks, code, code_spans, list, page, root, table};

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
