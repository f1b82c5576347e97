//! Services on SkyServe: from the API server's answer through the rendered exporter to targets, alerts and money.
//!
//! Apart from `exporter`, whose tests read the exporter's pages: here the rendered stack does, with the series, labels and
//! rules that a user gets.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::api::{Alert, Target};
use crate::support::lab::{Lab, SOON, wait_for_slack, wait_until_is};
use crate::support::skypilot::{ApiServer, placed, replica, service};
use crate::support::stack::Stack;
use crate::support::tls::Authority;
use crate::support::wait_until;

/// The API server, as containers name this machine.
const SKYSERVE: &str = "
skyserve: {api_server: 'http://host.docker.internal:46580', token_file: secrets/token}
receivers: {team: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
";

/// Renders with the token in its place.
fn rendered(ip: &'static str, config: &str) -> Lab {
    let lab = Lab::new(ip, &format!("version: 1\nname: lab\n{config}{SKYSERVE}"));
    lab.write("secrets/token", "sky_the-token\n");
    lab.write("secrets/slack", "http://IP:7001/services/T0/B0/x\n");
    lab.render();
    lab.hurry();
    // A test cannot wait for a second poll; all else is as rendered.
    lab.edit(
        "monitoring/docker-compose.yml",
        "POLL_INTERVAL_SECONDS: \"60\"",
        "POLL_INTERVAL_SECONDS: \"0.5\"",
    );
    lab
}

fn api_server(lab: &Lab, services: Vec<Value>) -> ApiServer {
    let server = ApiServer::start_at(lab.addr(46580), None);
    server.set(services);
    server
}

/// What Prometheus scrapes for a service, if all of it is up: where, and as which replica.
fn scraped(stack: &Stack, service: &str) -> Option<BTreeMap<String, String>> {
    let targets: Vec<Target> = stack.targets().into_iter().filter(|target| target.job == service).collect();
    targets.iter().all(|target| target.health == "up").then(|| {
        targets
            .into_iter()
            .map(|mut target| (target.url, target.labels.remove("replica").unwrap_or_default()))
            .collect()
    })
}

#[track_caller]
fn wait_for_scraped(stack: &Stack, lab: &Lab, service: &str, replicas: &[(u16, &str)]) {
    let url = |port: u16| format!("http://{}/metrics", lab.addr(port));
    let wanted: BTreeMap<String, String> =
        replicas.iter().map(|(port, name)| (url(*port), (*name).to_owned())).collect();
    wait_until(&format!("Prometheus scrapes {wanted:?} for {service}"), SOON, || {
        (scraped(stack, service).as_ref() == Some(&wanted)).then_some(())
    });
}

#[test]
fn replicas_on_skyserve_are_found_followed_priced_and_kept_while_nobody_can_see_them() {
    let lab = rendered(
        "127.84.30.1",
        "
services:
  chat: {engine: custom, discover: {skyserve: blue-chat}}
  old: {engine: custom, discover: {skyserve: chat}}
  fixed: {engine: custom, replicas: ['IP:8009']}
cost: {hourly: {aws: 1, aws/spot: 0.25, gcp/L4: 0.75}}
alerts: {SkyServeBlind: {for: 1s}, MonitoringDown: {for: 1s}}
",
    );
    // Nor as long as Prometheus does before it asks for the targets again.
    lab.edit("monitoring/prometheus/prometheus.yml", "refresh_interval: 30s", "refresh_interval: 1s");
    let slack = lab.slack();
    let _replicas = [8001, 8002, 8003, 8004, 8005, 8009].map(|port| lab.replica(port));
    let at = |port| format!("http://{}", lab.addr(port));
    let fleet = |first: u16| {
        let replicas = vec![
            replica(1, "READY", Some(&at(first))),
            placed(replica(2, "READY", Some(&at(8002))), "GCP", "us-central1", false, "L4"),
            placed(replica(3, "NOT_READY", Some(&at(8003))), "Azure", "eastus", true, "A100"),
            replica(4, "PENDING", None),
        ];
        // There, the name of the one is the other's.
        let old = vec![replica(1, "READY", Some(&at(8005)))];
        vec![service("blue-chat", "a", replicas), service("chat", "b", old)]
    };
    let mut server = api_server(&lab, fleet(8001));
    let mut running = lab.start();

    wait_for_scraped(&running, &lab, "chat", &[(8001, "1"), (8002, "2"), (8003, "3")]);
    wait_for_scraped(&running, &lab, "old", &[(8005, "1")]);
    wait_for_scraped(&running, &lab, "fixed", &[(8009, "127.84.30.1:8009")]);
    assert_eq!(server.requests()[0].header("Authorization"), Some("Bearer sky_the-token"));
    expect_every_series_to_say_whose_it_is(&running);
    expect_prices(&running);

    server.set(fleet(8004));
    wait_for_scraped(&running, &lab, "chat", &[(8004, "1"), (8002, "2"), (8003, "3")]);

    server.stop();
    let post = wait_for_slack(&slack, "[WARNING] SkyServe is not seen (connection)");
    assert!(post.text.contains("SkyPilot's API server has given no answer"), "{post:?}");
    // Prometheus has asked for its targets since, as often as it takes for the alert.
    wait_for_scraped(&running, &lab, "chat", &[(8004, "1"), (8002, "2"), (8003, "3")]);
    wait_until_is(&running, "skyserve_replicas{service=\"chat\", status=\"READY\"}", 2.0);
    server.restart();
    wait_for_slack(&slack, "[RESOLVED] SkyServe is not seen (connection)");

    running.stop("exporter");
    wait_until("MonitoringDown fires for the exporter", SOON, || {
        let fires = |alert: &Alert| alert.name == "MonitoringDown" && alert.state == "firing";
        let of_exporter = |alert: &Alert| alert.labels.get("program").is_some_and(|name| name == "exporter");
        running.alerts().iter().any(|alert| fires(alert) && of_exporter(alert)).then_some(())
    });
    wait_for_scraped(&running, &lab, "chat", &[(8004, "1"), (8002, "2"), (8003, "3")]);
}

#[track_caller]
fn expect_every_series_to_say_whose_it_is(stack: &Stack) {
    let expected = [
        ["1", "aws", "us-east-1", "true"],
        ["2", "gcp", "us-central1", "false"],
        ["3", "azure", "eastus", "true"],
    ];
    let expected: BTreeSet<[String; 4]> = expected.map(|words| words.map(str::to_owned)).into();
    wait_until("the series of each replica say which and where it is", SOON, || {
        let series = stack.query("inference_model_loaded{service=\"chat\"}").into_iter();
        let placements: BTreeSet<[String; 4]> = series
            .map(|(labels, _)| ["replica", "cloud", "region", "spot"].map(|name| labels[name].clone()))
            .collect();
        (placements == expected).then_some(())
    });
    // What a replica says of itself does not push these aside.
    for label in ["service", "replica", "cloud", "region", "spot"] {
        assert_eq!(stack.query(&format!("{{exported_{label}!=\"\"}}")), [], "{label}");
    }
    assert_eq!(stack.query("{service=\"blue-chat\"}"), [], "the name in SkyServe is nowhere");
    assert_eq!(stack.query("{__tmp_skyserve!=\"\"}"), [], "nor is what it was changed with");
    for (series, count) in [
        ("service:replicas_up:sum{service=\"chat\"}", 3.0),
        ("service:replicas_up:sum{service=\"old\"}", 1.0),
        ("service:replicas_up:sum{service=\"fixed\"}", 1.0),
        ("skyserve_replicas{service=\"chat\", status=\"READY\"}", 2.0),
        ("skyserve_replicas{service=\"old\", status=\"READY\"}", 1.0),
        ("skyserve_replicas{service=\"chat\", status=\"NOT_READY\"}", 1.0),
        ("skyserve_replicas{service=\"chat\", status=\"PENDING\"}", 1.0),
        ("skyserve_replicas_by_placement{service=\"chat\", cloud=\"gcp\", status=\"READY\"}", 1.0),
    ] {
        wait_until_is(stack, series, count);
    }
}

/// Only the machine on Azure has no price, and what has no machine has none to pay.
#[track_caller]
fn expect_prices(stack: &Stack) {
    for (series, value) in [
        ("service_replica:cost_hourly:sum{service=\"chat\", replica_id=\"1\"}", 0.25),
        ("service_replica:cost_hourly:sum{service=\"chat\", replica_id=\"2\"}", 0.75),
        ("service:cost_hourly:sum{service=\"chat\"}", 1.0),
        ("service:cost_hourly:sum{service=\"old\"}", 0.25),
        ("service:cost_monthly:sum{service=\"chat\"}", 730.0),
        ("stack:cost_hourly:sum", 1.25),
        ("service:cost_unpriced_replicas:count{service=\"chat\", cloud=\"azure\"}", 1.0),
        ("sum(service:cost_unpriced_replicas:count)", 1.0),
        ("stack:cloud_replicas:count", 4.0),
    ] {
        wait_until_is(stack, series, value);
    }
}

/// A service in some state, with so many replicas in each of these.
fn in_state(name: &str, status: &str, target: u32, replicas: &[(&str, usize)]) -> Value {
    let each = replicas.iter().flat_map(|(kind, count)| std::iter::repeat_n(*kind, *count));
    let replicas = (1..).zip(each).map(|(id, kind)| {
        // Nobody scrapes these. Only the ready ones are on machines, which cost money.
        replica(id, kind, (kind == "READY").then_some("http://192.0.2.1:80"))
    });
    let mut service = service(name, name, replicas.collect());
    service["status"] = json!(status);
    service["target_num_replicas"] = json!(target);
    service
}

/// The alerts of SkyServe that fire or are about to, as `alert of service`.
fn alerts(stack: &Stack, state: Option<&str>) -> BTreeSet<String> {
    stack
        .alerts()
        .into_iter()
        .filter(|alert| alert.name.starts_with("SkyServe") || alert.name.starts_with("Cloud"))
        .filter(|alert| state.is_none_or(|state| alert.state == state))
        .map(|alert| match alert.labels.get("service") {
            Some(service) => format!("{} of {service}", alert.name),
            None => alert.name,
        })
        .collect()
}

/// One service for each kind of trouble, and one that only grew.
fn troubled() -> Vec<Value> {
    vec![
        in_state("none-ready", "READY", 2, &[("STARTING", 2)]),
        in_state("not-ready", "REPLICA_INIT", 0, &[]),
        in_state("below", "READY", 3, &[("READY", 2), ("PROVISIONING", 1)]),
        in_state("failing", "READY", 2, &[("READY", 2), ("FAILED_PROBING", 1)]),
        in_state("stuck", "READY", 3, &[("READY", 2), ("FAILED_INITIAL_DELAY", 1)]),
        in_state("unclean", "READY", 2, &[("READY", 2), ("FAILED_CLEANUP", 1)]),
        in_state("preempted", "READY", 2, &[("PREEMPTED", 3), ("READY", 2)]),
        in_state("looping", "READY", 3, &[("READY", 2), ("PROVISIONING", 9)]),
        in_state("stale", "CONTROLLER_FAILED", 2, &[("READY", 2)]),
        // All that it was given has come.
        in_state("well", "READY", 9, &[("READY", 9)]),
    ]
}

/// First all services are well, and nothing even waits to fire; then each fires what is its own, and the one that grew
/// nothing.
#[test]
fn each_trouble_of_a_service_fires_its_own_alerts_and_a_healthy_fleet_none() {
    let lab = rendered(
        "127.84.31.1",
        "
services: {fixed: {engine: custom, replicas: ['IP:8009']}}
cost: {hourly: {aws: 1}, max_hourly: 20, max_cloud_replicas: 20}
alerts:
  SkyServeNoReadyReplica: {for: 1s}
  SkyServeNotReady: {for: 1s}
  SkyServeBelowTarget: {for: 1s}
  SkyServeScalingStuck: {for: 1s}
  SkyServeCleanupFailed: {for: 1s}
  SkyServeControllerFailed: {for: 1s}
  CloudSpendHigh: {for: 1s}
  CloudReplicasHigh: {for: 1s}
",
    );
    let _replica = lab.replica(8009);
    let troubled = troubled();
    let well =
        |service: &Value| in_state(service["name"].as_str().expect("a name"), "READY", 2, &[("READY", 2)]);
    let server = api_server(&lab, troubled.iter().map(well).collect());
    let stack = lab.start();
    wait_until_is(&stack, "count(skyserve_service_target_replicas == 2)", 10.0);
    // Two evaluations later whatever was to fire would, or would wait to.
    wait_until_is(&stack, "stack:cost_hourly:sum offset 2s", 20.0);
    assert_eq!(alerts(&stack, None), BTreeSet::new());

    server.set(troubled);
    let expected: BTreeSet<String> = [
        "SkyServeNoReadyReplica of none-ready",
        "SkyServeBelowTarget of none-ready",
        "SkyServeNotReady of not-ready",
        "SkyServeBelowTarget of below",
        "SkyServeReplicaFailed of failing",
        "SkyServeReplicaFailed of stuck",
        "SkyServeBelowTarget of stuck",
        "SkyServeScalingStuck of stuck",
        "SkyServeCleanupFailed of unclean",
        "SkyServePreemptions of preempted",
        "SkyServeBelowTarget of looping",
        "SkyServeLaunchLoop of looping",
        "SkyServeNotReady of stale",
        "SkyServeControllerFailed of stale",
        "CloudSpendHigh",
        "CloudReplicasHigh",
    ]
    .map(str::to_owned)
    .into();
    let start = Instant::now();
    loop {
        let firing = alerts(&stack, Some("firing"));
        if firing == expected {
            return;
        }
        let missing: Vec<&String> = expected.difference(&firing).collect();
        let too_many: Vec<&String> = firing.difference(&expected).collect();
        assert!(start.elapsed() < SOON, "missing: {missing:?}; too many: {too_many:?}");
        sleep(Duration::from_millis(200));
    }
}

#[test]
fn an_api_server_behind_an_authority_of_ones_own_is_asked_with_a_password() {
    let lab = Lab::new(
        "127.84.32.1",
        "
version: 1
name: lab
services: {chat: {engine: custom, discover: {skyserve: chat}}}
skyserve:
  api_server: https://host.docker.internal:46580
  ca_file: certs/ca.pem
  basic_auth_file: secrets/password
receivers: {team: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
",
    );
    let _slack = lab.slack();
    lab.write("secrets/password", "somebody:pass word\n");
    let authority = Authority::new();
    authority.write(&lab.path("certs/ca.pem"));
    let server = ApiServer::start_at(lab.addr(46580), Some(authority.server(&["host.docker.internal"])));
    server.set(vec![in_state("chat", "READY", 0, &[("STARTING", 1)])]);
    lab.render();
    let stack = lab.start();
    wait_until_is(&stack, "skyserve_replicas{service=\"chat\", status=\"STARTING\"}", 1.0);
    let asked = server.requests();
    assert_eq!(asked[0].header("Authorization"), Some("Basic c29tZWJvZHk6cGFzcyB3b3Jk"));
}
