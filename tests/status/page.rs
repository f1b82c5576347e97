//! What `skymon status` says of a stack that is well, of one that is not, and where nobody answers.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::fakes::Receiver;
use crate::support::http::Reply;
use crate::support::lab::{BROKEN, Lab, SOON, always, config, wait_for_replicas};
use crate::support::stack::Stack;
use crate::support::tools::Output;

/// A service with two replicas.
fn lab(ip: &'static str) -> Lab {
    Lab::new(ip, &config("  chat: {engine: custom, replicas: ['IP:8001', 'IP:8002']}\n"))
}

const ASKED: &str = "status --prometheus http://IP:9090 --alertmanager http://IP:9093";

/// Asks until the page says that.
#[track_caller]
fn wait_for_line(lab: &Lab, line: &str) -> Output {
    let start = Instant::now();
    loop {
        let said = lab.skymon(ASKED);
        // Columns are as wide as their widest word.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        if said.stdout.lines().any(|found| words(found).contains(line)) {
            return said;
        }
        assert!(start.elapsed() < SOON, "still waiting for `{line}` in\n{}", said.text());
        sleep(Duration::from_millis(500));
    }
}

fn started(lab: &Lab) -> Stack {
    lab.render();
    lab.hurry();
    let running = lab.start();
    wait_for_replicas(&running, "chat", 2.0);
    running
}

#[test]
fn of_a_stack_that_is_well_it_is_one_page_and_exit_code_0() {
    let lab = lab("127.84.20.1");
    let (_slack, _pagerduty, _grafana) = (lab.slack(), lab.pagerduty(), lab.grafana());
    let _replicas = [lab.replica(8001), lab.replica(8002)];
    let _stack = started(&lab);
    let said = wait_for_line(&lab, "alerts none fires");
    assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{}", said.stdout);
    for line in [
        "ok prometheus http://127.84.20.1:9090/ 3.",
        "ok alertmanager http://127.84.20.1:9093/ 0.",
        "ok targets chat 2 of 2 up",
        "ok pagerduty pager: 0 notifications, 0 failed",
        "ok slack team: 0 notifications, 0 failed",
    ] {
        wait_for_line(&lab, line);
    }
    assert!(!said.stdout.contains("BAD"), "{}", said.stdout);
    assert!(said.stdout.contains(" loaded\n"), "{}", said.stdout);
}

#[test]
fn what_is_down_broken_refused_or_fires_has_a_line_that_says_so() {
    let lab = lab("127.84.21.1");
    let (slack, _pagerduty, _grafana) = (lab.slack(), lab.pagerduty(), lab.grafana());
    let _one = lab.replica(8001);
    let mut other = lab.replica(8002);
    lab.render();
    lab.hurry();
    lab.write_rules(&[
        BROKEN,
        &always("warning"),
        "alert: Chatter, expr: vector(1), labels: {severity: info}, annotations: {summary: only said}",
    ]);
    slack.answer(Reply::text(400, "invalid_payload"));
    let mut running = lab.start();
    wait_for_replicas(&running, "chat", 2.0);
    let said = wait_for_line(&lab, "BAD slack team: ");
    assert_eq!(said.status, 1, "{}", said.stdout);
    assert!(said.stdout.contains("failed within the last hour"), "{}", said.stdout);
    assert!(said.stdout.contains("own:broken: found duplicate series"), "{}", said.stdout);
    wait_for_line(&lab, "BAD warning Always it always does");
    wait_for_line(&lab, "- info Chatter only said");

    other.stop();
    let said = wait_for_line(&lab, "BAD targets chat 1 of 2 up");
    assert!(
        said.stdout.contains("127.84.21.1:8002: dial tcp 127.84.21.1:8002: connect: connection refused"),
        "{}",
        said.stdout
    );

    lab.edit("monitoring/prometheus/prometheus.yml", "rule_files:", "rule_fils:");
    running.reload("prometheus");
    wait_for_line(&lab, "the newest configuration was refused");
}

