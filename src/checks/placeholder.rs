//! A value that was to be replaced and was not.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::{Node, Spanned};
use crate::stack::{Job, Stack};

pub(super) const CHECK: Check = Check { id: "placeholder", severity: Severity::Error, run };

/// Parts of words that are only ever written to be replaced. Names of domains that exist are not among them.
const WORDS: [&str; 21] = [
    "your-company",
    "your_company",
    "your-domain",
    "your_domain",
    "yourdomain",
    "your-server",
    "your-webhook",
    "your-replica",
    "your-token",
    "your-email",
    "changeme",
    "change-me",
    "replace-me",
    "replaceme",
    "xxx/yyy",
    "x.x.x.x",
    "xxx.xxx",
    "your-host",
    "your_host",
    "your-ip",
    "your_ip",
];
/// Keys of Alertmanager that hold an address, a name or a secret. In texts, templates may write what they like.
const KEYS: [&str; 16] = [
    "api_key",
    "api_url",
    "auth_password",
    "auth_username",
    "bot_token",
    "channel",
    "from",
    "routing_key",
    "service_key",
    "slack_api_url",
    "smarthost",
    "smtp_from",
    "smtp_smarthost",
    "to",
    "url",
    "webhook_url",
];

fn run(stack: &Stack, report: &mut Report) {
    let jobs = stack.prometheuses.iter().flat_map(|prometheus| &prometheus.jobs);
    for address in jobs.flat_map(Job::addresses) {
        check(address, report);
    }
    for url in stack.datasources.iter().filter_map(|datasource| datasource.url.as_ref()) {
        check(url, report);
    }
    for alertmanager in &stack.alertmanagers {
        let integrations = alertmanager.receivers.iter().flat_map(|receiver| &receiver.integrations);
        let nodes: Vec<Node> =
            integrations.map(|one| one.node.clone()).chain(alertmanager.root.get("global")).collect();
        for (key, node) in nodes.iter().flat_map(Node::entries) {
            if let Some(value) = node.value().filter(|_| KEYS.contains(&key.as_str())) {
                check(&value, report);
            }
        }
    }
}

fn check(value: &Spanned<String>, report: &mut Report) {
    let lower = value.to_lowercase();
    if value.contains("{{") || value.contains("${") {
        return;
    }
    if WORDS.iter().any(|word| lower.contains(word)) || is_in_brackets(value) {
        report.push(
            CHECK
                .finding("a value stands here that was to be replaced")
                .at(value.place(), "nobody has this address or name")
                .help("write your own"),
        );
    }
}

/// `<replica-ip>:8000`, `#<channel-name>`: words in brackets, and around them only what an address or a name has.
fn is_in_brackets(text: &str) -> bool {
    let Some((before, rest)) = text.split_once('<') else { return false };
    let Some((word, after)) = rest.split_once('>') else { return false };
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "#:/.-_@?=&".contains(c));
    let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c));
    let is_known = ["channel", "domain", "host", "hostname", "ip", "key", "name", "port", "token", "url"]
        .contains(&word);
    is_plain(before) && is_plain(after) && is_word && (is_known || word.contains(['-', '_', ' ']))
}
