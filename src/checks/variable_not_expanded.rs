//! A variable in a configuration of Prometheus or Alertmanager: neither replaces it, so that `${…}` itself is used.

use super::Check;
use super::shared::nodes::each_value;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::{ServiceName, Stack};

pub(super) const CHECK: Check = Check { id: "variable-not-expanded", severity: Severity::Error, run };

/// Keys where a `$` has a meaning, and one where Prometheus does replace.
const ELSEWHERE: [&str; 5] = ["external_labels", "regex", "replacement", "separator", "target_label"];
/// Words in the names of keys that hold an address or a secret. A name or a text may be meant as it stands.
const KEYS: [&str; 13] = [
    "credentials",
    "file",
    "files",
    "from",
    "key",
    "password",
    "secret",
    "smarthost",
    "targets",
    "to",
    "token",
    "url",
    "urls",
];
/// What may change a file before the program reads it.
const SHELLS: [&str; 5] = ["/bin/bash", "/bin/sh", "bash", "gomplate", "sh"];

fn run(stack: &Stack, report: &mut Report) {
    let prometheus = stack.prometheuses.iter().map(|one| ("Prometheus", &one.root, &one.service));
    let alertmanager = stack.alertmanagers.iter().map(|one| ("Alertmanager", &one.root, &one.service));
    for (program, root, service) in prometheus.chain(alertmanager) {
        if is_read_as_it_is(stack, service) {
            each_value(root, &mut |keys, node| {
                if !keys.iter().any(|key| ELSEWHERE.contains(&key.as_str())) {
                    check(keys, node, program, report);
                }
            });
        }
    }
}

/// Whether nothing stands between the file and the program.
fn is_read_as_it_is(stack: &Stack, service: &ServiceName) -> bool {
    match stack.service(service) {
        Some((_, service)) => {
            let prepares = |word: &str| SHELLS.contains(&word) || word.contains("envsubst");
            !service.is_built
                && service.get("entrypoint").is_none()
                && !service.words.iter().any(|word| prepares(word))
        }
        // An image of one's own may do anything with it.
        None => !stack.services().any(|(_, service)| service.is_built),
    }
}

fn check(keys: &[String], node: &Node, program: &str, report: &mut Report) {
    let holds_an_address = keys.last().is_some_and(|key| key.split('_').any(|part| KEYS.contains(&part)));
    // In a template a `$` begins a variable of its own.
    let Some(text) = node.value().filter(|text| holds_an_address && !text.contains("{{")) else { return };
    let Some(variable) = variable(&text) else { return };
    report.push(
        CHECK
            .finding(format!("{program} does not replace `{variable}`: these very letters are used"))
            .at(text.at.part(variable).place(), "")
            .help(
                "write the value; a secret into a file of its own, by the key that ends in `_file`; or let \
                 `envsubst` make the file before the program starts",
            ),
    );
}

/// `${NAME}` anywhere, `$NAME` where it is the whole or a whole part.
fn variable(text: &str) -> Option<&str> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        if let Some((name, _)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            // `${NAME:-default}` is no more understood.
            let bare = name.split([':', '-', '?']).next().unwrap_or_default();
            if is_name(bare) {
                return Some(&text[at..at + name.len() + 3]);
            }
        }
        let end = rest.find(['/', ':', '@']).unwrap_or(rest.len());
        let is_upper = |name: &str| !name.bytes().any(|byte| byte.is_ascii_lowercase());
        let begins = at == 0 || text[..at].ends_with(['/', ':', '@', '=']);
        if begins && end > 2 && is_name(&rest[..end]) && is_upper(&rest[..end]) {
            return Some(&text[at..at + 1 + end]);
        }
    }
    None
}
