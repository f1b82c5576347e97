//! `/sd`: which replicas Prometheus is given, how it reaches them, and that a real Prometheus follows them.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::process::{Exporter, SOON};
use crate::support::api::Target;
use crate::support::http::{Reply, Server};
use crate::support::project::Project;
use crate::support::skypilot::{ApiServer, failed, replica, service};
use crate::support::stack::Stack;
use crate::support::wait_until;

/// The addresses in a list, in its order.
fn addresses(targets: &[Value]) -> Vec<&str> {
    targets.iter().map(|target| target["targets"][0].as_str().expect("one address")).collect()
}

/// Where Prometheus will find a target's metrics.
fn scraped_url(target: &Value) -> String {
    let label = |name: &str| target["labels"][name].as_str().expect("a label");
    let address = target["targets"][0].as_str().expect("one address");
    format!("{}://{address}{}", label("__scheme__"), label("__metrics_path__"))
}

/// A server with one service whose replicas have these endpoints and are all READY.
fn with_endpoints(endpoints: &[&str]) -> ApiServer {
    let server = ApiServer::start();
    let replicas = (1..).zip(endpoints).map(|(id, endpoint)| replica(id, "READY", Some(endpoint)));
    server.set(vec![service("llm", "a", replicas.collect())]);
    server
}

#[test]
fn replicas_that_serve_or_should_are_targets_and_no_others() {
    let server = ApiServer::start();
    let targets = Exporter::ready(&server.url(), &[]).targets("");
    let expected = [
        "54.210.10.1:8081",
        "35.160.20.2:8081",
        "34.70.30.3:8081",
        "34.150.40.4:8081", // NOT_READY: now its metrics are needed
        "34.122.7.8:30081",
        "192.168.50.20:30090",
    ];
    assert_eq!(addresses(&targets), expected);
    let labels = json!({
        "__scheme__": "http",
        "__metrics_path__": "/metrics",
        "service": "llm-chat",
        "replica_id": "1",
        "cloud": "aws",
        "region": "us-east-1",
        "spot": "true",
        "__meta_skyserve_status": "READY",
        "__meta_skyserve_version": "1",
        "__meta_skyserve_accelerator": "L40S",
    });
    assert_eq!(targets[0]["labels"], labels);
}

#[test]
fn one_service_can_be_asked_for_and_one_without_replicas_is_an_empty_list() {
    let server = ApiServer::start();
    let one = |id, address| vec![replica(id, "READY", Some(address))];
    server.set(vec![
        service("a", "1", one(1, "http://10.0.0.1:80")),
        service("b", "2", one(1, "http://10.0.0.2:80")),
        service("empty", "3", vec![]),
    ]);
    let exporter = Exporter::ready(&server.url(), &[]);
    assert_eq!(addresses(&exporter.targets("")), ["10.0.0.1:80", "10.0.0.2:80"]);
    assert_eq!(addresses(&exporter.targets("?service=b")), ["10.0.0.2:80"]);
    assert_eq!(exporter.targets("?service=empty"), Vec::<Value>::new());
    assert_eq!(exporter.targets("?service=taken-down"), Vec::<Value>::new());
}

#[test]
fn a_service_that_is_never_asked_for_is_a_mistake_and_not_empty() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[("SKYSERVE_SERVICES", "llm-chat")]);
    assert_eq!(exporter.targets("?service=llm-chat").len(), 6);
    let (status, text) = exporter.get("/sd?service=llm-chats");
    assert_eq!(status, 404, "{text}");
    assert!(text.contains("SKYSERVE_SERVICES"), "{text}");
}

