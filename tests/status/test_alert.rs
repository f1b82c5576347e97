//! What `skymon test-alert` says of each end that a notification can come to.

use crate::support::fakes::Receiver;
use crate::support::http::Reply;
use crate::support::lab::{Lab, SOON, read_slack, wait_for_page};
use crate::support::wait_until;

const CONFIG: &str = "
version: 1
name: lab
services:
  # Nobody listens there.
  chat: {engine: custom, replicas: ['IP:8001'], routes: {warning: ml}}
receivers:
  pager: {pagerduty: {routing_key_file: secrets/pagerduty, url: 'http://IP:7002/v2/enqueue'}}
  team: {slack: {webhook_url_file: secrets/slack}}
  ml: {webhook: {url_file: secrets/hook}}
routes: {critical: pager, warning: team}
heartbeat: {url_file: secrets/heartbeat}
";

fn lab(ip: &'static str) -> Lab {
    let lab = Lab::new(ip, CONFIG);
    lab.write("secrets/hook", "http://IP:7003/ml\n");
    lab.write("secrets/heartbeat", "http://IP:7004/beat\n");
    lab
}

const TEST: &str = "test-alert --alertmanager http://IP:9093";

#[test]
fn an_alert_that_arrives_is_delivered_and_then_ended() {
    let lab = lab("127.84.26.1");
    let (slack, pagerduty) = (lab.slack(), lab.pagerduty());
    let (hook, beat) = (Receiver::webhook(lab.addr(7003)), Receiver::webhook(lab.addr(7004)));
    lab.render();
    lab.hurry();
    let mut running = lab.start();
    // What really fires would be counted with it.
    running.stop("prometheus");

    let said = lab.skymon(TEST);
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (0, "delivered to `pager` by pagerduty\n"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("severity `critical` to `pager` by pagerduty"), "{}", said.stderr);
    assert!(said.stderr.contains("accepted; its route waits 1s before it tells"), "{}", said.stderr);
    let event = wait_for_page(&pagerduty, "trigger", "SkymonTest").json();
    assert!(event.to_string().contains("This is a test: nothing is wrong"), "{event}");
    wait_for_page(&pagerduty, "resolve", "SkymonTest");
    wait_until("no alert is left", SOON, || {
        (running.alertmanager("/api/v2/alerts") == serde_json::json!([])).then_some(())
    });

    let said = lab.skymon(&format!("{TEST} --receiver team"));
    assert_eq!((said.status, said.stdout.as_str()), (0, "delivered to `team` by slack\n"), "{}", said.stderr);
    let message = slack.wait_for(|request| request.body.contains("SkymonTest"), SOON);
    assert_eq!(read_slack(&message).title, "[WARNING] This is a test: nothing is wrong");
    // Only warnings of one service go there.
    let said = lab.skymon(&format!("{TEST} --receiver ml"));
    assert_eq!((said.status, said.stdout.as_str()), (0, "delivered to `ml` by webhook\n"), "{}", said.stderr);
    assert!(said.stderr.contains("service `chat`, severity `warning`"), "{}", said.stderr);
    assert!(hook.requests().iter().any(|request| request.body.contains("SkymonTest")));
    // And only the watchdog here.
    beat.clear();
    let said = lab.skymon(&format!("{TEST} --receiver heartbeat"));
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (0, "delivered to `heartbeat` by webhook\n"),
        "{}",
        said.stderr
    );
    assert!(beat.requests().iter().any(|request| request.body.contains("nothing is wrong")));
    for secret in ["7002", "7001", "7003", "services/T0", "0123456789abcdef"] {
        assert!(!said.text().contains(secret), "{secret}: {}", said.text());
    }
}

#[test]
fn a_receiver_that_refuses_or_is_not_there_is_named() {
    let lab = lab("127.84.27.1");
    let (slack, pagerduty) = (lab.slack(), lab.pagerduty());
    // Nobody listens there.
    slack.answer(Reply::text(500, "out of order"));
    pagerduty.answer(Reply::text(400, "invalid key"));
    lab.render();
    lab.hurry();
    let mut running = lab.start();
    running.stop("prometheus");

    let said = lab.skymon(&format!("{TEST} --severity warning"));
    assert_eq!(said.status, 1, "{}{}", said.stdout, said.stderr);
    let trouble =
        "failed to `team` by slack: 3 attempts were refused or not answered; Alertmanager goes on trying\n";
    assert_eq!(said.stdout, trouble);
    assert!(
        said.stderr.contains("`team` by slack: an attempt was refused or not answered\n"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("docker-compose.yml logs --since 10m alertmanager"), "{}", said.stderr);
    assert!(said.stderr.ends_with("the test alert is ended\n"), "{}", said.stderr);

    // What cannot become better is given up at once, and Alertmanager says of which kind it is.
    let said = lab.skymon(TEST);
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (1, "failed to `pager` by pagerduty: Alertmanager gave up: clientError\n"),
        "{}",
        said.stderr
    );

    let said = lab.skymon(&format!("{TEST} --severity warning --service chat"));
    assert_eq!(said.status, 1, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.starts_with("failed to `ml` by webhook: 3 attempts were refused"), "{}", said.stdout);
}

