//! The programs of the stack: image, user, port, health, mounts and the metrics that alerts may ask of each.
//!
//! Facts from the images' Dockerfiles; the tags are those the tests run. What depends on the config (flags,
//! environment) stands in `templates/compose/<name>.yml`.

/// A program of the stack. Its name is also its host name and its label `program`.
#[derive(Debug, PartialEq)]
pub struct Program {
    pub name: &'static str,
    pub image: &'static str,
    pub tag: &'static str,
    /// `uid:gid`; root only where a program looks at the machine itself, and even then without its rights.
    pub user: &'static str,
    /// Where the other programs reach it, its metrics included.
    pub port: u16,
    /// Whether it has pages for people.
    pub pages: bool,
    /// A command that is in the image.
    pub health: &'static [&'static str],
    /// What it must be allowed beyond nothing.
    pub capabilities: &'static [&'static str],
    pub memory: &'static str,
    /// A volume of that name holds the data at that path.
    pub data: Option<&'static str>,
    /// Rendered folders and where they are mounted.
    pub folders: &'static [(&'static str, &'static str)],
    /// Folders of the machine that it looks at, and where it finds them.
    pub machine: &'static [(&'static str, &'static str)],
    /// Whether it keeps scratch files outside its volume.
    pub scratch: bool,
    /// Whether it calls addresses that the user gave: these may be on the machine itself.
    pub calls_out: bool,
    pub reload: Reload,
    /// What it exposes, as far as alerts and dashboards ask for it; `PROCESS` beside it.
    pub metrics: &'static [&'static str],
}

impl Program {
    /// Where the other programs reach it.
    pub fn address(&self) -> String {
        format!("{}:{}", self.name, self.port)
    }
}

/// What each of the programs exposes of its own process.
pub const PROCESS: &[&str] =
    &["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"];

/// Where Grafana finds its dashboards: apart from the provisioning folder, where it would look for providers.
pub const DASHBOARDS: &str = "/etc/skymon/dashboards";

/// What containers call the machine that they run on.
pub const DOCKER_HOST: &str = "host.docker.internal";

/// How a program takes a changed file of its folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// On SIGHUP; there is a `kill` in the image.
    Signal,
    Restart,
}

pub const PROMETHEUS: Program = Program {
    name: "prometheus",
    image: "prom/prometheus",
    tag: "v3.5.3",
    user: "65534:65534",
    port: 9090,
    pages: true,
    health: &["promtool", "check", "healthy", "--url=http://localhost:9090"],
    capabilities: &[],
    memory: "2g",
    data: Some("/prometheus"),
    folders: &[("prometheus", "/etc/prometheus")],
    machine: &[],
    // promtool's, for the rules' tests.
    scratch: true,
    calls_out: true,
    reload: Reload::Signal,
    metrics: &[
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "prometheus_config_last_reload_success_timestamp_seconds",
        "prometheus_config_last_reload_successful",
        "prometheus_notifications_alertmanagers_discovered",
        "prometheus_notifications_dropped_total",
        "prometheus_notifications_queue_length",
        "prometheus_notifications_sent_total",
        "prometheus_rule_evaluation_failures_total",
        "prometheus_rule_group_interval_seconds",
        "prometheus_rule_group_iterations_missed_total",
        "prometheus_rule_group_last_duration_seconds",
        "prometheus_tsdb_head_chunks_storage_size_bytes",
        "prometheus_tsdb_head_samples_appended_total",
        "prometheus_tsdb_head_series",
        "prometheus_tsdb_lowest_timestamp_seconds",
        "prometheus_tsdb_retention_limit_bytes",
        "prometheus_tsdb_storage_blocks_bytes",
        "prometheus_tsdb_wal_storage_size_bytes",
    ],
};

pub const ALERTMANAGER: Program = Program {
    name: "alertmanager",
    image: "prom/alertmanager",
    tag: "v0.33.1",
    user: "65534:65534",
    port: 9093,
    pages: true,
    health: &["wget", "-qO-", "http://localhost:9093/-/healthy"],
    capabilities: &[],
    memory: "256m",
    data: Some("/alertmanager"),
    folders: &[("alertmanager", "/etc/alertmanager")],
    machine: &[],
    scratch: false,
    calls_out: true,
    reload: Reload::Signal,
    metrics: &[
        "alertmanager_alerts",
        "alertmanager_config_last_reload_success_timestamp_seconds",
        "alertmanager_config_last_reload_successful",
        "alertmanager_notification_latency_seconds_bucket",
        "alertmanager_notification_requests_failed_total",
        "alertmanager_notifications_failed_total",
        "alertmanager_notifications_total",
    ],
};

pub const GRAFANA: Program = Program {
    name: "grafana",
    image: "grafana/grafana",
    tag: "13.2.3",
    user: "472:0",
    port: 3000,
    pages: true,
    health: &["wget", "-qO-", "http://localhost:3000/api/health"],
    capabilities: &[],
    memory: "512m",
    data: Some("/var/lib/grafana"),
    folders: &[("grafana/provisioning", "/etc/grafana/provisioning"), ("grafana/dashboards", DASHBOARDS)],
    machine: &[],
    scratch: true,
    calls_out: false,
    reload: Reload::Restart,
    metrics: &[],
};

