//! Tests of reading, apart from it for length: one table of faulty configs, and whole runs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::*;
use crate::diagnostics::{resolve, text};
use crate::source::Sources;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Config {
    version: u32,
    name: Option<String>,
    #[serde(default)]
    services: BTreeMap<ServiceName, Service>,
    #[serde(default)]
    receivers: BTreeMap<String, Receiver>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct ServiceName(String);

impl TryFrom<String> for ServiceName {
    type Error = String;

    fn try_from(name: String) -> Result<ServiceName, String> {
        if name.contains(' ') {
            Err(format!("`{name}` is not a service name"))
        } else {
            Ok(ServiceName(name))
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Service {
    engine: Engine,
    endpoint: Option<String>,
    #[serde(default)]
    replicas: Vec<HostPort>,
    port: Option<u16>,
    enabled: Option<bool>,
    weight: Option<f64>,
    discover: Option<Discover>,
    scrape_interval: Option<Every>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Engine {
    Vllm,
    TensorrtLlm,
    Custom,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Discover {
    dns: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
#[expect(dead_code, reason = "only read")]
struct HostPort(String);

impl TryFrom<String> for HostPort {
    type Error = String;

    fn try_from(text: String) -> Result<HostPort, String> {
        if text.contains(':') {
            Ok(HostPort(text))
        } else {
            Err(format!("`{text}` has no port\nwrite `{text}:8000`"))
        }
    }
}

/// A type with a visitor of its own: `15s`, or a number of seconds.
#[derive(Debug)]
#[expect(dead_code, reason = "only read")]
struct Every(u64);

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Every, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Every;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as `15s`")
            }
            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Every, E> {
                Ok(Every(seconds))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Every, E> {
                let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
                seconds.map(Every).ok_or_else(|| E::custom(format!("`{text}` is not a duration")))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Receiver {
    slack: Option<Slack>,
    email: Option<Email>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Slack {
    webhook_url_file: String,
    channel: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Email {
    to: Vec<String>,
    from: String,
}

fn run(text: &str) -> (Option<Config>, Report, Sources) {
    let file = SourceFile::new("skymon.yaml", text);
    let (index, found) = SpanIndex::new(&file);
    let mut report = Report::new();
    report.extend(found);
    let config = read::<Config>(&file, &index, &mut report);
    (config, report, Sources::of_config(file, index))
}

/// `line:column id: message (help)`, sorted.
fn faults(text: &str) -> Vec<String> {
    let (_, report, sources) = run(text);
    let sorted = report.sorted(&sources);
    sorted
        .into_iter()
        .map(|one| {
            let place = one.labels.first().and_then(|label| resolve(&label.place, &sources).span);
            let place = place.map_or("-".to_owned(), |(source, range)| {
                let (line, column) = source.line_column(range.start);
                format!("{line}:{column}")
            });
            let help = one.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
            format!("{place} {}: {}{help}", one.id, one.message)
        })
        .collect()
}

#[test]
fn a_good_config_is_read_without_a_word() {
    let text = "# é\r\nversion: 1\r\nname: no\r\nservices: &s\r\n  api: &a\r\n    engine: tensorrt-llm\r\n    \
                replicas: [a:1, '[::1]:2']\r\n    scrape_interval: 15s\r\n  other: *a\r\nreceivers:\r\n";
    let (config, report, _) = run(text);
    assert!(report.is_empty(), "{report:?}");
    let config = config.unwrap();
    assert_eq!(config.name.as_deref(), Some("no"));
    assert_eq!(config.services.len(), 2);
    assert_eq!(run("version: 1\nname:\n").0.unwrap().name, None);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_fault_is_said_in_the_users_words_at_its_exact_place() {
    let service = |line: &str| format!("version: 1\nservices:\n  api:\n    engine: vllm\n    {line}\n");
    let cases: Vec<(String, &[&str])> = vec![
        // Keys.
        (
            "version: 1\nservises: {}\n".into(),
            &["2:1 unknown-key: unknown key `servises` (did you mean `services`?)"],
        ),
        (
            "version: 1\nxyz: 1\n".into(),
            &[
                "2:1 unknown-key: unknown key `xyz` (the keys here are `version`, `name`, `services` and `receivers`)",
            ],
        ),
        (
            service("\"scrape-interval\": 15s"),
            &["5:5 unknown-key: unknown key `scrape-interval` (did you mean `scrape_interval`?)"],
        ),
        ("# c\nname: x\n".into(), &["1:1 missing-key: missing key `version` (add `version: …`)"]),
        (
            "version: 1\nservices:\n  'api': {}\n".into(),
            &["3:3 missing-key: missing key `engine` (add `engine: …` under `services.api`)"],
        ),
        (
            "version: 1\nservices: {my api: {engine: vllm}}\n".into(),
            &["2:12 bad-value: `my api` is not a service name"],
        ),
        (
            "version: 1\nservices:\n  api:\n".into(),
            &["3:3 missing-key: missing key `engine` (add `engine: …` under `services.api`)"],
        ),
        // Types.
        (
            service("replicas: a:1"),
            &["5:15 wrong-type: expected a list, found text `a:1` (write it as a list: `replicas: [a:1]`)"],
        ),
        (service("replicas: {a: 1}"), &["5:15 wrong-type: expected a list, found a map"]),
        (
            service("replicas: [a:1, [b:2], c]"),
            &[
                "5:21 wrong-type: expected text, found a list",
                "5:28 bad-value: `c` has no port (write `c:8000`)",
            ],
        ),
        (
            service("replicas:\n    - a:1\n    -\n    - é"),
            &[
                "7:6 wrong-type: an item of `replicas` has no value (write a value after the `-`, or remove the item)",
                "8:7 bad-value: `é` has no port (write `é:8000`)",
            ],
        ),
        (
            service("port: abc"),
            &["5:11 wrong-type: expected a whole number from 0 to 65535, found text `abc`"],
        ),
        (
            service("port: \"80\""),
            &["5:11 wrong-type: expected a whole number from 0 to 65535, found text `80`"],
        ),
        (
            service("port: 99999"),
            &["5:11 bad-value: expected a whole number from 0 to 65535, found the number `99999`"],
        ),
        (
            service("port: -1"),
            &["5:11 wrong-type: expected a whole number from 0 to 65535, found the number `-1`"],
        ),
        (
            service("port: 1.5"),
            &["5:11 wrong-type: expected a whole number from 0 to 65535, found the number `1.5`"],
        ),
        (service("enabled: yes"), &["5:14 wrong-type: expected `true` or `false`, found text `yes`"]),
        (service("enabled: !!bool x"), &["5:21 wrong-type: expected `true` or `false`, found text `x`"]),
        (service("weight: true"), &["5:13 wrong-type: expected a number, found `true`"]),
        (service("discover: [x]"), &["5:15 wrong-type: expected a map, found a list"]),
        (service("discover: x"), &["5:15 wrong-type: expected a map, found text `x`"]),
        (service("endpoint: {a: 1}"), &["5:15 wrong-type: expected text, found a map"]),
        (
            service("scrape_interval: [1]"),
            &["5:22 wrong-type: expected a duration such as `15s`, found a list"],
        ),
        (service("scrape_interval: 15x"), &["5:22 bad-value: `15x` is not a duration"]),
        (
            service("scrape_interval: !a 15x"),
            &["5:25 wrong-type: expected a duration such as `15s`, found text `15x`"],
        ),
        ("version: 1\nservices: [a]\n".into(), &["2:11 wrong-type: expected a map, found a list"]),
        (
            "version: 1\nservices: ~\n".into(),
            &["2:11 wrong-type: `services` has no value (write `services: …`, or remove the key)"],
        ),
        (
            "version:\n".into(),
            &["1:1 wrong-type: `version` has no value (write `version: …`, or remove the key)"],
        ),
        // Choices.
        (
            "version: 1\nservices: {a: {engine: vlm}}\n".into(),
            &["2:24 bad-value: unknown value `vlm` (did you mean `vllm`?)"],
        ),
        (
            "version: 1\nservices: {a: {engine: 5}}\n".into(),
            &["2:24 bad-value: unknown value `5` (one of `vllm`, `tensorrt-llm` or `custom`)"],
        ),
        (
            "version: 1\nservices: {a: {engine: [vllm]}}\n".into(),
            &["2:24 wrong-type: expected one of `vllm`, `tensorrt-llm` or `custom`, found a list"],
        ),
        (
            "version: 1\nservices: {a: {engine: }}\n".into(),
            &["2:16 wrong-type: `engine` has no value (write `engine: …`, or remove the key)"],
        ),
        (
            "version: 1\nreceivers: {a: {slack: {webhook_url_file: null}}}\n".into(),
            &[
                "2:43 wrong-type: `webhook_url_file` has no value (write `webhook_url_file: …`, or remove the key)",
            ],
        ),
        // Whole files.
        (String::new(), &["- empty-config: the config is empty (run `skymon init`)"]),
        ("# only a comment\n---\n".into(), &["- empty-config: the config is empty (run `skymon init`)"]),
        (
            "- a\n".into(),
            &[
                "1:1 wrong-type: expected a map of keys, found a list (begin with `version: 1`, or run `skymon init`)",
            ],
        ),
        (
            "hello\n".into(),
            &[
                "1:1 wrong-type: expected a map of keys, found text `hello` (begin with `version: 1`, or run `skymon init`)",
            ],
        ),
        (
            "version: 1\n\tname: x\n".into(),
            &["2:1 yaml-syntax: a tab stands where YAML wants spaces (indent with spaces)"],
        ),
        (
            "version: 1\n---\nversion: 1\n".into(),
            &["2:1 more-than-one-document: the file has more than one document"],
        ),
        // Aliases, merge keys, keys that are no text.
        (
            "version: 1\nservices:\n  a: &a {engine: vllm, port: x}\n  b: *a\n".into(),
            &["3:30 wrong-type: expected a whole number from 0 to 65535, found text `x`"],
        ),
        (
            service("<<: {port: 1}"),
            &[
                "5:5 unknown-key: unknown key `<<` (merge keys are not read; write the keys out, or use an alias as a whole value)",
            ],
        ),
        (
            "version: 1\n? [a]\n: 1\n".into(),
            &["2:3 key-not-text: a key must be plain text, not a list or a map"],
        ),
        (
            "version: 1\n: 1\n".into(),
            &[
                "2:1 yaml-syntax: no key is found here (check the indentation of this line and the ones before)",
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(faults(&text), expected, "{text}");
    }
}

const MANY: &str = "\
# é
version: 1
nmae: é
services:
  api: {engine: vllm, port: 99999, replicas: [a:1, b], enabled: \"é\", endpoint: x}
  batch:
    engine: [x]
    chanel: 1
  lab:
    engine: custom
    engine: vllm
receivers:
  oncall:
    slack:
      chanel: '#a'
    email:
      to: a@b.c
      from: x
";

#[test]
fn all_faults_of_a_file_are_reported_in_one_run() {
    let expected = [
        "3:1 unknown-key: unknown key `nmae` (did you mean `name`?)",
        "5:29 bad-value: expected a whole number from 0 to 65535, found the number `99999`",
        "5:52 bad-value: `b` has no port (write `b:8000`)",
        "5:65 wrong-type: expected `true` or `false`, found text `é`",
        "7:13 wrong-type: expected one of `vllm`, `tensorrt-llm` or `custom`, found a list",
        "8:5 unknown-key: unknown key `chanel` (the keys here are `engine`, `endpoint`, `replicas`, `port`, \
         `enabled`, `weight`, `discover` and `scrape_interval`)",
        "11:5 duplicate-key: `services.lab.engine` is defined twice (remove one of them, or give one another name)",
        "14:5 missing-key: missing key `webhook_url_file` (add `webhook_url_file: …` under `receivers.oncall.slack`)",
        "15:7 unknown-key: unknown key `chanel` (did you mean `channel`?)",
        "17:11 wrong-type: expected a list, found text `a@b.c` (write it as a list: `to: [a@b.c]`)",
    ];
    assert_eq!(faults(MANY), expected);
    assert_eq!(faults(&MANY.replace('\n', "\r\n")), expected);
}

#[test]
fn a_run_looks_like_rustc() {
    let (_, report, sources) =
        run("version: 1\nreceivers:\n  ops:\n    slack: {chanel: x, webhook_url_file: y}\n");
    let expected = "\
error[unknown-key]: unknown key `chanel`
 --> skymon.yaml:4:13
  |
4 |     slack: {chanel: x, webhook_url_file: y}
  |             ^^^^^^ not a key of `receivers.ops.slack`
  |
  = help: did you mean `channel`?

1 error
";
    assert_eq!(text::render(&report, &sources, false), expected);
}

#[test]
fn after_fifty_faults_the_reading_stops() {
    let items = (0..80).fold(String::new(), |text, n| format!("{text}k{n}: 1\n"));
    let (config, report, _) = run(&format!("version: 1\n{items}"));
    assert!(config.is_none());
    assert_eq!(report.iter().count(), 51);
    assert_eq!(report.iter().last().unwrap().message, "the reading stopped here; there may be more faults");
}

#[test]
fn a_large_file_with_many_faults_ends_soon() {
    let services: Vec<_> = (0..4_000).map(|n| format!("  s{n}: {{engine: vllm, port: x}}\n")).collect();
    let text = format!("version: 1\nservices:\n{}", services.concat());
    let start = Instant::now();
    assert!(!faults(&text).is_empty());
    if std::env::var_os("SHOW_TIMES").is_some() {
        println!("many faults: {:?} for {} bytes", start.elapsed(), text.len());
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let bomb = (1..40).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1)
    });
    assert_eq!(run(&bomb).1.iter().last().unwrap().id, "too-many-aliases");
}

#[test]
fn random_damage_never_panics() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).expect("small")
    };
    let letters: Vec<char> = " \n:-[]{}&*!|>'\"#%@?é~ab0,<\t\r".chars().collect();
    for _ in 0..1_000 {
        let mut text: Vec<char> = MANY.chars().collect();
        for _ in 0..=next() % 4 {
            let at = next() % text.len();
            match next() % 3 {
                0 => drop(text.remove(at)),
                1 => text.insert(at, letters[next() % letters.len()]),
                _ => text[at] = letters[next() % letters.len()],
            }
        }
        let text: String = text.into_iter().collect();
        let (_, report, sources) = run(&text);
        let shown = text::render(&report, &sources, false);
        assert!(!shown.is_empty() || run(&text).0.is_some(), "{text}");
        assert!(!shown.contains("travels apart") && !shown.contains("struct "), "{shown}");
        crate::diagnostics::json::render(&report, &sources);
    }
}
