//! `skymon validate --live` against the real Prometheus and Alertmanager, with each failure induced.

mod support;

#[path = "live/runs.rs"]
mod runs;
#[path = "live/sees.rs"]
mod sees;
#[path = "live/answers.rs"]
mod answers;

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::lab::{Lab, SOON, config};

const LIVE: &str = "validate --live --prometheus http://IP:9090 --alertmanager http://IP:9093";

/// What a test on one machine cannot but have.
const ALLOWED: &str = "\
allow:
  localhost-in-container:
    prometheus/targets/chat.yml: the test has no other machine
    alertmanager/alertmanager.yml: the test has no other machine
";

/// A stack on this machine.
fn lab(ip: &'static str, services: &str) -> Lab {
    let lab = Lab::new(ip, &format!("{}{ALLOWED}", config(services)));
    lab.write("secrets/grafana_admin_password", "x");
    lab
}

/// What was found, a line for each: `severity id file:line message; what stands under the place`.
fn findings(lab: &Lab) -> (i32, Vec<String>) {
    findings_of(lab, LIVE)
}

fn findings_of(lab: &Lab, args: &str) -> (i32, Vec<String>) {
    let said = lab.skymon(&format!("{args} --format json"));
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}", said.text()));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |one: &Value| {
        let place = &one["labels"][0];
        let file = text(&place["file"]);
        let at = place["line"].as_u64().map_or(String::new(), |line| format!(":{line}"));
        let under = text(&place["text"]);
        format!(
            "{} {} {file}{at} {}; {under} = {}",
            text(&one["severity"]),
            text(&one["id"]),
            text(&one["message"]),
            text(&one["help"])
        )
    };
    let list = report["diagnostics"].as_array().expect("a list");
    (said.status, list.iter().map(line).collect())
}

/// Asks until it is found, and gives the exit code and everything that is found with it.
#[track_caller]
fn wait_for(lab: &Lab, parts: &[&str]) -> (i32, Vec<String>) {
    let has = |line: &String| parts.iter().all(|part| line.contains(part));
    wait_until(lab, &format!("{parts:?}"), |_, found| found.iter().any(has))
}

#[track_caller]
fn wait_until_fine(lab: &Lab) {
    wait_until(lab, "no finding", |status, found| status == 0 && found.is_empty());
}

/// Says at the end what was found instead.
#[track_caller]
fn wait_until(lab: &Lab, what: &str, fits: impl Fn(i32, &[String]) -> bool) -> (i32, Vec<String>) {
    let start = Instant::now();
    loop {
        let (status, found) = findings(lab);
        if fits(status, &found) {
            return (status, found);
        }
        assert!(start.elapsed() < SOON, "still waiting for {what} in\n{}", found.join("\n"));
        sleep(Duration::from_millis(500));
    }
}

#[track_caller]
fn expect(found: &[String], parts: &[&str]) {
    let has = |line: &&String| parts.iter().all(|part| line.contains(part));
    assert!(found.iter().any(|line| has(&line)), "no line has {parts:?}:\n{}", found.join("\n"));
}
