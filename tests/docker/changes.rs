//! A stack that runs is changed: every kind of change, with the command that `render` prints for it and nothing else.

use std::collections::BTreeMap;

use crate::lab::{Lab, SOON};
use crate::support::docker::Engine;
use crate::support::fakes::Receiver;
use crate::support::http::{Reply, Server};
use crate::support::tls::Authority;
use crate::support::wait_until;

const COMPOSE: &str = "docker compose -f monitoring/docker-compose.yml";

const CONFIG: &str = "
services:
  chat:
    engine: custom
    endpoint: http://HOST:8001
    replicas: ['HOST:8001']
    capacity: {max_concurrency: 8}
  safe:
    engine: custom
    replicas: ['HOST:8443']
    tls: {ca_file: certs/ca.pem, server_name: replicas.internal}
receivers:
  oncall: {slack: {webhook_url_file: secrets/slack}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
";

#[test]
fn every_change_reaches_the_running_stack_by_the_command_that_render_prints() {
    let lab = Lab::new(2, CONFIG);
    let slack = lab.slack();
    let _replicas = [lab.replica(8001), lab.replica(8002)];
    let authority = Authority::new();
    authority.write(&lab.path("certs/ca.pem"));
    let safe = replica_of(&lab, &authority);
    lab.apply();
    lab.wait_for_replicas("chat", 1);
    lab.wait_for_replicas("safe", 1);

    a_threshold(&lab);
    a_replica(&lab);
    a_route_and_a_receiver(&lab, &slack);
    a_secret(&lab);
    a_certificate(&lab, safe);
    a_flag(&lab);
    a_program_that_is_needed_no_more(&lab);
    nothing(&lab);
}

fn replica_of(lab: &Lab, authority: &Authority) -> Server {
    let tls = authority.server(&["replicas.internal"]);
    Server::start_with(Engine::host(lab.port(8443)), Some(tls), |_| {
        Reply::text(200, "inference_model_loaded 1\n")
    })
}

fn a_threshold(lab: &Lab) {
    lab.edit(
        "capacity: {max_concurrency: 8}",
        "capacity: {max_concurrency: 8}\n    alerts: {HighUtilization: {threshold: 73%}}",
    );
    assert_eq!(lab.apply(), format!("{COMPOSE} exec prometheus kill -HUP 1"));
    wait_until("the new threshold is loaded", SOON, || {
        lab.prometheus("/api/v1/rules").to_string().contains("> 0.73").then_some(())
    });
    let dashboards = lab.inside("grafana", "cat /etc/skymon/dashboards/*.json").expect_success().stdout;
    assert!(dashboards.contains("73%"), "Grafana sees the dashboards of before");
}

/// A file that Prometheus watches: no command.
fn a_replica(lab: &Lab) {
    let host = |port| format!("'host.docker.internal:{}'", lab.port(port));
    lab.edit(&format!("[{}]", host(8001)), &format!("[{}, {}]", host(8001), host(8002)));
    assert_eq!(lab.apply(), "");
    lab.wait_for_replicas("chat", 2);
}

fn a_route_and_a_receiver(lab: &Lab, slack: &Receiver) {
    let hook = lab.webhook(7003);
    lab.write("secrets/hook", "http://HOST:7003/hook\n");
    lab.edit(
        "\nroutes: {critical: oncall, warning: oncall}",
        "
  office: {webhook: {url_file: secrets/hook}}
routes: {critical: office, warning: oncall}",
    );
    // The secret is a new mount, and another secret than before.
    assert_eq!(
        lab.apply(),
        format!("{COMPOSE} up -d --wait --remove-orphans && {COMPOSE} restart alertmanager")
    );
    lab.send_alert("ToTheOffice", "critical");
    hook.wait_for(|request| request.body.contains("ToTheOffice"), SOON);

    let before = lab.alertmanager("/api/v2/status")["config"].take();
    lab.edit("critical: office", "critical: oncall");
    assert_eq!(lab.apply(), format!("{COMPOSE} exec alertmanager kill -HUP 1"));
    wait_until("the new route is loaded", SOON, || {
        (lab.alertmanager("/api/v2/status")["config"] != before).then_some(())
    });
    lab.send_alert("ToSlackAgain", "critical");
    slack.wait_for(|request| request.body.contains("ToSlackAgain"), SOON);
}

/// Rotated as tools do it: another file takes the place of the old one.
fn a_secret(lab: &Lab) {
    let other = lab.webhook(7004);
    other.answer(Reply::text(200, "ok"));
    lab.write("secrets/slack", "http://HOST:7004/services/T0/B0/rotated\n");
    // `up` first: where the stack was never started, there is nothing to restart.
    assert_eq!(
        lab.apply(),
        format!("{COMPOSE} up -d --wait --remove-orphans && {COMPOSE} restart alertmanager")
    );
    lab.send_alert("AfterRotation", "critical");
    other.wait_for(
        |request| request.path.ends_with("/rotated") && request.body.contains("AfterRotation"),
        SOON,
    );
}

/// Its folder is mounted, and Prometheus reads it anew by itself.
fn a_certificate(lab: &Lab, safe: Server) {
    drop(safe);
    lab.wait_for_replicas("safe", 0);
    let renewed = Authority::new();
    let _safe = replica_of(lab, &renewed);
    wait_until("the new authority is not trusted yet", SOON, || {
        lab.targets().into_iter().find(|target| target.job == "safe" && target.error.contains("certificate"))
    });
    renewed.write(&lab.path("certs/ca.pem"));
    lab.wait_for_replicas("safe", 1);
}

/// Only the program whose flag it is starts again.
fn a_flag(lab: &Lab) {
    let before = containers(lab);
    lab.edit("prometheus: {scrape_interval: 1s}", "prometheus: {scrape_interval: 1s, retention: {time: 9d}}");
    assert_eq!(lab.apply(), format!("{COMPOSE} up -d --wait --remove-orphans"));
    assert_eq!(lab.prometheus("/api/v1/status/flags")["storage.tsdb.retention.time"], "9d");
    let mut changed = containers(lab);
    changed.retain(|program, id| before[program] != *id);
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["prometheus"]);
}

fn containers(lab: &Lab) -> BTreeMap<String, String> {
    let id = |program: &String| lab.inspect(program)["Id"].as_str().unwrap_or_default().to_owned();
    lab.programs().into_iter().map(|program| (program.clone(), id(&program))).collect()
}

fn a_program_that_is_needed_no_more(lab: &Lab) {
    assert!(lab.programs().contains(&"blackbox".to_owned()));
    lab.edit("    capacity: {max", "    probe: {enabled: false}\n    capacity: {max");
    let command = lab.apply();
    assert!(command.starts_with(&format!("{COMPOSE} up -d --wait --remove-orphans")), "{command}");
    assert_eq!(lab.programs(), ["alertmanager", "grafana", "prometheus"]);
    wait_until("nobody is asked any more", SOON, || {
        let targets = lab.targets();
        let gone = |name: &str| targets.iter().all(|target| !target.url.contains(name));
        gone("blackbox").then_some(())
    });
}

fn nothing(lab: &Lab) {
    let before = lab.read("monitoring/docker-compose.yml");
    assert_eq!(lab.apply(), "");
    assert_eq!(lab.read("monitoring/docker-compose.yml"), before);
}
