//! Whatever answers in the place of the programs: a finding, never a panic, and always an end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fakes::Receiver;
use crate::support::http::{Fault, Reply, Request, Server};
use crate::support::lab::Lab;
use crate::{LIVE, expect, findings, findings_of};

const CONFIG: &str = "
version: 1
name: lab
services:
  chat: {engine: custom, replicas: ['IP:8001']}
receivers:
  team: {slack: {webhook_url_file: secrets/slack}}
routes: {critical: team, warning: team}
allow: {localhost-in-container: {prometheus/targets/chat.yml: the test has no other machine}}
";

fn lab(ip: &'static str) -> Lab {
    let lab = Lab::new(ip, CONFIG);
    lab.write("secrets/slack", "x");
    lab.write("secrets/grafana_admin_password", "x");
    lab
}

/// A Prometheus without anything, but for what `other` answers.
fn prometheus(
    lab: &Lab,
    yaml: &str,
    other: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    let yaml = yaml.to_owned();
    Server::start(lab.addr(9090), move |request: &Request| {
        if let Some(reply) = other(&request.path) {
            return reply;
        }
        let path = request.path.split('?').next().unwrap_or_default();
        let data = match path {
            "/-/ready" => return Reply::text(200, "ready"),
            "/api/v1/status/buildinfo" => json!({"version": "3.5.0"}),
            "/api/v1/status/config" => json!({"yaml": yaml}),
            "/api/v1/status/runtimeinfo" => json!({"reloadConfigSuccess": true}),
            "/api/v1/targets" => json!({"activeTargets": []}),
            "/api/v1/rules" => json!({"groups": []}),
            "/api/v1/targets/metadata" => json!([]),
            "/api/v1/alertmanagers" => json!({"activeAlertmanagers": []}),
            _ => json!({"resultType": "vector", "result": []}),
        };
        Reply::json(200, &json!({"status": "success", "data": data}))
    })
}

fn alertmanager(lab: &Lab, config: &str, date: Option<&'static str>) -> Server {
    let status = json!({"versionInfo": {"version": "0.28.0"}, "config": {"original": config}});
    Server::start(lab.addr(9093), move |request: &Request| {
        let reply = match request.path.as_str() {
            "/-/ready" => Reply::text(200, "OK"),
            "/api/v2/status" => Reply::json(200, &status),
            _ => Reply::metrics(200, "alertmanager_config_last_reload_successful 1\n".to_owned()),
        };
        match date {
            Some(date) => reply.with_header("Date", date),
            None => reply,
        }
    })
}

const RUNS: &str = "global: {external_labels: {stack: lab}}\n";

#[test]
fn where_nobody_or_somebody_else_answers_nothing_is_missing() {
    let lab = lab("127.84.42.1");
    let (status, found) = findings(&lab);
    assert_eq!(status, 2);
    expect(
        &found,
        &[
            "error not-reached",
            "cannot reach Prometheus at `http://127.84.42.1:9090/`: Connection refused",
            "`--prometheus`",
        ],
    );
    expect(&found, &["error not-reached", "cannot reach Alertmanager"]);
    assert_eq!(found.len(), 3, "{found:#?}");
    // The usual addresses are those of the config.
    let (status, found) = findings_of(&lab, "validate --live");
    assert_eq!(status, 2);
    expect(
        &found,
        &[
            "error not-reached",
            "`http://127.0.0.1:9090/`",
            "docker compose -f monitoring/docker-compose.yml up -d --wait",
        ],
    );

    for (reply, id, why) in [
        (Reply::text(200, "<html>welcome</html>"), "not-the-program", "it is not Prometheus"),
        (Reply::text(500, "oops"), "not-the-program", "`/-/ready` gives 500"),
        (Reply::text(503, "wait"), "not-reached", "is not ready yet"),
        (Reply::text(401, ""), "not-the-program", "wants to know who asks"),
        (Reply::text(200, "x").with_fault(Fault::Bare), "not-reached", "cannot reach Prometheus"),
    ] {
        let _other = Receiver::start(lab.addr(9090), reply);
        let (status, found) = findings(&lab);
        assert_eq!(status, 2);
        expect(&found, &[&format!("error {id}"), why]);
        assert!(!found.iter().any(|line| line.contains("not-loaded")), "{found:#?}");
    }
    // In every format.
    for format in ["human", "sarif", "github", "junit"] {
        let said = lab.skymon(&format!("{LIVE} --format {format}"));
        assert_eq!(said.status, 2);
        assert!(said.stdout.contains("not-reached"), "{}", said.text());
    }
}

