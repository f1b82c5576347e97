//! What the containers of a rendered stack are: healthy, closed, seen by each other, and useful.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::{Lab, SOON};
use crate::support::docker::Engine;
use crate::support::{http, wait_until};

const CONFIG: &str = "
services:
  chat:
    engine: custom
    endpoint: http://HOST:8001
    probe: {path: /health, interval: 1s}
    replicas: ['HOST:8001', 'HOST:8002']
    alerts: {ServiceDown: {for: 1s}}
receivers: {oncall: {slack: {webhook_url_file: secrets/slack}}}
routes: {critical: oncall, warning: oncall}
prometheus: {scrape_interval: 1s}
";

/// Program, user, memory in MiB, where its data is.
const PROGRAMS: [(&str, &str, u64, Option<&str>); 4] = [
    ("alertmanager", "65534", 256, Some("/alertmanager")),
    ("blackbox", "65534", 128, None),
    ("grafana", "472", 512, Some("/var/lib/grafana")),
    ("prometheus", "65534", 2048, Some("/prometheus")),
];

#[test]
fn a_rendered_stack_starts_healthy_and_closed_and_tells_of_an_outage() {
    let lab = Lab::new(1, CONFIG);
    let slack = lab.slack();
    let mut replicas = [lab.replica(8001), lab.replica(8002)];
    assert_eq!(lab.apply(), "docker compose -f monitoring/docker-compose.yml up -d --wait --remove-orphans");

    assert_eq!(lab.programs(), PROGRAMS.map(|(program, ..)| program));
    for (program, user, memory, data) in PROGRAMS {
        let container = lab.inspect(program);
        assert_eq!(container["State"]["Health"]["Status"], "healthy", "{program}");
        expect_no_rights(&lab, program, user);
        expect_limits(&container, memory);
        expect_only_data_can_be_written(&lab, program, &container, data);
        expect_published_here_alone(&container, program);
    }
    expect_nobody_outside_gets_in(&lab);
    expect_all_that_was_rendered_to_be_loaded(&lab);

    for replica in &mut replicas {
        replica.stop();
    }
    slack.wait_for(|request| request.body.contains("[CRITICAL] chat is down"), SOON);

    expect_the_runbooks_commands_to_work(&lab);
}

/// What the kernel says of the first process; a program that started others would show here too.
#[track_caller]
pub(crate) fn expect_no_rights(lab: &Lab, program: &str, user: &str) {
    let status = lab.inside(program, "cat /proc/1/status").expect_success().stdout;
    let field = |name: &str| -> Vec<String> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(field("Uid:"), [user; 4], "{program}");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), ["0000000000000000"], "{set} of {program}");
    }
    assert_eq!(field("NoNewPrivs:"), ["1"], "{program}");
}

pub(crate) fn expect_limits(container: &Value, memory: u64) {
    let host = &container["HostConfig"];
    assert_eq!(host["Memory"], memory * 1024 * 1024);
    assert_eq!(host["PidsLimit"], 512);
    assert_eq!(host["LogConfig"]["Type"], "json-file");
    assert_eq!(host["LogConfig"]["Config"], json!({"max-file": "3", "max-size": "10m"}));
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
}

#[track_caller]
pub(crate) fn expect_only_data_can_be_written(
    lab: &Lab,
    program: &str,
    container: &Value,
    data: Option<&str>,
) {
    let mounts = container["Mounts"].as_array().expect("a list");
    let mut kept = Vec::new();
    for mount in mounts {
        let target = mount["Destination"].as_str().expect("a path");
        if mount["Type"] == "volume" {
            let name = mount["Name"].as_str().unwrap_or_default();
            assert!(name.starts_with("lab-1_"), "{program} keeps {target} in a volume without a name");
            kept.push(target);
        } else {
            assert_eq!(mount["RW"], false, "{program} could write to {target}");
        }
    }
    assert_eq!(kept, data.into_iter().collect::<Vec<_>>(), "{program}");
    for (folder, writable) in [("/", false), ("/etc", false)].into_iter().chain(data.map(|data| (data, true)))
    {
        let tried = lab.inside(program, &format!("touch {folder}/tried && rm {folder}/tried"));
        assert_eq!(tried.status == 0, writable, "{program} and {folder}: {}", tried.text());
        assert!(writable || tried.text().contains("Read-only file system"), "{}", tried.text());
    }
}

