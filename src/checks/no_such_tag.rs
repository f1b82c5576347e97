//! A tag that its project never gave to an image: it cannot be pulled.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Image, Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "no-such-tag", severity: Severity::Error, run };

/// Where the projects publish their images. Another registry may have tags of its own.
const REGISTRIES: [&str; 4] = ["docker.io", "gcr.io", "ghcr.io", "quay.io"];
const OWNERS: [&str; 5] = ["cadvisor", "google", "grafana", "prom", "prometheus"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services().filter(|(_, service)| !service.is_built) {
        let Some(image) = &service.image else { continue };
        let Some((tag, why, right)) = fault(service, &image.value) else { continue };
        report.push(
            CHECK
                .finding(format!("there is no `{}:{tag}`: it cannot be pulled", image.repository))
                .at(image.place(), why)
                .help(format!("write `{}:{right}`, if that is the version you mean", image.repository)),
        );
    }
}

/// The tag, what is wrong with it, and the one that was meant.
fn fault<'i>(service: &Service, image: &'i Image) -> Option<(&'i str, &'static str, String)> {
    let program = service.program?;
    let tag = image.tag.as_deref().filter(|_| image.digest.is_none() && is_the_projects(image))?;
    let plain = tag.strip_prefix('v').unwrap_or(tag);
    let (version, rest) = split(plain)?;
    let has_v = plain.len() < tag.len();
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let v = if has_v { "v" } else { "" };
        return Some((tag, "a version, and then something else", format!("{v}{version}")));
    }
    let first = image.version()?;
    match program {
        Program::Grafana if has_v && first >= (5, 0) => {
            Some((tag, "Grafana's tags have no `v`", plain.to_owned()))
        }
        // The first releases had none.
        Program::Prometheus if !has_v && first >= (2, 0) => {
            Some((tag, "the tags of Prometheus begin with `v`", format!("v{tag}")))
        }
        Program::Alertmanager if !has_v && first >= (0, 10) => {
            Some((tag, "the tags of Alertmanager begin with `v`", format!("v{tag}")))
        }
        Program::Blackbox if !has_v && first >= (0, 12) => {
            Some((tag, "the tags of the blackbox exporter begin with `v`", format!("v{tag}")))
        }
        Program::NodeExporter if !has_v && first >= (0, 16) => {
            Some((tag, "the tags of the node exporter begin with `v`", format!("v{tag}")))
        }
        _ => None,
    }
}

fn is_the_projects(image: &Image) -> bool {
    let parts: Vec<&str> = image.repository.split('/').collect();
    match parts.as_slice() {
        [owner, _] => OWNERS.contains(owner),
        [registry, owner, _] => REGISTRIES.contains(registry) && OWNERS.contains(owner),
        _ => false,
    }
}

/// `1.2.3` and what comes after it.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut end = 0;
    for part in 0..3 {
        let rest = text.get(end..)?;
        let rest = if part == 0 { rest } else { rest.strip_prefix('.')? };
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return None;
        }
        end += digits + usize::from(part > 0);
    }
    text.split_at_checked(end)
}
