//! The way from Alertmanager to the person: broken receivers, routes, labels, mail.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fakes::Receiver;
use crate::support::http::{self, Reply};
use crate::support::lab::{Lab, SOON, slack_titles, wait_for_page};
use crate::support::mail::{MailServer, Tls};
use crate::support::tls::Authority;
use crate::support::wait_until;

#[test]
fn a_slack_that_is_out_of_order_is_told_to_every_other_receiver() {
    let lab = Lab::new(
        "127.84.7.1",
        "
version: 1
name: lab
services:
  # Nobody listens there.
  chat: {engine: custom, replicas: ['IP:8001']}
receivers:
  broken: {slack: {webhook_url_file: secrets/slack}}
  pager: {pagerduty: {routing_key_file: secrets/pagerduty, url: 'http://IP:7002/v2/enqueue'}}
  hook: {webhook: {url_file: secrets/hook}}
routes: {critical: broken, warning: pager, info: hook}
prometheus: {scrape_interval: 1s}
alerts:
  ServiceDown: {for: 10s}
  ReplicaDown: {enabled: false}
  AlertmanagerCannotDeliver: {for: 1s}
",
    );
    let (slack, pagerduty) = (lab.slack(), lab.pagerduty());
    slack.answer(Reply::text(500, "out of order"));
    lab.write("secrets/hook", "http://IP:7003/hook\n");
    let hook = Receiver::webhook(lab.addr(7003));
    // With the real waiting times: the retries, which run for minutes, must not delay the news.
    lab.render();
    let _stack = lab.start();

    let page = wait_for_page(&pagerduty, "trigger", "AlertmanagerCannotDeliver").json();
    let summary = "[CRITICAL] Alertmanager cannot deliver to slack";
    assert_eq!(page["payload"]["summary"], summary);
    let details = page["payload"]["custom_details"]["alerts"].as_str().unwrap_or_default();
    assert!(details.contains("Notifications to slack are refused or not answered"), "{details}");
    let call = hook.wait_for(|request| request.body.contains("AlertmanagerCannotDeliver"), SOON);
    assert_eq!(call.json()["commonAnnotations"]["summary"], "Alertmanager cannot deliver to slack");
    assert!(slack_titles(&slack).contains(&"[CRITICAL] chat is down: no replica answers".to_owned()));
    assert!(!hook.requests().iter().any(|request| request.body.contains("ServiceDown")));
}

/// What may stand in a label and means something to YAML, compose, Prometheus' templates or its relabelling.
const HOSTILE: &str = r#"a "b" 'c' {{ $labels.x }} {{{ }} $1 ${HOME} $$ \ # : ünï <b>&"#;

#[test]
fn each_service_reaches_its_own_receiver_with_labels_as_they_were_written() {
    let config = "
version: 1
name: lab
services:
  # Nobody listens there.
  chat:
    engine: custom
    replicas: ['IP:8001']
    labels: {odd: HOSTILE, cluster: no}
    routes: {critical: ml}
  search:
    engine: custom
    replicas: ['IP:8002']
    alerts: {ServiceDown: {labels: {team: search}}}
receivers:
  ml: {webhook: {url_file: secrets/ml}}
  ops: {webhook: {url_file: secrets/ops}}
routes: {critical: ops, warning: ops}
prometheus: {scrape_interval: 1s}
alerts: {ServiceDown: {for: 10s, labels: {team: ml, other: HOSTILE}}}
";
    let lab = Lab::new("127.84.8.1", &config.replace("HOSTILE", &json!(HOSTILE).to_string()));
    lab.write("secrets/ml", "http://IP:7003/ml\n");
    lab.write("secrets/ops", "http://IP:7005/ops\n");
    let [ml, ops] = [7003, 7005].map(|port| Receiver::webhook(lab.addr(port)));
    lab.render();
    lab.hurry();
    let running = lab.start();

    let told =
        |receiver: &Receiver| receiver.wait_for(|request| request.body.contains("ServiceDown"), SOON).json();
    assert_eq!(
        told(&ml)["alerts"][0]["labels"],
        json!({
            "alertname": "ServiceDown", "severity": "critical", "service": "chat", "stack": "lab",
            "odd": HOSTILE, "cluster": "no", "team": "ml", "other": HOSTILE,
        })
    );
    assert_eq!(
        told(&ops)["alerts"][0]["labels"],
        json!({
            "alertname": "ServiceDown", "severity": "critical", "service": "search", "stack": "lab",
            "team": "search", "other": HOSTILE,
        })
    );
    let targets = running.query("up{service=\"chat\"}");
    assert_eq!(targets[0].0["odd"], HOSTILE);
    assert!(!ops.requests().iter().any(|request| request.json()["commonLabels"]["service"] == "chat"));
}

