//! What is said of an engine's file, with its place, and that nothing else happens.

use super::super::incidents::test_step;
use super::super::recordings::{Subject, record};
use super::super::resolve::RESERVED_LABELS;
use super::*;
use crate::diagnostics::Place;
use crate::exposition::{Exposition, Origin};
use crate::values::Duration;

const GOOD: &str = r#"title: Gateway
about: our own gateway
source: https://wiki.example.com/gateway
port: 9000
metrics_path: /metrics
enable: always on
metrics:
  gw_requests_total:
    type: counter
    unit: requests
    labels: [code]
    series: [{code: '200'}, {code: '500'}]
  gw_seconds: {type: histogram, unit: seconds, buckets: ['0.5', '1.0', '60.0']}
  gw_active: {type: gauge, unit: requests, replaces: gw_busy}
  gw_busy: {type: gauge, unit: requests, until: 2.0}
traffic: {metric: gw_requests_total, status: code}
vocabulary:
  requests: {metric: gw_requests_total}
  errors: {metric: gw_requests_total, where: 'code=~"5.."'}
  latency_seconds: {metric: gw_seconds}
  running: {metric: gw_active}
alerts:
  HighLatency: {threshold: 30s}
"#;

/// Each finding as `id underlined text: message`, and whether the engine is of use.
fn found(name: &str, text: &str) -> (Vec<String>, bool) {
    let file = SourceFile::new(name, text);
    let mut report = Report::new();
    let engines = engines(std::slice::from_ref(&file), &mut report);
    let shown = report.iter().map(|one| match &one.labels[0].place {
        Place::Span { range, .. } => {
            format!("{} {}: {}", one.id, &file.text[range.clone()], one.message)
        }
        _ => format!("{}: {}", one.id, one.message),
    });
    (shown.collect(), engines.get(stem(&file)).is_some())
}

#[test]
fn a_good_file_is_an_engine_beside_the_built_in_ones() {
    let file = SourceFile::new("engines/gateway.yml", GOOD);
    let mut report = Report::new();
    let engines = engines(&[file], &mut report);
    assert!(report.is_empty(), "{report:?}");
    let gateway = engines.get("gateway").expect("is known");
    assert_eq!((gateway.name.as_str(), gateway.title.as_str()), ("gateway", "Gateway"));
    assert!(engines.get("vllm").is_some());
}

#[test]
fn every_built_in_file_passes_the_checks_of_a_users_own() {
    for engine in Engines::built_in().iter() {
        let mut report = Report::new();
        check::check(engine, &mut report);
        let found: Vec<_> = report.iter().map(|one| &one.message).collect();
        assert!(found.is_empty(), "{}: {found:?}", engine.name);
        assert!(is_engine_name(&engine.name), "{}", engine.name);
    }
}

