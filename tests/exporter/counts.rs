//! What `/metrics` says of the services: the captured status, counted here a second time and in another way.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::process::{Exporter, Metrics};
use crate::support::skypilot::{ApiServer, captured, replica, service};
use crate::support::tools;

/// The captured replicas, counted by a name that is made from each.
fn count(name: impl Fn(&Value) -> String) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for replica in captured()[0]["replica_info"].as_array().expect("replicas") {
        *counts.entry(name(replica)).or_default() += 1.0;
    }
    counts
}

fn text<'a>(replica: &'a Value, field: &str) -> &'a str {
    replica[field].as_str().unwrap_or("none")
}

#[track_caller]
fn promtool_accepts(metrics: &str) {
    let mut promtool = Command::new(tools::tool("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    promtool.stdin.take().expect("a piped input").write_all(metrics.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\n{metrics}", String::from_utf8_lossy(&said));
}

#[test]
fn replicas_are_counted_by_state_as_in_the_captured_status() {
    let server = ApiServer::start();
    let metrics = Exporter::ready(&server.url(), &[]).metrics();
    let expected = count(|replica| format!("service=\"llm-chat\",status=\"{}\"", text(replica, "status")));
    assert_eq!(metrics.counted("skyserve_replicas"), expected);
    assert_eq!(metrics.get("skyserve_replicas{service=\"llm-chat\",status=\"READY\"}"), Some(5.0));
}

#[test]
fn replicas_are_counted_by_cloud_region_and_spot_as_in_the_captured_status() {
    let server = ApiServer::start();
    let metrics = Exporter::ready(&server.url(), &[]).metrics();
    let expected = count(|replica| {
        format!(
            "service=\"llm-chat\",cloud=\"{}\",region=\"{}\",spot=\"{}\",status=\"{}\"",
            text(replica, "cloud").to_lowercase(),
            text(replica, "region"),
            replica["is_spot"],
            text(replica, "status"),
        )
    });
    assert_eq!(metrics.counted("skyserve_replicas_by_placement"), expected);
}

#[test]
fn every_state_that_sky_serve_knows_is_there_even_if_it_is_zero() {
    let server = ApiServer::start();
    server.set(vec![service("empty", "a", vec![])]);
    let metrics = Exporter::ready(&server.url(), &[]).metrics();
    assert_eq!(metrics.all("skyserve_replicas").len(), 13);
    assert!(metrics.counted("skyserve_replicas").is_empty());
    assert_eq!(metrics.all("skyserve_service_status").len(), 8);
    let status = BTreeMap::from([("service=\"empty\",status=\"READY\"".to_owned(), 1.0)]);
    assert_eq!(metrics.counted("skyserve_service_status"), status);
    assert_eq!(metrics.all("skyserve_replica_terminations_total").len(), 4);
    assert_eq!(metrics.get("skyserve_replica_launches_total{service=\"empty\"}"), Some(0.0));
}

#[test]
fn a_replica_tells_what_it_runs_on() {
    let server = ApiServer::start();
    let metrics = Exporter::ready(&server.url(), &[]).metrics();
    let info = metrics.all("skyserve_replica_info");
    assert_eq!(info.len(), 16);
    for line in [
        r#"service="llm-chat",replica_id="1",cloud="aws",region="us-east-1",spot="true",version="1",accelerator="L40S",accelerator_count="1""#,
        r#"service="llm-chat",replica_id="7",cloud="none",region="none",spot="true",version="1",accelerator="none",accelerator_count="0""#,
        r#"service="llm-chat",replica_id="16",cloud="ssh",region="ssh-onprem-pool",spot="false",version="1",accelerator="RTX4090",accelerator_count="1""#,
    ] {
        assert_eq!(info.get(line), Some(&1.0), "{line}: {info:#?}");
    }
    let launched = metrics.all("skyserve_replica_launched_timestamp_seconds");
    assert_eq!(launched.get(r#"service="llm-chat",replica_id="3""#), Some(&1_795_346_993.0));
    assert_eq!(launched.len(), 11, "those without a machine were launched at no time");
}

#[test]
fn accelerators_are_counted_over_all_machines_of_a_replica() {
    let server = ApiServer::start();
    let mut large = replica(1, "READY", Some("http://10.0.0.1:80"));
    large["resources_str"] = json!("2x[spot](gpus=A100-80GB:8, p4de.24xlarge, ...)");
    let mut none = replica(2, "READY", Some("http://10.0.0.2:80"));
    none["resources_str"] = json!("1x(cpus=4, mem=16, m6i.xlarge, ...)");
    server.set(vec![service("llm", "a", vec![large, none])]);
    let metrics = Exporter::ready(&server.url(), &[]).metrics();
    let info: Vec<String> = metrics.all("skyserve_replica_info").into_keys().collect();
    assert!(info[0].ends_with(r#"accelerator="A100-80GB",accelerator_count="16""#), "{}", info[0]);
    assert!(info[1].ends_with(r#"accelerator="none",accelerator_count="0""#), "{}", info[1]);
}

#[test]
fn a_service_tells_its_versions_its_target_and_when_it_was_ready_first() {
    let server = ApiServer::start();
    let mut rolling = service("rolling", "a", vec![]);
    rolling["version"] = json!(4);
    rolling["active_versions"] = json!([3, 4]);
    let mut silent = service("silent", "b", vec![]);
    silent["target_num_replicas"] = Value::Null;
    silent["uptime"] = Value::Null;
    server.set(vec![rolling, silent]);
    let metrics = Exporter::ready(&server.url(), &[]).metrics();
    for (series, value) in [
        ("skyserve_service_version{service=\"rolling\"}", Some(4.0)),
        ("skyserve_service_active_versions{service=\"rolling\"}", Some(2.0)),
        ("skyserve_service_target_replicas{service=\"rolling\"}", Some(8.0)),
        ("skyserve_service_first_ready_timestamp_seconds{service=\"rolling\"}", Some(1_795_256_873.0)),
        // Not known is not zero.
        ("skyserve_service_target_replicas{service=\"silent\"}", None),
        ("skyserve_service_first_ready_timestamp_seconds{service=\"silent\"}", None),
        ("skyserve_api_server_info{version=\"0.14.1\",api_version=\"62\"}", Some(1.0)),
    ] {
        assert_eq!(metrics.get(series), value, "{series}");
    }
}

#[test]
fn only_named_services_are_asked_for_and_one_that_is_missing_has_zeros() {
    let server = ApiServer::start();
    server.set(vec![service("llm", "a", vec![]), service("other", "b", vec![])]);
    let exporter = Exporter::ready(&server.url(), &[("SKYSERVE_SERVICES", "llm, gone ,llm")]);
    let asked = server.requests_to("/serve/status").remove(0).json();
    assert_eq!(asked, json!({"service_names": ["llm", "gone"]}));
    let metrics = exporter.metrics();
    assert_eq!(metrics.get("skyserve_replicas{service=\"gone\",status=\"READY\"}"), Some(0.0));
    assert_eq!(metrics.get("skyserve_service_status{service=\"gone\",status=\"READY\"}"), Some(0.0));
    assert_eq!(metrics.get("skyserve_replicas{service=\"other\",status=\"READY\"}"), None);
}

#[test]
fn without_names_all_services_are_asked_for() {
    let server = ApiServer::start();
    let _exporter = Exporter::ready(&server.url(), &[("SKYSERVE_SERVICES", "")]);
    assert_eq!(server.requests_to("/serve/status").remove(0).json(), json!({"service_names": null}));
}

#[test]
fn a_pool_is_no_service() {
    let server = ApiServer::start();
    let mut pool = service("workers", "b", vec![]);
    pool["pool"] = json!(true);
    server.set(vec![service("llm", "a", vec![]), pool]);
    let metrics = Exporter::ready(&server.url(), &[]).metrics();
    assert_eq!(
        metrics.all("skyserve_service_active_versions").into_keys().collect::<Vec<_>>(),
        ["service=\"llm\""]
    );
}

#[test]
fn promtool_has_nothing_to_say_about_the_metrics_before_and_after_the_first_answer() {
    let server = ApiServer::start();
    promtool_accepts(&Exporter::ready(&server.url(), &[]).get("/metrics").1);
    let nobody = Exporter::start("http://127.0.0.1:1", &[]);
    nobody.wait_for("skyserve_last_poll_failed{reason=\"connection\"}", 1.0);
    promtool_accepts(&nobody.get("/metrics").1);
}

#[test]
fn whatever_the_answer_says_the_metrics_stay_readable() {
    let server = ApiServer::start();
    let mut strange = replica(1, "READY", Some("http://10.0.0.1:80"));
    strange["cloud"] = json!("A\"W\\S\n{}");
    strange["region"] = json!("späte-region-\u{202e}\u{0}".repeat(100));
    strange["version"] = json!({"a": 1});
    strange["launched_at"] = json!("yesterday");
    strange["status"] = json!("HIBERNATING");
    let mut service = service("llm", "a", vec![strange.clone(), strange]);
    service["status"] = json!("DREAMING");
    service["uptime"] = json!(1e300);
    service["active_versions"] = json!("all");
    server.set(vec![service.clone(), service]);
    let exporter = Exporter::ready(&server.url(), &[]);
    let (_, text) = exporter.get("/metrics");
    promtool_accepts(&text);
    let metrics = Metrics::of(&text);
    assert_eq!(metrics.get("skyserve_replicas{service=\"llm\",status=\"UNKNOWN\"}"), Some(1.0));
    assert_eq!(metrics.counted("skyserve_service_status"), BTreeMap::new());
    let info = metrics.all("skyserve_replica_info").into_keys().next().expect("a replica");
    assert!(info.contains(r#"cloud="a\"w\\s?{}""#), "{info}");
    assert!(info.len() < 400, "a label is not longer than needed: {info}");
}
