//! A secret without its file, where the files of the others are: nothing that uses it can start.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Kind, Origin, Stack};

pub(super) const CHECK: Check = Check { id: "secret-file-missing", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        let files: Vec<_> = compose
            .secrets
            .iter()
            .filter_map(|secret| match secret.origin() {
                Some(Origin::Host(path)) => Some((secret, stack.folder.kind(&path), path)),
                _ => None,
            })
            .collect();
        // A repository has none of them, on purpose; the machine has all.
        if !files.iter().any(|(_, kind, _)| *kind == Kind::File) {
            continue;
        }
        for (secret, _, path) in files.iter().filter(|(_, kind, _)| *kind == Kind::Missing) {
            let is_used = |name: &str| {
                compose.services.iter().any(|one| one.secrets.iter().any(|own| own.value == name))
            };
            if !is_used(&secret.name) {
                continue;
            }
            report.push(
                CHECK
                    .finding(format!(
                        "`{}` is not there: what uses the secret cannot start",
                        stack.folder.name(path)
                    ))
                    .at(secret.name.place(), "the files of other secrets are")
                    .help("create the file, with mode 0644 inside of a folder that only you may open"),
            );
        }
    }
}
