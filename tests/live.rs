//! `skymon validate --live` against the real Prometheus and Alertmanager, with each failure induced.

mod support;

#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
#[path = "end_to_end/lab.rs"]
mod lab;

#[path = "live/runs.rs"]
mod runs;
#[path = "live/sees.rs"]
mod sees;
#[path = "live/answers.rs"]
mod answers;

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lab::{Lab, SOON};
use serde_json::Value;
use support::tools::{self, Output};

const LIVE: &str = "validate --live --prometheus http://IP:9090 --alertmanager http://IP:9093";

/// Runs `skymon ARGS` in the lab's folder. `IP` stands for the test's address.
fn skymon(lab: &Lab, args: &str) -> Output {
    let ip = lab.addr(0).ip().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_skymon"));
    command.args(args.replace("IP", &ip).split_whitespace()).current_dir(lab.path(""));
    tools::run(command.env_clear().env("PATH", "/usr/bin:/bin"))
}

/// What was found, a line for each: `severity id file:line message; what stands under the place`.
fn findings(lab: &Lab) -> (i32, Vec<String>) {
    findings_of(lab, LIVE)
}

fn findings_of(lab: &Lab, args: &str) -> (i32, Vec<String>) {
    let said = skymon(lab, &format!("{args} --format json"));
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
    let list = report["diagnostics"].as_array().or_else(|| report["findings"].as_array());
    (said.status, list.into_iter().flatten().map(line).collect())
}

/// Asks until it is found, and gives the exit code and everything that is found with it.
#[track_caller]
fn wait_for(lab: &Lab, parts: &[&str]) -> (i32, Vec<String>) {
    let start = Instant::now();
    loop {
        let (status, found) = findings(lab);
        if found.iter().any(|line| parts.iter().all(|part| line.contains(part))) {
            return (status, found);
        }
        assert!(start.elapsed() < SOON, "still waiting for {parts:?} in\n{}", found.join("\n"));
        sleep(Duration::from_millis(500));
    }
}

#[track_caller]
fn expect(found: &[String], parts: &[&str]) {
    let has = |line: &&String| parts.iter().all(|part| line.contains(part));
    assert!(found.iter().any(|line| has(&line)), "no line has {parts:?}:\n{}", found.join("\n"));
}

#[track_caller]
fn wait_until_fine(lab: &Lab) {
    let start = Instant::now();
    loop {
        let (status, found) = findings(lab);
        if status == 0 && found.is_empty() {
            return;
        }
        assert!(start.elapsed() < SOON, "still waiting for no finding in\n{}", found.join("\n"));
        sleep(Duration::from_millis(500));
    }
}
