//! The process: what it refuses to start with, how it ends, who can keep it busy, and what a large fleet costs it.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Exporter, SOON};
use crate::support::skypilot::{ApiServer, captured, finished_with};
use crate::support::wait_until;

const ENDPOINT: (&str, &str) = ("SKYPILOT_API_SERVER_ENDPOINT", "http://127.0.0.1:1");

/// Starts it with these variables, and expects an end with a message about `what`.
#[track_caller]
fn refused(what: &str, env: &[(&str, &str)]) {
    let output = Exporter::refuse(env);
    assert_eq!(output.status, 2, "{}", output.text());
    assert!(output.stderr.contains(what), "`{what}` is not in: {}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 1, "one line is enough: {}", output.stderr);
    assert!(!output.text().contains("MARKER"), "{}", output.text());
}

#[test]
fn an_environment_that_cannot_work_ends_it_with_the_name_of_the_variable() {
    refused("SKYPILOT_API_SERVER_ENDPOINT is not set", &[]);
    for endpoint in [
        "sky.example.com",
        "ftp://a",
        "http://",
        "http://a:x",
        "http://a/?q=MARKER",
        "http://[::1",
        "http://a b",
    ] {
        refused("SKYPILOT_API_SERVER_ENDPOINT", &[("SKYPILOT_API_SERVER_ENDPOINT", endpoint)]);
    }
    let with_password = [("SKYPILOT_API_SERVER_ENDPOINT", "https://user:MARKER@sky.example.com")];
    refused("SKYPILOT_BASIC_AUTH_FILE", &with_password);
    for seconds in ["0", "-1", "nan", "inf", "1m", "1e9"] {
        refused("POLL_INTERVAL_SECONDS", &[ENDPOINT, ("POLL_INTERVAL_SECONDS", seconds)]);
    }
    for address in ["9091", ":9091", "a:b", "127.0.0.1:70000"] {
        refused("LISTEN_ADDRESS", &[ENDPOINT, ("LISTEN_ADDRESS", address)]);
    }
    refused("STALE_AFTER_SECONDS", &[ENDPOINT, ("STALE_AFTER_SECONDS", "60")]);
    refused("SKYSERVE_SERVICES", &[ENDPOINT, ("SKYSERVE_SERVICES", "llm-*")]);
    refused("SKYPILOT_CA_FILE is for an https:// endpoint", &[ENDPOINT, ("SKYPILOT_CA_FILE", "/ca.pem")]);
}

#[test]
fn files_that_cannot_be_used_end_it_with_their_path() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("writes the file");
        path.to_str().expect("plain").to_owned()
    };
    let https = ("SKYPILOT_API_SERVER_ENDPOINT", "https://127.0.0.1:1");
    refused("/no/such/file", &[ENDPOINT, ("SKYPILOT_TOKEN_FILE", "/no/such/file")]);
    refused("SKYPILOT_TOKEN_FILE", &[ENDPOINT, ("SKYPILOT_TOKEN_FILE", &write("empty", b" \n"))]);
    refused("SKYPILOT_TOKEN_FILE", &[ENDPOINT, ("SKYPILOT_TOKEN_FILE", &write("lines", b"MARKER\nX-A: b"))]);
    refused("SKYPILOT_TOKEN_FILE", &[ENDPOINT, ("SKYPILOT_TOKEN_FILE", &write("bytes", b"MARKER\xff\xfe"))]);
    refused(
        "SKYPILOT_BASIC_AUTH_FILE",
        &[ENDPOINT, ("SKYPILOT_BASIC_AUTH_FILE", &write("basic", b"MARKER"))],
    );
    refused("SKYPILOT_CA_FILE", &[https, ("SKYPILOT_CA_FILE", "/no/such/file")]);
    refused("SKYPILOT_CA_FILE", &[https, ("SKYPILOT_CA_FILE", &write("ca", b"no certificate"))]);
    let token = write("token", b"MARKER");
    refused("not both", &[ENDPOINT, ("SKYPILOT_TOKEN_FILE", &token), ("SKYPILOT_BASIC_AUTH_FILE", &token)]);
}

#[test]
fn an_address_that_is_taken_ends_it() {
    let exporter = Exporter::start("http://127.0.0.1:1", &[]);
    let taken = exporter.url().trim_start_matches("http://").to_owned();
    refused(&taken, &[ENDPOINT, ("LISTEN_ADDRESS", &taken)]);
}

