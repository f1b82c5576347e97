//! The alerts of language models, on the raw series of a server that works as it should and of one in trouble: what each of
//! the rendered rule tests proves of one alert over the vocabulary, this proves of all of them together over the engine.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use skymon::catalog::engines::Engines;
use support::project::Project;
use support::tools;

/// One service of two replicas, and what else the config says.
fn service(engine: &str, lines: &str) -> Project {
    let project = Project::new(&format!(
        "version: 1\nname: models\nservices:\n  chat:\n    engine: {engine}\n    replicas: [a:8000, b:8000]\n{lines}\
         receivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\nroutes: {{critical: team, warning: team}}\n"
    ));
    project.render();
    project
}

/// What a vLLM server does, a second, or holds. A request in a hundred is as slow as the slow bound of its histogram.
#[derive(Clone, Copy)]
struct Server {
    requests: f64,
    errors: f64,
    aborted: f64,
    /// Bounds of buckets: most requests, and the slow tenth.
    latency: (&'static str, &'static str),
    first_token: (&'static str, &'static str),
    token: (&'static str, &'static str),
    in_queue: (&'static str, &'static str),
    tokens_out: f64,
    preemptions: f64,
    running: f64,
    queued: f64,
    kv_cache: f64,
    awake: f64,
}

/// Busy, and well: its cache is full, as vLLM means it, and requests queue for a moment now and then.
const WELL: Server = Server {
    requests: 4.0,
    errors: 0.01,
    aborted: 0.1,
    latency: ("15.0", "40.0"),
    first_token: ("0.25", "1.0"),
    token: ("0.025", "0.075"),
    in_queue: ("0.3", "0.8"),
    tokens_out: 1200.0,
    preemptions: 0.02,
    running: 60.0,
    queued: 0.0,
    kv_cache: 0.99,
    awake: 1.0,
};

/// What a server does, and for how many hours.
type Phase = (Server, u64);

const STEP: u64 = 120;

/// Both replicas under one phase after the other, as series of a rule test.
fn series(phases: &[Phase]) -> String {
    let mut lines = String::new();
    let mut add = |name: &str, labels: &str, of: &dyn Fn(&Server) -> f64, counts: bool| {
        for replica in ["a:8000", "b:8000"] {
            let mut total = 0.0;
            let courses: Vec<String> = phases
                .iter()
                .map(|(server, hours)| {
                    let (value, steps) = (of(server), hours * 3600 / STEP);
                    if !counts {
                        return format!("{value}x{}", steps - 1);
                    }
                    #[allow(clippy::cast_precision_loss, reason = "minutes")]
                    let (change, from) = (value * STEP as f64, total);
                    #[allow(clippy::cast_precision_loss, reason = "minutes")]
                    let all = change * steps as f64;
                    total += all;
                    format!("{from}+{change}x{}", steps - 1)
                })
                .collect();
            let labels = format!("service=\"chat\", replica=\"{replica}\"{labels}");
            writeln!(lines, "      - {{series: '{name}{{{labels}}}', values: '{}'}}", courses.join(" "))
                .expect("prints");
        }
    };
    let own = ", engine=\"0\", model_name=\"llama\"";
    add("up", "", &|_| 1.0, false);
    let answers = ", method=\"POST\", handler=\"/v1/chat/completions\"";
    add("http_requests_total", &format!("{answers}, status=\"2xx\""), &|s| s.requests - s.errors, true);
    add("http_requests_total", &format!("{answers}, status=\"5xx\""), &|s| s.errors, true);
    add("vllm:request_success_total", &format!("{own}, finished_reason=\"abort\""), &|s| s.aborted, true);
    add("vllm:generation_tokens_total", own, &|s| s.tokens_out, true);
    add("vllm:prompt_tokens_total", own, &|s| s.requests * 800.0, true);
    add("vllm:num_preemptions_total", own, &|s| s.preemptions, true);
    add("vllm:num_requests_running", own, &|s| s.running, false);
    add("vllm:num_requests_waiting", own, &|s| s.queued, false);
    add("vllm:kv_cache_usage_perc", own, &|s| s.kv_cache, false);
    add("vllm:engine_sleep_state", &format!("{own}, sleep_state=\"awake\""), &|s| s.awake, false);
    type Speed = fn(&Server) -> (&'static str, &'static str);
    let histograms: [(&str, Speed, f64); 4] = [
        ("vllm:e2e_request_latency_seconds", |s| s.latency, 1.0),
        ("vllm:time_to_first_token_seconds", |s| s.first_token, 1.0),
        ("vllm:inter_token_latency_seconds", |s| s.token, 300.0),
        ("vllm:request_queue_time_seconds", |s| s.in_queue, 1.0),
    ];
    for (name, speed, each) in histograms {
        let bounds: BTreeSet<&str> = phases
            .iter()
            .flat_map(|(server, _)| [speed(server).0, speed(server).1])
            .chain(["0.001", "+Inf"])
            .collect();
        for bound in bounds {
            let number = |bound: &str| bound.parse::<f64>().expect("a bound");
            let share = |server: &Server| {
                let (most, slow) = speed(server);
                match number(bound) {
                    bound if bound >= number(slow) => 1.0,
                    bound if bound >= number(most) => 0.9,
                    _ => 0.0,
                }
            };
            let count = |server: &Server| server.requests * each * share(server);
            add(&format!("{name}_bucket"), &format!("{own}, le=\"{bound}\""), &count, true);
        }
    }
    lines
}

