//! The test harness itself, proven with the real programs: if these pass, a failure elsewhere is not the harness's.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::fakes::Receiver;
use support::mail::{MailServer, Tls};
use support::replicas::Replica;
use support::stack::Stack;
use support::tls::Authority;
use support::{http, tools, wait_until};

const SOON: Duration = Duration::from_secs(20);

fn at(addr: &str) -> SocketAddr {
    addr.parse().expect("an address")
}

const COMPOSE: &str = r#"
name: harness
services:
  prometheus:
    image: prom/prometheus:v3.5.3
    user: "65534:65534"
    read_only: true
    command:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.path=/prometheus
      - --web.external-url=http://localhost:9090/?cost=$$5&${EXTRA:-none}
    volumes:
      - ./prometheus:/etc/prometheus:ro
      - data:/prometheus
  alertmanager:
    image: prom/alertmanager:v0.33.1
    command: [--config.file=/etc/alertmanager/alertmanager.yml, --storage.path=/alertmanager]
    volumes:
      - ./alertmanager:/etc/alertmanager:ro
    tmpfs: [/alertmanager]
    secrets: [slack_url, smtp_password]
  blackbox:
    image: prom/blackbox-exporter:v0.28.0
    user: "65534:65534"
    command: [--config.file=/etc/blackbox/blackbox.yml]
    volumes:
      - {type: bind, source: ./blackbox, target: /etc/blackbox, read_only: true}
  grafana:
    image: grafana/grafana:13.2.3
volumes:
  data: {}
secrets:
  slack_url: {file: ../secrets/slack_url}
  smtp_password: {environment: SMTP_PASSWORD}
"#;