pub const BLACKBOX: Program = Program {
    name: "blackbox",
    image: "prom/blackbox-exporter",
    tag: "v0.28.0",
    user: "65534:65534",
    port: 9115,
    pages: false,
    health: &["wget", "-qO-", "http://localhost:9115/-/healthy"],
    capabilities: &[],
    memory: "128m",
    data: None,
    folders: &[("blackbox", "/etc/blackbox_exporter")],
    machine: &[],
    scratch: false,
    calls_out: true,
    reload: Reload::Signal,
    metrics: &[
        "probe_success",
        "probe_http_status_code",
        "probe_duration_seconds",
        "probe_ssl_earliest_cert_expiry",
    ],
};

/// The front door. Its own port is for health and metrics; people come in through `GATE_PORT`.
pub const GATE: Program = Program {
    name: "gate",
    image: "caddy",
    tag: "2.11.4-alpine",
    user: "65534:65534",
    port: 8080,
    pages: false,
    health: &["wget", "-qO-", "http://localhost:8080/healthy"],
    // The binary demands it of the system before it starts, whatever its port.
    capabilities: &["NET_BIND_SERVICE"],
    memory: "256m",
    // Certificates that an authority gave.
    data: Some("/data/caddy"),
    folders: &[("gate", "/etc/caddy")],
    machine: &[],
    scratch: false,
    calls_out: true,
    reload: Reload::Restart,
    metrics: &[],
};

/// Asks SkyPilot what SkyServe does, and tells Prometheus. Its script is in the rendered tree.
pub const EXPORTER: Program = Program {
    name: "exporter",
    image: "python",
    tag: "3.13-alpine",
    user: "65534:65534",
    port: 9477,
    pages: false,
    health: &["wget", "-qO-", "http://localhost:9477/healthz"],
    capabilities: &[],
    memory: "256m",
    data: None,
    folders: &[("exporter", "/etc/skymon/exporter")],
    machine: &[],
    scratch: false,
    calls_out: true,
    reload: Reload::Restart,
    metrics: &[
        "skyserve_up",
        "skyserve_api_server_info",
        "skyserve_last_poll_failed",
        "skyserve_last_success_timestamp_seconds",
        "skyserve_poll_duration_seconds",
        "skyserve_poll_errors_total",
        "skyserve_service_active_versions",
        "skyserve_service_status",
        "skyserve_service_target_replicas",
        "skyserve_service_version",
        "skyserve_replicas",
        "skyserve_replicas_by_placement",
        "skyserve_replica_info",
        "skyserve_replica_launched_timestamp_seconds",
        "skyserve_replica_launches_total",
        "skyserve_replica_terminations_total",
    ],
};

/// The machine itself. Its network is not seen: the container has one of its own.
pub const NODE: Program = Program {
    name: "node",
    image: "prom/node-exporter",
    tag: "v1.11.1",
    user: "65534:65534",
    port: 9100,
    pages: false,
    health: &["wget", "-qO-", "http://localhost:9100/"],
    capabilities: &[],
    memory: "128m",
    data: None,
    folders: &[],
    machine: &[("/", "/host")],
    scratch: false,
    calls_out: false,
    reload: Reload::Restart,
    metrics: &[],
};

/// The machine's containers. Root, since only root may ask Docker; without any of root's rights.
pub const CADVISOR: Program = Program {
    name: "cadvisor",
    image: "ghcr.io/google/cadvisor",
    tag: "v0.60.5",
    user: "0:0",
    port: 8080,
    pages: false,
    health: &["wget", "-qO-", "http://localhost:8080/healthz"],
    capabilities: &[],
    memory: "512m",
    data: None,
    folders: &[],
    machine: &[
        ("/", "/rootfs"),
        ("/var/run", "/var/run"),
        ("/sys", "/sys"),
        ("/var/lib/docker", "/var/lib/docker"),
    ],
    scratch: false,
    calls_out: false,
    reload: Reload::Restart,
    metrics: &[],
};

/// The machine's GPUs. Root, as DCGM wants it; without the right to profile, which is that to administer the machine.
pub const DCGM: Program = Program {
    name: "dcgm",
    image: "nvcr.io/nvidia/k8s/dcgm-exporter",
    tag: "4.5.3-4.8.2-distroless",
    user: "0:0",
    port: 9400,
    pages: false,
    // There is no program in it that asks for a page.
    health: &["bash", "-c", "exec 3<>/dev/tcp/localhost/9400"],
    capabilities: &[],
    memory: "512m",
    data: None,
    folders: &[("dcgm", "/etc/skymon/dcgm")],
    machine: &[],
    scratch: true,
    calls_out: false,
    reload: Reload::Restart,
    metrics: &[],
};

/// Where the front door takes people in, inside its container: above 1024, since it is not root.
pub const GATE_PORT: u16 = 8443;
