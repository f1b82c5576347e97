//! The programs that will read the rendered files read them here: promtool (config, rules, rule tests), amtool and
//! docker compose. A file that its own program refuses is not rendered right, whatever else is tested.

mod support;

use std::fmt::Write as _;
use std::path::PathBuf;

use skymon::catalog::engines::Engines;
use support::project::{Project, files_below};
use support::tools::{self, Output};

/// Everything that the programs can say of a rendered stack without running it.
fn check_all(project: &Project) {
    check_files(project);
    test_rules(project).expect_success();
}

fn check_files(project: &Project) {
    let monitoring = project.path("monitoring");
    let rules = paths_of(project, "prometheus/rules");
    let with = |words: &[&str], files: &[String]| -> Vec<String> {
        words.iter().map(ToString::to_string).chain(files.iter().cloned()).collect()
    };
    tools::promtool(&["check", "config", "--syntax-only", "prometheus/prometheus.yml"], &monitoring)
        .expect_success();
    tools::promtool(&with(&["check", "rules", "--lint=all", "--lint-fatal"], &rules), &monitoring)
        .expect_success();
    tools::amtool(&["check-config", "alertmanager/alertmanager.yml"], &monitoring).expect_success();
    let said =
        tools::compose(&["-f", "docker-compose.yml", "config", "-q"], &monitoring, &[]).expect_success();
    assert_eq!(said.text(), "", "compose has nothing to say");
}

fn test_rules(project: &Project) -> Output {
    run_tests(project, |_| true)
}

/// The tests that span minutes: what is recorded of the engine's own series, and most alerts. Those that span hours and days
/// stand in files of their own and begin with what is recorded, which neither a version nor an interval changes.
fn test_short_rules(project: &Project) -> Output {
    run_tests(project, |path| !path.contains('+'))
}

fn run_tests(project: &Project, wanted: impl Fn(&str) -> bool) -> Output {
    let mut args = vec!["test".to_owned(), "rules".to_owned()];
    args.extend(paths_of(project, "prometheus/tests").into_iter().filter(|path| wanted(path)));
    tools::promtool(&args, &project.path("monitoring"))
}

/// The user's own rules are as they wrote them, and have their tests elsewhere.
fn is_own(path: &str) -> bool {
    path.contains("/extra/")
}

fn paths_of(project: &Project, folder: &str) -> Vec<String> {
    let files: Vec<PathBuf> = files_below(&project.path("monitoring").join(folder));
    assert!(!files.is_empty(), "{folder} is empty");
    files.iter().map(|path| format!("{folder}/{}", path.display())).collect()
}

#[test]
fn the_minimal_stack_is_accepted_and_its_alerts_fire_and_stay_quiet() {
    let project = Project::of_example("minimal");
    project.render();
    check_all(&project);
}

#[test]
fn the_tutorials_stack_is_accepted_and_its_alerts_fire_and_stay_quiet() {
    let project = Project::of_example("tutorial");
    project.render();
    check_all(&project);
}

#[test]
fn the_stack_with_every_key_is_accepted_and_its_alerts_fire_and_stay_quiet() {
    let project = Project::of_fixture("everything");
    project.render();
    check_all(&project);
}

/// One service with everything that alerts need, and the given lines.
fn service_with(interval: &str, engine: &str, lines: &str) -> Project {
    let project = Project::new(&format!(
        "version: 1\nname: x\nservices:\n  api:\n    engine: {engine}\n    replicas: [10.0.0.1:8000]\n    \
         endpoint: https://api.example.com\n    capacity: {{max_concurrency: 3}}\n{lines}\
         receivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\nroutes: {{critical: team, warning: team}}\n\
         heartbeat: {{url_file: secrets/heartbeat}}\nprometheus: {{scrape_interval: {interval}}}\n"
    ));
    project.render();
    project
}

#[test]
fn the_rule_tests_hold_whatever_the_interval() {
    for interval in ["1s", "7s", "1m"] {
        for engine in ["custom", "vllm"] {
            test_short_rules(&service_with(interval, engine, "")).expect_success();
        }
    }
}

#[test]
fn the_rule_tests_hold_for_every_version_of_an_engine() {
    for version in ["0.7.3", "0.8.5", "0.9.1", "0.10.2", "0.12", "0.16.0", "0.33.0"] {
        let line = format!("    engine_version: \"{version}\"\n");
        test_short_rules(&service_with("15s", "vllm", &line)).expect_success();
    }
}

