//! A certificate, key or password that Prometheus is to read, at a path that nothing brings into its container.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::{Node, Spanned};
use crate::stack::{Prometheus, Service, Stack};

pub(super) const CHECK: Check = Check { id: "file-not-mounted", severity: Severity::Error, run };

const KEYS: [&str; 8] = [
    "bearer_token_file",
    "ca_file",
    "cert_file",
    "client_secret_file",
    "credentials_file",
    "key_file",
    "password_file",
    "username_file",
];
/// What images bring themselves.
const OF_IMAGES: [&str; 3] = ["/etc/ssl/", "/etc/pki/", "/usr/"];

fn run(stack: &Stack, report: &mut Report) {
    for prometheus in &stack.prometheuses {
        let Some((_, service)) = stack.service(&prometheus.service) else { continue };
        // Another start may write the file first.
        if service.is_built || service.get("entrypoint").is_some() {
            continue;
        }
        let mut named = Vec::new();
        search(&prometheus.root, 0, &mut named);
        for (key, path) in named {
            check(prometheus, service, &key, &path, report);
        }
    }
}

fn check(prometheus: &Prometheus, service: &Service, key: &str, path: &Spanned<String>, report: &mut Report) {
    let Some(inside) = prometheus.path_inside(service, path) else { return };
    if service.origin(&inside).is_some() || OF_IMAGES.iter().any(|folder| inside.starts_with(folder)) {
        return;
    }
    let (folder, name) = inside.rsplit_once('/').unwrap_or(("", &inside));
    let near = service.mounts.iter().find(|mount| mount.target.rsplit('/').next() == Some(name));
    let help = near.map_or_else(
        || format!("mount its folder at `{folder}`, or name it below `secrets:` of `{}`", service.name),
        |mount| format!("write `{key}: {}`", mount.target),
    );
    report.push(
        CHECK
            .finding(format!(
                "`{path}` is not in the container of `{}`: no mount brings it there",
                service.name
            ))
            .at(path.place(), "each scrape fails")
            .help(help),
    );
}

fn search(node: &Node, depth: usize, found: &mut Vec<(String, Spanned<String>)>) {
    if depth > 16 {
        return;
    }
    for (key, value) in node.entries() {
        match value.value() {
            Some(path) if KEYS.contains(&key.as_str()) && !path.is_empty() => found.push((key.value, path)),
            _ => search(&value, depth + 1, found),
        }
    }
    for item in node.items() {
        search(&item, depth + 1, found);
    }
}
