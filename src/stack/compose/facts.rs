//! What is known of a running service by its flags and variables, and by its image where they say nothing: where it listens,
//! where its data is, and whether anybody asks for its health.

use super::{Program, Service};
use crate::source::Spanned;

/// Images without a `HEALTHCHECK`: these, and all of these owners.
const NO_HEALTHCHECK: [&str; 14] = [
    "alertmanager",
    "blackbox-exporter",
    "caddy",
    "grafana",
    "loki",
    "mariadb",
    "mysql",
    "nginx",
    "node-exporter",
    "postgres",
    "prometheus",
    "pushgateway",
    "redis",
    "traefik",
];
const OWNERS: [&str; 5] = ["", "grafana", "library", "prom", "prometheus"];

impl Service {
    /// The ports that its program answers on. `None` where nobody can know.
    pub fn listens(&self) -> Option<Vec<u16>> {
        let program = self.program.filter(|_| !self.is_built && self.get("entrypoint").is_none())?;
        let said = match program {
            Program::Grafana => {
                // A configuration of its own may say another, and so may `cfg:server.http_port` in a command.
                let unknown = self.has_unread_variables
                    || self.get("command").is_some()
                    || self.variable("GF_PATHS_CONFIG").is_some()
                    || self.mount("/etc/grafana/grafana.ini").is_some();
                match self.set("GF_SERVER_HTTP_PORT") {
                    _ if unknown => return None,
                    Some(port) => vec![port.clone()],
                    None => Vec::new(),
                }
            }
            Program::Cadvisor => self.flag("port").into_iter().collect(),
            Program::DcgmExporter => {
                let flag = self.flag("address").or_else(|| self.short_flag("-a"));
                flag.or_else(|| self.set("DCGM_EXPORTER_LISTEN").cloned()).into_iter().collect()
            }
            _ => self.flags("web.listen-address"),
        };
        if said.is_empty() {
            return Some(vec![program.port()]);
        }
        // Of `0.0.0.0:9090` and `:9090` the end.
        said.iter().map(|address| address.rsplit(':').next()?.parse().ok()).collect()
    }

    /// The folder that its program writes its data to.
    pub fn data(&self) -> Option<String> {
        let program = self.program?;
        let said = match program {
            Program::Prometheus => self.flag("storage.tsdb.path").or_else(|| self.flag("storage.agent.path")),
            Program::Alertmanager => self.flag("storage.path"),
            Program::Grafana => self.set("GF_PATHS_DATA").cloned(),
            _ => None,
        };
        let path = said.map(|said| said.value).filter(|path| path.starts_with('/'));
        path.or_else(|| program.data().map(str::to_owned))
    }

    fn short_flag(&self, name: &str) -> Option<Spanned<String>> {
        let at = self.words.iter().position(|word| word.value == name)?;
        self.words.get(at + 1).cloned()
    }

    /// Whether a Prometheus is told to take in what others write into it: by flags of their own, or by features in old releases.
    pub fn receives_series(&self) -> bool {
        self.words.iter().any(|word| word.contains("-write-receiver") || word.contains("otlp-receiver"))
    }

    /// Whether its image is the project's own, or a packager's that keeps to it, and not one that somebody built on it under
    /// the same name.
    pub fn is_upstream(&self) -> bool {
        let Some(image) = self.image.as_ref().filter(|_| !self.is_built) else { return false };
        let owner = image.repository.rsplit('/').nth(1).unwrap_or_default();
        ["bitnami", "cadvisor", "google", "grafana", "k8s", "nvidia", "prom", "prometheus"].contains(&owner)
    }

    /// Whether its image is known to bring no health check of its own.
    pub fn image_has_no_healthcheck(&self) -> bool {
        let Some(image) = self.image.as_ref().filter(|_| !self.is_built) else { return false };
        let mut parts = image.repository.rsplit('/');
        let (name, owner) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_model_server = matches!((owner, name), ("vllm", "vllm-openai") | ("lmsysorg", "sglang"));
        is_model_server || OWNERS.contains(&owner) && NO_HEALTHCHECK.contains(&name)
    }
}
