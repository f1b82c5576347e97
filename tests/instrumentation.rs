//! The module that measures a server of one's own, around real servers: several workers, load, streams, errors, clients
//! that leave, unknown paths. What it says is compared with what the clients saw, and then Prometheus reads it with the
//! rendered rules.

mod support;

#[path = "instrumentation/client.rs"]
mod client;
#[path = "instrumentation/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use skymon::catalog::engines::{Engine, MetricType};

use crate::client::{Asked, Load};
use crate::server::{Exposition, Kind, Server, python};
use crate::support::project::Project;
use crate::support::stack::{Stack, needs_a_past};
use crate::support::{tools, wait_until};

const SOON: Duration = Duration::from_secs(40);

const CONFIG: &str = "
version: 1
name: lab
services:
  chat: {engine: custom, instrumentation: python, replicas: ['IP:8001', 'IP:8002']}
receivers: {team: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
alerts: {HighLatency: {threshold: 4.2s}}
";

/// A stack with an instrumented service, rendered.
fn rendered(ip: &str) -> Project {
    let project = Project::new(&CONFIG.replace("IP", ip));
    project.write("secrets/slack", "http://127.0.0.1:9/services/T0/B0/x\n");
    project.render();
    project
}

/// What all kinds of users do, and some that are none.
fn load(kind: Kind) -> Load {
    let item = kind.route("/v1/items/{name}");
    let mut load = Load::default();
    load.add(60, Asked::post("/v1/completions?ms=30", "/v1/completions", 200).taking(30));
    load.add(24, Asked::get("/v1/stream?ms=100", "/v1/stream", 200).taking(300).streamed_after(100));
    for number in 0..30 {
        load.add(1, Asked::get(&format!("/v1/items/{number}?q={number}"), item, 200));
    }
    load.add(12, Asked::get("/v1/busy", "/v1/busy", 503));
    load.add(10, Asked::get("/v1/broken", "/v1/broken", 500));
    // The status line said 200, and the client has read it.
    load.add(10, Asked::get("/v1/breaks", "/v1/breaks", 200).ending_as(500).streamed_after(0));
    load.add(10, Asked::get("/v1/endless", "/v1/endless", 200).left());
    for number in 0..1000 {
        load.add(1, Asked::get(&format!("/wp-admin/x{number}.php"), "unmatched", 404));
    }
    load.add(20, Asked::get("/health", "", 200).uncounted());
    load.add(5, Asked::get("/metrics", "", 200).uncounted());
    load.add(5, Asked::method("OPTIONS", "/v1/completions").uncounted());
    load
}

/// The server under load, asked until it has counted everything that was begun.
#[track_caller]
fn measured(server: &Server, load: &Load) -> Exposition {
    wait_until("all requests are counted", SOON, || {
        let exposition = server.metrics();
        let all: f64 = exposition.all("inference_requests_total").values().sum();
        let is_whole = all >= load.counted().values().sum();
        (is_whole && exposition.get("inference_active_requests") == Some(0.0)).then_some(exposition)
    })
}

/// Everything that the module says of a load, against what the clients know of it.
#[track_caller]
fn agree(exposition: &Exposition, load: &Load) {
    let counted = exposition.all("inference_requests_total");
    let mut events = counted.clone();
    events.retain(|_, count| *count > 0.0);
    assert_eq!(events, load.counted());
    // Three series of each route and of `unmatched` begin at 0; a status of its own adds one. No more, whatever is asked.
    assert_eq!(counted.len(), 3 * 8 + 2, "{counted:#?}");

    let completions = load.count("/v1/completions");
    assert_eq!(exposition.get("inference_tokens_generated_total"), Some(7.0 * completions));
    let mut streams = BTreeSet::new();
    for (endpoint, seen) in load.seen() {
        let of = |name: &str| exposition.get(&format!("{name}{{endpoint=\"{endpoint}\"}}"));
        let count = load.count(&endpoint);
        assert_eq!(of("inference_request_duration_seconds_count"), Some(count), "{endpoint}");
        let took = of("inference_request_duration_seconds_sum").expect("is measured");
        // The server cannot have needed less than it slept, nor more than its clients waited, but for what a busy
        // machine adds between the last byte and the look at the clock.
        let least = seen.least.as_secs_f64();
        let most = seen.total.as_secs_f64() * 1.1 + 0.02 * count;
        assert!((least..=most).contains(&took), "{endpoint}: {took} is not within {least} and {most}");

        let first = of("inference_time_to_first_byte_seconds_count");
        assert_eq!(first, seen.is_stream.then_some(count), "{endpoint}");
        if seen.is_stream {
            streams.insert(endpoint.clone());
            let first = of("inference_time_to_first_byte_seconds_sum").expect("is measured");
            let least = seen.least_first.as_secs_f64();
            let most = seen.first_byte.as_secs_f64() * 1.1 + 0.02 * count;
            assert!((least..=most).contains(&first), "{endpoint}: {first} is not within {least} and {most}");
        }
    }
    assert_eq!(streams.len(), 3, "{streams:?}");
    let stream = |le: &str| {
        let name = "inference_request_duration_seconds_bucket";
        exposition.get(&format!("{name}{{endpoint=\"/v1/stream\",le=\"{le}\"}}"))
    };
    assert_eq!((stream("0.25"), stream("+Inf")), (Some(0.0), Some(24.0)), "a stream lasts to its end");
}

/// Counts and times of several workers are those of the clients, and 1,000 paths of strangers are one endpoint.
#[track_caller]
fn check_under_load(kind: Kind, ip: &str) {
    let project = rendered(ip);
    let server = Server::start(kind, &project, &format!("{ip}:8001"));
    let mut load = load(kind);
    load.run(server.addr());
    agree(&measured(&server, &load), &load);
}

#[test]
fn under_flask_and_gunicorn_its_numbers_are_those_of_the_clients() {
    check_under_load(Kind::Flask, "127.88.1.1");
}

#[test]
fn under_fastapi_and_uvicorn_its_numbers_are_those_of_the_clients() {
    check_under_load(Kind::FastApi, "127.88.2.1");
}

#[test]
fn one_process_without_a_folder_says_the_same() {
    let ip = "127.88.3.1";
    let project = rendered(ip);
    let server = Server::start(Kind::OneProcess, &project, &format!("{ip}:8001"));
    let mut load = load(Kind::OneProcess);
    load.run(server.addr());
    let exposition = measured(&server, &load);
    agree(&exposition, &load);
    check_engine(&project, &exposition);
}

/// A worker that ends takes its open requests along and leaves its counts; one that cannot answer is seen from any other.
#[track_caller]
fn check_workers(kind: Kind, ip: &str) {
    let project = rendered(ip);
    let server = Server::start(kind, &project, &format!("{ip}:8001"));
    let addr = server.addr();
    let running = || server.metrics();
    let mut first = Load::default();
    first.add(40, Asked::post("/v1/completions?ms=10", "/v1/completions", 200).taking(10));
    first.run(addr);
    let before = measured(&server, &first);
    let loaded = |value: f64| {
        wait_until("all workers have a model, or one has none", SOON, || {
            (running().get("inference_model_loaded") == Some(value)).then_some(())
        });
    };
    // One that has yet to start has none.
    loaded(1.0);
    let ask = |path: &str| client::ask(addr, "POST", path);
    assert_eq!(ask("/v1/load?loaded=0").status, 200);
    loaded(0.0);
    // Whichever process gets it: in the end there is none without a model.
    wait_until("all have a model again", SOON, || {
        ask("/v1/load?loaded=1");
        (running().get("inference_model_loaded") == Some(1.0)).then_some(())
    });

    let unfinished = client::begin(addr, "/v1/endless");
    wait_until("a request runs", SOON, || {
        (running().get("inference_active_requests") == Some(1.0)).then_some(())
    });
    // Until the one that serves it has died.
    wait_until("its worker ends", SOON, || {
        client::ask_in_vain(addr, "/v1/die");
        let now = client::try_metrics(addr)?;
        (now.get("inference_active_requests") == Some(0.0)).then_some(())
    });
    drop(unfinished);
    loaded(1.0);
    let start = "process_start_time_seconds";
    // What preloaded workers are forked from runs on; another worker starts anew, in its own time.
    if !matches!(kind, Kind::Preloaded) {
        wait_until("a worker starts in its place, which is a restart", SOON, || {
            (running().get(start) > before.get(start)).then_some(())
        });
    }

    let after = running();
    let grows = |name: &str| {
        let (old, new) = (before.get(name), after.get(name));
        assert!(old.is_some() && new >= old, "{name}: {old:?}, then {new:?}");
    };
    grows("inference_requests_total{endpoint=\"/v1/completions\",status=\"200\"}");
    grows("inference_tokens_generated_total");
    grows("process_cpu_seconds_total");
    if matches!(kind, Kind::Preloaded) {
        assert_eq!(after.get(start), before.get(start));
    }
    // Each of the workers is there with some 20 MB or more.
    assert!(after.get("process_resident_memory_bytes") > Some(30e6), "{after:?}");
}

#[test]
fn a_worker_of_gunicorn_that_dies_is_forgotten_and_its_counts_are_not() {
    check_workers(Kind::Flask, "127.88.4.1");
}

#[test]
fn a_worker_of_uvicorn_that_dies_is_forgotten_and_its_counts_are_not() {
    check_workers(Kind::FastApi, "127.88.5.1");
}

#[test]
fn workers_that_are_forked_with_the_model_have_it_and_the_process_that_forked_them_is_none() {
    check_workers(Kind::Preloaded, "127.88.6.1");
}

#[test]
fn a_request_ends_as_it_ended_whatever_the_server_does() {
    let project = rendered("127.88.7.1");
    let mut command = python(&project);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/instrumentation/corners.py");
    let output = tools::run(command.args(["-W", "error", script]));
    let output = output.expect_success();
    assert!(output.stderr.contains("\nOK\n"), "{}", output.text());
}

/// Names, types, labels and buckets of the module are those of the engine that the rules are made for.
#[track_caller]
fn check_engine(project: &Project, exposition: &Exposition) {
    let engine = Engine::instrumented(&[("latency_seconds", 4.2)]);
    let promised = |name: &str| name.starts_with("inference_") || engine.metrics.contains_key(name);
    let created = |name: &str| name.ends_with("_created");
    let said: BTreeSet<&str> =
        exposition.types.keys().map(String::as_str).filter(|name| promised(name) && !created(name)).collect();
    assert_eq!(said, engine.metrics.keys().map(String::as_str).collect());

    let tests = project.read("monitoring/prometheus/tests/chat.yml");
    for (name, metric) in &engine.metrics {
        let kind = match metric.r#type {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
        };
        assert_eq!(exposition.types[name], kind, "{name}");
        let labels: BTreeSet<String> = metric.labels.iter().cloned().collect();
        if kind != "histogram" {
            assert_eq!(exposition.labels(name), labels, "{name}");
            continue;
        }
        let bucket = format!("{name}_bucket");
        let with_le = labels.into_iter().chain(["le".to_owned()]).collect();
        assert_eq!(exposition.labels(&bucket), with_le, "{name}");
        let bounds: BTreeSet<String> = metric.buckets.iter().cloned().chain(["+Inf".to_owned()]).collect();
        assert_eq!(exposition.values(&bucket, "le"), bounds, "{name}");
        // What the rendered tests feed has the same.
        let fed =
            tests.lines().filter_map(|line| line.split_once(&format!("{bucket}{{"))).map(|(_, rest)| {
                let (_, rest) = rest.split_once("le=\\\"").expect("a bucket has `le`");
                rest.split("\\\"").next().expect("ends").to_owned()
            });
        assert_eq!(fed.collect::<BTreeSet<_>>(), bounds, "{name}");
    }
}

