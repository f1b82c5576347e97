//! A value that compose refuses, or the Docker engine when it makes the container: the service never starts.

use std::net::IpAddr;

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity, misspelt, nearest};
use crate::source::Spanned;
use crate::stack::{Port, Service, Stack};

pub(super) const CHECK: Check = Check { id: "value-refused", severity: Severity::Error, run };

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];
const GATEWAY: &str = "host-gateway";
const TESTS: [&str; 3] = ["CMD", "CMD-SHELL", "NONE"];
const RESTARTS: [&str; 4] = ["always", "no", "on-failure", "unless-stopped"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        report.extend(service.ports.iter().filter_map(port));
        report.extend(service.extra_hosts.iter().filter_map(host));
        report.extend(test(service));
        report.extend(service.restart.as_ref().and_then(restart));
        report.extend(command(service));
    }
}

/// Whether somebody fills a value in before Docker sees it.
fn is_hole(text: &str) -> bool {
    text.contains(['$', '{', '<', '%'])
}

fn port(port: &Port) -> Option<Diagnostic> {
    let ip = port.host_ip.as_deref().unwrap_or_default();
    if [ip, &port.published, &port.target, &port.protocol].iter().any(|text| is_hole(text)) {
        return None;
    }
    let said = |what: String, help: String| {
        let label = "the service does not start";
        Some(CHECK.finding(format!("Docker refuses {what}")).at(port.at.place(), label).help(help))
    };
    if !ip.is_empty() && ip.parse::<IpAddr>().is_err() {
        let help = "write the address of this machine as a number: `127.0.0.1`, or leave it out for all";
        return said(format!("`{ip}`: it is no IP address"), help.to_owned());
    }
    if !PROTOCOLS.contains(&port.protocol.to_ascii_lowercase().as_str()) {
        let near = nearest(&port.protocol, PROTOCOLS).unwrap_or("tcp");
        return said(format!("`{}`: it is no protocol", port.protocol), format!("write `{near}`"));
    }
    let given = [&port.target, &port.published].into_iter().find(|text| !text.is_empty() && !is_port(text));
    let given = given?;
    said(
        format!("`{given}`: it is no port"),
        "write a number from 1 to 65535, or two as `8000-8010`".to_owned(),
    )
}

/// `80`, or `80-90`.
fn is_port(text: &str) -> bool {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = first.parse::<u16>().ok().zip(last.parse::<u16>().ok());
    range.is_some_and(|(first, last)| first <= last)
}

fn host(one: &Spanned<String>) -> Option<Diagnostic> {
    let (name, address) = one.split_once(':')?;
    if is_hole(one) || address.is_empty() || address == GATEWAY {
        return None;
    }
    if address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok() {
        return None;
    }
    let help = match nearest(address, [GATEWAY]) {
        Some(near) => format!("write `{name}:{near}`"),
        None => format!("write its number, or for the machine itself `{name}:{GATEWAY}`"),
    };
    Some(
        CHECK
            .finding(format!("Docker refuses `{address}` as the address of `{name}`: it is no IP address"))
            .at(one.place(), "the service does not start")
            .help(help),
    )
}

/// A test in several words says first what they are.
fn test(service: &Service) -> Option<Diagnostic> {
    let is_list = service.get("healthcheck")?.get("test")?.is_list();
    let first = service.healthcheck.as_ref()?.test.first().filter(|_| is_list)?;
    if TESTS.contains(&first.as_str()) || is_hole(first) {
        return None;
    }
    let help = match nearest(first, TESTS) {
        Some(near) => format!("write `{near}` in its place"),
        None => format!("write `CMD` before it: `[CMD, {}, …]`", first.value),
    };
    Some(
        CHECK
            .finding(format!("compose refuses a health check that begins with `{}`", first.value))
            .at(first.place(), "neither `CMD` nor `CMD-SHELL` nor `NONE`")
            .help(help),
    )
}

fn restart(policy: &Spanned<String>) -> Option<Diagnostic> {
    let word = policy.split(':').next().unwrap_or_default();
    // `no` without quotes is a bool to some readers.
    if word.is_empty() || is_hole(policy) || RESTARTS.contains(&word) || word == "false" {
        return None;
    }
    let help = match nearest(word, RESTARTS) {
        Some(near) => format!("write `restart: {near}`"),
        None => "write `restart: unless-stopped`".to_owned(),
    };
    Some(
        CHECK
            .finding(format!("Docker refuses `{}`: it is no policy for restarts", policy.value))
            .at(policy.place(), "the service does not start")
            .help(help),
    )
}

/// The first word of a command, in an image whose programs are known.
fn command(service: &Service) -> Option<Diagnostic> {
    let image = service.image.as_ref().filter(|_| !service.is_built)?;
    let known: &[&str] = match image.repository.as_str() {
        "python" => &["pip", "python", "python3"],
        "node" => &["node", "npm", "npx"],
        _ => return None,
    };
    let first = service.words.first().filter(|_| service.get("entrypoint").is_none())?;
    let near = misspelt(first, known.iter().copied())?;
    Some(
        CHECK
            .finding(format!("there is no program `{}` in `{}`", first.value, image.repository))
            .at(first.place(), "Docker refuses to start it")
            .help(format!("write `{near}`")),
    )
}
