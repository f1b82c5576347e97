//! A configuration mounted as a single file: an editor saves a new file under the old name, and the container keeps the old.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Kind, Mount, Origin, Stack};

pub(super) const CHECK: Check = Check { id: "single-file-mount", severity: Severity::Warning, run };

/// What a program reads again while it runs.
const RELOADED: [&str; 7] = [".yml", ".yaml", ".json", ".rules", ".tmpl", ".toml", ".ini"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services().filter(|(_, service)| service.program.is_some()) {
        let is_config = |path: &str| RELOADED.iter().any(|ending| path.ends_with(ending));
        let single: Vec<(&str, &Mount)> = service
            .mounts
            .iter()
            .filter(|mount| !mount.is_secret)
            .filter_map(|mount| match &mount.origin {
                Origin::Host(path) => Some((path.as_str(), mount)),
                _ => None,
            })
            .filter(|(path, _)| is_config(path) && stack.folder.kind(path) == Kind::File)
            .collect();
        let Some((first, _)) = single.first() else { continue };
        let label = "the container keeps the file that it was started with";
        let places = single.iter().map(|(_, mount)| (mount.at.place(), label.to_owned())).collect();
        let alone = format!("`{first}` is mounted as a single file: after an edit the old one may stay");
        let together = "files are mounted one by one: after an edit the old one may stay";
        // Files of one folder have one cure.
        let mut cures: Vec<String> = single.iter().map(|(path, mount)| help(path, &mount.target)).collect();
        cures.dedup();
        let help = cures.join("; ");
        report.extend(CHECK.at_each(places, alone, together).map(|finding| finding.help(help)));
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
