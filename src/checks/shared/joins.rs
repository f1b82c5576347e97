//! Which program of a stack asks which address, as its configuration says. Several checks follow these to the service that
//! the address means.

use super::addresses::Address;
use crate::source::{Node, Spanned};
use crate::stack::{Compose, Service, Stack};

/// An address that one program of the stack asks.
pub(crate) struct Join<'s> {
    pub(crate) compose: &'s Compose,
    pub(crate) service: &'s Service,
    pub(crate) address: Spanned<String>,
    pub(crate) host: String,
    /// As written, or that of the scheme.
    pub(crate) port: Option<u16>,
    /// An Alertmanager that alerts are sent to.
    pub(crate) is_alertmanager: bool,
}

impl<'s> Join<'s> {
    /// The service of the stack that the host name means.
    pub(crate) fn other(&self) -> Option<&'s Service> {
        self.compose.named(&self.host)
    }
}

/// All of them. What stands behind a variable is not known, and not here.
pub(crate) fn joins(stack: &Stack) -> Vec<Join<'_>> {
    let mut found = Vec::new();
    for prometheus in &stack.prometheuses {
        let Some((compose, service)) = stack.service(&prometheus.service) else { continue };
        let mut add = |address: &Spanned<String>, scheme: &str, is_alertmanager: bool| {
            found.extend(Join::read(compose, service, address, scheme, is_alertmanager));
        };
        for job in &prometheus.jobs {
            if job.is_redirected() {
                job.redirections().for_each(|address| add(&address, &job.scheme, false));
            } else {
                job.addresses().for_each(|address| add(address, &job.scheme, false));
            }
        }
        for alertmanager in &prometheus.alertmanagers {
            alertmanager.targets.iter().for_each(|address| add(address, &alertmanager.scheme, true));
        }
        for key in ["remote_write", "remote_read"] {
            for item in prometheus.root.get(key).iter().flat_map(Node::items) {
                item.get("url").and_then(|node| node.value()).iter().for_each(|url| add(url, "http", false));
            }
        }
    }
    for datasource in &stack.datasources {
        let Some((compose, service)) = stack.service(&datasource.service) else { continue };
        // `direct` is asked by the browser, from elsewhere.
        let access = datasource.node.get("access");
        if access.is_some_and(|node| matches!(node.text(), Some("direct" | "browser"))) {
            continue;
        }
        if let Some(url) = &datasource.url {
            found.extend(Join::read(compose, service, url, "http", false));
        }
    }
    for alertmanager in &stack.alertmanagers {
        let Some((compose, service)) = stack.service(&alertmanager.service) else { continue };
        for one in alertmanager.receivers.iter().flat_map(|receiver| &receiver.integrations) {
            let url = one.node.get("url").or_else(|| one.node.get("smarthost"));
            if let Some(url) = url.and_then(|node| node.value()) {
                found.extend(Join::read(compose, service, &url, "http", false));
            }
        }
    }
    found
}

impl<'s> Join<'s> {
    fn read(
        compose: &'s Compose,
        service: &'s Service,
        address: &Spanned<String>,
        scheme: &str,
        is_alertmanager: bool,
    ) -> Option<Join<'s>> {
        // What stands behind a variable is not known.
        if address.contains(['$', '{', '<']) {
            return None;
        }
        let Address { scheme: own, host, port, .. } = Address::parse(address);
        let port = match port {
            Some(port) => port.parse().ok(),
            None if own.unwrap_or(scheme) == "https" => Some(443),
            None => Some(80),
        };
        let host = host.to_owned();
        Some(Join { compose, service, address: address.clone(), host, port, is_alertmanager })
    }
}