#[test]
fn answers_of_any_kind_end_in_a_finding() {
    let lab = lab("127.84.43.1");
    let _alertmanager = alertmanager(&lab, "receivers: [{name: team}]\n", None);
    let long = json!({"status": "success", "data": {"groups": vec!["x".repeat(100); 100_000]}});
    let deep = format!("{{\"data\":{}", "[".repeat(100_000));
    let garbage: [(&str, Reply, &str); 7] = [
        (
            "/api/v1/status/config",
            Reply::text(200, "<html>"),
            "`http://127.84.43.1:9090/api/v1/status/config` answers what skymon cannot read",
        ),
        ("/api/v1/rules", Reply::text(500, "<html>"), "answers 500"),
        ("/api/v1/rules", Reply::json(200, &long), "cannot read"),
        ("/api/v1/targets", Reply::text(200, deep), "cannot read"),
        ("/api/v1/targets", Reply::json(200, &Value::Null), "cannot read"),
        ("/api/v1/query", Reply::json(200, &json!({"data": {"result": [{"metric": 1}]}})), "cannot read"),
        ("/api/v1/query", Reply::text(200, "x".repeat(100)).with_fault(Fault::Cut), "cannot read"),
    ];
    for (path, reply, why) in garbage {
        let _server = prometheus(&lab, RUNS, move |asked| asked.starts_with(path).then(|| reply.clone()));
        let (status, found) = findings(&lab);
        assert_eq!(status, 2, "{found:#?}");
        expect(&found, &["error no-answer", why]);
    }
    // Somebody who takes for ever.
    let slow = Reply::text(200, "x".repeat(1000)).with_fault(Fault::Drip(Duration::from_millis(200)));
    let _server =
        prometheus(&lab, RUNS, move |asked| asked.starts_with("/api/v1/rules").then(|| slow.clone()));
    let (status, found) = findings(&lab);
    assert_eq!(status, 2);
    expect(&found, &["error no-answer", "no answer within 10 s"]);
}

#[test]
fn a_program_of_another_stack_or_time_is_told_from_this_one() {
    let lab = lab("127.84.44.1");
    let server = prometheus(&lab, "scrape_configs: [{job_name: theirs}]\n", |_| None);
    let other = alertmanager(&lab, "receivers: [{name: theirs}]\n", None);
    let (status, found) = findings(&lab);
    assert_eq!(status, 2);
    expect(
        &found,
        &["error another-stack", "the Prometheus at `http://127.84.44.1:9090/` is another than this stack's"],
    );
    expect(
        &found,
        &[
            "error another-stack",
            "the Alertmanager at `http://127.84.44.1:9093/` is another than this stack's",
        ],
    );
    drop((server, other));

    let _server = prometheus(&lab, RUNS, |_| None);
    let _alertmanager =
        alertmanager(&lab, "receivers: [{name: team}]\n", Some("Mon, 23 Nov 2020 10:00:00 GMT"));
    let (status, found) = findings(&lab);
    assert_eq!(status, 1, "{found:#?}");
    expect(
        &found,
        &["warning clock-differs", "the clock of Alertmanager's machine is ", "behind this one's"],
    );
    assert!(!found.iter().any(|line| line.contains("clock of Prometheus")), "{found:#?}");
    // A Prometheus that is there and does nothing of what it should.
    expect(&found, &["error config-not-loaded", "does not run the job `chat`"]);
    expect(&found, &["error rule-not-loaded", "has not loaded this file"]);
    expect(&found, &["error no-alertmanager-found"]);
}