#[test]
fn the_stack_with_every_engine_is_accepted_and_what_each_says_is_recorded() {
    let project = Project::of_fixture("engines");
    for engine in Engines::built_in().names() {
        assert!(
            project.read("skymon.yaml").contains(&format!("    engine: {engine}\n")),
            "{engine} is missing"
        );
    }
    project.render();
    check_all(&project);
}

/// One of each kind: from the last version with an old name to the first with a new one.
#[test]
fn the_rule_tests_hold_for_every_engine_in_the_versions_between_which_names_changed() {
    for (engine, versions) in [
        ("sglang", &["0.4.5", "0.4.9", "0.5.3", "0.5.23"][..]),
        ("tensorrt-llm", &["1.2.1", "1.3.0rc1"]),
        ("lmdeploy", &["0.9.2", "0.13", "0.18"]),
        ("nim", &["1.8", "2.0"]),
        ("llamacpp", &["b7010"]),
    ] {
        for version in versions {
            let line = format!("    engine_version: \"{version}\"\n");
            test_short_rules(&service_with("15s", engine, &line)).expect_success();
        }
    }
}

/// What a counter's first value says depends on whether it was born here or only found here. All replicas but the first
/// have had a million errors, long before.
#[test]
fn a_counter_that_is_born_counts_and_one_that_is_only_found_does_not() {
    let project = service_with("15s", "custom", "");
    let series = |replica: &str, more: &str, up: &str, errors: &str| {
        let labels = format!("service=\"api\", replica=\"{replica}\"{more}");
        format!(
            "      - {{series: 'up{{{labels}}}', values: '{up}'}}\n      \
             - {{series: 'inference_requests_total{{{labels}, endpoint=\"/v1\", status=\"500\"}}', values: '{errors}'}}\n"
        )
    };
    let input = [
        series("born", "", "1x120", "_x60 1x60"),
        series("new", "", "_x60 1x60", "_x60 1000000x60"),
        series("not reached once", "", "1x59 0 1x60", "1000000x59 stale 1000000x60"),
        series("while Prometheus was away", "", "1x40 _x40 1x40", "1000000x40 _x40 1000000x40"),
        series("restarted", "", "1x40 0x4 1x80", "1000000x40 stale _x20 1x64"),
        // The old ones go a few scrapes after the new ones have come.
        series("under new labels", "", "1x63 stale", "1000000x63 stale"),
        series("under new labels", ", team=\"ml\"", "_x60 1x60", "_x60 1000000x60"),
    ]
    .concat();
    project.write(
        "monitoring/prometheus/tests/births.yml",
        &format!(
            "rule_files: [../rules/api.yml]\nevaluation_interval: 15s\ngroup_eval_order: [api]\ntests:\n  \
             - interval: 15s\n    input_series:\n{input}    promql_expr_test:\n      \
             - {{expr: 'service_replica:errors:rate5m{{replica=\"born\"}} * 300', eval_time: 16m, exp_samples: [{{labels: '{{service=\"api\", replica=\"born\"}}', value: 1}}]}}\n      \
             - {{expr: 'service_replica:errors:rate5m{{replica=\"born\"}} * 300', eval_time: 25m, exp_samples: [{{labels: '{{service=\"api\", replica=\"born\"}}', value: 0}}]}}\n      \
             - {{expr: 'max_over_time(service_replica:errors:rate5m[30m]) * 300 > 1.5', eval_time: 30m, exp_samples: []}}\n      \
             - {{expr: 'count(max_over_time(service_replica:errors:rate5m[30m]))', eval_time: 30m, exp_samples: [{{labels: '{{}}', value: 6}}]}}\n"
        ),
    );
    tools::promtool(&["test", "rules", "prometheus/tests/births.yml"], &project.path("monitoring"))
        .expect_success();
}

