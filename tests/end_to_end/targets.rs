//! Where replicas are found and how they are asked: lists, discovery, changes while the stack runs, TLS and passwords,
//! another engine.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use serde_json::{Value, json};

use crate::support::http::{Reply, Request, Server};
use crate::support::lab::{Lab, SOON, firing, wait_for_replicas, wait_until_fires, wait_until_is};
use crate::support::replicas::Replica;
use crate::support::stack::{Stack, needs_a_past};
use crate::support::tls::Authority;
use crate::support::wait_until;

/// The receiver of tests that notify nobody.
const REST: &str = "
receivers: {team: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: team, warning: team}
prometheus: {scrape_interval: 1s}
";

fn config(services: &str) -> String {
    format!("version: 1\nname: lab\nservices:{services}{REST}")
}

#[test]
fn replicas_are_found_by_ipv6_address_by_http_and_in_a_file_that_is_followed() {
    let sixth = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);
    assert!(
        TcpListener::bind(sixth).is_ok(),
        "this machine has no IPv6 loopback address (::1), so nothing can be said about replicas with IPv6 addresses"
    );
    // A free port: there is only one ::1 for all tests.
    let sixth = Replica::start(sixth);
    let services = "
  six: {engine: custom, replicas: ['SIX']}
  http: {engine: custom, discover: {http: 'http://IP:7010/targets'}}
  file: {engine: custom, discover: {file: targets/lab.yml}}
";
    let lab = Lab::new("127.84.10.1", &config(services).replace("SIX", &sixth.addr().to_string()));
    let _slack = lab.slack();
    let _replicas = [8002, 8003, 8004].map(|port| lab.replica(port));
    let _discovery = Server::start(lab.addr(7010), |_| {
        let groups = json!([{"targets": ["127.84.10.1:8002"], "labels": {"zone": "a"}}]);
        Reply::json(200, &groups)
    });
    lab.write("targets/lab.yml", "- targets: ['IP:8003']\n");
    lab.render();
    let stack = lab.start();

    assert_eq!(wait_for_up(&stack, "six", 1), [sixth.addr().to_string()]);
    assert_eq!(wait_for_up(&stack, "http", 1), ["127.84.10.1:8002"]);
    assert_eq!(wait_for_up(&stack, "file", 1), ["127.84.10.1:8003"]);
    lab.replace("targets/lab.yml", "- targets: ['IP:8003', 'IP:8004']\n");
    assert_eq!(wait_for_up(&stack, "file", 2), ["127.84.10.1:8003", "127.84.10.1:8004"]);
    wait_for_replicas(&stack, "six", 1.0);
}

/// The replicas of a service, when so many are up.
#[track_caller]
fn wait_for_up(stack: &Stack, service: &str, count: usize) -> Vec<String> {
    wait_until(&format!("{count} of {service} are up"), SOON, || {
        let series = stack.query(&format!("up{{service=\"{service}\", replica!=\"\"}} == 1"));
        let mut replicas: Vec<String> =
            series.into_iter().map(|(mut labels, _)| labels.remove("replica").unwrap_or_default()).collect();
        replicas.sort();
        (replicas.len() == count).then_some(replicas)
    })
}

#[test]
fn a_new_replica_needs_a_render_and_a_new_threshold_a_reload_besides() {
    let services = "
  chat:
    engine: custom
    replicas: ['IP:8001']
    capacity: {max_concurrency: 8}
    alerts: {HighUtilization: {for: 1s, threshold: 90%}}
";
    let lab = Lab::new("127.84.11.1", &config(services));
    let _slack = lab.slack();
    let replicas = [lab.replica(8001), lab.replica(8002)];
    for replica in &replicas {
        replica.load(|load| load.active_requests = 7.0);
    }
    lab.render();
    let mut stack = lab.start();
    wait_until_is(&stack, "service:utilization:ratio{service=\"chat\"}", 0.875);

    lab.edit("skymon.yaml", "8001'", "8001', '127.84.11.1:8002'");
    lab.render();
    assert_eq!(wait_for_up(&stack, "chat", 2), ["127.84.11.1:8001", "127.84.11.1:8002"]);
    assert_eq!(firing_of_chat(&stack), [""; 0]);

    lab.edit("skymon.yaml", "90%", "80%");
    lab.render();
    stack.reload("prometheus");
    wait_until_fires(&stack, "HighUtilization", "chat");
}

fn firing_of_chat(stack: &Stack) -> Vec<String> {
    let of_chat = firing(stack).into_iter().filter(|(_, service)| service == "chat");
    of_chat.map(|(alert, _)| alert).collect()
}

