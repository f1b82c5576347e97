//! Nobody serves, one of two is gone, or the door is shut: who hears of it, how soon, and that the rest is silent.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::fakes::Receiver;
use crate::support::http::Reply;
use crate::support::lab::{
    Lab, ROUTING_KEY, SOON, expect_links_that_open, firing, read_slack, silence_filter, slack_titles,
    wait_for_page, wait_for_replicas, wait_for_slack, wait_until_fires, wait_until_is,
};
use crate::support::mail::{MailServer, Tls};
use crate::support::stack::Stack;
use crate::support::tls::Authority;
use crate::support::{say, wait_until};

#[test]
fn a_total_outage_pages_and_posts_once_and_is_taken_back_when_the_replicas_return() {
    let lab = Lab::new(
        "127.84.1.1",
        "
version: 1
name: lab
services:
  chat:
    engine: custom
    replicas: ['IP:8001', 'IP:8002']
    endpoint: http://IP:8001
    probe: {path: /health, interval: 1s}
receivers:
  oncall:
    pagerduty: {routing_key_file: secrets/pagerduty, url: 'http://IP:7002/v2/enqueue'}
    slack: {webhook_url_file: secrets/slack}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
alerts:
  ServiceDown: {for: 10s}
  ReplicaDown: {for: 5s}
  EndpointDown: {for: 5s}
",
    );
    let (slack, pagerduty) = (lab.slack(), lab.pagerduty());
    let (mut one, mut two) = (lab.replica(8001), lab.replica(8002));
    lab.render();
    // The page waits as long as at a user's. The warning would follow after 30 s, the all-clear after 5 minutes.
    let alertmanager = "monitoring/alertmanager/alertmanager.yml";
    lab.edit(alertmanager, "group_wait: \"30s\"", "group_wait: \"12s\"");
    lab.edit(alertmanager, "group_interval: \"5m\"", "group_interval: \"3s\"");
    let running = lab.start();
    wait_for_replicas(&running, "chat", 2.0);
    wait_until_is(&running, "service:endpoint_up:min{service=\"chat\"}", 1.0);

    let outage = SystemTime::now();
    one.stop();
    two.stop();
    let page = wait_for_page(&pagerduty, "trigger", "ServiceDown");
    say(&format!(
        "total outage → delivered page: {:.0} s (1 s intervals, `for: 10s`); with the default intervals at the most \
         15 + 15 + 30 + 10 = 70 s",
        page.at.duration_since(outage).unwrap_or_default().as_secs_f64()
    ));
    let page = page.json();
    expect_outage_page(&page);
    let post = wait_for_slack(&slack, DOWN);
    assert_eq!(post.color, "danger");
    assert!(post.text.contains("*ServiceDown* · service `chat`"), "{post:?}");
    let post = format!("{} {}", post.text, post.title_link);
    expect_links_about_chat(&lab, &running, &post, &["dashboard", "runbook", "silence"]);
    expect_links_about_chat(&lab, &running, &page.to_string(), &["dashboard", "query", "runbook", "silence"]);

    expect_muted(&running, &["EndpointDown", "ReplicaDown"]);
    // By their own times they were due before the page was; this is one more of their intervals.
    sleep(Duration::from_secs(5));
    assert_eq!(slack_titles(&slack), [DOWN]);
    assert_eq!(pagerduty.requests().len(), 1);

    one.restart();
    two.restart();
    let resolve = wait_for_page(&pagerduty, "resolve", "ServiceDown").json();
    assert_eq!(resolve["dedup_key"], page["dedup_key"]);
    assert_eq!(resolve["routing_key"], ROUTING_KEY);
    let post = wait_for_slack(&slack, "[RESOLVED] chat is down: no replica answers");
    assert_eq!(post.color, "good");
    assert!(post.text.contains("*ServiceDown* · service `chat`"), "{post:?}");
}

const DOWN: &str = "[CRITICAL] chat is down: no replica answers";

#[track_caller]
fn expect_outage_page(page: &Value) {
    assert_eq!(page["routing_key"], ROUTING_KEY, "{page}");
    assert!(page["dedup_key"].as_str().is_some_and(|key| !key.is_empty()), "{page}");
    let payload = &page["payload"];
    assert_eq!(payload["summary"], DOWN);
    assert_eq!(payload["severity"], "critical");
    assert_eq!(payload["component"], "chat");
    let details = payload["custom_details"]["alerts"].as_str().unwrap_or_default();
    for words in [
        "FIRING ServiceDown · service chat",
        "None of the replicas of chat has answered Prometheus for the last 10s",
    ] {
        assert!(details.contains(words), "{details}");
    }
    let links = page["links"].as_array().cloned().unwrap_or_default();
    let texts: Vec<&Value> = links.iter().map(|link| &link["text"]).collect();
    assert_eq!(texts, ["Runbook", "Dashboard", "Silence"]);
}

