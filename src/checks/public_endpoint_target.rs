//! A scrape through the address that users call: behind it, each scrape may meet another replica.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "public-endpoint-target", severity: Severity::Warning, run };

/// How addresses that many servers stand behind are called.
const FRONTS: [&str; 17] = [
    "api",
    "app",
    "chat",
    "edge",
    "endpoint",
    "front",
    "frontend",
    "gateway",
    "gw",
    "inference",
    "lb",
    "llm",
    "loadbalancer",
    "model",
    "models",
    "serve",
    "www",
];
const BALANCERS: [&str; 3] = [".elb.amazonaws.com", ".cloudfront.net", ".azurefd.net"];

fn run(stack: &Stack, report: &mut Report) {
    for job in stack.prometheuses.iter().flat_map(|prometheus| &prometheus.jobs) {
        // A probe asks the endpoint on purpose, and another path is another program's: a service that exports for many.
        if job.is_redirected() || job.metrics_path != "/metrics" {
            continue;
        }
        for address in job.addresses() {
            let (host, port) = address.rsplit_once(':').unwrap_or((address.as_str(), "443"));
            // A replica has a port of its own.
            if !matches!(port, "80" | "443") {
                continue;
            }
            let host = host.to_lowercase();
            let first = host.split('.').next().unwrap_or_default();
            let labels = host.split('.').count();
            let is_front = labels > 2 && FRONTS.contains(&first) && !is_inside(&host);
            if is_front || BALANCERS.iter().any(|end| host.ends_with(end)) {
                report.push(
                    CHECK
                        .finding(format!("`{address}` is what users call: each scrape may meet another replica behind it"))
                        .at(address.place(), "one series for many processes: its counters jump")
                        .help("list the replicas themselves; the endpoint is for a probe by the blackbox exporter"),
                );
            }
        }
    }
}

/// Names that mean one machine or pod, or a network of one's own.
fn is_inside(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    matches!(last, "internal" | "local" | "lan" | "localhost" | "svc" | "test" | "arpa")
        || host.parse::<std::net::IpAddr>().is_ok()
}