/// The exposition is that of a vLLM after 200 requests. Without traffic rates are 0, and what needs traffic is empty:
/// the quantiles and the two shares (of errors, of hits in the prefix cache).
#[test]
fn every_recorded_series_of_vllm_exists_as_soon_as_there_is_traffic() {
    let lab = Lab::new(
        "127.84.12.1",
        &config(
            "
  llm: {engine: vllm, replicas: ['IP:8001']}
",
        ),
    );
    let _slack = lab.slack();
    let replica = lab.replica(8001);
    let exposition = include_str!("../fixtures/engines/vllm.generated.prom");
    replica.load(|load| load.exposition = Some(exposition.to_owned()));
    lab.render();
    let stack = lab.start();
    let recorded = recorded_names(&lab);
    let (of_traffic, steady): (BTreeSet<_>, BTreeSet<_>) = recorded.into_iter().partition(|name| {
        name.contains(":p50_") || name.contains(":p95_") || name.contains(":p99_") || name.contains(":ratio_")
    });
    assert!(steady.len() > 30 && of_traffic.len() > 10, "{steady:?} {of_traffic:?}");

    wait_until_recorded(&stack, &steady);
    for (name, value) in [
        ("service:running:sum", 7.0),
        ("service:queued:sum", 3.0),
        ("service_replica:kv_cache_usage:max", 0.6182),
        ("service:memory_bytes:max", 28_901_376.0),
        ("service:requests:rate5m", 0.0),
        ("service:preemptions:rate5m", 0.0),
    ] {
        wait_until_is(&stack, &format!("{name}{{service=\"llm\"}}"), value);
    }
    for name in &of_traffic {
        assert!(stack.query(name).is_empty(), "{name} without traffic");
    }

    replica.load(|load| load.exposition = Some(with_twice_the_traffic(exposition)));
    wait_until_recorded(&stack, &of_traffic);
}

