//! A `$` in a provisioning file: Grafana puts a variable of its environment there, or nothing.

use super::Check;
use super::shared::nodes::each_value;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "dollar-in-provisioning", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let datasources = stack.datasources.iter().map(|one| (&one.node, &one.service));
    let providers = stack.providers.iter().map(|one| (&one.node, &one.service));
    for (node, service) in datasources.chain(providers) {
        let service = stack.service(service).map(|(_, service)| service);
        each_value(node, &mut |_, node| {
            if let Some(text) = node.value().filter(|text| text.contains('$')) {
                check(&text, service, report);
            }
        });
    }
}

fn check(text: &Spanned<String>, service: Option<&Service>, report: &mut Report) {
    for (written, name) in variables(text) {
        if is_set(name, service) {
            continue;
        }
        report.push(
            CHECK
                .finding(format!(
                    "Grafana puts the variable `{name}` here, which nothing sets: `{written}` is gone"
                ))
                .at(text.at.part(written).place(), "replaced by nothing")
                .help(format!(
                    "write `${written}` for a plain `{written}`; for a secret use `$__file{{/run/secrets/…}}`"
                )),
        );
    }
}

/// `$name` and `${name}`, each as it is written, as Go's `os.Expand` finds them.
fn variables(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('$').map(|start| at + start) {
        let rest = &text[start + 1..];
        at = start + 1;
        if rest.starts_with('$') {
            // Two of them are one.
            at += 1;
            continue;
        }
        let name = match rest.strip_prefix('{') {
            Some(inside) => inside.split_once('}').map(|(name, _)| name),
            // One digit is a whole name.
            None if rest.starts_with(|c: char| c.is_ascii_digit()) => Some(&rest[..1]),
            None => Some(
                &rest[..rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len())],
            ),
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
        // Grafana's own: `$__file{…}`, `$__env{…}`, `$__vault{…}`.
        let is_provider = ["__file", "__env", "__vault"].contains(&name);
        let length = name.len() + if rest.starts_with('{') { 3 } else { 1 };
        if !is_provider {
            found.push((&text[start..start + length], name));
        }
        at = start + length;
    }
    found
}

/// Whether the environment may have it. No variable begins with `__`: such are Grafana's, for its pages.
fn is_set(name: &str, service: Option<&Service>) -> bool {
    let of_pages = name.starts_with("__");
    let of_image = ["HOME", "HOSTNAME", "PATH", "PWD"].contains(&name) || name.starts_with("GF_PATHS_");
    let Some(service) = service else { return !of_pages };
    let is_known = service.is_built || service.has_unread_variables || service.get("entrypoint").is_some();
    !of_pages && (of_image || is_known || service.variable(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_where_grafana_finds_one() {
        let names = |text| variables(text).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names("a$b c${d}$"), ["b", "d"]);
        assert_eq!(names("$$b $__file{/x} $__env{Y} 5$ $)"), Vec::<&str>::new());
        assert_eq!(names("${__value.raw} $1x"), ["__value.raw", "1"]);
        assert_eq!(names("é$é${é"), Vec::<&str>::new());
    }
}
