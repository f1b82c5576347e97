//! Flags and features: what a program takes in its command, and what it refuses.

use std::process::Command;

use crate::support::tools;
use crate::{count, found};

/// A program, its image, and flags of Debian's build alone.
const PROGRAMS: [(&str, &str, &[&str]); 4] = [
    ("prometheus", "prom/prometheus", &["web.local-assets"]),
    ("alertmanager", "prom/alertmanager", &["web.ui-path"]),
    ("blackbox_exporter", "prom/blackbox-exporter", &[]),
    ("node_exporter", "prom/node-exporter", &[]),
];

#[test]
fn every_flag_that_a_program_names_in_its_help_is_taken() {
    for (program, image, own) in PROGRAMS {
        let said = tools::run(Command::new(tools::tool(program)).arg("--help")).text();
        let version = tools::run(Command::new(tools::tool(program)).arg("--version")).text();
        let version = version.split_whitespace().nth(2).expect("says its version").split('+').next();
        let mut words = Vec::new();
        for word in said.lines().flat_map(|line| line.trim_start().split(", ")) {
            let Some(flag) =
                word.strip_prefix("--").map(|flag| flag.split_whitespace().next().unwrap_or_default())
            else {
                continue;
            };
            let (name, value) =
                flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
            let plain = name.strip_prefix("[no-]").unwrap_or(name);
            let is_known = plain.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            if !is_known
                || plain.ends_with('.')
                || own.contains(&plain)
                || matches!(plain, "help" | "help-long" | "version")
            {
                continue;
            }
            // Where switches are marked, a flag without a mark has its value on the next line.
            let is_switch = plain != name || value.is_none() && !said.contains("[no-]");
            words.push(match value {
                _ if is_switch => format!("--{plain}"),
                Some(value) => format!("--{plain}={}", of_its_kind(plain, value.trim_matches('"'))),
                None => format!("--{plain}=1"),
            });
            if plain != name {
                words.push(format!("--no-{plain}"));
            }
        }
        assert!(words.len() >= 10, "{program}: only {words:?}");
        let image = format!("{image}:v{}", version.expect("has one"));
        let text = format!("services: {{p: {{image: '{image}', command: {words:?}}}}}\n");
        let refused: Vec<String> = found(&[("docker-compose.yml", &text)])
            .into_iter()
            .filter(|said| said.starts_with("flag-refused"))
            .collect();
        assert_eq!(refused, Vec::<String>::new(), "{program}");
    }
}

/// The default as a help says it, or where it stands for one in words, a value that the flag takes.
fn of_its_kind<'v>(flag: &str, value: &'v str) -> &'v str {
    let is_name =
        value.starts_with('<') || value.chars().all(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    match flag {
        _ if !is_name => value,
        _ if flag.ends_with("size") => "1GB",
        _ if flag.contains("time") || flag.contains("deadline") || flag.contains("frequency") => "1h",
        _ => "1",
    }
}

#[test]
fn what_a_program_refuses_is_said_before_it_is_started() {
    let refused: [(&str, &[&str]); 29] = [
        ("prometheus", &["--storage.tsdb.retention.time=30"]),
        ("prometheus", &["--storage.tsdb.retention.time", "30D"]),
        ("prometheus", &["--storage.tsdb.retention.size=512M"]),
        ("prometheus", &["--storage.tsdb.retention.size=1024"]),
        ("prometheus", &["--query.timeout=1"]),
        ("prometheus", &["--query.max-samples=many"]),
        ("prometheus", &["--query.max-samples=0x10"]),
        ("prometheus", &["--query.max-samples=50__000"]),
        ("prometheus", &["--rules.max-concurrent-evals=1.5"]),
        ("prometheus", &["--log.level=WARNING"]),
        ("prometheus", &["--log.level=warning"]),
        ("prometheus", &["--log.format=jsn"]),
        ("alertmanager", &["--data.maintenance-interval=1"]),
        ("alertmanager", &["--data.retention=5 days"]),
        ("alertmanager", &["--log.level=trace"]),
        ("blackbox_exporter", &["--history.limit=all"]),
        ("node_exporter", &["--collector.filesystem.mount-timeout=5"]),
        ("prometheus", &["--storage.tsdb.retention=1d"]),
        ("prometheus", &["--web.enable-lifecycle=true"]),
        ("prometheus", &["-config.file=x"]),
        ("prometheus", &["prometheus"]),
        ("prometheus", &["--config.file"]),
        ("prometheus", &["--no-config.file=x"]),
        ("prometheus", &["--storage.tsdb.path", "--web.enable-lifecycle"]),
        ("prometheus", &["--alertmanager.timeout=1s"]),
        ("alertmanager", &["--web.listen-addres=127.0.0.1:0"]),
        ("alertmanager", &["--cluster.peers=x"]),
        ("blackbox_exporter", &["--config.path=x"]),
        ("node_exporter", &["--no-collector.nosuch"]),
    ];
    for (program, words) in refused {
        let (_, image, _) = PROGRAMS.iter().find(|(name, ..)| *name == program).expect("is listed");
        let said = tools::run(Command::new(tools::tool(program)).args(words));
        assert!(
            said.status != 0 && ["error: ", "Error parsing"].iter().any(|word| said.stderr.contains(word)),
            "{program} takes {words:?}: {}",
            said.stderr
        );
        let tag = match program {
            "prometheus" => "v3.5.0",
            "alertmanager" => "v0.33.1",
            "blackbox_exporter" => "v0.28.0",
            _ => "v1.11.1",
        };
        let text = format!("services: {{p: {{image: '{image}:{tag}', command: {words:?}}}}}\n");
        assert_eq!(count("flag-refused", &text), 1, "{text}");
    }
}