#[track_caller]
fn wait_until_recorded(stack: &Stack, names: &BTreeSet<String>) {
    let missing = |name: &&String| stack.query(&format!("{name}{{service=\"llm\"}}")).is_empty();
    let mut left: Vec<&String> = names.iter().collect();
    let start = std::time::Instant::now();
    while !left.is_empty() {
        left.retain(missing);
        assert!(start.elapsed() < SOON, "still not there: {left:?}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// Every `record:` of the service's rules, but those that compare with minutes or hours ago.
fn recorded_names(lab: &Lab) -> BTreeSet<String> {
    let text = fs::read_to_string(lab.path("monitoring/prometheus/rules/llm.yml")).expect("the rules");
    let rules: Value = serde_yaml::from_str(&text).expect("YAML");
    let rules = rules["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
    rules
        .iter()
        .filter_map(|rule| rule["record"].as_str().map(str::to_owned))
        .filter(|name| !needs_a_past(name))
        .collect()
}

/// All counters (and histograms, which are made of them) doubled.
fn with_twice_the_traffic(exposition: &str) -> String {
    let mut counts = false;
    let double = |line: &str| {
        let (series, value) = line.rsplit_once(' ').expect("a sample");
        format!("{series} {}", value.parse::<f64>().expect("a number") * 2.0)
    };
    let lines = exposition.lines().map(|line| {
        if line.starts_with("# TYPE") {
            counts = line.ends_with(" counter") || line.ends_with(" histogram");
        }
        if counts && !line.starts_with('#') { double(line) } else { line.to_owned() }
    });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn replicas_behind_client_certificates_tokens_and_passwords_are_up() {
    let services = "
  mutual:
    engine: custom
    replicas: ['IP:8443']
    tls:
      ca_file: certs/ca.pem
      cert_file: certs/client.pem
      key_file: secrets/client.key
      server_name: replicas.internal
    auth: {bearer_token_file: secrets/token}
  basic:
    engine: custom
    replicas: ['IP:8001']
    auth: {username: prometheus, password_file: secrets/password}
  # The same servers without what they want to see.
  no-certificate:
    engine: custom
    replicas: ['IP:8443']
    tls: {ca_file: certs/ca.pem, server_name: replicas.internal}
    auth: {bearer_token_file: secrets/token}
  no-password: {engine: custom, replicas: ['IP:8001']}
";
    let lab = Lab::new("127.84.13.1", &config(services));
    let _slack = lab.slack();
    lab.write("secrets/token", "the $token");
    lab.write("secrets/password", "pass word");
    // A key is made unreadable for others by nobody but the folder around it.
    lab.write("secrets/client.key", "");
    let authority = Authority::new();
    authority.write(&lab.path("certs/ca.pem"));
    authority.write_client(&lab.path("certs/client.pem"), &lab.path("secrets/client.key"));
    let tls = authority.server_for_known_clients(&["replicas.internal"]);
    let _mutual = Server::start_with(lab.addr(8443), Some(tls), wants("Bearer the $token"));
    // prometheus:pass word
    let _basic = Server::start(lab.addr(8001), wants("Basic cHJvbWV0aGV1czpwYXNzIHdvcmQ="));
    lab.render();
    let stack = lab.start();

    assert_eq!(wait_for_up(&stack, "mutual", 1), ["127.84.13.1:8443"]);
    assert_eq!(wait_for_up(&stack, "basic", 1), ["127.84.13.1:8001"]);
    for (service, trouble) in [("no-certificate", "certificate required"), ("no-password", "401")] {
        wait_until(&format!("{service} is refused"), SOON, || {
            let mut targets = stack.targets().into_iter();
            targets.find(|target| target.job == service && target.error.contains(trouble))
        });
    }
}

/// Each service has one thing wrong; the replica's own answer would be fine. What is wrong stands where people look (the
/// target's error), and they are told of it.
#[test]
fn a_replica_that_cannot_be_trusted_or_does_not_trust_us_is_down_says_why_and_alerts() {
    let cases = [
        ("right", "'IP:8443'", "tls: {ca_file: certs/ca.pem, server_name: replicas.internal}", ""),
        (
            "wrong-authority",
            "'IP:8443'",
            "tls: {ca_file: certs/other.pem, server_name: replicas.internal}",
            "unknown authority",
        ),
        ("system-authorities", "'IP:8443'", "tls: {server_name: replicas.internal}", "unknown authority"),
        ("no-name", "'IP:8443'", "tls: {ca_file: certs/ca.pem}", "doesn't contain any IP SANs"),
        (
            "wrong-name",
            "'IP:8443'",
            "tls: {ca_file: certs/ca.pem, server_name: other.internal}",
            "not other.internal",
        ),
        (
            "expired",
            "'IP:8444'",
            "tls: {ca_file: certs/ca.pem, server_name: replicas.internal}",
            "has expired",
        ),
        ("no-tls", "'IP:8443'", "labels: {tls: none}", ""),
        (
            "certificate-of-another",
            "'IP:8445'",
            "tls: {ca_file: certs/ca.pem, cert_file: certs/stranger.pem, \
          key_file: secrets/stranger.key, server_name: replicas.internal}",
            "tls:",
        ),
        ("right-token", "'IP:8001'", "auth: {bearer_token_file: secrets/token}", ""),
        ("wrong-token", "'IP:8001'", "auth: {bearer_token_file: secrets/password}", "401"),
        ("no-token", "'IP:8001'", "labels: {auth: none}", "401"),
        ("right-password", "'IP:8002'", "auth: {username: prometheus, password_file: secrets/password}", ""),
        ("wrong-password", "'IP:8002'", "auth: {username: prometheus, password_file: secrets/token}", "401"),
        ("wrong-user", "'IP:8002'", "auth: {username: somebody, password_file: secrets/password}", "401"),
    ];
    let service = |(name, replica, lines, _): &(&str, &str, &str, &str)| {
        format!(
            "\n  {name}: {{engine: custom, replicas: [{replica}], {lines}, alerts: {{ServiceDown: {{for: 0s}}}}}}"
        )
    };
    let lab = Lab::new("127.84.16.1", &config(&cases.iter().map(service).collect::<String>()));
    let _slack = lab.slack();
    lab.write("secrets/token", "the token");
    lab.write("secrets/password", "pass word");
    let (authority, other) = (Authority::new(), Authority::new());
    authority.write(&lab.path("certs/ca.pem"));
    other.write(&lab.path("certs/other.pem"));
    lab.write("secrets/stranger.key", "");
    other.write_client(&lab.path("certs/stranger.pem"), &lab.path("secrets/stranger.key"));
    let _servers = [
        Server::start_with(lab.addr(8443), Some(authority.server(&["replicas.internal"])), well),
        Server::start_with(lab.addr(8444), Some(authority.expired_server(&["replicas.internal"])), well),
        Server::start_with(
            lab.addr(8445),
            Some(authority.server_for_known_clients(&["replicas.internal"])),
            well,
        ),
        Server::start(lab.addr(8001), wants("Bearer the token")),
        Server::start(lab.addr(8002), wants("Basic cHJvbWV0aGV1czpwYXNzIHdvcmQ=")),
    ];
    lab.render();
    let stack = lab.start();

    for (name, _, _, trouble) in cases {
        if name.starts_with("right") {
            wait_for_up(&stack, name, 1);
            continue;
        }
        wait_until(&format!("{name} is down for `{trouble}`"), SOON, || {
            let mut targets = stack.targets().into_iter();
            targets.find(|target| {
                target.job == name && target.health == "down" && target.error.contains(trouble)
            })
        });
        wait_until_fires(&stack, "ServiceDown", name);
    }
    // At the start, before the first scrape, nothing was up.
    wait_until("nobody is told of the right ones", SOON, || {
        (!firing(&stack).iter().any(|(_, service)| service.starts_with("right"))).then_some(())
    });
}

fn well(_: &Request) -> Reply {
    Reply::text(200, "inference_model_loaded 1\n")
}

/// A replica that answers only who says this.
fn wants(authorization: &'static str) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    move |request| match request.header("authorization") {
        Some(given) if given == authorization => Reply::text(200, "inference_model_loaded 1\n"),
        _ => Reply::text(401, "who are you?"),
    }
}
