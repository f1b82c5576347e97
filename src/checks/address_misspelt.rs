//! An address with a letter wrong in a word that everybody writes alike: `locahost`, `host.docker.intenal`, `/metics`. What is nearly
//! a name of the stack is looked at where nothing else does: where probes are sent, and where receivers are told.

use super::Check;
use super::shared::addresses::{Address, leads_to, near_service};
use crate::diagnostics::{Diagnostic, Report, Severity, is_misspelt, is_slip};
use crate::source::{Node, Spanned};
use crate::stack::{Integration, Job, Prometheus, ServiceName, Stack};

pub(super) const CHECK: Check = Check { id: "address-misspelt", severity: Severity::Error, run };

/// What containers and machines call themselves and each other.
const HOSTS: [&str; 5] = [
    "gateway.docker.internal",
    "host.containers.internal",
    "host.docker.internal",
    "kubernetes.docker.internal",
    "localhost",
];
/// Where notifications go, with the words of the path there.
const SERVICES: [(&str, &[&str]); 19] = [
    ("alert.victorops.com", &["integrations", "generic"]),
    ("api.eu.opsgenie.com", &[]),
    ("api.opsgenie.com", &[]),
    ("api.pushover.net", &[]),
    ("api.telegram.org", &[]),
    ("discord.com", &["webhooks"]),
    ("discordapp.com", &["webhooks"]),
    ("events.eu.pagerduty.com", &["enqueue", "generic"]),
    ("events.pagerduty.com", &["enqueue", "generic"]),
    ("hooks.slack.com", &["services", "triggers", "workflows"]),
    ("qyapi.weixin.qq.com", &[]),
    ("smtp-mail.outlook.com", &[]),
    ("smtp.fastmail.com", &[]),
    ("smtp.gmail.com", &[]),
    ("smtp.mail.yahoo.com", &[]),
    ("smtp.mailgun.org", &[]),
    ("smtp.office365.com", &[]),
    ("smtp.sendgrid.net", &[]),
    ("webexapis.com", &["messages"]),
];
/// The words of paths where metrics are.
const PATHS: [&str; 4] = ["actuator", "federate", "metrics", "prometheus"];

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        for job in &prometheus.jobs {
            report.extend(path(stack, prometheus, job));
            report.extend(job.addresses().filter_map(|address| host(stack, &prometheus.service, address)));
            for address in job.redirections() {
                let found = host(stack, &prometheus.service, &address);
                report.extend(found.or_else(|| service(stack, &prometheus.service, &address)));
            }
        }
        let alertmanagers = prometheus.alertmanagers.iter().flat_map(|section| &section.targets);
        report.extend(alertmanagers.filter_map(|address| host(stack, &prometheus.service, address)));
        for key in ["remote_write", "remote_read"] {
            let urls = prometheus.root.get(key).map(|node| node.items()).unwrap_or_default();
            let urls = urls.iter().filter_map(|item| item.get("url")?.value());
            report.extend(urls.filter_map(|url| {
                let found = host(stack, &prometheus.service, &url);
                found.or_else(|| service(stack, &prometheus.service, &url))
            }));
        }
    }
    for datasource in &stack.datasources {
        report.extend(datasource.url.as_ref().and_then(|url| host(stack, &datasource.service, url)));
    }
    for alertmanager in &stack.alertmanagers {
        let integrations = alertmanager.receivers.iter().flat_map(|receiver| &receiver.integrations);
        let places = integrations.map(|Integration { node, .. }| node.clone());
        for url in places.chain(alertmanager.root.get("global")).flat_map(|node| urls(&node)) {
            let own = &alertmanager.service;
            let found =
                host(stack, own, &url).or_else(|| notified(&url)).or_else(|| service(stack, own, &url));
            report.extend(found);
        }
    }
}

/// The addresses that Alertmanager sends to. Links in the text are not asked.
fn urls(node: &Node) -> Vec<Spanned<String>> {
    let is_asked = |key: &str| {
        ["api_url", "slack_api_url", "smarthost", "smtp_smarthost", "url", "webhook_url"].contains(&key)
            || key.ends_with("_api_url")
            || key == "pagerduty_url"
    };
    let entries = node.entries().into_iter().filter(|(key, _)| is_asked(key));
    entries.filter_map(|(_, node)| node.value()).filter(|url| !is_open(url)).collect()
}

/// Whether something else fills it in.
fn is_open(text: &str) -> bool {
    text.contains(['$', '{', '<'])
}

/// A name that is nearly one that machines and containers have by themselves.
fn host(stack: &Stack, own: &ServiceName, address: &Spanned<String>) -> Option<Diagnostic> {
    // The dot that may end a name is the root of all names.
    let found = Address::parse(address).host.trim_end_matches('.').to_owned();
    let right = HOSTS.into_iter().find(|right| is_misspelt(&found, right)).filter(|_| !is_open(address))?;
    let is_there = stack
        .service(own)
        .is_some_and(|(compose, own)| compose.named(&found).is_some() || own.has_extra_host(&found));
    (!is_there).then(|| said(address, &found, right))
}

/// A name that is one of a service of the stack, with a letter forgotten, doubled or swapped: `mimir-b` may be the sister of `mimir-a`.
fn service(stack: &Stack, own: &ServiceName, address: &Spanned<String>) -> Option<Diagnostic> {
    let (compose, own) = stack.service(own)?;
    let found = Address::parse(address);
    if !found.is_name() || own.network_mode.is_some() || compose.named(found.host).is_some() {
        return None;
    }
    let right = near_service(stack, compose, own, found.host).filter(|right| is_slip(found.host, right))?;
    Some(said(address, found.host, right))
}

/// A service that many are told through, with a letter wrong in its name or in its path.
fn notified(url: &Spanned<String>) -> Option<Diagnostic> {
    let Address { host, path, .. } = Address::parse(url);
    let host = host.trim_end_matches('.');
    if let Some((right, _)) = SERVICES.iter().find(|(right, _)| is_misspelt(host, right)) {
        return Some(said(url, host, right));
    }
    let (_, words) = SERVICES.iter().find(|(known, _)| *known == host)?;
    let slip = |part: &&str| words.iter().any(|right| is_misspelt(part, right));
    let part = path.split('/').find(slip)?;
    Some(said(url, part, words.iter().find(|right| is_misspelt(part, right))?))
}

/// Where metrics are asked for. Of what is known to run there, other checks say where it has them.
fn path(stack: &Stack, prometheus: &Prometheus, job: &Job) -> Option<Diagnostic> {
    let written = job.node.get("metrics_path")?.value()?;
    // Other letters may be another's own word, and some do write it without the `s`.
    let part = written.split('/').find(|part| PATHS.iter().any(|right| is_slip(part, right)))?;
    let right = PATHS.iter().find(|right| is_slip(part, right))?;
    let compose = stack.service(&prometheus.service).map(|(compose, _)| compose);
    let is_known = |address: &Spanned<String>| {
        compose.and_then(|compose| leads_to(compose, address)).is_some()
            || Address::parse(address).host == "localhost"
    };
    (!job.is_redirected() && !job.addresses().any(is_known)).then(|| said(&written, part, right))
}

fn said(text: &Spanned<String>, word: &str, right: &str) -> Diagnostic {
    CHECK
        .finding(format!("`{word}` has a letter wrong: nobody answers there"))
        .at(text.at.part(word).place(), "")
        .help(format!("did you mean `{right}`?"))
}