/// Prometheus ends its alerts when it is taken away for good. That is no reason to tell the service outside that all
/// is well. (That the calls go on while Prometheus lives is measured in `outage`.)
#[test]
fn a_heartbeat_that_ends_is_silent_and_is_not_called_resolved() {
    let lab = Lab::new(
        "127.84.14.1",
        "
version: 1
name: lab
services:
  chat: {engine: custom, replicas: ['IP:8001']}
receivers: {team: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: team, warning: team, info: team}
heartbeat: {url_file: secrets/heartbeat}
",
    );
    let slack = lab.slack();
    lab.write("secrets/heartbeat", "http://IP:7004/ping\n");
    let heartbeat = Receiver::webhook(lab.addr(7004));
    lab.render();
    let alertmanager = "monitoring/alertmanager/alertmanager.yml";
    lab.edit(alertmanager, "group_interval: \"1m\"", "group_interval: \"2s\"");
    let mut running = lab.start();
    // Else it would say that the alert goes on.
    running.stop("prometheus");

    let url = format!("{}/api/v2/alerts", running.alertmanager_url());
    let mut watchdog = json!({"labels": {"alertname": "Watchdog", "severity": "info", "stack": "lab"}});
    let tell = |alert: &Value| assert_eq!(http::post(&url, &json!([alert])).expect("an answer").0, 200);
    tell(&watchdog);
    heartbeat.wait_for(|request| request.body.contains("Watchdog"), SOON);
    watchdog["endsAt"] = json!("2020-01-01T00:00:00Z");
    watchdog["startsAt"] = json!("2019-01-01T00:00:00Z");
    tell(&watchdog);
    wait_until("the alert has ended", SOON, || {
        (running.alertmanager("/api/v2/alerts") == json!([])).then_some(())
    });
    // Two times the interval at which it would be told.
    sleep(Duration::from_secs(5));
    assert!(heartbeat.requests().iter().all(|call| call.json()["status"] == "firing"));
    assert_eq!(slack_titles(&slack), [""; 0]);
}

#[test]
fn mail_goes_through_tls_from_the_first_byte_to_several_people() {
    let lab = Lab::new(
        "127.84.9.1",
        "
version: 1
name: lab
services:
  # Nobody listens there.
  chat: {engine: custom, replicas: ['IP:8001']}
receivers:
  team:
    email:
      to: [a@example.test, b@example.test]
      from: skymon@example.test
      smarthost: IP:7465
      implicit_tls: true
      username: me
      password_env: SMTP_PASSWORD
      ca_file: certs/ca.pem
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
alerts: {ServiceDown: {for: 10s}}
",
    );
    let authority = Authority::new();
    authority.write(&lab.path("certs/ca.pem"));
    let mail = MailServer::start(lab.addr(7465), Tls::Implicit, authority.server(&["127.84.9.1"]));
    lab.render();
    lab.hurry();
    let _stack = lab.start_with_env(&[("SMTP_PASSWORD", "pass $word")]);

    let mut mail = mail.wait_for(|mail| mail.text.contains("ServiceDown"), SOON);
    mail.to.sort();
    assert_eq!(mail.to, ["a@example.test", "b@example.test"]);
    assert_eq!(mail.subject, "[CRITICAL] chat is down: no replica answers");
    assert!(mail.tls && mail.html.contains("<b>ServiceDown</b> · service chat"), "{}", mail.html);
    assert_eq!((mail.user.as_deref(), mail.password.as_deref()), (Some("me"), Some("pass $word")));
}