#[test]
fn a_feature_that_a_program_does_not_know_is_told_where_it_is_nearly_one() {
    let features = |image: &str, value: &str| {
        let text = format!("services: {{p: {{image: '{image}', command: ['--enable-feature={value}']}}}}\n");
        found(&[("docker-compose.yml", &text)])
            .into_iter()
            .filter(|said| said.starts_with("flag-refused"))
            .collect::<Vec<_>>()
    };
    let unknown = |program: &str, value: &str| {
        let flag = format!("--enable-feature={value}");
        let words = [flag.as_str(), "--config.file=/nowhere"];
        let said = tools::run(Command::new(tools::tool(program)).args(words)).text().to_lowercase();
        said.matches("unknown option").count()
    };
    for (program, image, value, count) in [
        ("prometheus", "prom/prometheus:v3.5.0", "extra-scrape-metric", 1),
        ("prometheus", "prom/prometheus:v3.5.0", "extra_scrape_metrics,concurrent-rule-evl", 2),
        ("prometheus", "prom/prometheus:v3.5.0", "exemplar-storage, promql-experimental-functions", 1),
        ("prometheus", "prom/prometheus:v3.5.0", "exemplar-storage,native-histograms,delayed-compaction", 0),
        ("alertmanager", "prom/alertmanager:v0.33.1", "receiver-names-in-metrics", 1),
        ("alertmanager", "prom/alertmanager:v0.33.1", "utf8_strict_mode", 1),
        ("alertmanager", "prom/alertmanager:v0.33.1", "receiver-name-in-metrics,utf8-strict-mode", 0),
    ] {
        assert_eq!(unknown(program, value), count, "{program} {value}");
        assert_eq!(features(image, value).len(), count, "{value}");
    }
    // One of a newer release, one of an older, and one of which nobody knows.
    for fine in ["promql-everything-faster", "promql-at-modifier", "xor2-encoding", "${FEATURES}", ""] {
        assert_eq!(features("prom/prometheus:v3.5.0", fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn flags_are_judged_only_by_a_version_and_a_start_that_are_known() {
    let of = |service: &str| count("flag-refused", &format!("services: {{p: {{{service}}}}}\n"));
    let old = "command: [--storage.tsdb.retention=1d]";
    assert_eq!(of(&format!("image: 'prom/prometheus:v3.0.1', {old}")), 1);
    for fine in [
        format!("image: 'prom/prometheus:v2.55.1', {old}"),
        format!("image: prom/prometheus, {old}"),
        format!("image: 'prom/prometheus:latest', {old}"),
        format!("image: 'prom/prometheus:v9.9.9', {old}"),
        format!("image: 'mine/prometheus:v3.5.0', {old}"),
        format!("image: 'prom/prometheus:v3.5.0', entrypoint: [/start], {old}"),
        "image: 'prom/prometheus:v3.5.0', command: ['--config.file', /etc/prometheus/prometheus.yml]"
            .to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: [--version, what, ever]".to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: ['--query.timeout=1m30s', --storage.tsdb.retention.size=1.5GiB, '--log.level=${L}']".to_owned(),
        "image: 'prom/alertmanager:v0.33.1', command: [--data.retention=1h30m, --data.maintenance-interval=1.5h]".to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: ['${FLAGS}', --nosuch]".to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: [--log.level=INFO, --query.max-samples=50_000_000]".to_owned(),
        "image: 'prom/blackbox-exporter:v0.28.0', command: [--history.limit=0x10]".to_owned(),
    ] {
        assert_eq!(of(&fine), 0, "{fine}");
    }
}
