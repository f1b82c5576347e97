//! Which program of a stack asks which address, as its configuration says. Several checks follow these to the service that
//! the address means.

use super::addresses::Address;
use crate::source::{Node, Spanned};
use crate::stack::{Compose, Datasource, Job, Prometheus, Service, Stack};

/// An address that one program of the stack asks.
pub(super) struct Join<'s> {
    pub(super) compose: &'s Compose,
    pub(super) service: &'s Service,
    pub(super) address: Spanned<String>,
    pub(super) host: String,
}

impl<'s> Join<'s> {
    /// The service of the stack that the host name means.
    pub(super) fn other(&self) -> Option<&'s Service> {
        self.compose.named(&self.host)
    }
}

/// All of them. What stands behind a variable is not known, and not here.
pub(super) fn joins(stack: &Stack) -> Vec<Join<'_>> {
    let mut found = Vec::new();
    let mut add = |(compose, service), addresses: Vec<Spanned<String>>| {
        for address in addresses {
            let host = Address::parse(&address).host.to_owned();
            if !host.contains(['$', '{', '<']) {
                found.push(Join { compose, service, address, host });
            }
        }
    };
    for prometheus in &stack.prometheuses {
        if let Some(of) = stack.service(&prometheus.service) {
            add(of, asked_by_prometheus(prometheus));
        }
    }
    for datasource in &stack.datasources {
        if let Some(of) = stack.service(&datasource.service).filter(|_| !is_direct(datasource)) {
            add(of, datasource.url.iter().cloned().collect());
        }
    }
    for alertmanager in &stack.alertmanagers {
        if let Some(of) = stack.service(&alertmanager.service) {
            let integrations = alertmanager.receivers.iter().flat_map(|receiver| &receiver.integrations);
            add(of, integrations.filter_map(|one| one.node.get("url")?.value()).collect());
        }
    }
    found
}

fn asked_by_prometheus(prometheus: &Prometheus) -> Vec<Spanned<String>> {
    let of_job =
        |job| if Job::is_redirected(job) { redirections(job) } else { job.addresses().cloned().collect() };
    let scraped = prometheus.jobs.iter().flat_map(of_job);
    let alertmanagers = prometheus.alertmanagers.iter().flat_map(|one| one.targets.clone());
    let remote = ["remote_write", "remote_read"].into_iter().filter_map(|key| prometheus.root.get(key));
    let remote = remote.flat_map(|node| node.items()).filter_map(|node| node.get("url")?.value());
    scraped.chain(alertmanagers).chain(remote).collect()
}

/// Where a relabeling sends the scrape, if to one address.
fn redirections(job: &Job) -> Vec<Spanned<String>> {
    let rules = job.node.get("relabel_configs").map(|node| node.items()).unwrap_or_default();
    let is_address =
        |rule: &&Node| rule.get("target_label").is_some_and(|label| label.text() == Some("__address__"));
    rules.iter().filter(is_address).filter_map(|rule| rule.get("replacement")?.value()).collect()
}

/// `direct` is asked by the browser, from elsewhere.
fn is_direct(datasource: &Datasource) -> bool {
    let access = datasource.node.get("access");
    access.is_some_and(|node| matches!(node.text(), Some("direct" | "browser")))
}
