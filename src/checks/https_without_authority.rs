//! A private address by https, and nobody who could have signed its certificate.

use std::net::IpAddr;

use super::Check;
use super::shared::addresses::Address;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Job, Service, Stack};

pub(super) const CHECK: Check = Check { id: "https-without-authority", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((_, service)) = stack.service(&prometheus.service) else { continue };
        if has_own_authorities(service) {
            continue;
        }
        for job in prometheus.jobs.iter().filter(|job| job.scheme == "https" && !says_more(job)) {
            // One is enough to see it.
            let Some(target) = job.addresses().find(|address| is_private(address)) else { continue };
            report.push(
                CHECK
                    .finding(format!("no public authority signs a certificate for `{target}`: `{}` fails", job.name))
                    .at(target.place(), "x509: not valid, or signed by an unknown authority")
                    .help("add `tls_config: {ca_file: …}`, and `server_name: …` with a name that the certificate has"),
            );
        }
    }
}

/// Whether the container may trust others than the image does.
fn has_own_authorities(service: &Service) -> bool {
    let trust = ["/etc/ssl", "/etc/pki", "/usr/local/share/ca-certificates", "/usr/share/ca-certificates"];
    let is_mounted =
        service.mounts.iter().any(|mount| trust.iter().any(|folder| mount.target.starts_with(folder)));
    let is_set = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| service.variable(name).is_some());
    service.is_built || service.has_unread_variables || is_mounted || is_set
}

/// Whether the certificate is told how to be looked at, or the request goes elsewhere.
fn says_more(job: &Job) -> bool {
    let keys = ["ca", "ca_file", "insecure_skip_verify", "server_name"];
    let says =
        job.node.get("tls_config").is_some_and(|config| keys.iter().any(|key| config.get(key).is_some()));
    says || job.is_redirected() || job.relabels("__scheme__") || job.node.get("proxy_url").is_some()
}

fn is_private(address: &str) -> bool {
    match Address::parse(address).host.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local(),
        Err(_) => false,
    }
}