/// Every link opens, and leads to what the notification is about.
#[track_caller]
fn expect_links_about_chat(lab: &Lab, running: &Stack, text: &str, pages: &[&str]) {
    let links = expect_links_that_open(lab, running, text);
    assert_eq!(links.keys().copied().collect::<Vec<_>>(), pages, "{text}");
    assert!(links["dashboard"].ends_with("?var-service=chat"), "{links:?}");
    let filter = silence_filter(&links["silence"]);
    assert_eq!(filter, "{alertname=\"ServiceDown\",service=\"chat\"}");
}

/// These alerts are known to Alertmanager, and muted.
#[track_caller]
fn expect_muted(running: &Stack, names: &[&str]) {
    wait_until("Alertmanager mutes what the outage explains", SOON, || {
        let alerts = running.alertmanager("/api/v2/alerts?inhibited=true&active=false");
        let muted = alerts.as_array()?.iter().map(|alert| &alert["labels"]["alertname"]);
        let muted: Vec<&Value> = muted.collect();
        names.iter().all(|name| muted.contains(&&Value::from(*name))).then_some(())
    });
}

/// Nothing is overridden and no rendered file is touched: the time that a user gets, and the dead man's switch.
#[test]
fn a_stack_with_all_defaults_pages_a_total_outage_within_90_seconds_and_never_stops_its_heartbeat() {
    let lab = Lab::new(
        "127.84.2.1",
        "
version: 1
name: lab
services:
  chat: {engine: custom, replicas: ['IP:8001', 'IP:8002']}
receivers:
  oncall:
    pagerduty: {routing_key_file: secrets/pagerduty, url: 'http://IP:7002/v2/enqueue'}
routes: {critical: oncall, warning: oncall}
heartbeat: {url_file: secrets/heartbeat}
",
    );
    let pagerduty = lab.pagerduty();
    lab.write("secrets/heartbeat", "http://IP:7004/ping/abc\n");
    let heartbeat = Receiver::webhook(lab.addr(7004));
    let (mut one, mut two) = (lab.replica(8001), lab.replica(8002));
    lab.render();
    let running = lab.start();
    wait_for_replicas(&running, "chat", 2.0);

    let outage = SystemTime::now();
    one.stop();
    two.stop();
    let limit = Duration::from_secs(90);
    let page = pagerduty.wait_for(|request| request.body.contains("chat is down"), limit);
    let time = page.at.duration_since(outage).unwrap_or_default();
    say(&format!("total outage → delivered page, measured with all defaults: {:.0} s", time.as_secs_f64()));
    assert!(time < limit, "{time:?}");

    wait_until("the heartbeat has come twice", Duration::from_secs(75), || {
        (heartbeat.requests().len() >= 2).then_some(())
    });
    let beats = heartbeat.requests();
    let between = beats[1].at.duration_since(beats[0].at).unwrap_or_default();
    assert!(between < Duration::from_secs(75), "{between:?}");
    for beat in &beats {
        assert_eq!(beat.path, "/ping/abc");
        assert_eq!(beat.json()["status"], "firing");
        assert_eq!(beat.json()["commonAnnotations"]["summary"], "the monitoring is alive");
    }
    assert!(pagerduty.requests().iter().all(|page| !page.body.contains("Watchdog")));
}