/// The names of the alerts of the service that have fired at any time.
fn fired(project: &Project, phases: &[Phase]) -> BTreeSet<String> {
    let minutes = phases.iter().map(|(_, hours)| hours * 60).sum::<u64>() - 2;
    let test = format!(
        "rule_files: [rules/chat.yml]\nevaluation_interval: {STEP}s\ntests:\n  - interval: {STEP}s\n    input_series:\n{}    \
         promql_expr_test:\n      - eval_time: {minutes}m\n        \
         expr: count by (alertname) (count_over_time(ALERTS{{alertstate=\"firing\"}}[{minutes}m]))\n        exp_samples: []\n",
        series(phases)
    );
    project.write("monitoring/prometheus/all.yml", &test);
    let said = tools::promtool(&["test", "rules", "all.yml"], &project.path("monitoring/prometheus")).text();
    let names = said.split("alertname=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(said.contains("SUCCESS") || !names.is_empty(), "{said}");
    names
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_busy_server_that_is_well_pages_nobody() {
    let project = service("vllm", "");
    assert_eq!(fired(&project, &[(WELL, 2)]), names(&[]));
    // The night, and the morning after it.
    let night =
        Server { requests: 0.02, aborted: 0.0, errors: 0.01, tokens_out: 5.0, kv_cache: 0.02, ..WELL };
    assert_eq!(fired(&project, &[(WELL, 2), (night, 2)]), names(&[]));
    assert_eq!(fired(&project, &[(night, 25), (WELL, 2)]), names(&[]));
}

#[test]
fn a_server_in_trouble_has_the_alert_of_its_trouble_and_no_other() {
    let project = service("vllm", "");
    let troubles: [(&str, Server, &[&str]); 10] = [
        ("a slow start", Server { first_token: ("1.0", "20.0"), ..WELL }, &["SlowFirstToken"]),
        ("slow tokens", Server { token: ("0.1", "1.0"), ..WELL }, &["SlowTokens"]),
        (
            "more requests than it can run",
            Server { queued: 12.0, in_queue: ("15.0", "30.0"), first_token: ("20.0", "40.0"), ..WELL },
            &["KvCacheFull", "QueueGrowing", "QueueTooOld", "SlowFirstToken"],
        ),
        ("the same work twice", Server { preemptions: 1.0, ..WELL }, &["Preempting"]),
        (
            "asleep",
            Server {
                awake: 0.0,
                requests: 0.0,
                errors: 0.0,
                aborted: 0.0,
                tokens_out: 0.0,
                running: 0.0,
                ..WELL
            },
            &["EngineAsleep", "NoRequests", "ServiceAsleep"],
        ),
        (
            "an engine that hangs",
            Server {
                requests: 0.0,
                errors: 0.0,
                aborted: 0.0,
                tokens_out: 0.0,
                queued: 3.0,
                kv_cache: 0.5,
                ..WELL
            },
            &["NoRequests", "QueueStuck"],
        ),
        ("errors", Server { errors: 3.0, ..WELL }, &["HighErrorRate"]),
        (
            "errors that are tried again",
            Server { requests: 16.0, errors: 12.0, ..WELL },
            &["EndlessRetries", "HighErrorRate"],
        ),
        ("patience that ends", Server { requests: 16.0, aborted: 12.0, ..WELL }, &["EndlessRetries"]),
        ("impatient clients", Server { aborted: 3.5, ..WELL }, &[]),
    ];
    for (trouble, server, alerts) in troubles {
        assert_eq!(fired(&project, &[(WELL, 25), (server, 1)]), names(alerts), "{trouble}");
    }
}

#[test]
fn the_rule_tests_notice_when_an_alert_loses_a_condition() {
    let tokens = "      and service_replica:tokens_out:rate5m{service=\"chat\"} == 0\n";
    let waits = "      and service_replica:queued:sum{service=\"chat\"} > 0\n";
    let enough = "{service=\"chat\", le=\"+Inf\"} * 300 >= 20";
    let requests = "service:requests:ratio1w{service=\"chat\"} >= (1 + 0.5) / 2";
    let queue = "        or avg_over_time(service:queued:sum{service=\"chat\"}[1h]) >= 1\n";
    let aborted = " + service:aborted:rate5m{service=\"chat\"}";
    let multiplied = "service:requests:ratio1d{service=\"chat\"} > 2";
    let breaks = [
        ("QueueStuck", "", tokens, ""),
        ("KvCacheFull", "", waits, ""),
        ("SlowFirstToken", "", enough, "{service=\"chat\", le=\"+Inf\"} * 300 >= 0"),
        ("ThroughputFell", "+long", requests, "service:requests:ratio1w{service=\"chat\"} >= 0"),
        ("ThroughputFell", "+long", queue, ""),
        ("ThroughputFell", "+long", " / service:requests:ratio1w{service=\"chat\"} * 300", " * 300"),
        ("other days", "+week", "offset 7d", "offset 6d"),
        ("other days", "+week", "offset 1d", "offset 2d"),
        ("EndlessRetries", "", aborted, ""),
        ("EndlessRetries", "", multiplied, "service:requests:ratio1d{service=\"chat\"} > 0"),
    ];
    let project = service("vllm", "");
    let path = "monitoring/prometheus/rules/chat.yml";
    let rules = project.read(path);
    let test = |run: &str, suffix: &str| {
        let file = format!("prometheus/tests/chat{suffix}.yml");
        tools::promtool(&["test", "rules", "--run", run, &file], &project.path("monitoring")).status
    };
    for (run, suffix, from, to) in breaks {
        assert!(rules.contains(from), "`{from}` is not in the rules");
        project.write(path, &rules);
        assert_eq!(test(run, suffix), 0, "{run}");
        project.write(path, &rules.replacen(from, to, 1));
        assert_ne!(test(run, suffix), 0, "nothing noticed that `{from}` became `{to}`");
    }
}

#[test]
fn what_is_compared_with_other_days_is_only_there_if_they_are_kept() {
    let with = |retention: &str| {
        let project = service("vllm", &format!("prometheus: {{retention: {{time: {retention}}}}}\n"));
        project.read("monitoring/prometheus/rules/chat.yml")
    };
    assert!(with("8d").contains("ThroughputFell"));
    let short = with("7d");
    assert!(short.contains("EndlessRetries"), "{short}");
    assert!(!short.contains("ThroughputFell") && !short.contains("1w"), "{short}");
    assert!(!with("1d").contains("EndlessRetries"));

    let config = Project::new(
        "version: 1\nname: x\nservices:\n  chat:\n    engine: vllm\n    replicas: [a:8000]\n    \
         alerts: {ThroughputFell: {threshold: 30%}}\nreceivers: {team: {webhook: {url_file: secrets/url}}}\n\
         routes: {critical: team, warning: team}\nprometheus: {retention: {time: 7d}}\n",
    );
    let said = config.skymon(&["validate"]).text();
    assert!(said.contains("`ThroughputFell` does not exist for `chat`"), "{said}");
    assert!(said.contains("retention: {time: 8d}"), "{said}");
}

#[test]
fn a_threshold_outside_the_buckets_is_refused_with_the_buckets_and_what_changes_them() {
    let said = |engine: &str, alert: &str, threshold: &str| {
        let project = Project::new(&format!(
            "version: 1\nname: x\nservices:\n  chat:\n    engine: {engine}\n    replicas: [a:8000]\n    \
             alerts: {{{alert}: {{threshold: {threshold}}}}}\nreceivers: {{team: {{webhook: {{url_file: secrets/url}}}}}}\n\
             routes: {{critical: team, warning: team}}\n"
        ));
        project.skymon(&["validate"]).text()
    };
    let below = said("vllm", "HighLatency", "100ms");
    assert!(below.contains("`HighLatency` would fire at any traffic for `chat`"), "{below}");
    assert!(below.contains("write a threshold from 0.3s to below 7680s"), "{below}");
    assert!(below.contains("the buckets are 0.3, 0.5, 0.8, 1, 1.5, 2, …, 1920, 7680 seconds"), "{below}");
    assert!(below.contains("`custom_histogram_buckets` changes them"), "{below}");
    let beyond = said("custom", "HighLatency", "10s");
    assert!(beyond.contains("`HighLatency` could never fire for `chat`"), "{beyond}");
    assert!(beyond.contains("the buckets are 0.1, 0.25, 0.5, 1, 2.5, 5, 10 seconds"), "{beyond}");
    for (alert, threshold) in [("SlowFirstToken", "1h"), ("SlowTokens", "5ms"), ("QueueTooOld", "200ms")] {
        assert!(said("vllm", alert, threshold).contains("beyond-buckets"), "{alert}");
    }
    // The bounds themselves: the smallest is one that is measured, the largest is not.
    assert!(!said("vllm", "HighLatency", "300ms").contains("beyond-buckets"));
    assert!(said("vllm", "HighLatency", "7680s").contains("beyond-buckets"));
}

#[test]
fn engines_of_every_kind_share_one_overview_that_says_who_cannot_fill_what() {
    let project = Project::of_fixture("engines");
    project.render();
    let read = |path: &str| -> Value {
        serde_json::from_str(&project.read(&format!("monitoring/grafana/dashboards/{path}")))
            .expect("is JSON")
    };
    let overview = read("overview.json");
    let panels = overview["panels"].as_array().expect("has panels");
    let table = panels.iter().find(|panel| panel["title"] == "Services").expect("is there");
    let asked: Vec<&str> = table["targets"]
        .as_array()
        .expect("asks")
        .iter()
        .filter_map(|target| target["expr"].as_str())
        .collect();
    for series in [
        "service:replicas_up:sum",
        "service:requests:rate5m",
        "service:errors:ratio_rate5m",
        "service:latency_seconds:p99_rate5m",
        "service:time_to_first_token_seconds:p99_rate5m",
        "service:tokens_out:rate5m",
        "service:kv_cache_usage:max",
        "service:queued:sum",
        "service:queue_time_seconds:p95_rate5m",
    ] {
        assert!(asked.iter().any(|expr| expr.contains(series)), "{series}");
    }
    // Only what is recorded: the engines' own names would be a column for each of them.
    for expr in asked.iter().filter(|expr| !expr.contains("ALERTS") && !expr.contains("vector(1)")) {
        assert!(expr.contains("service:") || expr.contains("service_replica:"), "{expr}");
    }
    let description = table["description"].as_str().expect("says what it is");
    let says = |service: &str| {
        let mut lines = description.lines().filter_map(|line| line.strip_prefix("- "));
        lines.find(|line| {
            line.split(':').next().is_some_and(|names| names.split(", ").any(|name| name == service))
        })
    };
    assert!(says("custom").is_some_and(|line| line.contains("KV cache")), "{description}");
    assert!(says("vllm").is_some_and(|line| !line.contains("KV cache")), "{description}");
}

#[test]
fn what_an_engine_cannot_say_is_neither_alerted_on_nor_drawn() {
    let project = Project::of_fixture("engines");
    project.render();
    for engine in Engines::built_in().iter() {
        let rules = project.read(&format!("monitoring/prometheus/rules/{}.yml", engine.name));
        let page = project.read(&format!("monitoring/grafana/dashboards/service-{}.json", engine.name));
        for word in engine.cannot.keys() {
            for level in ["service", "service_replica"] {
                let series = format!("{level}:{word}:");
                assert!(!rules.contains(&series), "{}: `{series}` in its rules", engine.name);
                assert!(!page.contains(&series), "{}: `{series}` on its page", engine.name);
            }
        }
    }
}
