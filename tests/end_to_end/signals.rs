//! Replicas that answer, but badly: errors, waiting, no model, no room. And what looks like it and is not.

use std::thread::sleep;
use std::time::Duration;

use crate::support::http;
use crate::support::lab::{
    Lab, firing, slack_titles, wait_for_replicas, wait_for_slack, wait_until_fires, wait_until_is,
};

/// All three services fail requests. One has users; one has five requests; one only has its own machinery, which the
/// tutorial's middleware counts too.
#[test]
fn an_error_burst_is_told_in_percent_while_thin_traffic_and_failing_health_checks_stay_quiet() {
    let lab = Lab::new(
        "127.84.5.1",
        "
version: 1
name: lab
services:
  chat: {engine: custom, replicas: ['IP:8001']}
  thin: {engine: custom, replicas: ['IP:8002']}
  machinery: {engine: custom, replicas: ['IP:8003', 'IP:8004']}
receivers: {team: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
alerts: {HighErrorRate: {for: 1s}}
",
    );
    let slack = lab.slack();
    let [chat, thin, metrics, health] = [8001, 8002, 8003, 8004].map(|port| lab.replica(port));
    metrics.load(|load| load.endpoint = "/metrics");
    health.load(|load| load.endpoint = "/health");
    thin.load(|load| load.answer = 500);
    lab.render();
    lab.hurry();
    let running = lab.start();
    for (service, replicas) in [("chat", 1.0), ("thin", 1.0), ("machinery", 2.0)] {
        wait_for_replicas(&running, service, replicas);
    }
    for replica in [&metrics, &health] {
        replica.load(|load| (load.requests_per_second, load.error_share) = (100.0, 1.0));
    }
    let fail = || {
        let url = format!("http://{}/v1/completions", thin.addr());
        assert_eq!(http::post(&url, &serde_json::json!({})).expect("an answer").0, 500);
    };
    // The first event makes the series; only what comes after it is an increase.
    fail();
    wait_until_is(&running, "sum(inference_requests_total{service=\"thin\", status=\"500\"})", 1.0);
    (0..5).for_each(|_| fail());
    wait_until_is(&running, "service:errors:ratio_rate5m{service=\"thin\"}", 1.0);
    wait_until_is(
        &running,
        "sum(rate(inference_requests_total{service=\"machinery\", status=\"500\"}[5m])) * 300 > bool 200",
        1.0,
    );
    chat.load(|load| (load.requests_per_second, load.error_share) = (50.0, 0.3));

    let post = wait_for_slack(&slack, "[CRITICAL] chat fails 30% of its requests");
    assert!(
        post.text.contains(
            "30% of the requests to chat ended in a server error during the last 5 minutes (threshold: 5%)."
        ),
        "{post:?}"
    );
    assert!(post.text.contains("*HighErrorRate* · service `chat`"), "{post:?}");

    // The other two had their errors before `chat` had, and would have been told before it or right after.
    sleep(Duration::from_secs(4));
    let services: Vec<String> = firing(&running).into_iter().map(|(_, service)| service).collect();
    assert!(!services.iter().any(|service| service == "thin" || service == "machinery"), "{services:?}");
    assert_eq!(slack_titles(&slack), ["[CRITICAL] chat fails 30% of its requests"]);
}

#[test]
fn slow_answers_a_missing_model_and_full_replicas_are_told_with_the_value_and_every_replica() {
    let lab = Lab::new(
        "127.84.6.1",
        "
version: 1
name: lab
services:
  slow: {engine: custom, replicas: ['IP:8001']}
  empty: {engine: custom, replicas: ['IP:8002', 'IP:8003', 'IP:8004']}
  full: {engine: custom, replicas: ['IP:8005', 'IP:8006'], capacity: {max_concurrency: 8}}
receivers:
  oncall: {slack: {webhook_url_file: secrets/slack}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
alerts:
  HighLatency: {for: 1s, threshold: 1.2s}
  ModelNotLoaded: {for: 1s}
  HighUtilization: {for: 1s}
",
    );
    let slack = lab.slack();
    let replicas = [8001, 8002, 8003, 8004, 8005, 8006].map(|port| lab.replica(port));
    let [slow, empty, also_empty, _loaded, full, also_full] = &replicas;
    lab.render();
    lab.hurry();
    let running = lab.start();
    for (service, count) in [("slow", 1.0), ("empty", 3.0), ("full", 2.0)] {
        wait_for_replicas(&running, service, count);
    }
    assert_eq!(slack_titles(&slack), [""; 0]);

    slow.load(|load| (load.requests_per_second, load.latency) = (50.0, 2.0));
    for replica in [empty, also_empty] {
        replica.load(|load| load.model_loaded = false);
    }
    for replica in [full, also_full] {
        replica.load(|load| load.active_requests = 7.0);
    }
    // All requests fall between the buckets of 1 s and 2.5 s.
    let post = wait_for_slack(&slack, "[WARNING] slow is slow: p99 is 2.485s");
    assert!(
        post.text.contains("took longer than 2.485s during the last 5 minutes (threshold: 1.2s)."),
        "{post:?}"
    );
    assert_eq!(post.color, "warning");
    let post = wait_for_slack(&slack, "[WARNING] full uses 87.5% of its capacity");
    assert!(post.text.contains("(threshold: 80%)"), "{post:?}");

    let title = "[CRITICAL × 2] replica 127.84.6.1:8002 of empty runs without its model";
    let post = wait_for_slack(&slack, title);
    for replica in ["127.84.6.1:8002", "127.84.6.1:8003"] {
        assert!(
            post.text.contains(&format!("*ModelNotLoaded* · service `empty` · replica `{replica}`")),
            "{post:?}"
        );
    }
    assert!(!post.text.contains("127.84.6.1:8004"), "{post:?}");
    wait_until_fires(&running, "ModelNotLoaded", "empty");
}