#[test]
fn a_token_that_would_travel_in_clear_is_warned_of() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let token = dir.path().join("token");
    fs::write(&token, "sky_x").expect("writes the token");
    let env = [("SKYPILOT_TOKEN_FILE", token.to_str().expect("plain"))];
    // A name that exists nowhere: nothing is sent.
    let warned = Exporter::start("http://sky.invalid", &env);
    wait_until("the warning", SOON, || warned.log().contains("travels in clear").then_some(()));
    let server = ApiServer::start();
    let local = Exporter::ready(&server.url(), &env);
    assert!(!local.log().contains("travels in clear"), "{}", local.log());
}

#[test]
fn it_ends_well_when_it_is_told_to_even_in_the_middle_of_a_poll() {
    let server = ApiServer::start();
    let mut exporter = Exporter::ready(&server.url(), &[]);
    assert_eq!(exporter.terminate(), Some(0), "{}", exporter.log());

    server.rule(|request| {
        if request.path.starts_with("/api/get") {
            std::thread::sleep(Duration::from_secs(5));
        }
        None
    });
    let before = server.requests_to("/api/get").len();
    let mut exporter = Exporter::start(&server.url(), &[]);
    wait_until("a poll hangs", SOON, || (server.requests_to("/api/get").len() > before).then_some(()));
    assert_eq!(exporter.terminate(), Some(0), "{}", exporter.log());
    assert_eq!(server.requests_to("/api/cancel").len(), 1, "what nobody waits for any more is cancelled");
}

#[test]
fn clients_that_say_nothing_do_not_keep_prometheus_out() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[]);
    let addr = exporter.url().trim_start_matches("http://").to_owned();
    let _silent: Vec<TcpStream> = (0..10).map(|_| TcpStream::connect(&addr).expect("connects")).collect();
    assert_eq!(exporter.get("/metrics").0, 200);
}

#[test]
fn many_clients_do_not_become_many_threads() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[]);
    let addr = exporter.url().trim_start_matches("http://").to_owned();
    let _silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&addr).expect("connects")).collect();
    // What would have come: a thread and a timer for each.
    std::thread::sleep(Duration::from_secs(1));
    assert!(exporter.threads() < 30, "{} threads", exporter.threads());
}

#[test]
fn head_is_answered_as_get_without_the_body() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[]);
    let addr = exporter.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(addr).expect("connects");
    let mut answer = String::new();
    std::io::Write::write_all(&mut stream, b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n").expect("asks");
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("answers");
    assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("Content-Length: 3\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

/// The answer for so many services with so many replicas each, as text: 40 MB of JSON values would take us minutes.
fn fleet(services: usize, replicas: usize) -> String {
    let mut service = captured().remove(0);
    let some: Vec<Value> = service["replica_info"].as_array().expect("replicas").clone();
    let all = (0..replicas).map(|n| {
        let mut replica = some[n % some.len()].clone();
        replica["replica_id"] = json!(n + 1);
        replica
    });
    service["replica_info"] = all.collect();
    service["name"] = json!("NAME");
    let text = service.to_string();
    let named: Vec<String> =
        (0..services).map(|n| text.replace("\"NAME\"", &format!("\"svc-{n}\""))).collect();
    format!("[{}]", named.join(","))
}

/// With the timeouts that everybody has: 60 s for a poll, 10 s for a scrape.
#[test]
fn a_fleet_of_100_000_replicas_is_polled_and_scraped_in_time_and_in_bounded_memory() {
    let server = ApiServer::start();
    server.answer(finished_with(&fleet(1_000, 100)));
    let exporter = Exporter::start(&server.url(), &[("POLL_INTERVAL_SECONDS", "5")]);
    wait_until("the first poll succeeds", Duration::from_secs(70), || {
        (exporter.metrics().get("skyserve_up") == Some(1.0)).then_some(())
    });
    let (status, text) = exporter.get("/metrics");
    assert_eq!(status, 200);
    assert_eq!(text.lines().filter(|line| line.starts_with("skyserve_replica_info{")).count(), 100_000);
    assert_eq!(exporter.targets("?service=svc-7").len(), 40);
    // A second poll, while the first answer is still shown.
    server.let_poll();
    assert_eq!(exporter.targets("").len(), 40_000);
    assert!(exporter.peak_memory() < 512, "{} MiB", exporter.peak_memory());
    crate::discovery::prometheus_scrapes_in_time(&exporter, 300_000.0);
}
