//! A target that is no `host:port`: Prometheus refuses the whole configuration, or can never ask it.

use super::Check;
use super::shared::addresses::Address;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Job, Stack};

pub(super) const CHECK: Check = Check { id: "target-not-an-address", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        // What a relabeling sends elsewhere may be anything.
        for target in prometheus.jobs.iter().filter(|job| !job.is_redirected()).flat_map(Job::addresses) {
            check(target, "metrics_path", report);
        }
        let plain = prometheus.alertmanagers.iter().filter(|one| one.node.get("relabel_configs").is_none());
        for target in plain.flat_map(|one| &one.targets) {
            check(target, "path_prefix", report);
        }
    }
}

fn check(target: &Spanned<String>, path_key: &str, report: &mut Report) {
    // Something else fills these in, or `placeholder` speaks of them.
    if ["${", "{{", "<", "__"].iter().any(|mark| target.contains(mark)) {
        return;
    }
    let address = Address::parse(target);
    let bare = match address.port {
        Some(port) => format!("{}:{port}", address.host),
        None => address.host.to_owned(),
    };
    let (message, help) = if target.is_empty() {
        ("a target is empty".to_owned(), "write `host:port`, or remove the entry".to_owned())
    } else if let Some(scheme) = address.scheme {
        (format!("`{target}` is a URL, no target"), format!("write `{bare}`, with `scheme: {scheme}` beside"))
    } else if target.contains('/') {
        let path = target.find('/').map_or("", |slash| &target[slash..]);
        (format!("`{target}` has a path"), format!("write `{bare}`, with `{path_key}: {path}` beside"))
    } else if target.contains(|c: char| c.is_whitespace() || c == ',') {
        (
            format!("`{target}` is no single address"),
            "write one address for each entry, without blanks".to_owned(),
        )
    } else if let Some(port) = address.port.filter(|port| port.parse::<u16>().map_or(true, |port| port == 0))
    {
        (format!("`{port}` is no port"), "write a number from 1 to 65535".to_owned())
    } else {
        return;
    };
    report.push(CHECK.finding(message).at(target.place(), "Prometheus wants `host:port`").help(help));
}