#[test]
fn every_series_that_the_rules_need_comes_from_the_module_with_the_right_size() {
    let ip = "127.88.8.1";
    let project = rendered(ip);
    let flask = Server::start(Kind::Flask, &project, &format!("{ip}:8001"));
    let fastapi = Server::start(Kind::FastApi, &project, &format!("{ip}:8002"));
    let stack = Stack::start(&project.path("monitoring"), ip);
    let servers = [(&flask, Kind::Flask), (&fastapi, Kind::FastApi)];
    let [mut first, mut second] = servers.map(|(_, kind)| load(kind));
    let mut run = || {
        first.run(flask.addr());
        second.run(fastapi.addr());
    };
    // A series that begins with its first event has no rate of it: the routes are made known first.
    run();
    let requests = "sum(inference_requests_total{service=\"chat\", endpoint!=\"unmatched\"})";
    let total = |expected: f64| {
        wait_until("Prometheus has seen all", SOON, || {
            stack.query(requests).first().is_some_and(|(_, value)| *value >= expected).then_some(())
        });
    };
    total(2.0 * 156.0);
    let again = Instant::now();
    run();
    total(4.0 * 156.0);
    let elapsed = again.elapsed().as_secs_f64();

    let rules = stack.prometheus("/api/v1/rules");
    let groups = rules["groups"].as_array().expect("a list");
    let all = groups.iter().flat_map(|group| group["rules"].as_array().expect("a list"));
    let mut recorded = 0;
    for rule in all.filter(|rule| rule["type"] == "recording") {
        let name = rule["name"].as_str().expect("a name");
        if name.starts_with("service") && !needs_a_past(name) {
            wait_until(&format!("`{name}` is recorded"), SOON, || {
                stack.query(&format!("{name}{{service=\"chat\"}}")).first().map(|_| ())
            });
            recorded += 1;
        }
    }
    assert!(recorded > 30, "only {recorded} series are recorded");

    let value = |expr: &str| stack.query(&format!("{expr}{{service=\"chat\"}}")).first().expect(expr).1;
    // 32 of 156 failed, 10 were given up.
    let ratio = value("service:errors:ratio_rate5m");
    assert!((ratio - 32.0 / 156.0).abs() < 0.02, "{ratio}");
    let aborted = value("service:aborted:rate5m") / value("service:requests:rate5m");
    assert!((aborted - 10.0 / 156.0).abs() < 0.02, "{aborted}");
    let busy = value("service:requests:rate5m");
    assert!(busy > 0.0 && busy < 4.0 * 156.0 / elapsed.min(60.0), "{busy}");
    let first_token = value("service:time_to_first_token_seconds:p95_rate5m");
    assert!((0.1..2.0).contains(&first_token), "{first_token}");
    for (name, expected) in [("service:model_ready:min", 1.0), ("service:replicas_up:sum", 2.0)] {
        wait_until(name, SOON, || ((value(name) - expected).abs() < 1e-9).then_some(()));
    }

    // All that an alert of the service asks for is there.
    let rules = project.read("monitoring/prometheus/rules/chat.yml");
    let rules: Value = serde_yaml::from_str(&rules).expect("is YAML");
    let alerts = rules["groups"][0]["rules"].as_array().expect("a list").iter();
    let mut asked = 0;
    for rule in alerts.filter(|rule| rule["alert"].is_string()) {
        let expr = skymon::promql::PromQl::parse(rule["expr"].as_str().expect("text")).expect("is PromQL");
        for metric in expr.metrics().iter().filter(|metric| !needs_a_past(metric)) {
            assert!(!stack.query(&format!("{metric}{{service=\"chat\"}}")).is_empty(), "{metric}: {rule}");
            asked += 1;
        }
    }
    assert!(asked >= 10, "only {asked} series feed the alerts");
    for (server, _) in servers {
        check_engine(&project, &server.metrics());
    }
}
