//! What an API server, or whatever stands before it, can do wrong. Each time the exporter must say so with the right
//! reason, keep what it knew, never show a zero in place of what it cannot see, and find back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::process::{Exporter, SOON};
use crate::support::http::{Fault, Reply, Server};
use crate::support::skypilot::{ApiServer, captured, failed, finished, finished_with};
use crate::support::tls::Authority;
use crate::support::wait_until;

const READY: &str = "skyserve_replicas{service=\"llm-chat\",status=\"READY\"}";

/// Lets a server that worked go wrong in this way, and work again.
#[track_caller]
fn survives(reason: &str, env: &[(&str, &str)], fault: impl FnOnce(&ApiServer)) {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), env);
    let targets = exporter.targets("");

    fault(&server);
    exporter.wait_for(&format!("skyserve_last_poll_failed{{reason=\"{reason}\"}}"), 1.0);
    server.let_poll();
    let metrics = exporter.metrics();
    assert_eq!(metrics.get("skyserve_up"), Some(0.0));
    let errors = metrics.counted("skyserve_poll_errors_total");
    assert_eq!(errors.keys().collect::<Vec<_>>(), [&format!("reason=\"{reason}\"")], "{}", exporter.log());
    assert_eq!(metrics.get(READY), Some(5.0), "what is known stays known");
    assert_eq!(exporter.targets(""), targets);
    assert_eq!(exporter.get("/healthz").0, 200, "a restart of the exporter would mend nothing");
    let lines = exporter.log().matches(&format!("cannot get the status: {reason}: ")).count();
    assert_eq!(lines, 1, "one line for each change, not for each poll: {}", exporter.log());

    server.work();
    exporter.wait_for("skyserve_up", 1.0);
    assert!(exporter.metrics().counted("skyserve_last_poll_failed").is_empty());
}

/// The same for a fault in the answer to the status itself.
#[track_caller]
fn survives_answer(reason: &str, reply: Reply) {
    survives(reason, &[], |server| server.answer(reply));
}

/// The same for a fault in the answer to the first call.
#[track_caller]
fn survives_refusal(reason: &str, reply: Reply) {
    survives(reason, &[], |server| {
        server.rule(move |request| (request.path == "/serve/status").then(|| reply.clone()));
    });
}

