//! Engines of the user's own: a server that skymon has never seen gets the same rules, proofs and pages as a built-in one, and
//! a wrong file is refused at its place.

mod support;

use std::fs;
use std::path::Path;

use support::project::{Project, files_below};
use support::tools::{self, Output};

/// A server that nobody has heard of.
const GATEWAY: &str = r#"title: Our <Gateway> & "co"
about: what stands before our models
source: https://wiki.example.com/gateway
port: 9000
metrics_path: /internal/metrics
ready_path: /up
enable: always on
metrics:
  acme:calls_total:
    type: counter
    unit: requests
    labels: [route, outcome, worker]
    copies: [worker]
    series:
      - {route: /v1, outcome: ok, worker: '0'}
      - {route: /v1, outcome: broken, worker: '0'}
      - {route: /up, outcome: ok, worker: '0'}
  acme_call_ms:
    {type: histogram, unit: milliseconds, labels: [route], buckets: ['5.0', '50.0', '500.0', '5000.0', '30000.0']}
  acme_line_length: {type: gauge, unit: requests, labels: [lane], series: [{lane: fast}, {lane: slow}]}
  acme_words_total: {type: counter, unit: tokens, since: 2.0, replaces: acme_terms_total}
  acme_terms_total: {type: counter, unit: tokens, until: 2.0}
  acme_rss_bytes: {type: gauge, unit: bytes, labels: [kind], series: [{kind: heap}, {kind: rss}]}
  acme_born: {type: gauge, unit: seconds, labels: [host], series: [{host: a}]}
traffic: {metric: 'acme:calls_total', endpoint: route, status: outcome}
vocabulary:
  requests: {metric: 'acme:calls_total', where: 'route!="/up"'}
  errors: {metric: 'acme:calls_total', where: 'outcome=~"broken|lost", route!="/up"'}
  latency_seconds: {metric: acme_call_ms}
  queued: {metric: acme_line_length}
  tokens_out: {metric: acme_words_total}
  memory_bytes: {metric: acme_rss_bytes, where: 'kind="rss"'}
  start_time_seconds: {metric: acme_born, where: 'host!=""'}
alerts:
  HighLatency: {threshold: 20s}
"#;

fn project(engine: &str) -> Project {
    Project::new(&format!(
        "version: 1
name: own
services:
  front:
    engine: {engine}
    endpoint: https://api.example.com
    replicas: [10.0.0.1:9000, 10.0.0.2:9000]
receivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}
routes: {{critical: team, warning: team}}
engines: engines/
"
    ))
}

fn test_rules(project: &Project) -> Output {
    let monitoring = project.path("monitoring");
    let mut args = vec!["test".to_owned(), "rules".to_owned()];
    let tests = files_below(&monitoring.join("prometheus/tests"));
    args.extend(tests.iter().map(|path| format!("prometheus/tests/{}", path.display())));
    tools::promtool(&args, &monitoring)
}

#[test]
fn a_server_that_skymon_has_never_seen_gets_rules_that_are_proven_and_a_page() {
    let project = project("gateway");
    project.write("engines/gateway.yml", GATEWAY);
    project.render();
    test_rules(&project).expect_success();
    assert_eq!(project.skymon(&["validate"]).status, 0);

    let rules = project.read("monitoring/prometheus/rules/front.yml");
    for part in [
        "acme:calls_total{service=\"front\", route!=\"/up\"}",
        "alert: \"HighErrorRate\"",
        "alert: \"QueueGrowing\"",
        "alert: \"MemoryGrowing\"",
    ] {
        assert!(rules.contains(part), "{part}");
    }
    let high_latency = rules.split("alert: \"HighLatency\"").nth(1).expect("is an alert");
    assert!(high_latency.contains("> 20"), "{high_latency}");
    assert!(project.read("monitoring/prometheus/prometheus.yml").contains("/internal/metrics"));
    let page: serde_json::Value =
        serde_json::from_str(&project.read("monitoring/grafana/dashboards/service-gateway.json"))
            .expect("is JSON");
    assert_eq!(page["title"], "Service · Our <Gateway> & \"co\" · own");
    let text = page.to_string();
    assert!(text.contains("service:latency_seconds:p99_rate5m") && text.contains("acme:calls_total"));
    assert!(!text.contains("time_to_first_token"), "what the engine cannot say is not drawn");
}