/// What is written in the place of what, and what is said of it.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "port: 9000",
        "port: high",
        "wrong-type high: expected a whole number from 0 to 65535, found text `high`",
    ),
    ("port: 9000", "prot: 9000", "unknown-key prot: unknown key `prot`"),
    ("unit: requests, until", "until", "missing-key gw_busy: missing key `unit`"),
    ("type: counter", "type: conter", "bad-value conter: unknown value `conter`"),
    (
        "metrics_path: /metrics",
        "metrics_path: /metrics?x=1",
        "bad-value /metrics?x=1: Prometheus would not take the `?` of a metrics path for what it means in a URL",
    ),
    ("Gateway\n", "\"a\\nb\"\n", "bad-value \"a\\nb\": the text holds the control character U+000A"),
    ("  gw_busy:", "  gw busy:", "bad-engine gw busy: `gw busy` cannot name a metric"),
    (
        "replaces: gw_busy",
        "replaces: gw_bsy",
        "unknown-metric gw_bsy: there is no metric `gw_bsy` in this file",
    ),
    (
        "replaces: gw_busy",
        "replaces: gw_active",
        "bad-engine gw_active: `gw_active` replaces itself in the end",
    ),
    (
        "replaces: gw_busy",
        "replaces: gw_requests_total",
        "bad-engine gw_requests_total: `gw_active` and `gw_requests_total` are of two types or units",
    ),
    (
        "until: 2.0",
        "since: 3, until: 2.0",
        "bad-value 2.0: no version has this metric: `until` is the first one without it",
    ),
    ("labels: [code]", "labels: [code, service]", "bad-label service: the label `service` is skymon's own"),
    ("labels: [code]", "labels: [code, a-b]", "bad-label a-b: `a-b` cannot name a label"),
    ("{code: '500'}", "{cod: '500'}", "bad-label cod: the metric has no label `cod`"),
    ("{code: '500'}", "{code: '200'}", "bad-engine {code: '200'}: the same series is there twice"),
    ("'1.0', '60.0'", "'60.0', '1.0'", "bad-value '1.0': `1.0` is not above the bound before it"),
    ("'1.0', '60.0'", "'60.0', '+Inf'", "bad-value '+Inf': `+Inf` is in every histogram"),
    ("'1.0', '60.0'", "'60.0', wide", "bad-value wide: `wide` is not the bound of a bucket"),
    (
        ", buckets: ['0.5', '1.0', '60.0']",
        "",
        "bad-engine gw_seconds: `latency_seconds` is made of buckets, and `gw_seconds` has none",
    ),
    ("until: 2.0", "buckets: ['1']", "bad-value ['1']: a gauge has no buckets"),
    (
        "gw_requests_total, status",
        "gw_requests, status",
        "unknown-metric gw_requests: there is no metric `gw_requests` in this file",
    ),
    ("status: code", "status: status", "bad-label status: the metric has no label `status`"),
    (
        "metric: gw_requests_total, status: code",
        "metric: gw_seconds",
        "bad-engine gw_seconds: `traffic` is made of a counter, and `gw_seconds` is a histogram",
    ),
    ("  errors:", "  erors:", "unknown-word erors: the vocabulary has no word `erors`"),
    (
        "{metric: gw_active}",
        "{metric: gw_activ}",
        "unknown-metric gw_activ: there is no metric `gw_activ` in this file",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_seconds}",
        "bad-engine gw_seconds: `running` is made of a gauge, and `gw_seconds` is a histogram",
    ),
    ("'code=~\"5..\"'", "'code~5'", "bad-promql 'code~5': these are not the matchers of a selector"),
    (
        "'code=~\"5..\"'",
        "'code=\"500\"} offset 1d #'",
        "bad-promql 'code=\"500\"} offset 1d #': these are not the matchers of a selector",
    ),
    ("'code=~\"5..\"'", "'cod=\"500\"'", "bad-label 'cod=\"500\"': the metric has no label `cod`"),
    (
        "'code=~\"5..\"'",
        "'code=~\"9..\"'",
        "bad-engine 'code=~\"9..\"': `errors` selects none of the series of `gw_requests_total`",
    ),
    ("  HighLatency:", "  HighLatncy:", "unknown-alert HighLatncy: there is no alert `HighLatncy`"),
    (
        "  HighLatency:",
        "  MonitoringDown:",
        "misplaced-alert MonitoringDown: `MonitoringDown` is an alert of the stack, not of a service",
    ),
    ("threshold: 30s", "threshold: 2m", "beyond-buckets 2m: `HighLatency` could never fire"),
    ("metrics_path: /metrics\n", "", "missing-key metrics: an engine with metrics has a path where they are"),
    ("'60.0'", "'60'", "bad-value '60': `60` is not as Prometheus writes it"),
    ("['0.5'", "['-1.0', '0.5'", "bad-value '-1.0': `-1.0` is not the bound of a bucket"),
    (
        "gauge, unit: requests, until",
        "gauge, unit: requests, late: true, until",
        "bad-value true: a gauge has no first event",
    ),
    (
        "labels: [code]",
        "labels: [code]\n    copies: [rank]",
        "bad-label rank: the metric has no label `rank`",
    ),
    (
        "{metric: gw_seconds}",
        "{metric: gw_requests_total}",
        "bad-engine gw_requests_total: `latency_seconds` is made of a histogram, and `gw_requests_total` is a counter",
    ),
    (
        "  running: {",
        "  memory_bytes: {",
        "bad-engine gw_active: `memory_bytes` is in bytes, and `gw_active` in requests",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_active, compare: == 1}",
        "bad-engine == 1: a metric whose unit is `state` is compared, and no other",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_active, compare: is 1}",
        "bad-value is 1: `is 1` is not a comparison",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_active, read: count}",
        "bad-engine count: `gw_active` is no histogram of which a part could be read",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_active, per: {metric: gw_active}}",
        "bad-engine {metric: gw_active}: a mean answers words that are histograms, as a whole",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_active, plus: [{metric: gw_idle}]}",
        "unknown-metric gw_idle: there is no metric `gw_idle` in this file",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_active, plus: [{metric: gw_busy, plus: [{metric: gw_busy}]}]}",
        "bad-engine [{metric: gw_busy}]: only counters and gauges are added, in one list",
    ),
    (
        "{metric: gw_active}",
        "{metric: gw_active, before: {metric: gw_busy, where: 'a=\"b\"'}}",
        "bad-label 'a=\"b\"': the metric has no label `a`",
    ),
    ("alerts:", "cannot: {running: never}\nalerts:", "bad-engine running: `running` is read, and cannot be"),
    (
        "alerts:",
        "cannot: {runing: never}\nalerts:",
        "unknown-word runing: the vocabulary has no word `runing`",
    ),
    (
        "alerts:",
        "traps: [\"a\\tb\"]\nalerts:",
        "bad-value \"a\\tb\": the text holds the control character U+0009",
    ),
    ("metrics:", "metrics: [", "yaml-syntax :: the map is not closed"),
];

