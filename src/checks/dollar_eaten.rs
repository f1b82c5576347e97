//! A `$` that compose takes for a variable, where a hash or a shell was meant.

use super::Check;
use super::shared::nodes::each_value;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::{Compose, Stack, VariableUse};

pub(super) const CHECK: Check = Check { id: "dollar-eaten", severity: Severity::Error, run };

/// How hashes of passwords begin.
const HASHES: [&str; 8] = ["$2a$", "$2b$", "$2y$", "$apr1$", "$argon2", "$1$", "$5$", "$6$"];

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        for document in compose.documents() {
            for (_, service) in document.root().get("services").iter().flat_map(Node::entries) {
                each_value(&service, &mut |keys, node| check(compose, keys, node, report));
            }
        }
    }
}

fn check(compose: &Compose, keys: &[String], node: &Node, report: &mut Report) {
    // A shell may read the text.
    let is_command = keys.iter().any(|key| matches!(key.as_str(), "command" | "entrypoint" | "healthcheck"));
    let Some(text) = node.text().filter(|text| text.contains('$')) else { return };
    for one in compose.unset_variables(node).iter().filter(|one| !one.is_braced) {
        let what = if is_in_hash(text, one) {
            "the rest of the hash is another"
        } else if is_command && is_of_shell(text, one) {
            "the shell inside never sees it"
        } else {
            continue;
        };
        report.push(
            CHECK
                .finding(format!("compose replaces `{}` by nothing: {what}", shown(&text[one.range.clone()])))
                .at(node.at().place(), "a `$` with a name after it is a variable of compose")
                .help("write each such `$` twice: `$$`"),
        );
        return;
    }
}

/// Of a hash only how it begins.
fn shown(variable: &str) -> String {
    match variable.char_indices().nth(6) {
        Some((at, _)) => format!("{}…", &variable[..at]),
        None => variable.to_owned(),
    }
}

/// Whether the variable is a piece of a password's hash.
fn is_in_hash(text: &str, one: &VariableUse) -> bool {
    let before = &text[..=one.range.start];
    // `$apr1` is itself a name.
    let whole = &text[one.range.start..];
    let begins = |text: &str| HASHES.iter().any(|hash| text.starts_with(hash));
    let last = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let starts_before =
        HASHES.iter().any(|hash| before[last..].contains(hash) && !before[last..].contains("$$"));
    starts_before || begins(whole)
}

/// Whether the text itself is a shell's, and sets the variable: then the shell's is meant.
fn is_of_shell(text: &str, one: &VariableUse) -> bool {
    let name = one.name.as_str();
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || ";&|(){}\"'".contains(c)).collect();
    let is_set = words.iter().any(|word| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
    let is_looped = words.windows(2).any(|pair| matches!(pair[0], "for" | "read") && pair[1] == name);
    is_set || is_looped
}
