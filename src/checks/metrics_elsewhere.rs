//! A job that asks an engine at a port or path where it has no metrics.

use super::Check;
use super::shared::addresses::Address;
use super::shared::engines::{Scraped, metrics_port, scraped};
use crate::catalog::programs::DOCKER_HOST;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Service, Stack};
use crate::values::UrlPath;

pub(super) const CHECK: Check = Check { id: "metrics-elsewhere", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for Scraped { engine, service, job, target } in scraped(stack) {
        let address = Address::parse(&target.address);
        // In another program's network, or in the machine's, what is at the port may be another's.
        if service.network_mode.is_some() || address.host == DOCKER_HOST {
            continue;
        }
        let title = &engine.title;
        let Some(path) = engine.metrics_path.as_ref().map(UrlPath::as_str) else {
            report.push(
                CHECK
                    .finding(format!("{title} has no metrics: there is nothing to scrape"))
                    .at(target.address.place(), "answers no scrape")
                    .help("probe it with a blackbox exporter, or put a proxy in front that counts"),
            );
            continue;
        };
        let port = address.port.and_then(|port| port.parse::<u16>().ok());
        // Who has one port does not answer at another: that is for `wrong-port` to say.
        let own = metrics_port(engine, service).filter(|_| engine.ready_port.is_some());
        if let (Some(port), Some(own)) = (port, own.filter(|own| port != Some(*own))) {
            report.push(
                CHECK
                    .finding(format!("{title} has its metrics at port {own}, not at {port}"))
                    .at(target.address.place(), "not where they are")
                    .help(format!("write `{}:{own}`", service.name.value)),
            );
        } else if is_other(&job.metrics_path, path) && !job.moves_path(target) && !says_path(service) {
            let place = job.node.get("metrics_path").map_or(job.name.place(), |node| node.at().place());
            report.push(
                CHECK
                    .finding(format!("{title} has its metrics at `{path}`, not at `{}`", job.metrics_path))
                    .at(place, "not where they are")
                    .help(format!("write `metrics_path: {path}`")),
            );
        }
    }
}

/// A slash at the end is a redirection, which Prometheus follows.
fn is_other(asked: &str, path: &str) -> bool {
    asked.trim_end_matches('/') != path.trim_end_matches('/')
}

/// Whether something may have moved the path.
fn says_path(service: &Service) -> bool {
    let says = |word: &str| {
        ["root-path", "prefix", "proxy", "middleware", ".sh"].iter().any(|part| word.contains(part))
    };
    service.words.iter().any(|word| says(word)) || service.is_built || service.get("entrypoint").is_some()
}