#[test]
fn every_fault_of_a_file_is_named_with_its_place() {
    for (good, bad, expected) in FAULTS {
        assert!(GOOD.contains(*good), "{good}");
        let (said, is_known) = found("engines/gateway.yml", &GOOD.replacen(good, bad, 1));
        assert_eq!(said.first().map(String::as_str), Some(*expected), "{bad}: {said:#?}");
        assert!(!is_known, "{bad}");
    }
}

#[test]
fn all_faults_of_a_file_are_named_at_once() {
    let text = GOOD
        .replace("port: 9000", "port: high")
        .replace("type: gauge, unit: requests, until", "type: guage, until")
        .replace("title:", "titel:");
    let (said, _) = found("engines/gateway.yml", &text);
    assert_eq!(said.len(), 4, "{said:#?}");
}

#[test]
fn the_name_of_the_file_is_that_of_the_engine_and_must_fit_everywhere() {
    for (name, expected) in [
        ("engines/Gateway.yml", "bad-key: `Gateway` cannot name an engine"),
        ("engines/gate way.yml", "bad-key: `gate way` cannot name an engine"),
        (
            "engines/a-name-that-grafana-has-no-room-for.yml",
            "bad-key: `a-name-that-grafana-has-no-room-for` cannot name an engine",
        ),
        ("engines/-.yml", "bad-key: `-` cannot name an engine"),
    ] {
        assert_eq!(found(name, GOOD), (vec![expected.to_owned()], false));
    }
    let note = "own-engine: `engines/vllm.yml` takes the place of the built-in engine `vllm`";
    assert_eq!(found("engines/vllm.yml", GOOD), (vec![note.to_owned()], true));
    let files = ["engines/a.yaml", "engines/a.yml"].map(|name| SourceFile::new(name, GOOD));
    let mut report = Report::new();
    engines(&files, &mut report);
    assert!(report.iter().any(|one| one.id == "same-name"));
}

#[test]
fn a_file_that_is_no_engine_at_all_is_said_to_be_none() {
    for text in ["", "# nothing\n", "- a\n", "x\n"] {
        assert_eq!(
            found("engines/gateway.yml", text).0,
            ["wrong-type: `engines/gateway.yml` describes no engine"]
        );
    }
}