#[test]
fn scheme_address_and_path_are_the_endpoints() {
    let server = with_endpoints(&[
        "https://replica.example:8443",
        "https://replica.example",
        "http://ingress.example/skypilot/llm-1/",
        "10.0.0.4:8081",
        "http://[fd00::5]:8081",
        "http://10.0.0.6",
    ]);
    let targets = Exporter::ready(&server.url(), &[]).targets("?path=/v2/metrics");
    let seen: Vec<_> = targets.iter().map(scraped_url).collect();
    let expected = [
        "https://replica.example:8443/v2/metrics",
        "https://replica.example:443/v2/metrics",
        "http://ingress.example:80/skypilot/llm-1/v2/metrics",
        "http://10.0.0.4:8081/v2/metrics",
        "http://[fd00::5]:8081/v2/metrics",
        "http://10.0.0.6:80/v2/metrics",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn an_endpoint_that_is_no_address_is_left_out() {
    let server = with_endpoints(&[
        "",
        "ftp://10.0.0.1:80",
        "http://10.0.0.1:99999",
        "http://",
        "http://[::1",
        "http://a b:80",
        "http://10.0.0.1:80/\u{7f}",
        "http://10.0.0.9:80",
    ]);
    assert_eq!(addresses(&Exporter::ready(&server.url(), &[]).targets("")), ["10.0.0.9:80"]);
}

#[test]
fn another_port_of_the_same_machines_can_be_scraped() {
    let server =
        with_endpoints(&["https://10.0.0.1:8443", "http://10.0.0.2:8081", "http://ingress.example/llm-1"]);
    let targets = Exporter::ready(&server.url(), &[]).targets("?service=llm&port=9400");
    // The ingress has other machines behind it.
    assert_eq!(addresses(&targets), ["10.0.0.1:9400", "10.0.0.2:9400"]);
    assert_eq!(targets[0]["labels"]["__scheme__"], "http");
    assert_eq!(targets[0]["labels"]["__metrics_path__"], "/metrics");
    assert_eq!(targets[0]["labels"]["replica_id"], "1");
}

#[test]
fn a_question_that_is_not_understood_is_refused() {
    let server = ApiServer::start();
    let exporter = Exporter::ready(&server.url(), &[]);
    for query in [
        "?services=a",
        "?port=0",
        "?port=65536",
        "?port=x",
        "?path=metrics",
        "?service=a&service=b",
        "?port=",
    ] {
        let (status, text) = exporter.get(&format!("/sd{query}"));
        assert_eq!(status, 400, "{query}: {text}");
    }
    assert_eq!(exporter.get("/sdd").0, 404);
}

/// A replica that answers `/metrics` on that address.
fn replica_at(addr: &str) -> Server {
    let addr: SocketAddr = addr.parse().expect("an address");
    Server::start(addr, |_| Reply::metrics(200, "model_loaded 1\n".to_owned()))
}

/// Only Prometheus, with these jobs.
fn prometheus(ip: &str, jobs: &str) -> (Project, Stack) {
    let project = Project::new("");
    project.write(
        "docker-compose.yml",
        "name: discovery\nservices:\n  prometheus:\n    image: prom/prometheus:v3.5.3\n    \
         volumes: ['./prometheus:/etc/prometheus:ro']\n",
    );
    project.write("prometheus/prometheus.yml", &format!("scrape_configs:\n{jobs}"));
    let stack = Stack::start(&project.path("."), ip);
    (project, stack)
}

/// The job that scrapes the exporter itself.
fn exporter_job(exporter: &Exporter, interval: &str) -> String {
    let target = exporter.url().trim_start_matches("http://");
    format!(
        "  - job_name: exporter\n    scrape_interval: {interval}\n    \
         static_configs: [{{targets: ['{target}']}}]\n"
    )
}

/// The job that scrapes the replicas. Only for replicas on loopback: those of the captured status are somebody's.
fn replicas_job(exporter: &Exporter) -> String {
    format!(
        "  - job_name: replicas\n    scrape_interval: 1s\n    \
         http_sd_configs: [{{url: '{}/sd', refresh_interval: 1s}}]\n",
        exporter.url()
    )
}

fn replicas_up(stack: &Stack) -> BTreeSet<String> {
    let up = |target: &Target| target.job == "replicas" && target.health == "up";
    stack.targets().into_iter().filter(up).map(|target| target.url).collect()
}

#[track_caller]
fn wait_for_replicas(stack: &Stack, urls: &[&str]) {
    let wanted: BTreeSet<String> = urls.iter().map(ToString::to_string).collect();
    let what = format!("Prometheus scrapes {wanted:?}");
    wait_until(&what, SOON, || (replicas_up(stack) == wanted).then_some(()));
}

#[test]
fn prometheus_finds_the_replicas_follows_one_that_moves_and_keeps_them_through_an_outage() {
    let ip = "127.84.21.1";
    let (first, second, third) = (format!("{ip}:8081"), format!("{ip}:8082"), format!("{ip}:8083"));
    let _serving: Vec<Server> = [&first, &second, &third].map(|addr| replica_at(addr)).into();
    let url = |addr: &str| format!("http://{addr}/metrics");
    let mut server = ApiServer::start();
    let ready = |id, addr: &str| replica(id, "READY", Some(&format!("http://{addr}")));
    server.set(vec![service("llm", "a", vec![ready(1, &first), ready(2, &second)])]);
    let exporter = Exporter::ready(&server.url(), &[("STALE_AFTER_SECONDS", "2")]);
    let (_project, stack) = prometheus(ip, &(replicas_job(&exporter) + &exporter_job(&exporter, "1s")));

    wait_for_replicas(&stack, &[&url(&first), &url(&second)]);
    let loaded =
        r#"model_loaded{service="llm",replica_id="1",cloud="aws",region="us-east-1",spot="true"} == 1"#;
    wait_until("the replica's series carry its labels", SOON, || {
        (stack.query(loaded).len() == 1).then_some(())
    });

    server.set(vec![service("llm", "a", vec![ready(1, &third), ready(2, &second)])]);
    wait_for_replicas(&stack, &[&url(&third), &url(&second)]);

    server.stop();
    // Until the exporter itself has given up on what it knew, and Prometheus has been told so.
    wait_until("the list is refused", SOON, || (exporter.get("/sd").0 == 503).then_some(()));
    // What would have come: at its next refresh Prometheus has no target.
    std::thread::sleep(std::time::Duration::from_secs(3));
    wait_for_replicas(&stack, &[&url(&third), &url(&second)]);
    let down = || stack.query(r#"skyserve_up{job="exporter"} == 0"#).len();
    wait_until("Prometheus is told that nobody can see", SOON, || (down() == 1).then_some(()));

    server.set(vec![service("llm", "a", vec![ready(1, &first)])]);
    server.restart();
    wait_for_replicas(&stack, &[&url(&first)]);
    server.answer(failed("ClusterNotUpError", "No live services."));
    exporter.wait_for("skyserve_last_poll_failed{reason=\"no_controller\"}", 1.0);
    wait_for_replicas(&stack, &[&url(&first)]);
}

/// A Prometheus with its default timeout gets the whole exposition, of at least so many samples.
#[track_caller]
pub(crate) fn prometheus_scrapes_in_time(exporter: &Exporter, samples: f64) {
    // The default timeout of a scrape is 10 s.
    let (_project, stack) = prometheus("127.84.23.1", &exporter_job(exporter, "15s"));
    let scraped = || stack.query(r#"scrape_samples_scraped{job="exporter"}"#).pop().map(|(_, value)| value);
    let scraped = wait_until("the first scrape is over", std::time::Duration::from_secs(40), scraped);
    let errors: Vec<Target> = stack.targets().into_iter().filter(|target| !target.error.is_empty()).collect();
    assert!(scraped >= samples, "only {scraped} samples: {errors:?}");
}
