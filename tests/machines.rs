//! Machines and GPUs as their users meet them: what is refused, what the targets are called, and what a real Prometheus records
//! of a real node exporter, of GPUs of every class, and of the replicas on them. cAdvisor and dcgm-exporter are played, by expositions that
//! were made from their sources: the one needs Docker's socket, the other a GPU.

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_yaml::Value;
use support::http::{Reply, Server};
use support::project::{Project, fixture};
use support::stack::Stack;
use support::{tools, wait_until};

/// A stack with one service, and these lines.
fn stack(lines: &str) -> String {
    format!(
        "version: 1\nname: m\nservices: {{chat: {{engine: custom, replicas: ['127.86.1.1:8000']}}}}\n\
         receivers: {{team: {{webhook: {{url_file: secrets/hook}}}}}}\nroutes: {{critical: team, warning: team}}\n{lines}"
    )
}

fn faults(lines: &str) -> String {
    Project::new(&stack(lines).replace("127.86.1.1", "10.0.0.3")).skymon(&["validate"]).text()
}

#[test]
fn an_address_that_is_listed_twice_is_refused_and_each_list_is_its_own() {
    let said = faults("hosts: [10.0.0.1:9100, 10.0.0.2:9100, 10.0.0.1:9100]\n");
    assert!(said.contains("error[duplicate-target]: `10.0.0.1:9100` is listed twice"), "{said}");
    assert!(said.contains("help: remove one: it would be asked twice"), "{said}");
    let said = faults("hosts: [10.0.0.1:9100]\ngpus: [10.0.0.1:9100]\n");
    assert!(!said.contains("error["), "{said}");
    let said = faults("gpus: ['http://10.0.0.1:9400/metrics']\n");
    assert!(said.contains("error[bad-value]"), "{said}");
}

#[test]
fn what_nobody_named_is_neither_scraped_nor_recorded_nor_drawn() {
    let project = Project::new(&stack(""));
    project.render();
    for file in
        ["prometheus/prometheus.yml", "prometheus/rules/stack.yml", "docker-compose.yml", "RUNBOOK.md"]
    {
        let text = project.read(&format!("monitoring/{file}"));
        for word in
            ["stack/hosts", "host_gpu:", "service_replica:host:info", "HostDown", "Gpu", "node-exporter"]
        {
            assert!(!text.contains(word), "{file}: {word}");
        }
    }
    assert!(!project.path("monitoring/grafana/dashboards/hosts.json").exists());
    assert!(!project.path("monitoring/grafana/dashboards/gpus.json").exists());
    let gpus = Project::new(&stack("gpus: [10.0.0.1:9400]\n"));
    gpus.render();
    assert!(!gpus.path("monitoring/grafana/dashboards/hosts.json").exists());
    let rules = gpus.read("monitoring/prometheus/rules/stack.yml");
    assert!(rules.contains("alert: \"GpuHot\"") && !rules.contains("HostDown"), "{rules}");
}

/// A service may have any name.
#[test]
fn a_service_called_hosts_has_target_files_and_a_job_of_its_own() {
    let config = stack("hosts: [10.0.0.1:9100]\n").replace("chat:", "hosts:");
    let project = Project::new(&config);
    project.render();
    assert!(project.read("monitoring/prometheus/targets/hosts.yml").contains("127.86.1.1:8000"));
    assert!(project.read("monitoring/prometheus/targets/stack+hosts.yml").contains("10.0.0.1:9100"));
}

#[test]
fn an_alert_on_a_host_leads_to_its_host_and_mutes_only_there() {
    let project = Project::new(&stack("hosts: [10.0.0.1:9100]\ngpus: [10.0.0.1:9400]\n"));
    project.render();
    let rules = project.read("monitoring/prometheus/rules/stack.yml");
    for page in ["hosts", "gpus"] {
        let link = format!("/d/skymon-{page}{{{{ with $labels.host }}}}?var-host={{{{ . }}}}{{{{ end }}}}\"");
        assert!(rules.contains(&link), "{link}");
    }
    let alertmanager: Value =
        serde_yaml::from_str(&project.read("monitoring/alertmanager/alertmanager.yml")).expect("is YAML");
    let rules = alertmanager["inhibit_rules"].as_sequence().expect("a list");
    let of = |alert: &str| {
        let source = format!("alertname=\"{alert}\"");
        rules.iter().find(|rule| rule["source_matchers"][0] == source.as_str()).expect("is there")
    };
    assert_eq!(of("HostDown")["equal"][0], "host");
    assert_eq!(of("ServiceDown")["equal"][0], "service");
}