#[test]
fn the_rule_tests_hold_under_every_kind_of_override() {
    let overrides = [
        "{HighErrorRate: {threshold: 0.1%, for: 0s, severity: info, min_requests: 0},
          HighLatency: {threshold: 300ms, for: 1s}, SlowFirstToken: {threshold: 1ms, for: 0s, min_requests: 0},
          SlowTokens: {threshold: 10ms, for: 1s}, QueueTooOld: {threshold: 300ms, for: 0s, min_requests: 0},
          QueueStuck: {for: 0s}, KvCacheFull: {threshold: 1%, for: 0s}, EngineAsleep: {for: 0s},
          Preempting: {threshold: 1%, for: 0s, min_requests: 0}, ServiceAsleep: {for: 0s, severity: info},
          ThroughputFell: {threshold: 1%, for: 0s, min_requests: 0},
          EndlessRetries: {threshold: 0.5, for: 0s, min_requests: 0}, ServiceDown: {for: 0s}, HighUtilization: {threshold: 99%},
          ReplicaRestarting: {threshold: 1, for: 90m}, MemoryGrowing: {threshold: 1%, for: 0s},
          CertificateExpiring: {threshold: 30d, for: 0s}, PrometheusRulesFailing: {for: 0s},
          ModelNotLoaded: {labels: {text: 'quotes \" and {{ braces }} and $1 # no'}},
          QueueGrowing: {threshold: 0.5, for: 0s}, AlertmanagerCannotDeliver: {enabled: false}}",
        "{HighErrorRate: {threshold: 0.99, for: 17m, severity: warning, min_requests: 100000, labels: {a: 'b'}},
          HighLatency: {threshold: 9.99s, for: 2h}, SlowFirstToken: {threshold: 2000s, for: 2h},
          SlowTokens: {threshold: 79s, for: 2h, min_requests: 9999}, QueueTooOld: {threshold: 1h, for: 1d},
          QueueStuck: {for: 2h}, KvCacheFull: {threshold: 99%, for: 2h}, EngineAsleep: {for: 1d},
          Preempting: {threshold: 99%, for: 2h}, ThroughputFell: {threshold: 99%, for: 1d, min_requests: 100000},
          EndlessRetries: {threshold: 100, for: 12h}, ServiceDown: {for: 1d, severity: warning},
          MemoryGrowing: {threshold: 90%, for: 12h}, CertificateExpiring: {threshold: 30d, for: 1d, severity: info},
          PrometheusRulesFailing: {for: 3h}, AlertmanagerCannotDeliver: {for: 2h, severity: warning},
          QueueGrowing: {threshold: 1000, for: 3h}}",
    ];
    for change in overrides {
        for engine in ["custom", "vllm"] {
            test_rules(&service_with("15s", engine, &format!("alerts: {change}\n"))).expect_success();
        }
    }
}

#[test]
fn a_service_may_have_any_name_that_is_legal() {
    let names =
        ["monitoring", "prometheus", "stack.yml", "a.b", "a-b", "A_b", "1", "no", "null", "22", "endpoint"];
    let service = |name: &&str| {
        format!("  '{name}': {{engine: custom, endpoint: 'https://x.example', replicas: [h:1]}}")
    };
    let services = names.iter().map(service).collect::<Vec<_>>().join("\n");
    let project = Project::new(&format!(
        "version: 1\nname: '0'\nservices:\n{services}\nreceivers: {{'no': {{webhook: {{url_file: s/u}}}}}}\n\
         routes: {{critical: 'no', warning: 'no'}}\n"
    ));
    project.render();
    check_files(&project);
    test_short_rules(&project).expect_success();
}

#[test]
fn the_rule_tests_hold_for_a_service_that_scales_to_zero() {
    test_rules(&service_with("15s", "vllm", "    scale: {min: 0}\n")).expect_success();
}