#[test]
fn a_change_of_the_file_is_drift_until_it_is_rendered() {
    let project = project("gateway");
    project.write("engines/gateway.yml", GATEWAY);
    project.render();
    project.write("engines/gateway.yml", &GATEWAY.replace("broken|lost", "broken"));
    assert_eq!(project.skymon(&["render", "--check"]).status, 1);
    let said = project.render();
    assert!(said.stdout.contains("update   monitoring/prometheus/rules/front.yml"), "{}", said.stdout);
}

#[test]
fn a_file_may_take_the_place_of_a_built_in_engine_and_says_so() {
    let project = project("vllm");
    project.write("engines/vllm.yml", GATEWAY);
    let said = project.render();
    assert!(
        said.stderr
            .contains("note[own-engine]: `engines/vllm.yml` takes the place of the built-in engine `vllm`"),
        "{}",
        said.stderr
    );
    let rules = project.read("monitoring/prometheus/rules/front.yml");
    assert!(rules.contains("acme:calls_total") && !rules.contains("vllm:"));
    test_rules(&project).expect_success();
}

#[test]
fn all_that_is_wrong_with_a_file_is_said_at_once_with_its_places_and_nothing_is_rendered() {
    let project = project("gateway");
    let wrong = GATEWAY
        .replace("  queued:", "  qeued:")
        .replace("{metric: acme_words_total}", "{metric: acme_wrds_total}")
        .replace("where: 'kind=\"rss\"'", "where: 'kind=\"rss\"} or vector(1) #'")
        .replace("HighLatency: {threshold: 20s}", "HighLatency: {threshold: 40s}");
    project.write("engines/gateway.yml", &wrong);
    let said = project.skymon(&["validate"]);
    assert_eq!(said.status, 1);
    for words in [
        "error[unknown-word]: the vocabulary has no word `qeued`",
        "error[unknown-metric]: there is no metric `acme_wrds_total` in this file",
        "error[bad-promql]: these are not the matchers of a selector",
        "error[beyond-buckets]: `HighLatency` could never fire",
        "--> engines/gateway.yml:30:3\n",
        "did you mean `queued`?",
        "did you mean `acme_words_total`?",
        "4 errors",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    assert!(!said.stdout.contains("unknown-engine"), "the engine is known, and wrong: {}", said.stdout);
    assert_eq!(project.skymon(&["render"]).status, 2);
    assert!(!project.path("monitoring").exists());
}

#[test]
fn an_engine_that_is_not_there_is_looked_for_among_the_users_own_too() {
    let project = project("gatewy");
    project.write("engines/gateway.yml", GATEWAY);
    let said = project.skymon(&["validate"]).stdout;
    assert!(
        said.contains("there is no engine `gatewy`") && said.contains("did you mean `gateway`?"),
        "{said}"
    );
}

/// Files that are right, each in a way that few are.
const ODD: [&str; 7] = [
    // Errors, and nothing that counts the whole.
    "  e_total: {type: counter, unit: requests}\nvocabulary:\n  errors: {metric: e_total}\n",
    "  e_total: {type: counter, unit: requests, late: true}\nvocabulary:\n  errors: {metric: e_total}\n  aborted: {metric: e_total}\n",
    // One series is all, and an error.
    "  r_total: {type: counter, unit: requests}\nvocabulary:\n  requests: {metric: r_total}\n  errors: {metric: r_total}\n",
    // A histogram of one bucket, and its own count as the requests.
    "  h: {type: histogram, unit: seconds, buckets: ['60.0']}\nvocabulary:\n  requests: {metric: h, read: count}\n  latency_seconds: {metric: h}\n",
    // A mean, of metrics with labels.
    "  s: {type: counter, unit: microseconds, labels: [a], series: [{a: '1'}, {a: '2'}]}\n  n: {type: counter, unit: requests, labels: [a], series: [{a: '1'}, {a: '2'}]}\nvocabulary:\n  requests: {metric: n}\n  latency_seconds: {metric: s, where: 'a=\"1\"', per: {metric: n, where: 'a=\"1\"'}}\n",
    // A label that is a word of PromQL, values that need escapes, and states.
    "  g: {type: gauge, unit: state, labels: [by, offset], series: [{by: \"a\\\"\\\\b\\n\", offset: 'é 😀'}, {by: '{{ $x }} ${HOME} %s'}]}\nvocabulary:\n  model_ready: {metric: g, where: 'by=~\"(?s)a.*\", offset!=\"\"', compare: == 3}\n",
    // Nothing at all.
    "  unused: {type: gauge, unit: bytes}\n",
];

#[test]
fn whatever_a_right_file_says_its_rules_are_proven() {
    for (position, rest) in ODD.into_iter().enumerate() {
        let project = project("odd");
        let head = "title: Odd\nabout: odd\nsource: here\nport: 1\nmetrics_path: /metrics\nenable: always\nmetrics:\n";
        project.write("engines/odd.yml", &format!("{head}{rest}"));
        project.render();
        let said = test_rules(&project);
        assert_eq!(said.status, 0, "{position}: {}", said.text());
    }
}

#[test]
fn an_editor_can_complete_and_check_an_engines_file_by_its_schema() {
    let said = Project::empty().skymon(&["schema", "engine"]).expect_success();
    let schema: serde_json::Value = serde_json::from_str(&said.stdout).expect("is JSON");
    let schema = jsonschema::validator_for(&schema).expect("is a schema");
    let read = |text: &str| serde_yaml::from_str::<serde_json::Value>(text).expect("is YAML");
    let errors: Vec<String> = schema.iter_errors(&read(GATEWAY)).map(|error| error.to_string()).collect();
    assert_eq!(errors, [] as [String; 0]);
    for (from, to) in [
        ("title:", "titel:"),
        ("type: gauge", "type: guage"),
        ("port: 9000", "port: high"),
        ("where:", "were:"),
    ] {
        assert!(!schema.is_valid(&read(&GATEWAY.replacen(from, to, 1))), "{to}");
    }
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/engines");
    for path in files_below(&built_in) {
        let text = fs::read_to_string(built_in.join(&path)).expect("reads the file");
        let errors: Vec<String> = schema.iter_errors(&read(&text)).map(|error| error.to_string()).collect();
        assert_eq!(errors, [] as [String; 0], "{}", path.display());
    }
}

#[test]
fn the_page_names_every_key_of_the_schema_and_no_other() {
    let said = Project::empty().skymon(&["schema", "engine"]).expect_success();
    let schema: serde_json::Value = serde_json::from_str(&said.stdout).expect("is JSON");
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/own-engines.md")).expect("reads");
    let mut tables = page.split("\n| key | meaning |\n").skip(1);
    for (name, described) in [
        ("an engine", &schema),
        ("a metric", &schema["$defs"]["Metric"]),
        ("a word", &schema["$defs"]["Source"]),
    ] {
        let table = tables.next().expect("has a table for each");
        let rows = table.lines().take_while(|line| line.starts_with('|')).skip(1);
        let mut named: Vec<&str> = rows
            .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2))
            .collect();
        named.sort_unstable();
        let mut there: Vec<&str> =
            described["properties"].as_object().expect("has keys").keys().map(String::as_str).collect();
        there.sort_unstable();
        assert_eq!(named, there, "{name}");
    }
}