/// The exporters of this machine see it without rights over it.
#[test]
fn the_exporters_of_the_local_machine_get_what_they_need_and_no_more() {
    let project = Project::new(&stack("local: {host: true, containers: true, gpus: true}\n"));
    project.render();
    let compose: Value =
        serde_yaml::from_str(&project.read("monitoring/docker-compose.yml")).expect("is YAML");
    let services = &compose["services"];
    for name in ["node", "cadvisor", "dcgm"] {
        let service = &services[name];
        assert_eq!(service["cap_drop"][0], "ALL", "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        assert!(service["privileged"].is_null() && service["cap_add"].is_null(), "{name}");
        assert!(service["ports"].is_null(), "{name} is reached by Prometheus alone");
        for mount in service["volumes"].as_sequence().into_iter().flatten() {
            assert_eq!(mount["read_only"], true, "{name}: {mount:?}");
        }
    }
    assert_eq!(services["node"]["user"], "65534:65534");
    assert_eq!(services["node"]["pid"], "host");
    assert_eq!(services["node"]["volumes"][0]["bind"]["propagation"], "rslave");
    let devices = &services["dcgm"]["deploy"]["resources"]["reservations"]["devices"];
    assert_eq!(devices[0]["driver"], "nvidia");
    assert!(!project.read("monitoring/dcgm/counters.csv").contains("_PROF_"));
    tools::compose(&["-f", "docker-compose.yml", "config", "-q"], &project.path("monitoring"), &[])
        .expect_success();
}

/// Whatever the interval and whatever is changed.
#[test]
fn the_rule_tests_of_machines_hold_under_overrides() {
    let overrides = [
        "HostDown: {for: 0s}, HostDiskFull: {threshold: 60%}, HostDiskFilling: {threshold: 1%, for: 0s},
         HostClockSkew: {threshold: 50ms}, HostOomKill: {for: 5m}, GpuXidError: {for: 1h}, GpuXidOther: {for: 5m, severity: warning},
         GpuMemoryFull: {threshold: 50%}, GpuIdle: {threshold: 90%, for: 10m}, GpuHot: {threshold: 0.5}, GpuLinkReplays: {threshold: 1}",
        "HostCpuSaturated: {threshold: 99.9%, for: 90m}, HostMemoryPressure: {threshold: 50%}, HostDiskFull: {for: 2h, severity: info},
         HostClockNotSynchronised: {for: 0s}, GpuXidError: {for: 2h}, GpuThrottled: {for: 2h}, GpuEccErrors: {for: 10m},
         GpuRowRemapFailure: {for: 1h}, GpuIdle: {enabled: false}, GpuDown: {labels: {rack: 'a \"b\" {{ c }}'}}",
    ];
    for (change, interval) in overrides.into_iter().zip(["1s", "1m"]) {
        let project = Project::new(&stack(&format!(
            "hosts: [10.0.0.1:9100]\ngpus: [10.0.0.1:9400]\nlocal: {{containers: true}}\nalerts: {{{change}}}\n\
             prometheus: {{scrape_interval: {interval}}}\n"
        )));
        project.render();
        for file in ["tests/stack.yml", "tests/stack+long.yml"] {
            tools::promtool(&["test", "rules", file], &project.path("monitoring/prometheus"))
                .expect_success();
        }
    }
}

const IP: &str = "127.86.1.1";
const SOON: Duration = Duration::from_secs(60);

fn addr(port: u16) -> SocketAddr {
    SocketAddr::new(IP.parse().expect("an address"), port)
}

/// The real exporter, which ends with the test.
struct NodeExporter(Child);

impl NodeExporter {
    fn start() -> Self {
        let mut command = Command::new(tools::tool("node_exporter"));
        command.arg(format!("--web.listen-address={}", addr(9100)));
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts"))
    }
}

impl Drop for NodeExporter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One machine with a real node exporter and two GPUs: one says everything, the other only what an old card can. Its replica is
/// tied to it by its address.
#[test]
fn a_real_prometheus_records_machines_and_gpus_of_every_class() {
    let project = Project::new(&format!(
        "{}prometheus: {{scrape_interval: 1s}}\n",
        stack(&format!("hosts: ['{IP}:9100']\ngpus: ['{IP}:9400']\nlocal: {{containers: true}}\n"))
    ));
    project.write("secrets/hook", "http://127.86.1.1:1/hook\n");
    project.render();
    let _node = NodeExporter::start();
    let shown = Arc::new(Mutex::new(fixture("machines/dcgm.made.prom").replace("} 79\n", "} 0\n")));
    let dcgm = Arc::clone(&shown);
    let _dcgm =
        Server::start(addr(9400), move |_| Reply::metrics(200, dcgm.lock().expect("the text").clone()));
    let containers = fixture("machines/cadvisor.made.prom");
    let _cadvisor = Server::start(addr(8080), move |_| Reply::metrics(200, containers.clone()));
    let stack = Stack::start(&project.path("monitoring"), IP);

    let value = |query: &str| -> f64 {
        wait_until(query, SOON, || stack.query(query).first().map(|(_, value)| *value))
    };
    // What this machine says of itself is true.
    let share = |query: &str| {
        let value = value(query);
        assert!((0.0..=1.0).contains(&value), "{query}: {value}");
    };
    let here = format!("host=\"{IP}\"");
    share(&format!("host:cpu_utilization:ratio_rate5m{{{here}}}"));
    share(&format!("host:memory_used:ratio{{{here}}}"));
    assert!(value(&format!("host:memory_bytes:max{{{here}}}")) > 1e8);
    assert!(value(&format!("abs(host:clock_skew_seconds:max{{{here}}})")) < 10.0, "it is one clock");
    assert!(value(&format!("time() - host:boot_time_seconds:max{{{here}}}")) > 0.0);
    assert!(value(&format!("host:oom_kills:increase15m{{{here}}}")) >= 0.0);
    assert!(
        value(
            "service_replica:host:info{service=\"chat\", replica=\"127.86.1.1:8000\", host=\"127.86.1.1\"}"
        ) > 0.5
    );

    // Each unit is converted once.
    let close = |query: &str, expected: f64| {
        let value = value(query);
        assert!((value - expected).abs() <= expected.abs() * 1e-9, "{query}: {value}, not {expected}");
    };
    close("host_gpu:memory_used_bytes:max{gpu=\"0\"}", 73403.0 * 1_048_576.0);
    close("host_gpu:memory_used:ratio{gpu=\"0\"}", 73403.0 / (73403.0 + 8156.0));
    close("host_gpu:sm_clock_hertz:max{gpu=\"0\"}", 1.98e9);
    close("host_gpu:utilization:ratio{gpu=\"0\"}", 0.42);
    close("host_gpu:utilization:ratio{gpu=\"1\"}", 0.12);
    close("host_gpu:throttled:bool{gpu=\"0\"}", 1.0);
    close("host_container:memory_bytes:max{name=\"demo-grafana-1\", host=\"host.docker.internal\"}", 4e8);
    // What a card cannot say is not made up.
    for nothing in [
        "host_gpu:tensor_active:ratio{gpu=\"1\"}",
        "host_gpu:row_remap_failure:max{gpu=\"1\"}",
        "host_gpu:memory_temperature_celsius:max{gpu=\"1\"}",
        "host_gpu:xid:info",
        "host_container:memory_used:ratio{name=\"demo-grafana-1\"}",
    ] {
        assert_eq!(stack.query(nothing), [], "{nothing}");
    }
    let firing =
        |alert: &str| stack.query(&format!("ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}"));
    assert_eq!(firing("GpuXidError"), []);

    // The profiler is taken away, and a card falls off the bus.
    let before = shown.lock().expect("the text").clone();
    let lines = before.lines().filter(|line| !line.contains("_PROF_"));
    let after: Vec<String> = lines
        .map(|line| match line.rsplit_once(' ') {
            Some((series, _)) if series.starts_with("DCGM_FI_DEV_XID_ERRORS{gpu=\"0\"") => {
                format!("{series} 79\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    *shown.lock().expect("the text") = after.concat();
    let labels: BTreeMap<String, String> =
        wait_until("the alert", SOON, || firing("GpuXidError").first().map(|(labels, _)| labels.clone()));
    assert_eq!((labels["xid"].as_str(), labels["gpu"].as_str(), labels["host"].as_str()), ("79", "0", IP));
    wait_until("the coarser utilization", SOON, || {
        let found = stack.query("host_gpu:utilization:ratio{gpu=\"0\"}");
        found.first().filter(|(_, value)| (*value - 0.97).abs() < 1e-9).map(|_| ())
    });
}

/// Every recording of GPUs and containers finds something in the exposition that was made of what the exporter can say, and every name
/// in it is there with its type.
#[test]
fn the_names_in_the_data_files_are_those_of_the_expositions() {
    use skymon::catalog::machines::{cadvisor, dcgm, node};
    for (exporter, name) in [(node(), "node"), (dcgm(), "dcgm"), (cadvisor(), "cadvisor")] {
        let shown = fixture(&format!("machines/{name}.made.prom"));
        assert!(shown.starts_with("# SOURCE made from "), "{name}");
        for (metric, exposed) in exporter.metrics.iter().filter(|(metric, _)| *metric != "up") {
            let line = format!("# TYPE {metric} {}\n", exposed.r#type.as_str());
            assert!(shown.contains(&line), "{name}: {line}");
        }
    }
}