#[test]
fn a_token_that_is_not_accepted_is_unauthorized() {
    survives_refusal(
        "unauthorized",
        Reply::text(401, r#"{"detail":"Invalid or expired service account token"}"#),
    );
}

#[test]
fn an_account_that_may_not_look_is_forbidden() {
    survives_refusal("forbidden", Reply::text(403, r#"{"detail":"Forbidden"}"#));
}

#[test]
fn a_server_that_is_asked_too_often_is_rate_limited() {
    survives_refusal("rate_limited", Reply::text(429, "slow down").with_header("Retry-After", "1"));
}

#[test]
fn a_server_without_workers_is_unavailable() {
    survives_refusal("unavailable", Reply::text(503, "busy"));
    survives_answer("unavailable", Reply::text(504, "<html>gateway</html>"));
}

#[test]
fn a_server_of_another_time_is_a_version_mismatch() {
    let body = json!({"error": "version_mismatch", "message": "client too old"});
    survives_refusal("version_mismatch", Reply::json(400, &body).with_header("x-skypilot-api-version", "99"));
}

#[test]
fn a_controller_that_does_not_run_is_no_controller_and_not_zero_replicas() {
    survives_answer("no_controller", failed("ClusterNotUpError", "No live services."));
}

#[test]
fn any_other_error_of_the_server_is_a_failed_request() {
    survives_answer("request_failed", failed("RuntimeError", "no egress"));
    survives_refusal("request_failed", Reply::text(500, "Internal Server Error"));
}

#[test]
fn a_redirect_is_not_followed_and_the_token_stays_here() {
    let elsewhere = ApiServer::start();
    let secrets = tempfile::tempdir().expect("a temporary folder");
    let token = secrets.path().join("token");
    std::fs::write(&token, "sky_token\n").expect("writes the token");
    let to = elsewhere.url();
    let env = [("SKYPILOT_TOKEN_FILE", token.to_str().expect("plain"))];
    survives("redirect", &env, |server| {
        server.rule(move |request| {
            Some(Reply::text(307, "").with_header("Location", format!("{to}{}", request.path)))
        });
    });
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn an_answer_that_is_no_status_is_a_bad_answer() {
    for text in [
        "null",
        "{}",
        "\"\"",
        "[1]",
        r#"[{"name":"x"}]"#,
        "[",
        r#"[{"name":"x","status":"READY","replica_info":null}]"#,
        r#"[{"name":1,"status":"READY","replica_info":[]}]"#,
    ] {
        survives_answer("bad_answer", finished_with(text));
    }
}

#[test]
fn garbage_is_a_bad_answer() {
    survives_answer("bad_answer", Reply::text(200, "<html>please log in</html>"));
    survives_answer("bad_answer", Reply::text(200, "\0\u{1}not HTTP at all\r\n\r\n").with_fault(Fault::Bare));
    survives_answer("bad_answer", Reply::text(200, "[".repeat(500_000)));
    survives_answer("bad_answer", finished_with(&"[".repeat(500_000)));
    survives_refusal("bad_answer", Reply::text(200, "null"));
    survives_refusal(
        "bad_answer",
        Reply::text(200, "null").with_header("x-skypilot-request-id", "../../x y"),
    );
}

#[test]
fn an_answer_without_end_is_a_bad_answer_and_costs_no_memory_without_end() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[]);
    server.answer(Reply::text(200, " ".repeat(256 << 20)));
    exporter.wait_for("skyserve_last_poll_failed{reason=\"bad_answer\"}", 1.0);
    assert!(exporter.peak_memory() < 300, "{} MiB", exporter.peak_memory());
}

#[test]
fn an_answer_that_is_cut_is_a_fault_of_the_connection() {
    survives_answer("connection", finished(&captured()).with_fault(Fault::Cut));
}

#[test]
fn a_server_that_says_nothing_times_out_and_its_request_is_cancelled() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[("REQUEST_TIMEOUT_SECONDS", "0.5")]);
    server.rule(|request| {
        if request.path.starts_with("/api/get") {
            std::thread::sleep(Duration::from_secs(4));
        }
        None
    });
    exporter.wait_for("skyserve_last_poll_failed{reason=\"timeout\"}", 1.0);
    let cancelled =
        || server.requests_to("/api/cancel").first().map(|request| request.json()["request_ids"][0].clone());
    let cancelled = wait_until("the request is cancelled", SOON, cancelled);
    let given_up = format!("/api/get?request_id={}", cancelled.as_str().expect("an id"));
    assert_eq!(server.requests_to(&given_up).len(), 1, "what is cancelled is what was asked for");
}

#[test]
fn a_server_that_only_trickles_times_out_all_the_same() {
    let drip = Fault::Drip(Duration::from_millis(50));
    survives("timeout", &[("REQUEST_TIMEOUT_SECONDS", "0.5")], |server| {
        server.answer(finished(&captured()).with_fault(drip));
    });
}

#[test]
fn a_server_that_is_restarted_is_found_again() {
    let mut server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[]);
    server.stop();
    exporter.wait_for("skyserve_last_poll_failed{reason=\"connection\"}", 1.0);
    assert_eq!(exporter.metrics().get(READY), Some(5.0));
    server.restart();
    exporter.wait_for("skyserve_up", 1.0);
}

/// With an interval of an hour: only what is asked again at once is asked again at all.
#[test]
fn a_request_that_a_restart_interrupted_is_made_again_at_once() {
    for interruption in [failed("RequestInterruptedError", "restarted"), Reply::text(404, "no such request")]
    {
        let server = ApiServer::start();
        let results = Arc::new(AtomicUsize::new(0));
        server.rule(move |request| {
            let first = request.path.starts_with("/api/get") && results.fetch_add(1, Ordering::SeqCst) == 0;
            first.then(|| interruption.clone())
        });
        let _exporter = Exporter::ready(
            &server.url(),
            &[("POLL_INTERVAL_SECONDS", "3600"), ("STALE_AFTER_SECONDS", "7200")],
        );
        assert_eq!(server.requests_to("/serve/status").len(), 2);
    }
}

