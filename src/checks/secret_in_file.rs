//! A secret that stands in a configuration: everybody who reads the repository can use it.

use super::Check;
use super::shared::nodes::each_value;
use crate::diagnostics::{Report, Severity};
use crate::source::{Spanned, is_secret_text};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "secret-in-file", severity: Severity::Warning, run };

/// Keys of Prometheus, Alertmanager and Grafana that hold a secret; each has a twin that ends in `_file`, or takes `$__file{…}`.
const KEYS: [&str; 24] = [
    "api_key",
    "api_secret",
    "api_token",
    "api_url",
    "app_token",
    "auth_password",
    "auth_secret",
    "basicAuthPassword",
    "bearer_token",
    "bot_token",
    "client_secret",
    "credentials",
    "opsgenie_api_key",
    "password",
    "routing_key",
    "secret_key",
    "service_key",
    "slack_api_url",
    "smtp_auth_password",
    "smtp_auth_secret",
    "token",
    "user_key",
    "victorops_api_key",
    "webhook_url",
];
/// Ends of the names of variables that hold a secret.
const VARIABLES: [&str; 5] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY"];

fn run(stack: &Stack, report: &mut Report) {
    let prometheus = stack.prometheuses.iter().map(|one| &one.root);
    let alertmanager = stack.alertmanagers.iter().map(|one| &one.root);
    let grafana = stack.datasources.iter().map(|one| &one.node);
    for root in prometheus.chain(alertmanager).chain(grafana) {
        each_value(root, &mut |keys, node| {
            if let (Some(key), Some(text)) = (keys.last(), node.value()) {
                check(key, &text, report);
            }
        });
    }
    for (_, service) in stack.services() {
        for variable in service.environment.iter().filter(|variable| !variable.is_from_file) {
            let Some(value) = variable.value.as_ref().filter(|_| is_secret_variable(&variable.name)) else {
                continue;
            };
            // A default beside a variable is said by whoever knows the default.
            if !value.at.text().contains('$') && is_literal(value) {
                let help = format!(
                    "take it from the environment: `{0}: ${{{0}:?}}`, or from a file with compose's `secrets:`",
                    variable.name
                );
                report.push(said(value, &help));
            }
        }
    }
}

fn check(key: &str, text: &Spanned<String>, report: &mut Report) {
    let is_hook = key == "url" && is_secret_text(text);
    // The address of an API is a secret for Slack alone, whose key it holds.
    let is_secret = KEYS.contains(&key) && (!key.ends_with("api_url") || is_secret_text(text));
    if (is_hook || is_secret) && is_literal(text) {
        report.push(said(
            text,
            &format!("put it into a file of its own and write `{key}_file:` with its path"),
        ));
    }
}

fn said(value: &Spanned<String>, help: &str) -> crate::diagnostics::Diagnostic {
    CHECK
        .finding("a secret stands in this file: whoever reads it can use it")
        .at(value.place(), "")
        .help(format!("{help}; then change the secret, it is known by now"))
}

/// Whether a value is the secret itself: no variable, no hint of what to write, and not what everybody knows.
fn is_literal(value: &str) -> bool {
    let known =
        ["", "admin", "changeme", "foobar", "grafana", "password", "secret", "<secret>", "xxx", "test"];
    !value.contains("${")
        && !value.starts_with('$')
        && !value.contains('<')
        && !known.contains(&value.to_lowercase().as_str())
}

fn is_secret_variable(name: &str) -> bool {
    let name = name.to_uppercase();
    VARIABLES.iter().any(|end| name.ends_with(end)) && !name.contains("DISABLE")
}