const PROMETHEUS: &str = r"
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules/*.yml]
alerting:
  alertmanagers:
    - static_configs: [{targets: ['alertmanager:9093']}]
scrape_configs:
  - job_name: model
    file_sd_configs: [{files: [targets/*.yml]}]
  - job_name: probe
    metrics_path: /probe
    params: {module: [http]}
    static_configs: [{targets: ['http://host.docker.internal:8000/health']}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: 'blackbox:9115'}
";

const RULES: &str = r"
groups:
  - name: chat
    labels: {service: chat}
    rules:
      - record: service:inference_requests:rate5s
        expr: sum(rate(inference_requests_total[5s]))
      - alert: ReplicaDown
        expr: up{job='model'} == 0
        labels: {severity: critical}
        annotations: {summary: 'replica {{ $labels.instance }} is gone — sofort'}
";

const ALERTMANAGER: &str = r"
global: {resolve_timeout: 1m}
route: {receiver: everyone, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: everyone
    slack_configs:
      - {api_url_file: /run/secrets/slack_url, send_resolved: true}
    pagerduty_configs:
      - {routing_key: 0123456789abcdef0123456789abcdef, url: 'http://IP:7002/v2/enqueue'}
    webhook_configs:
      - {url: 'http://IP:7003/hook', send_resolved: true}
    email_configs:
      - to: a@example.test, b@example.test
        from: skymon@example.test
        smarthost: IP:7587
        auth_username: me
        auth_password_file: /run/secrets/smtp_password
        tls_config: {ca_file: /etc/alertmanager/ca.pem}
      - to: c@example.test
        from: skymon@example.test
        smarthost: IP:7465
        auth_username: me
        auth_password_file: /run/secrets/smtp_password
        tls_config: {ca_file: /etc/alertmanager/ca.pem}
        force_implicit_tls: true
";

/// The tiny stack of these tests, for one address.
fn write_stack(home: &Path, ip: &str, authority: &Authority) {
    let files = [
        ("monitoring/docker-compose.yml", COMPOSE),
        ("monitoring/prometheus/prometheus.yml", PROMETHEUS),
        ("monitoring/prometheus/rules/chat.yml", RULES),
        ("monitoring/prometheus/targets/chat.yml", "[{targets: ['IP:8000']}]\n"),
        ("monitoring/alertmanager/alertmanager.yml", ALERTMANAGER),
        ("monitoring/blackbox/blackbox.yml", "modules: {http: {prober: http}}\n"),
        ("secrets/slack_url", "http://IP:7001/services/T0/B0/x\n"),
    ];
    for (path, content) in files {
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a temporary folder");
        fs::write(path, content.replace("IP", ip)).expect("a temporary file");
    }
    authority.write(&home.join("monitoring/alertmanager/ca.pem"));
}

#[test]
fn a_firing_alert_reaches_every_fake_receiver() {
    let ip = "127.83.1.1";
    let home = tempfile::tempdir().expect("a temporary folder");
    let authority = Authority::new();
    write_stack(home.path(), ip, &authority);
    let slack = Receiver::slack(at("127.83.1.1:7001"));
    let pagerduty = Receiver::pagerduty(at("127.83.1.1:7002"));
    let webhook = Receiver::webhook(at("127.83.1.1:7003"));
    let starttls = MailServer::start(at("127.83.1.1:7587"), Tls::StartTls, authority.server(&[ip]));
    let implicit = MailServer::start(at("127.83.1.1:7465"), Tls::Implicit, authority.server(&[ip]));
    let mut replica = Replica::start(at("127.83.1.1:8000"));
    replica.load(|load| load.requests_per_second = 50.0);

    let env = [("SMTP_PASSWORD", "pass $word")];
    let running = Stack::start_with_env(&home.path().join("monitoring"), ip, &env);
    wait_until("the replica and the probe are scraped", SOON, || {
        let targets = running.targets();
        (targets.len() == 2 && targets.iter().all(|target| target.health == "up")).then_some(())
    });
    wait_until("the probe found the replica", SOON, || {
        running.query("probe_success == 1").first().map(|(labels, _)| labels["instance"].clone())
    });
    let rate = wait_until("a recorded rate", SOON, || {
        running.query("service:inference_requests:rate5s").into_iter().find(|(_, rate)| *rate > 40.0)
    });
    assert_eq!(rate.0["service"], "chat");
    assert!(running.alerts().is_empty());

    replica.stop();
    let alert =
        wait_until("the alert fires", SOON, || running.alerts().into_iter().find(|a| a.state == "firing"));
    assert_eq!((alert.name.as_str(), alert.labels["service"].as_str()), ("ReplicaDown", "chat"));
    let words = "replica 127.83.1.1:8000 is gone — sofort";
    slack.wait_for(
        |request| request.path == "/services/T0/B0/x" && request.body.contains("ReplicaDown"),
        SOON,
    );
    let page = pagerduty.wait_for(|request| request.json()["event_action"] == "trigger", SOON).json();
    assert_eq!(page["payload"]["severity"], "error", "{page}");
    let hook = webhook.wait_for(|request| request.json()["status"] == "firing", SOON).json();
    assert_eq!(hook["alerts"][0]["annotations"]["summary"], words);
    expect_mail(&starttls, &["a@example.test", "b@example.test"], words);
    expect_mail(&implicit, &["c@example.test"], words);

    replica.restart();
    webhook.wait_for(|request| request.json()["status"] == "resolved", SOON);
    pagerduty.wait_for(|request| request.json()["event_action"] == "resolve", SOON);
}

#[test]
fn the_programs_run_as_compose_says_and_read_changed_files_after_a_reload() {
    let ip = "127.83.1.5";
    let home = tempfile::tempdir().expect("a temporary folder");
    write_stack(home.path(), ip, &Authority::new());
    let env = [("SMTP_PASSWORD", "x"), ("EXTRA", "yes")];
    let mut running = Stack::start_with_env(&home.path().join("monitoring"), ip, &env);
    let flags = running.prometheus("/api/v1/status/flags");
    assert_eq!(flags["web.external-url"], "http://localhost:9090/?cost=$5&yes");
    assert_eq!(running.alertmanager("/api/v2/status")["cluster"]["status"], "disabled");

    let rules = home.path().join("monitoring/prometheus/rules/chat.yml");
    fs::write(rules, RULES.replace("ReplicaDown", "ReplicaLost")).expect("the rules file");
    running.reload("prometheus");
    wait_until("the new rules are read", SOON, || {
        running.prometheus("/api/v1/rules").to_string().contains("ReplicaLost").then_some(())
    });
    running.stop("alertmanager");
    assert!(http::get(&running.alertmanager_url()).is_err());
}

/// Both ways to TLS end in the same mail, with the login only inside.
fn expect_mail(server: &MailServer, to: &[&str], words: &str) {
    let mut mail = server.wait_for(|mail| mail.html.contains(words), SOON);
    mail.to.sort();
    assert_eq!(mail.to, to);
    assert_eq!(mail.from, "skymon@example.test");
    assert!(mail.subject.contains("[FIRING:1]"), "{}", mail.subject);
    assert!(mail.subject.contains("ReplicaDown"), "{}", mail.subject);
    assert!(mail.tls);
    assert_eq!((mail.user.as_deref(), mail.password.as_deref()), (Some("me"), Some("pass $word")));
}

#[test]
fn a_program_that_does_not_start_shows_its_log() {
    let home = tempfile::tempdir().expect("a temporary folder");
    write_stack(home.path(), "127.83.1.2", &Authority::new());
    fs::write(home.path().join("monitoring/prometheus/prometheus.yml"), "scrap_configs: []").expect("a file");
    let dir = home.path().join("monitoring");
    let env = [("SMTP_PASSWORD", "x")];
    let start = move || drop(Stack::start_with_env(&dir, "127.83.1.2", &env));
    let panic = std::panic::catch_unwind(start).expect_err("the stack must not start");
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(
        message.contains("`prometheus` ended") && message.contains("scrap_configs not found"),
        "{message}"
    );
}

#[test]
fn a_replica_shows_the_load_it_was_given() {
    let mut replica = Replica::start(at("127.83.1.3:0"));
    let url = |path: &str| format!("http://{}{path}", replica.addr());
    replica.load(|load| {
        load.requests_per_second = 1000.0;
        load.error_share = 0.25;
        load.latency = 0.3;
    });
    // No series before its first event.
    let value = |replica: &Replica, series: &str| -> Option<f64> {
        let text = replica.metrics();
        let line = text.lines().find_map(|line| line.strip_prefix(series))?;
        Some(line.trim().parse().expect("a number"))
    };
    let errors = "inference_requests_total{endpoint=\"/v1/completions\",status=\"500\"}";
    wait_until("the errors grow", SOON, || value(&replica, errors).filter(|count| *count > 5.0));
    let fast = "inference_request_duration_seconds_bucket{endpoint=\"/v1/completions\",le=\"0.25\"}";
    assert_eq!(value(&replica, fast), Some(0.0));

    replica.load(|load| (load.answer, load.answer_after) = (503, Duration::from_millis(150)));
    assert_eq!(http::post(&url("/v1/embeddings"), &serde_json::json!({})).expect("an answer").0, 503);
    let slow = "inference_request_duration_seconds_bucket{endpoint=\"/v1/embeddings\",le=\"0.25\"}";
    assert_eq!(value(&replica, slow), Some(1.0));
    let (status, served) = http::get(&url("/metrics")).expect("an answer");
    assert_eq!(status, 200);

    let mut promtool = Command::new(tools::tool("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    promtool.stdin.take().expect("a pipe").write_all(served.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let health = url("/health");
    replica.stop();
    let refused = http::get(&health).expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    replica.load(|load| load.requests_per_second = 0.0);
    replica.restart();
    assert_eq!(http::get(&health).expect("an answer").0, 503);
    assert_eq!(value(&replica, errors), None, "a restarted process begins anew");
}

#[test]
fn the_mail_server_takes_no_password_without_tls() {
    let config = Authority::new().server(&["localhost"]);
    let server = MailServer::start(at("127.83.1.4:0"), Tls::StartTls, config);
    let stream = TcpStream::connect(server.addr()).expect("it listens");
    let mut reader = BufReader::new(stream);
    let mut say = |line: &str| {
        reader.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("it reads");
        let mut answer = String::new();
        reader.read_line(&mut answer).expect("it answers");
        answer
    };
    assert!(say("NOOP").starts_with("220"), "the greeting comes first");
    assert!(say("AUTH PLAIN AGEAYg==").starts_with("250"), "of NOOP");
    assert!(say("QUIT").starts_with("538"), "of AUTH");
    assert!(server.mails().is_empty());
}

#[test]
fn every_program_of_the_list_is_there() {
    let here = Path::new(".");
    for (name, args) in [
        ("prometheus", ["--version"]),
        ("promtool", ["--version"]),
        ("alertmanager", ["--version"]),
        ("amtool", ["--version"]),
        ("blackbox_exporter", ["--version"]),
        ("docker-compose", ["version"]),
        ("docker", ["--version"]),
    ] {
        tools::run(Command::new(tools::tool(name)).args(args).current_dir(here)).expect_success();
    }
}
