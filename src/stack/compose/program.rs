//! The programs that skymon knows the insides of, and what their images do where a compose file says nothing.

use super::Image;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    Prometheus,
    Alertmanager,
    Grafana,
    Blackbox,
    NodeExporter,
    DcgmExporter,
    Cadvisor,
    Pushgateway,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::Alertmanager => "Alertmanager",
            Self::Grafana => "Grafana",
            Self::Blackbox => "the blackbox exporter",
            Self::NodeExporter => "the node exporter",
            Self::DcgmExporter => "the DCGM exporter",
            Self::Cadvisor => "cAdvisor",
            Self::Pushgateway => "the Pushgateway",
        }
    }

    /// Where it listens, if no flag says otherwise.
    pub fn port(self) -> u16 {
        match self {
            Self::Prometheus => 9090,
            Self::Alertmanager => 9093,
            Self::Grafana => 3000,
            Self::Blackbox => 9115,
            Self::NodeExporter => 9100,
            Self::DcgmExporter => 9400,
            Self::Cadvisor => 8080,
            Self::Pushgateway => 9091,
        }
    }

    /// Where it keeps what must outlive its container, if no flag says otherwise.
    pub fn data(self) -> Option<&'static str> {
        match self {
            Self::Prometheus => Some("/prometheus"),
            Self::Alertmanager => Some("/alertmanager"),
            Self::Grafana => Some("/var/lib/grafana"),
            _ => None,
        }
    }

    /// The configuration that its image brings, and reads if no flag says otherwise.
    pub fn config(self) -> Option<&'static str> {
        match self {
            Self::Prometheus => Some("/etc/prometheus/prometheus.yml"),
            Self::Alertmanager => Some("/etc/alertmanager/alertmanager.yml"),
            Self::Blackbox => Some("/etc/blackbox_exporter/config.yml"),
            _ => None,
        }
    }

    /// The user that its image runs as, where that is not root.
    pub fn user(self) -> Option<u32> {
        match self {
            Self::Prometheus | Self::Alertmanager | Self::NodeExporter | Self::Pushgateway => Some(65534),
            Self::Grafana => Some(472),
            Self::Blackbox | Self::DcgmExporter | Self::Cadvisor => None,
        }
    }

    pub(super) fn of(image: &Image) -> Option<Program> {
        Some(match image.name() {
            "prometheus" => Self::Prometheus,
            "alertmanager" => Self::Alertmanager,
            "grafana" | "grafana-oss" | "grafana-enterprise" => Self::Grafana,
            "blackbox-exporter" | "blackbox_exporter" => Self::Blackbox,
            "node-exporter" | "node_exporter" => Self::NodeExporter,
            "dcgm-exporter" => Self::DcgmExporter,
            "cadvisor" => Self::Cadvisor,
            "pushgateway" => Self::Pushgateway,
            _ => return None,
        })
    }
}
