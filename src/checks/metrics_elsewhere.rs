//! A job that asks an engine at a port or path where it has no metrics.

use super::Check;
use super::shared::engines::{Scraped, scraped};
use crate::diagnostics::{Report, Severity};
use crate::stack::{Job, Service, Stack, Target};
use crate::values::UrlPath;

pub(super) const CHECK: Check = Check { id: "metrics-elsewhere", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for Scraped { engine, service, job, target } in scraped(stack) {
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
        let port = target.address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if let Some(port) = port.filter(|port| *port != engine.port && !says_port(service)) {
            report.push(
                CHECK
                    .finding(format!("{title} has its metrics at port {}, not at {port}", engine.port))
                    .at(target.address.place(), "not where they are")
                    .help(format!("write `{}:{}`", service.name.value, engine.port)),
            );
        } else if is_other(&job.metrics_path, path) && !is_moved(job, target) && !says_path(service) {
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

/// Whether a label gives another path to the target.
fn is_moved(job: &Job, target: &Target) -> bool {
    target.labels.iter().any(|(name, _)| name.value == "__metrics_path__")
        || job.node.get("relabel_configs").is_some()
}

/// Whether something may have set another port: an option, a variable, a file.
fn says_port(service: &Service) -> bool {
    let says = |text: &str| text.to_lowercase().contains("port");
    let is_short = |word: &str| word == "-p" || word.contains(".sh") || word.contains("config");
    service.words.iter().any(|word| says(word) || is_short(word))
        || service.environment.iter().any(|variable| says(&variable.name))
        || service.has_unread_variables
        || service.is_built
        // Text Embeddings Inference has images of another protocol, with a port of their own.
        || service.image.as_ref().is_some_and(|image| image.tag.as_ref().is_some_and(|tag| tag.contains("grpc")))
}

/// Whether something may have moved the path.
fn says_path(service: &Service) -> bool {
    let says = |word: &str| ["root-path", "prefix", "proxy", ".sh"].iter().any(|part| word.contains(part));
    service.words.iter().any(|word| says(word)) || service.is_built
}
