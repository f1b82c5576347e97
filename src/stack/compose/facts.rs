//! What the image of a service is known to be, and to lack.

use super::Service;

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
