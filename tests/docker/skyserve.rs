//! The exporter of SkyServe in its container: another libc and another Python than the machine's, no rights, nothing to
//! write to, and the API server outside.

use crate::containers::{expect_limits, expect_no_rights, expect_only_data_can_be_written};
use crate::lab::{Lab, SOON};
use crate::support::docker::Engine;
use crate::support::skypilot::{ApiServer, replica, service};
use crate::support::wait_until;

const CONFIG: &str = "
services: {chat: {engine: custom, discover: {skyserve: llm-chat}}}
skyserve: {api_server: 'http://HOST:8010', token_file: secrets/token, poll_interval: 15s}
receivers: {oncall: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
";

#[test]
fn the_exporter_starts_healthy_without_rights_and_prometheus_finds_replicas_through_it() {
    let lab = Lab::new(4, CONFIG);
    let _slack = lab.slack();
    lab.write("secrets/token", "sky_the-token\n");
    let server = ApiServer::start_at(Engine::host(lab.port(8010)), None);
    let chat = lab.replica(8001);
    server.set(vec![service(
        "llm-chat",
        "a",
        vec![replica(1, "READY", Some(&format!("http://{}", chat.addr())))],
    )]);
    lab.apply();

    let container = lab.inspect("exporter");
    assert_eq!(container["State"]["Health"]["Status"], "healthy");
    expect_no_rights(&lab, "exporter", "65534");
    expect_limits(&container, 256);
    expect_only_data_can_be_written(&lab, "exporter", &container, None);
    assert_eq!(server.requests()[0].header("Authorization"), Some("Bearer sky_the-token"));

    lab.wait_for_replicas("chat", 1);
    for series in [
        "skyserve_up{program=\"exporter\"} == 1",
        "skyserve_replicas{service=\"chat\", status=\"READY\"} == 1",
        "service:replicas_up:sum{service=\"chat\"} == 1",
    ] {
        wait_until(series, SOON, || lab.query(series).first().map(drop));
    }
}
