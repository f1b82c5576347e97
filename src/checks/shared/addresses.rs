//! Addresses in configurations, and the services of the compose file that they lead to.

use crate::catalog::programs::DOCKER_HOST;
use crate::diagnostics::nearest;
use crate::stack::{Compose, Declared, Service, Stack};

/// The parts of `http://host:port/path`; a target has neither scheme nor path.
pub(crate) struct Address<'a> {
    pub(crate) scheme: Option<&'a str>,
    pub(crate) host: &'a str,
    pub(crate) port: Option<&'a str>,
    /// Without the `/` at its end.
    pub(crate) path: &'a str,
}

impl<'a> Address<'a> {
    pub(crate) fn parse(text: &'a str) -> Address<'a> {
        let (scheme, rest) =
            text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (place, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let place = place.rsplit_once('@').map_or(place, |(_user, place)| place);
        let (host, port) = match place.rsplit_once(':') {
            // The colons of an IPv6 address belong to it.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        Address { scheme, host: host.trim_matches(['[', ']']), port, path: path.trim_end_matches('/') }
    }

    /// Whether it can be the name of a service: no dot, no variable, not the machine itself.
    pub(crate) fn is_name(&self) -> bool {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        !self.host.is_empty() && self.host != "localhost" && self.host.chars().all(is_letter)
    }
}

/// The service that a target leads to: by its name, or by the port that it publishes on the machine.
pub(crate) fn leads_to<'c>(compose: &'c Compose, target: &str) -> Option<&'c Service> {
    let address = Address::parse(target);
    if address.host != DOCKER_HOST {
        return compose.named(address.host);
    }
    let port = address.port?;
    compose.services.iter().find(|service| service.ports.iter().any(|one| one.published == port))
}

/// The service whose name was meant, where the name can be nobody else's.
pub(crate) fn near_service<'c>(
    stack: &Stack,
    compose: &'c Compose,
    own: &Service,
    host: &str,
) -> Option<&'c str> {
    let is_elsewhere = own.get("external_links").is_some()
        || asks_other_names(own)
        || own.extra_hosts.iter().any(|one| one.starts_with(host))
        || compose.networks.iter().any(Declared::is_external)
        || stack.composes.iter().any(|other| other.named(host).is_some());
    let names = compose.services.iter().map(|service| service.name.as_str());
    // `project-service-1` is a name of a service too, and `gpu1` may be a machine beside a service `gpu`.
    let is_part = |near: &str| host.contains(near) || near.contains(host);
    nearest(host, names).filter(|near| !is_elsewhere && !is_part(near))
}

/// Whether a service is told whom to ask for names, or what to put behind them: then a bare one may be a machine's.
fn asks_other_names(service: &Service) -> bool {
    ["dns", "dns_search"].iter().any(|key| service.get(key).is_some())
}

/// Hosts that are called after a program, not after a machine.
const PROGRAMS: [&str; 13] = [
    "alert-manager",
    "alertmanager",
    "blackbox",
    "cadvisor",
    "dcgm-exporter",
    "grafana",
    "influxdb",
    "loki",
    "nodeexporter",
    "prometheus",
    "pushgateway",
    "tempo",
    "victoriametrics",
];

/// Whether a host is called after a program, and nothing in the whole project, nor anything that may join it, has that name.
pub(crate) fn is_nowhere(stack: &Stack, compose: &Compose, own: &Service, host: &str) -> bool {
    let name = host.to_lowercase().replace('_', "-");
    let is_program = PROGRAMS.contains(&name.as_str()) || name.ends_with("-exporter");
    // A network with a name of its own, from elsewhere, or of a swarm is there for others to join.
    let is_joined = compose.networks.iter().any(|network| {
        network.is_external()
            || network.node.get("name").is_some()
            || network.node.get("attachable").is_some_and(|node| node.is_true())
    });
    let is_elsewhere = ["external_links", "links"].iter().any(|key| own.get(key).is_some())
        || asks_other_names(own)
        || own.network_mode.is_some()
        || own.has_extra_host(host)
        || stack.composes.iter().any(|other| other.named(host).is_some());
    // A service that is alone in its file is a piece of something.
    let is_all = compose.is_whole && compose.missing.is_empty() && compose.services.len() > 1;
    is_program && is_all && !is_joined && !is_elsewhere
}

/// The path that a Prometheus or Alertmanager puts before its own: `/prometheus`, or nothing. `None` where a variable says it.
pub(crate) fn route_prefix(service: &Service) -> Option<String> {
    if let Some(prefix) = service.flag("web.route-prefix") {
        return (!prefix.contains("${")).then(|| with_slash(&prefix));
    }
    match service.flag("web.external-url") {
        Some(url) if url.contains("${") => None,
        Some(url) => Some(with_slash(Address::parse(&url).path)),
        None => Some(String::new()),
    }
}

fn with_slash(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}