#[test]
fn one_of_two_lost_replicas_is_named_in_a_mail_and_so_is_its_return() {
    let lab = Lab::new(
        "127.84.3.1",
        "
version: 1
name: lab
services:
  chat: {engine: custom, replicas: ['IP:8001', 'IP:8002']}
receivers:
  team:
    email:
      to: [team@example.test]
      from: skymon@example.test
      smarthost: IP:7587
      username: me
      password_file: secrets/password
      ca_file: certs/ca.pem
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
alerts: {ReplicaDown: {for: 1s}}
",
    );
    let authority = Authority::new();
    authority.write(&lab.path("certs/ca.pem"));
    lab.write("secrets/password", "pass $word");
    let mail = MailServer::start(lab.addr(7587), Tls::StartTls, authority.server(&["127.84.3.1"]));
    let (_one, mut two) = (lab.replica(8001), lab.replica(8002));
    lab.render();
    lab.hurry();
    let running = lab.start();
    wait_for_replicas(&running, "chat", 2.0);

    two.stop();
    let lost = mail.wait_for(|mail| mail.text.contains("ReplicaDown"), SOON);
    assert_eq!(lost.subject, "[WARNING] replica 127.84.3.1:8002 of chat is down");
    assert_eq!(
        (lost.from.as_str(), lost.to.as_slice()),
        ("skymon@example.test", &["team@example.test".to_owned()][..])
    );
    assert!(lost.tls);
    assert_eq!((lost.user.as_deref(), lost.password.as_deref()), (Some("me"), Some("pass $word")));
    let words = "Prometheus has not reached replica 127.84.3.1:8002 of chat for 1s; the other replicas carry its load.";
    assert!(
        lost.text.contains("FIRING ReplicaDown · service chat · replica 127.84.3.1:8002"),
        "{}",
        lost.text
    );
    for part in [&lost.text, &lost.html] {
        assert!(part.contains(words), "{part}");
        let links = expect_links_that_open(&lab, &running, part);
        let pages: Vec<&str> = links.keys().copied().collect();
        assert_eq!(pages, ["dashboard", "query", "runbook", "silence"], "{part}");
        assert_eq!(silence_filter(&links["silence"]), "{alertname=\"ReplicaDown\",service=\"chat\"}");
    }

    two.restart();
    let back = mail.wait_for(|mail| mail.text.contains("RESOLVED ReplicaDown"), SOON);
    assert_eq!(back.subject, "[RESOLVED] replica 127.84.3.1:8002 of chat is down");
    assert!(mail.mails().iter().all(|mail| !mail.text.contains("ServiceDown")));
}

/// Four services at once, all with healthy replicas and without a request: the two behind a broken door are told, the
/// one whose door answers 404 is fine, since nobody said what path of it is there. That nobody calls is `info`.
#[test]
fn a_broken_endpoint_before_healthy_replicas_is_told_and_an_idle_service_only_where_info_has_a_route() {
    let lab = Lab::new(
        "127.84.4.1",
        "
version: 1
name: lab
services:
  answers-500: {engine: custom, replicas: ['IP:8001'], endpoint: 'http://IP:8081', probe: {interval: 1s}}
  refuses: {engine: custom, replicas: ['IP:8002'], endpoint: 'http://IP:8082', probe: {interval: 1s}}
  answers-404: {engine: custom, replicas: ['IP:8003'], endpoint: 'http://IP:8083', probe: {interval: 1s}}
  wants-info: {engine: custom, replicas: ['IP:8004'], routes: {info: team}}
receivers: {team: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
alerts:
  EndpointDown: {for: 1s}
  NoRequests: {for: 1s}
",
    );
    let slack = lab.slack();
    let _replicas = [8001, 8002, 8003, 8004].map(|port| lab.replica(port));
    let gateway = Receiver::start(lab.addr(8081), Reply::text(200, "hello"));
    let closing = Receiver::start(lab.addr(8082), Reply::text(200, "hello"));
    let _elsewhere = Receiver::start(lab.addr(8083), Reply::text(404, "no such page"));
    lab.render();
    lab.hurry();
    let running = lab.start();
    for service in ["answers-500", "refuses", "answers-404"] {
        wait_until_is(&running, &format!("service:endpoint_up:min{{service=\"{service}\"}}"), 1.0);
    }
    gateway.answer(Reply::text(500, "out of order"));
    drop(closing);
    for service in ["answers-500", "refuses"] {
        let title = format!("[CRITICAL] the endpoint of {service} does not answer from outside");
        let post = wait_for_slack(&slack, &title);
        assert!(post.text.contains(&format!("*EndpointDown* · service `{service}`")), "{post:?}");
        wait_until_is(&running, &format!("service:replicas_up:sum{{service=\"{service}\"}}"), 1.0);
    }

    // Idle services fire both; the one without a route would have been told in the same moment.
    for service in ["answers-404", "wants-info"] {
        wait_until_fires(&running, "NoRequests", service);
    }
    wait_for_slack(&slack, "[INFO] wants-info is up and gets no requests");
    sleep(Duration::from_secs(4));
    assert!(!firing(&running).contains(&("EndpointDown".into(), "answers-404".into())));
    for request in slack.requests() {
        let post = read_slack(&request);
        assert!(!post.title.contains("answers-404"), "{post:?}");
        assert!(!post.text.contains("NoRequests") || post.title.contains("wants-info"), "{post:?}");
    }
}