#[test]
fn before_the_first_answer_there_is_nothing_to_show() {
    let server = ApiServer::start();
    server.answer(failed("ClusterNotUpError", "No live services."));
    let exporter = Exporter::start(&server.url(), &[]);
    exporter.wait_for("skyserve_last_poll_failed{reason=\"no_controller\"}", 1.0);
    let metrics = exporter.metrics();
    assert!(!metrics.knows_services(), "{metrics:#?}");
    assert_eq!(metrics.get("skyserve_last_success_timestamp_seconds"), Some(0.0));
    assert_eq!(exporter.get("/sd").0, 503, "an empty list would take the targets away");
}

#[test]
fn what_is_too_old_is_dropped_and_not_made_zero() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[("STALE_AFTER_SECONDS", "1")]);
    server.answer(Reply::text(503, ""));
    wait_until("the series are dropped", SOON, || (!exporter.metrics().knows_services()).then_some(()));
    let metrics = exporter.metrics();
    assert_eq!(metrics.get("skyserve_up"), Some(0.0));
    assert!(metrics.get("skyserve_last_success_timestamp_seconds") > Some(0.0), "how old it is stays known");
    assert_eq!(exporter.get("/sd").0, 503);
    server.work();
    exporter.wait_for(READY, 5.0);
    assert_eq!(exporter.targets("").len(), 6);
}

#[test]
fn a_failing_server_is_asked_less_and_less() {
    let server = ApiServer::start();
    server.rule(|_| Some(Reply::text(503, "")));
    let _exporter = Exporter::start(&server.url(), &[("POLL_INTERVAL_SECONDS", "0.3")]);
    wait_until("five polls", SOON, || (server.requests().len() >= 5).then_some(()));
    let asked: Vec<_> = server.requests().iter().map(|request| request.at).collect();
    let pause = |n: usize| asked[n + 1].duration_since(asked[n]).expect("in order");
    for (n, least) in [(0, 0.3), (1, 0.6), (2, 1.2), (3, 1.5)] {
        assert!(pause(n).as_secs_f64() > least * 0.95, "pause {n} is {:?}", pause(n));
    }
}

#[test]
fn a_server_that_says_when_is_not_asked_before() {
    let server = ApiServer::start();
    server.rule(|_| Some(Reply::text(429, "").with_header("Retry-After", "1")));
    let _exporter = Exporter::start(&server.url(), &[("POLL_INTERVAL_SECONDS", "0.3")]);
    wait_until("two polls", SOON, || (server.requests().len() >= 2).then_some(()));
    let asked: Vec<_> = server.requests().iter().map(|request| request.at).collect();
    assert!(asked[1].duration_since(asked[0]).expect("in order") >= Duration::from_millis(950));
}

#[test]
fn only_one_call_is_under_way_at_a_time() {
    let server = ApiServer::start();
    server.rule(|request| {
        if request.path.starts_with("/api/get") {
            std::thread::sleep(Duration::from_millis(300));
        }
        None
    });
    let _exporter = Exporter::start(&server.url(), &[("POLL_INTERVAL_SECONDS", "0.05")]);
    server.let_poll();
    server.let_poll();
    assert_eq!(server.most_under_way(), 1);
}

#[test]
fn a_certificate_is_checked_against_the_authority_that_was_given() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let ca = dir.path().join("ca.pem");
    let ca_file = [("SKYPILOT_CA_FILE", ca.to_str().expect("plain"))];
    let authority = Authority::new();
    authority.write(&ca);
    let trusted = ApiServer::start_with(Some(authority.server(&["127.0.0.1"])));
    let exporter = Exporter::ready(&trusted.url(), &ca_file);
    assert_eq!(exporter.metrics().get(READY), Some(5.0));

    let without_authority = Exporter::start(&trusted.url(), &[]);
    without_authority.wait_for("skyserve_last_poll_failed{reason=\"tls\"}", 1.0);
    let other_name = ApiServer::start_with(Some(authority.server(&["sky.example.com"])));
    let exporter = Exporter::start(&other_name.url(), &ca_file);
    exporter.wait_for("skyserve_last_poll_failed{reason=\"tls\"}", 1.0);
    assert_eq!(other_name.requests().len(), 0, "nothing was said to the wrong one");

    let plain = Server::start(([127, 0, 0, 1], 0).into(), |_| Reply::text(200, "no TLS here"));
    let exporter = Exporter::start(&format!("https://{}", plain.addr()), &ca_file);
    exporter.wait_for("skyserve_last_poll_failed{reason=\"tls\"}", 1.0);
}
