//! Whether Prometheus scrapes what the files say, and whether it answers.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::said;
use crate::checks::list;
use crate::diagnostics::{Diagnostic, Place, Report};
use crate::live::{Labels, Prometheus, Target};
use crate::source::Node;
use crate::stack::{self, Job};

/// More of one job are counted, not listed.
const SHOWN: usize = 5;

/// Whether what the files say is what is scraped. Of jobs that run otherwise anyway, that has been said.
pub(super) fn follows(
    file: &stack::Prometheus,
    targets: &[Target],
    differing: &BTreeSet<&str>,
    report: &mut Report,
) {
    let of_job = by_job(targets);
    for job in file.jobs.iter().filter(|job| !differing.contains(job.name.as_str()) && !chooses(job)) {
        same(job, of_job.get(job.name.as_str()).map(Vec::as_slice).unwrap_or_default(), report);
    }
}

/// Targets that Prometheus cannot scrape.
pub(super) fn down(file: &stack::Prometheus, targets: &[Target], report: &mut Report) {
    let of_job = by_job(targets);
    for job in &file.jobs {
        down_of(job, of_job.get(job.name.as_str()).map(Vec::as_slice).unwrap_or_default(), report);
    }
}

fn by_job(targets: &[Target]) -> BTreeMap<&str, Vec<&Target>> {
    let mut found: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
    for target in targets {
        found.entry(&target.scrape_pool).or_default().push(target);
    }
    found
}

/// Whether a relabeling leaves targets out.
fn chooses(job: &Job) -> bool {
    let rules = job.node.get("relabel_configs").map(|node| node.items()).unwrap_or_default();
    let action = |rule: &Node| Some(rule.get("action")?.text()?.to_lowercase());
    rules.iter().filter_map(action).any(|action| action.starts_with("keep") || action.starts_with("drop"))
}

fn same(job: &Job, targets: &[&Target], report: &mut Report) {
    let address = |target: &&Target| target.discovered_labels.get("__address__").cloned().unwrap_or_default();
    let known: BTreeSet<String> = targets.iter().map(address).collect();
    let missing = job.addresses().filter(|one| !known.contains(one.as_str()) && !one.contains("${"));
    for address in missing.take(SHOWN) {
        report.push(
            Diagnostic::error(
                "target-missing",
                format!("Prometheus does not scrape `{address}` of the job `{}`", job.name),
            )
            .at(address.place(), "not among the targets")
            .help("it follows target files by itself: see that the file is mounted, and that its log does not refuse it"),
        );
    }
    if job.discovers {
        return;
    }
    let written: BTreeSet<&str> = job.addresses().map(|one| one.as_str()).collect();
    let more: Vec<&str> =
        known.iter().map(String::as_str).filter(|address| !written.contains(address)).collect();
    if !more.is_empty() {
        report.push(
            Diagnostic::warning(
                "target-left-over",
                format!(
                    "Prometheus still scrapes {} of the job `{}`, which no file names",
                    list(more),
                    job.name
                ),
            )
            .at(job.name.place(), "")
            .help("it follows target files by itself: see that the file that runs is this one"),
        );
    }
}

/// Where a target is written, or else its job.
pub(super) fn place(job: &Job, target: &Target) -> Place {
    let address = target.discovered_labels.get("__address__");
    let written = job.addresses().find(|one| Some(&one.value) == address);
    written.unwrap_or(&job.name).place()
}

fn down_of(job: &Job, targets: &[&Target], report: &mut Report) {
    let down: Vec<&&Target> = targets.iter().filter(|target| target.health == "down").collect();
    let is_any_up = targets.iter().any(|target| target.health == "up");
    for target in down.iter().take(SHOWN) {
        let why = target.plain_error();
        let message = format!("the target `{}` of the job `{}` is down", target.name(), job.name);
        // A replica that was found at run time may be starting, or gone on purpose.
        let found = if job.discovers && is_any_up {
            Diagnostic::warning("replica-down", message)
        } else {
            Diagnostic::error("target-down", message)
        };
        report.push(found.at(place(job, target), said(why)).help(cure(why)));
    }
    if down.len() > SHOWN {
        let message = format!("{} more targets of the job `{}` are down", down.len() - SHOWN, job.name);
        report.push(
            Diagnostic::error("target-down", message)
                .at(job.name.place(), "")
                .help("`skymon status` lists them all"),
        );
    }
}

/// What to do about it, as far as the words tell.
fn cure(why: &str) -> &'static str {
    let cures: [(&[&str], &str); 9] = [
        (
            &["status 401", "status 403"],
            "the server wants to know who asks: give the job its key (`auth:` of the service)",
        ),
        (
            &["status 404", "status 405"],
            "the server is there and has no metrics at this path: see its path and port",
        ),
        (
            &["connection refused"],
            "nothing listens there: start it, see its port, and that it listens not only on its own `localhost`",
        ),
        (
            &["no such host", "server misbehaving"],
            "no name server knows this host from inside the container: see its name",
        ),
        (
            &["deadline exceeded", "i/o timeout", "no route to host"],
            "no answer in time: see the address and the firewall, or give it longer by `scrape_timeout`",
        ),
        (
            &["HTTP response to HTTPS client", "malformed HTTP response"],
            "one side speaks TLS and the other does not: see `scheme` of the job, or `tls` of the service",
        ),
        (
            &["limit exceeded"],
            "it shows more than the job allows: see what has so many series, before `sample_limit` or `body_size_limit` is raised",
        ),
        (
            &["x509", "tls:"],
            "the certificate is not accepted: see `tls` of the job, and whom the certificate is for",
        ),
        (
            &["Content-Type", "invalid metric", "expected a valid start token", "unsupported character"],
            "what answers there shows no metrics: see the path and the port",
        ),
    ];
    let found = cures.iter().find(|(words, _)| words.iter().any(|word| why.contains(word)));
    found.map_or("see the server's own log", |(_, cure)| cure)
}

/// What the blackbox exporter says of the endpoints that it asks: whether they answer, and how long their certificates hold.
pub(super) fn probes(file: &stack::Prometheus, running: &Prometheus, report: &mut Report) -> Result<()> {
    let place = |labels: &Labels| {
        let job = file.jobs.iter().find(|job| labels.get("job") == Some(&job.name.value))?;
        let written = job.addresses().find(|one| labels.get("instance") == Some(&one.value));
        Some((written.unwrap_or(&job.name).place(), labels.get("instance")?.clone()))
    };
    for (labels, _) in running.query("probe_success == 0")? {
        if let Some((place, name)) = place(&labels) {
            report.push(
                Diagnostic::error("probe-fails", format!("the probe of `{name}` fails"))
                    .at(place, "does not answer as it should")
                    .help("ask it yourself from the machine of the stack: `curl -v URL`"),
            );
        }
    }
    for (labels, seconds) in running.query(&format!("probe_ssl_earliest_cert_expiry - time() < {SOON}"))? {
        let Some((place, name)) = place(&labels) else { continue };
        let days = (seconds / DAY).floor();
        report.push(if seconds < 0.0 {
            Diagnostic::error(
                "certificate-expired",
                format!("the certificate of `{name}` is no longer valid"),
            )
            .at(place, "expired")
            .help("renew it, and see why that did not happen by itself")
        } else {
            Diagnostic::warning(
                "certificate-expiring",
                format!("the certificate of `{name}` ends in {days} days"),
            )
            .at(place, "to be renewed")
            .help("see that whatever renews it still does")
        });
    }
    Ok(())
}

const DAY: f64 = 86400.0;
/// Who renews by itself has done so by then.
const SOON: f64 = 14.0 * DAY;
