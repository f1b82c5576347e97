//! What lasts: one that hangs is seen, programs that die come back, and data outlives its containers. One test, because it
//! waits for minutes that can be the same.

use serde_json::json;

use crate::lab::{Lab, PASSWORD, SOON};
use crate::support::{http, wait_until};

const CONFIG: &str = "
services: {chat: {engine: custom, endpoint: 'http://HOST:8001', replicas: ['HOST:8001']}}
receivers: {oncall: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
";

#[test]
fn what_hangs_is_seen_what_is_killed_comes_back_and_data_outlives_the_containers() {
    let lab = Lab::new(3, CONFIG);
    let _slack = lab.slack();
    let _replica = lab.replica(8001);
    lab.apply();
    lab.wait_for_replicas("chat", 1);
    let sample = wait_until("there is data", SOON, || {
        lab.query("timestamp(up{service=\"chat\"} == 1)").first().map(|(_, time)| *time)
    });
    let silence = silence(&lab);
    what_hangs_is_seen_until_it_answers_again(&lab);
    lab.wait_for_state("alertmanager", "past its next snapshot", |_| {
        lab.inside("alertmanager", "grep -q HighLatency /alertmanager/silences").status == 0
    });

    // A program that was told to read its files anew must come back all the same.
    lab.edit("prometheus: {scrape", "alerts: {HighErrorRate: {threshold: 7%}}\nprometheus: {scrape");
    let reload = "docker compose -f monitoring/docker-compose.yml exec prometheus kill -HUP 1";
    assert_eq!(lab.apply(), reload);
    for program in lab.programs() {
        lab.signal(&program, "KILL");
    }
    for program in lab.programs() {
        lab.wait_for_state(&program, "started again", |container| container["RestartCount"] == 1);
        lab.wait_until_healthy(&program);
    }
    expect_all_is_kept(&lab, sample, &silence);

    lab.compose("down").expect_success();
    assert_eq!(lab.programs(), [""; 0]);
    lab.write("secrets/grafana_admin_password", "another one");
    lab.compose("up -d --wait").expect_success();
    expect_all_is_kept(&lab, sample, &silence);
}

fn silence(lab: &Lab) -> String {
    let matcher = json!({"name": "alertname", "value": "HighLatency", "isRegex": false, "isEqual": true});
    let silence = json!({
        "matchers": [matcher], "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "me", "comment": "why",
    });
    let url = format!("{}/api/v2/silences", lab.alertmanager_url());
    let (status, said) = http::post(&url, &silence).expect("Alertmanager answers");
    assert_eq!(status, 200, "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    said["silenceID"].as_str().expect("an id").to_owned()
}

/// A sample from before, the silence, and the password that Grafana has in its own data.
#[track_caller]
fn expect_all_is_kept(lab: &Lab, sample: f64, silence: &str) {
    let then = lab.prometheus(&format!("/api/v1/query?query=up%7Bservice%3D%22chat%22%7D&time={sample}"));
    assert_eq!(then["result"][0]["value"][1], "1", "{then}");
    let silences = lab.alertmanager("/api/v2/silences");
    assert_eq!(silences[0]["id"], silence, "{silences}");
    assert_eq!(silences[0]["status"]["state"], "active", "{silences}");
    let login = |password: &str| {
        let url = lab.url(3000, "/login");
        http::post(&url, &json!({"user": "admin", "password": password})).expect("Grafana answers").0
    };
    assert_eq!((login(PASSWORD), login("another one")), (200, 401));
}

/// Each way to ask for health once: `promtool`, and `wget`.
fn what_hangs_is_seen_until_it_answers_again(lab: &Lab) {
    let programs = ["blackbox", "prometheus"];
    for program in programs {
        lab.signal(program, "STOP");
    }
    for program in programs {
        lab.wait_for_state(program, "unhealthy", |container| {
            container["State"]["Health"]["Status"] == "unhealthy"
        });
    }
    for program in programs {
        lab.signal(program, "CONT");
    }
    for program in programs {
        lab.wait_until_healthy(program);
    }
}