#[test]
fn what_is_not_routed_or_muted_is_told_apart_from_what_failed() {
    let lab = lab("127.84.28.1");
    let (_slack, _pagerduty) = (lab.slack(), lab.pagerduty());
    let nobody_answers = lab.skymon(TEST);
    assert_eq!((nobody_answers.status, nobody_answers.stdout.as_str()), (2, ""));
    assert!(nobody_answers.stderr.contains("cannot reach Alertmanager"), "{}", nobody_answers.stderr);
    lab.render();
    let running = lab.start();

    let said = lab.skymon(&format!("{TEST} --severity info"));
    assert_eq!(said.status, 1, "{}", said.stderr);
    assert!(said.stdout.contains("ends at `nobody`, which tells nobody"), "{}", said.stdout);
    let said = lab.skymon(&format!("{TEST} --severity warning --receiver pager"));
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (1, "not routed: no route leads alerts of severity `warning` to `pager`\n"),
        "{}",
        said.stderr
    );
    for (flags, why) in [
        ("--receiver taem", "there is no receiver `taem`\nhelp: did you mean `team`?"),
        ("--severity critcal", "there is no severity `critcal`\nhelp: did you mean `critical`?"),
        ("--service chta", "there is no service `chta`\nhelp: did you mean `chat`?"),
    ] {
        let said = lab.skymon(&format!("{TEST} {flags}"));
        assert_eq!((said.status, said.stdout.as_str()), (2, ""));
        assert!(said.stderr.contains(why), "{}", said.stderr);
    }
    let said = lab.skymon("test-alert --alertmanager http://IP:9090");
    assert_eq!((said.status, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("it is not Alertmanager"), "{}", said.stderr);

    let silence = serde_json::json!({
        "matchers": [{"name": "severity", "value": "critical", "isRegex": false}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "me", "comment": "c",
    });
    let url = format!("http://{}/api/v2/silences", lab.addr(9093));
    let (status, answer) = crate::support::http::post(&url, &silence).expect("Alertmanager answers");
    assert_eq!(status, 200, "{answer}");
    let said = lab.skymon(TEST);
    assert_eq!(said.status, 1, "{}", said.stderr);
    assert!(said.stdout.starts_with("failed to `pager` by pagerduty: the silence "), "{}", said.stdout);
    drop(running);
}

#[test]
fn of_two_receivers_of_one_kind_each_has_its_own_answer() {
    let lab = Lab::new(
        "127.84.48.1",
        "
version: 1
name: lab
services:
  chat: {engine: custom, replicas: ['IP:8001']}
receivers:
  team: {slack: {webhook_url_file: secrets/slack}}
  spare: {slack: {webhook_url_file: secrets/spare}}
routes: {critical: team, warning: team, info: spare}
",
    );
    let _slack = lab.slack();
    // Nobody listens there, and Alertmanager goes on trying while the other is told.
    lab.write("secrets/spare", "http://IP:7009/x\n");
    lab.render();
    lab.hurry();
    let mut running = lab.start();
    running.stop("prometheus");
    let said = lab.skymon(&format!("{TEST} --severity info"));
    assert!(
        said.stdout.starts_with("failed to `spare` by slack: 3 attempts were refused"),
        "{}",
        said.text()
    );
    let said = lab.skymon(&format!("{TEST} --severity warning"));
    assert_eq!((said.status, said.stdout.as_str()), (0, "delivered to `team` by slack\n"), "{}", said.stderr);
    assert!(!said.stderr.contains("other notifications"), "{}", said.stderr);
    let page = lab.skymon("status --prometheus http://IP:9099 --alertmanager http://IP:9093");
    let words = page.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("slack team: 1 notifications, 0 failed"), "{}", page.text());
}

#[test]
fn while_it_waits_it_says_so_and_an_inhibition_is_named() {
    let lab = lab("127.84.49.1");
    let (_slack, _pagerduty) = (lab.slack(), lab.pagerduty());
    lab.render();
    let file = "monitoring/alertmanager/alertmanager.yml";
    lab.edit(file, "group_wait: \"10s\"", "group_wait: \"6s\"");
    let rule = "inhibit_rules:\n  - {source_matchers: ['alertname=\"Outage\"'], target_matchers: ['severity=\"warning\"']}";
    lab.edit(file, "inhibit_rules:", rule);
    let mut running = lab.start();
    running.stop("prometheus");

    let said = lab.skymon(TEST);
    assert_eq!(said.status, 0, "{}", said.text());
    assert!(
        said.stderr.contains("waiting for Alertmanager to tell, for 5s of at most 36s\n"),
        "{}",
        said.stderr
    );

    let outage = serde_json::json!([{"labels": {"alertname": "Outage"}}]);
    let url = format!("http://{}/api/v2/alerts", lab.addr(9093));
    let (status, answer) = crate::support::http::post(&url, &outage).expect("Alertmanager answers");
    assert_eq!(status, 200, "{answer}");
    let said = lab.skymon(&format!("{TEST} --severity warning"));
    let why = "failed to `team` by slack: another alert that fires mutes it (inhibition)\n";
    assert_eq!((said.status, said.stdout.as_str()), (1, why), "{}", said.stderr);
    assert!(said.stderr.ends_with("the test alert is ended\n"), "{}", said.stderr);
}