/// A rule test that cannot fail proves nothing: each of these breaks one rule as a slip of the pen would.
#[test]
fn the_rule_tests_notice_a_broken_rule() {
    let breaks = [
        (
            "api",
            "service:replicas_up:sum{service=\"api\"} == 0",
            "service:replicas_up:sum{service=\"api\"} > 9",
        ),
        ("api", "      or absent(service:replicas_up:sum{service=\"api\"})\n", ""),
        ("api", "> 0.05", "> 0.5"),
        ("api", "* 300 >= 20", "* 300 >= 0"),
        ("api", "severity\":\"critical\"", "severity\":\"crit\""),
        ("api", "for: \"2m\"", "for: \"1h\""),
        ("api", "for: \"5m\"", "for: \"0s\""),
        ("api", "status=~\"5..\"", "status=~\"4..\""),
        ("api", "sum by (service, le)", "max by (service, le)"),
        ("api", "or 0 * service_replica:requests:rate5m{service=\"api\"}", ""),
        ("api", "endpoint!~", "endpoint=~"),
        ("api", "offset 6h", "offset 6m"),
        ("api", "or 0 * (service_replica:up:max{service=\"api\"} == 1)", ""),
        ("api", ", replica!=\"\"", ""),
        ("api", "sum by (service) (service_replica:up:max", "count by (service) (service_replica:up:max"),
        ("api", "changes(", "resets("),
        ("api", "[1h]", "[1m]"),
        (
            "api",
            "/ (service:requests:rate5m{service=\"api\"} > 0)",
            "/ service:requests:rate5m{service=\"api\"}",
        ),
        ("api", "{service=\"api\"}) >= 0", "{service=\"api\"})"),
        ("api", "      and service:replicas_up:sum{service=\"api\"} > 0\n", ""),
        ("stack", "== 0", "== 2"),
        ("stack", "[10m]", "[10s]"),
    ];
    for (group, from, to) in breaks {
        let project = service_with("15s", "custom", "");
        let path = format!("monitoring/prometheus/rules/{group}.yml");
        let rules = project.read(&path);
        assert!(rules.contains(from), "`{from}` is not in {group}.yml");
        project.write(&path, &rules.replacen(from, to, 1));
        let tests = ["", "+long"].map(|suffix| format!("prometheus/tests/{group}{suffix}.yml"));
        let noticed = tests
            .iter()
            .filter(|test| project.path("monitoring").join(test).exists())
            .any(|test| tools::promtool(&["test", "rules", test], &project.path("monitoring")).status != 0);
        assert!(noticed, "nothing noticed that `{from}` became `{to}`");
    }
}

#[test]
fn every_alert_of_the_rules_has_a_test_in_which_it_fires() {
    let project = Project::of_fixture("everything");
    project.render();
    let tests: String = paths_of(&project, "prometheus/tests")
        .iter()
        .map(|path| project.read(&format!("monitoring/{path}")))
        .fold(String::new(), |all, text| all + &text);
    let mut alerts = 0;
    for path in paths_of(&project, "prometheus/rules").into_iter().filter(|path| !is_own(path)) {
        for line in project.read(&format!("monitoring/{path}")).lines() {
            if let Some(name) = line.trim().strip_prefix("- alert: ") {
                let name = name.trim_matches('"');
                assert!(
                    tests.contains(&format!("name: \"{name} fires")),
                    "{name} has no test in which it fires"
                );
                alerts += 1;
            }
        }
    }
    assert!(alerts > 40, "the stack with every key has many alerts, not {alerts}");
}

#[test]
fn every_expression_stands_in_a_block_and_reads_like_promql() {
    let project = Project::of_fixture("everything");
    project.render();
    for path in paths_of(&project, "prometheus").into_iter().filter(|path| !is_own(path)) {
        let text = project.read(&format!("monitoring/{path}"));
        for line in
            text.lines().filter(|line| line.trim_start().trim_start_matches("- ").starts_with("expr:"))
        {
            assert!(line.ends_with("expr: |"), "{path}: {line}");
        }
    }
}

#[test]
fn alertmanager_routes_each_severity_to_the_receiver_of_the_config() {
    let project = Project::of_fixture("everything");
    project.render();
    let mut said = String::new();
    for labels in [
        &["service=batch", "severity=critical"][..],
        &["service=batch", "severity=warning"],
        &["service=batch", "severity=info"],
        &["service=api", "severity=warning"],
        &["alertname=Watchdog", "severity=info"],
        &["alertname=AlertmanagerCannotDeliver", "severity=critical"],
        &["service=batch", "severity=nonsense"],
    ] {
        let mut args = vec!["config", "routes", "test", "--config.file=alertmanager/alertmanager.yml"];
        args.extend(labels);
        let output = tools::amtool(&args, &project.path("monitoring")).expect_success();
        writeln!(said, "{} -> {}", labels.join(" "), output.stdout.trim()).expect("writes to a string");
    }
    assert_eq!(
        said,
        "service=batch severity=critical -> oncall\n\
         service=batch severity=warning -> chat\n\
         service=batch severity=info -> hook\n\
         service=api severity=warning -> chat\n\
         alertname=Watchdog severity=info -> heartbeat\n\
         alertname=AlertmanagerCannotDeliver severity=critical -> chat,hook,oncall\n\
         service=batch severity=nonsense -> oncall\n"
    );
}