#[test]
fn rules_that_are_not_loaded_are_named() {
    let lab = lab("127.84.22.1");
    let (_slack, _pagerduty) = (lab.slack(), lab.pagerduty());
    lab.render();
    std::fs::remove_file(lab.path("monitoring/prometheus/rules/chat.yml")).expect("it was rendered");
    let _stack = lab.start();
    let said = lab.skymon(ASKED);
    assert_eq!(said.status, 1);
    let missing = said.stdout.lines().find(|line| line.contains("not loaded: ")).expect(&said.stdout);
    assert!(missing.contains("ServiceDown") && !missing.contains("Watchdog"), "{missing}");
}

#[test]
fn where_nobody_answers_nothing_is_said_to_be_missing() {
    let lab = lab("127.84.23.1");
    let said = lab.skymon(ASKED);
    assert_eq!((said.status, said.stdout.as_str()), (2, ""));
    assert!(
        said.stderr
            .contains("error: cannot reach Prometheus at `http://127.84.23.1:9090/`: Connection refused\n"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("error: cannot reach Alertmanager at "), "{}", said.stderr);

    // One of the two is there: it is shown, and the other is not taken for empty.
    let (_slack, _pagerduty) = (lab.slack(), lab.pagerduty());
    lab.render();
    let mut running = lab.start();
    running.stop("alertmanager");
    let said = lab.skymon(ASKED);
    assert_eq!(said.status, 2, "{}", said.stdout);
    assert!(
        said.stdout.contains("targets chat") && !said.stdout.contains("notifications"),
        "{}",
        said.stdout
    );
    assert!(said.stderr.contains("error: cannot reach Alertmanager at "), "{}", said.stderr);
    assert!(!said.stderr.contains("Prometheus"), "{}", said.stderr);

    // Of another stack's Prometheus nothing is concluded.
    lab.edit("skymon.yaml", "name: lab", "name: bench");
    let said = lab.skymon(ASKED);
    assert_eq!((said.status, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("is of the stack `lab`, not of `bench`"), "{}", said.stderr);
}

#[test]
fn what_answers_in_the_place_of_a_program_is_not_believed() {
    let lab = lab("127.84.24.1");
    for (reply, why) in [
        (
            Reply::text(200, "welcome"),
            "something answers at `http://127.84.24.1:9090/`, but it is not Prometheus",
        ),
        (Reply::text(404, ""), "but it is not Prometheus: `/-/ready` gives 404"),
        (
            Reply::json(200, &serde_json::json!({"data": {}})),
            "`/api/v1/status/buildinfo` says something else",
        ),
        (Reply::text(503, "wait"), "Prometheus at `http://127.84.24.1:9090/` is not ready yet"),
        (Reply::text(401, ""), "`http://127.84.24.1:9090/` wants to know who asks"),
    ] {
        let _other = Receiver::start(lab.addr(9090), reply);
        let said = lab.skymon(ASKED);
        assert_eq!((said.status, said.stdout.as_str()), (2, ""));
        assert!(said.stderr.contains(why), "`{why}` is not in\n{}", said.stderr);
    }
}

#[test]
fn the_addresses_are_those_of_the_config_and_behind_a_door_they_must_be_said() {
    let lab = lab("127.84.25.1");
    let config = std::fs::read_to_string(lab.path("skymon.yaml")).expect("is there");
    lab.write("skymon.yaml", &format!("{config}ports: {{prometheus: 39871, alertmanager: 39872}}\n"));
    let said = lab.skymon("status");
    assert_eq!(said.status, 2);
    for part in [
        "cannot reach Prometheus at `http://127.0.0.1:39871/`",
        "cannot reach Alertmanager at `http://127.0.0.1:39872/`",
        "docker compose -f monitoring/docker-compose.yml up -d --wait",
    ] {
        assert!(said.stderr.contains(part), "`{part}` is not in\n{}", said.stderr);
    }
    let access = "access: {host: lab.example, users_file: secrets/users, tls: {cert_file: certs/web.pem, key_file: secrets/web.key}}";
    lab.write("skymon.yaml", &format!("{config}{access}\n"));
    let said = lab.skymon("status");
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("behind the front door"), "{}", said.stderr);
    assert!(said.stderr.contains("`--prometheus http://HOST:9090`"), "{}", said.stderr);
}
