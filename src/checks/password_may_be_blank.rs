//! A password from a variable that may not be set: compose then starts the program with a blank one.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "password-may-be-blank", severity: Severity::Note, run };

const SECRETS: [&str; 4] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN"];

fn run(stack: &Stack, report: &mut Report) {
    for (compose, service) in stack.services() {
        for (name, node) in variables(service) {
            let upper = name.to_uppercase();
            if !SECRETS.iter().any(|end| upper.ends_with(end)) {
                continue;
            }
            let Some(value) = node.value() else { continue };
            let unset = compose.unset_variables(&node);
            // The whole value is the variable: as a part of another, a blank is something else.
            let text = value
                .split_once('=')
                .filter(|_| value.starts_with(&name))
                .map_or(value.as_str(), |(_, text)| text);
            let Some(one) =
                unset.iter().find(|one| one.operation.is_empty() && value.value[one.range.clone()] == *text)
            else {
                continue;
            };
            report.push(
                CHECK
                    .finding(format!(
                        "where `{}` is not set, `{name}` is blank, and all starts as if it were right",
                        one.name
                    ))
                    .at(value.at.part(text).place(), "compose only warns")
                    .help(format!("write `${{{}:?}}`: compose then refuses to start", one.name)),
            );
        }
    }
}

/// What is listed in `environment`, with the node that holds the value.
fn variables(service: &Service) -> Vec<(String, crate::source::Node)> {
    let Some(node) = service.get("environment") else { return Vec::new() };
    let lines = node.items().into_iter().filter_map(|item| {
        let name = item.text()?.split_once('=')?.0.to_owned();
        Some((name, item))
    });
    node.entries().into_iter().map(|(name, value)| (name.value, value)).chain(lines).collect()
}
