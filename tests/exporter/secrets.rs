//! Secrets: those in the API server's answers, and the exporter's own. A marker in every place that may hold one must
//! not come out anywhere.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::process::Exporter;
use crate::support::http::Reply;
use crate::support::skypilot::{ApiServer, captured, failed, finished};

const MARKER: &str = "hf_MARKER";

#[track_caller]
fn nothing_came_out(exporter: &Exporter) {
    for (place, text) in [
        ("log", exporter.log()),
        ("/metrics", exporter.get("/metrics").1),
        ("/sd", exporter.get("/sd").1),
        ("/healthz", exporter.get("/healthz").1),
    ] {
        assert!(!text.contains("MARKER"), "{place}: {text}");
    }
}

/// The captured service with the marker in every field that nothing is made of.
fn marked() -> Value {
    let mut service = captured().remove(0);
    for name in [
        "yaml_content",
        "entrypoint",
        "pool_yaml",
        "policy",
        "user_name",
        "user_hash",
        "controller_ip",
        "endpoint",
        "requested_resources_str",
        "a_field_of_tomorrow",
        "load_balancing_policy",
    ] {
        service[name] = json!(format!("secrets:\n  HF_TOKEN: {MARKER}"));
    }
    for replica in service["replica_info"].as_array_mut().expect("replicas") {
        for name in ["handle", "resources_str_full", "infra", "status_detail", "name", "a_field_of_tomorrow"]
        {
            replica[name] = json!({"HF_TOKEN": MARKER});
        }
        if let Some(endpoint) = replica["endpoint"].as_str() {
            replica["endpoint"] =
                json!(endpoint.replace("://", &format!("://user:{MARKER}@")) + &format!("/?key={MARKER}"));
        }
    }
    service
}

#[test]
fn what_an_answer_holds_besides_the_status_comes_out_nowhere() {
    let server = ApiServer::start();
    server.set(vec![marked()]);
    let exporter = Exporter::ready(&server.url(), &[]);
    assert_eq!(exporter.targets("").len(), 6);
    nothing_came_out(&exporter);
}

#[test]
fn what_a_failure_quotes_comes_out_nowhere() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[]);
    let faults = [
        failed("RuntimeError", &format!("cannot read {MARKER}")),
        failed(&format!("type {MARKER}"), ""),
        Reply::text(401, format!("Bearer {MARKER}")),
        Reply::text(500, format!("{{\"detail\": \"{MARKER}\"}}")),
        Reply::text(302, MARKER)
            .with_header("Location", format!("https://user:{MARKER}@example.com/?{MARKER}")),
        Reply::text(200, format!("[\"{MARKER}")),
        Reply::json(400, &json!({"error": "version_mismatch", "message": MARKER})),
    ];
    for fault in faults {
        server.answer(fault);
        exporter.wait_for("skyserve_up", 0.0);
        server.let_poll();
        nothing_came_out(&exporter);
        server.answer(finished(&captured()));
        exporter.wait_for("skyserve_up", 1.0);
    }
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).expect("writes the file");
    path.to_str().expect("plain").to_owned()
}

#[test]
fn the_token_is_sent_with_every_call_and_comes_out_nowhere() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let token = file(dir.path(), "token", "sky_MARKER\n");
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[("SKYPILOT_TOKEN_FILE", &token)]);
    server.answer(Reply::text(401, ""));
    exporter.wait_for("skyserve_last_poll_failed{reason=\"unauthorized\"}", 1.0);
    for request in server.requests() {
        assert_eq!(request.header("Authorization"), Some("Bearer sky_MARKER"), "{}", request.path);
    }
    nothing_came_out(&exporter);
}

#[test]
fn a_new_token_is_used_without_a_restart_and_a_missing_one_is_no_reason_to_ask_without() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let token = file(dir.path(), "token", "sky_one");
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[("SKYPILOT_TOKEN_FILE", &token)]);
    file(dir.path(), "token", "sky_two");
    server.let_poll();
    let last = server.requests().pop().expect("a request");
    assert_eq!(last.header("Authorization"), Some("Bearer sky_two"));

    fs::remove_file(&token).expect("the file is there");
    exporter.wait_for("skyserve_last_poll_failed{reason=\"credentials\"}", 1.0);
    assert!(server.requests().iter().all(|request| request.header("Authorization").is_some()));
    file(dir.path(), "token", "sky_three");
    exporter.wait_for("skyserve_up", 1.0);
}

#[test]
fn a_user_and_password_are_sent_as_basic_auth_and_come_out_nowhere() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let pair = file(dir.path(), "basic", "skymon:MARKER\n");
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[("SKYPILOT_BASIC_AUTH_FILE", &pair)]);
    let sent = server.requests().remove(0);
    assert_eq!(sent.header("Authorization"), Some("Basic c2t5bW9uOk1BUktFUg=="));
    nothing_came_out(&exporter);
}