#[track_caller]
fn expect_published_here_alone(container: &Value, program: &str) {
    let ports = container["NetworkSettings"]["Ports"].as_object().expect("a map");
    let published: Vec<&str> = ports
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .map(|port| port["HostIp"].as_str().unwrap_or_default())
        .collect();
    let expected: &[&str] = if program == "blackbox" { &[] } else { &["127.0.0.1"] };
    assert_eq!(published, expected, "{program}");
}

#[track_caller]
fn expect_nobody_outside_gets_in(lab: &Lab) {
    for (port, path) in [(9090, "/-/healthy"), (9093, "/-/healthy"), (3000, "/api/health")] {
        assert_eq!(http::get(&lab.url(port, path)).expect("on this machine").0, 200, "{port}");
        let elsewhere = Engine::host(lab.port(port));
        assert!(http::get(&format!("http://{elsewhere}{path}")).is_err(), "{port} is open to others");
    }
}

#[track_caller]
fn expect_all_that_was_rendered_to_be_loaded(lab: &Lab) {
    lab.wait_for_replicas("chat", 2);
    let start = Instant::now();
    wait_until("every target is up", SOON + Duration::from_secs(1), || {
        let mut targets = lab.targets();
        targets.retain(|target| target.health != "up");
        assert!(targets.is_empty() || start.elapsed() < SOON, "{targets:#?}");
        targets.is_empty().then_some(())
    });
    let targets = lab.targets();
    let programs: BTreeSet<&str> =
        targets.iter().filter_map(|target| target.labels.get("program")).map(String::as_str).collect();
    assert_eq!(programs, PROGRAMS.map(|(program, ..)| program).into());
    wait_until("the endpoint is probed", SOON, || lab.query("probe_success == 1").first().map(drop));

    let rules = lab.prometheus("/api/v1/rules");
    let files: BTreeSet<&str> =
        rules["groups"].as_array().into_iter().flatten().filter_map(|group| group["file"].as_str()).collect();
    assert_eq!(files, ["/etc/prometheus/rules/chat.yml", "/etc/prometheus/rules/stack.yml"].into());
    wait_until("every rule was evaluated", SOON, || {
        let rules = lab.prometheus("/api/v1/rules").to_string();
        assert!(!rules.contains("\"health\":\"err\""), "{rules}");
        (!rules.contains("\"health\":\"unknown\"")).then_some(())
    });
    let status = lab.alertmanager("/api/v2/status");
    assert!(
        status["config"]["original"].as_str().is_some_and(|config| config.contains("name: oncall")),
        "{status}"
    );
}

/// Each line of the runbook's commands, run as it is printed, in the folder that it names.
#[track_caller]
fn expect_the_runbooks_commands_to_work(lab: &Lab) {
    let runbook = lab.read("monitoring/RUNBOOK.md");
    let commands: Vec<&str> = runbook
        .lines()
        .filter(|line| line.starts_with("docker "))
        .map(|line| line.split_once("   ").map_or(line, |(command, _)| command))
        .collect();
    assert!(commands.len() > 10, "{runbook}");
    for command in commands {
        let said = lab.shell("monitoring", command);
        assert_eq!(said.status, 0, "{command}: {}", said.text());
        lab.wait_until_healthy("alertmanager");
    }
    let silences = lab.alertmanager("/api/v2/silences");
    assert_eq!(silences[0]["matchers"][0]["value"], "Test", "{silences}");
    wait_until("the runbook's alert is there", SOON, || {
        lab.alertmanager("/api/v2/alerts").to_string().contains("a test").then_some(())
    });
}
