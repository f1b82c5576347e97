//! A configuration mounted as a single file: an editor saves a new file under the old name, and the container keeps the old.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Kind, Origin, Stack};

pub(super) const CHECK: Check = Check { id: "single-file-mount", severity: Severity::Warning, run };

/// What a program reads again while it runs.
const RELOADED: [&str; 7] = [".yml", ".yaml", ".json", ".rules", ".tmpl", ".toml", ".ini"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services().filter(|(_, service)| service.program.is_some()) {
        for mount in service.mounts.iter().filter(|mount| !mount.is_secret) {
            let Origin::Host(path) = &mount.origin else { continue };
            let is_config = RELOADED.iter().any(|ending| path.ends_with(ending));
            if is_config && stack.folder.kind(path) == Kind::File {
                report.push(
                    CHECK
                        .finding(format!(
                            "`{path}` is mounted as a single file: after an edit the old one may stay"
                        ))
                        .at(mount.at.place(), "the container keeps the file that it was started with")
                        .help(help(path, &mount.target)),
                );
            }
        }
    }
}

/// The folder of the stack itself is never what to mount: secrets lie in it too. And a program looks for its file by the name
/// that it has inside.
fn help(path: &str, target: &str) -> String {
    let (inside, name) = target.rsplit_once('/').unwrap_or(("", target));
    match path.rsplit_once('/') {
        Some((folder, own)) if own == name => format!("mount its folder instead: `./{folder}:{inside}`"),
        own => {
            let folder =
                own.map_or_else(|| inside.rsplit('/').next().unwrap_or_default(), |(folder, _)| folder);
            format!("move it to `{folder}/{name}`, and mount that folder: `./{folder}:{inside}`")
        }
    }
}