/// What somebody might write, or wish on us, in the place of any word of a file.
const HOSTILE: &[&str] = &[
    "''",
    "~",
    "[]",
    "{}",
    "-1",
    "0",
    "1e999",
    ".nan",
    "-.inf",
    "99999999999999999999",
    "'a\"b'",
    "'} or vector(1) #'",
    "\"a\\nb\"",
    "'{{ $x }}'",
    "é😀",
    "'a b'",
    "le",
    "service",
    "'+Inf'",
    "'1.0'",
    "'0.0'",
    "gw_active",
    "gw_seconds",
    "gw_requests_total",
    "histogram",
    "counter",
    "gauge",
    "state",
    "percent",
    "microseconds",
    "&a [*a]",
    "*a",
    "!!binary x",
    "'=~'",
    "'a=~\"(\"'",
    "{metric: gw_active, plus: [{metric: gw_busy}]}",
    "{metric: gw_seconds, read: sum}",
    "'== 1'",
    "{a: {a: {a: {}}}}",
];

#[test]
fn no_file_makes_skymon_panic_and_what_is_taken_becomes_rules() {
    let words: Vec<_> = GOOD
        .match_indices(|c: char| c.is_ascii_alphanumeric() || c == '_')
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || !GOOD[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        .map(|at| at..at + GOOD[at..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap())
        .collect();
    let (mut taken, mut number) = (0, 1_u32);
    for range in &words {
        for _ in 0..6 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mut text = GOOD.to_owned();
            text.replace_range(range.clone(), HOSTILE[number as usize / 7 % HOSTILE.len()]);
            let file = SourceFile::new("engines/gateway.yml", text.as_str());
            let mut report = Report::new();
            let engines = engines(&[file], &mut report);
            let Some(engine) = engines.get("gateway") else {
                assert!(report.has_errors(), "{text}");
                continue;
            };
            taken += 1;
            let interval = Duration::from_secs(15);
            let subject = Subject {
                service: "front",
                engine,
                version: None,
                scraped: Some(interval),
                probe: None,
                max_concurrency: Some(1),
                retention: Duration::from_secs(30 * 86_400),
            };
            assert!(!record(&subject, test_step(interval)).tests.is_empty());
        }
    }
    assert!(taken > 20, "only {taken} were taken");
}

#[test]
fn the_draft_of_a_hostile_page_is_an_engine_and_nothing_breaks_out_of_it() {
    let page = concat!(
        "# HELP a_requests_total x\\ntitle: hacked\\n#\u{85}\u{2028}y\n",
        "# TYPE a_requests_total counter\n",
        "a_requests_total{code=\"500\",path=\"'}\\n- \",service=\"x\",le=\"y\",__name__=\"z\",a-b=\"1\"} 1\n",
        "# TYPE b_seconds histogram\n",
        "b_seconds_bucket{le=\"-1\"} 1\nb_seconds_bucket{le=\"NaN\"} 1\nb_seconds_bucket{le=\"1e-300\"} 1\n",
        "# TYPE no:yes_active gauge\nno:yes_active 1\n",
        "{\"evil: [\",a=\"b\"} 1\n",
        "{\"a\\n: b_errors_total\"} 1\n",
        "true_total 1\nnull 1\n",
    );
    let origin = Origin {
        title: "a\n\"b\": $x".into(),
        place: "http://x/\nport: 1".into(),
        port: 8000,
        metrics_path: "/metrics".into(),
        taken: RESERVED_LABELS,
    };
    let draft = Exposition::parse(page).draft(&origin);
    let read: serde_yaml::Value =
        serde_yaml::from_str(&draft.text).unwrap_or_else(|error| panic!("{error}\n{}", draft.text));
    assert_eq!(read["title"], "a \"b\": $x");
    assert_eq!(read["port"], 8000);
    assert_eq!(found("engines/drafted.yml", &draft.text), (Vec::new(), true), "{}", draft.text);
}