#[test]
fn what_prometheus_has_measured_is_read_as_it_is_meant() {
    let lab = lab("127.84.46.1");
    lab.edit("skymon.yaml", ":8001']}", ":8001'], endpoint: 'http://lab.example'}");
    let series = |words: &str, value: f64| {
        let labels: serde_json::Map<String, Value> = words
            .split(' ')
            .map(|word| word.split_once('=').expect("a label"))
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        json!({"metric": labels, "value": [0, value.to_string()]})
    };
    let day = 86400.0;
    let endpoint = "job=chat/endpoint instance=http://lab.example/health";
    let measured: Vec<(&str, Value)> = vec![
        ("probe_success", series(endpoint, 0.0)),
        ("probe_ssl_earliest", series(endpoint, 3.5 * day)),
        ("iterations_missed", series("rule_group=/etc/x/chat.yml;chat", 4.0)),
        ("notifications_errors", series("a=b", 7.0)),
        ("%5B1d%5D", series("integration=slack reason=serverError", 2.0)),
    ];
    let _server = prometheus(&lab, RUNS, move |asked| {
        let (_, answer) = measured.iter().find(|(part, _)| asked.contains(part))?;
        Some(Reply::json(200, &json!({"data": {"result": [answer]}})))
    });
    let _alertmanager = alertmanager(&lab, "receivers: [{name: team}]\n", None);
    let (_, found) = findings(&lab);
    expect(
        &found,
        &["error probe-fails monitoring/prometheus/prometheus.yml:", "`http://lab.example/health`"],
    );
    expect(&found, &["warning certificate-expiring monitoring/prometheus/prometheus.yml:", "ends in 3 days"]);
    expect(
        &found,
        &["warning evaluation-late monitoring/prometheus/rules/chat.yml:3", "4 evaluations were missed"],
    );
    expect(
        &found,
        &["error alerts-not-sent monitoring/prometheus/prometheus.yml:", "could not send 7 alerts"],
    );
    expect(
        &found,
        &[
            "warning receiver-failed monitoring/alertmanager/alertmanager.yml:",
            "to `team` by slack within the last day",
            "2 notifications given up: serverError",
        ],
    );
}

#[test]
fn of_any_stack_the_programs_are_asked_where_compose_publishes_them() {
    let lab = lab("127.84.45.1");
    std::fs::create_dir(lab.path("theirs")).expect("a temporary folder");
    lab.write(
        "theirs/compose.yml",
        "services:
  prometheus:
    image: prom/prometheus:v3.5.0
    volumes: ['./:/etc/prometheus:ro']
    ports: ['IP:9090:9090']
  alertmanager:
    image: prom/alertmanager:v0.28.0
    volumes: ['./:/etc/alertmanager:ro']
",
    );
    lab.write(
        "theirs/prometheus.yml",
        "scrape_configs:\n  - {job_name: app, static_configs: [{targets: ['app:80']}]}\n",
    );
    lab.write("theirs/alertmanager.yml", "route: {receiver: a}\nreceivers: [{name: a}]\n");
    let _server = prometheus(
        &lab,
        "scrape_configs:\n  - {job_name: app, static_configs: [{targets: ['app:81']}]}\n",
        |_| None,
    );
    let (status, found) = findings_of(&lab, "validate theirs --live");
    assert_eq!(status, 2);
    expect(
        &found,
        &[
            "error config-not-loaded theirs/prometheus.yml:2",
            "`app:81` runs",
            "docker compose -f theirs/compose.yml exec prometheus kill -HUP 1",
        ],
    );
    // That is why its targets are others, and said once.
    assert!(!found.iter().any(|line| line.contains(" target-")), "{found:#?}");
    expect(
        &found,
        &[
            "error no-address",
            "nothing says where Alertmanager is asked",
            "`--alertmanager http://HOST:9093`",
        ],
    );

    // Without a file there is nothing to hold a program against, and that is said too.
    std::fs::remove_file(lab.path("theirs/prometheus.yml")).expect("ours");
    let (status, found) = findings_of(&lab, "validate theirs --live --prometheus http://IP:9090");
    assert_eq!(status, 2);
    expect(&found, &["error no-address", "Prometheus is not asked: its configuration is not here"]);
}
