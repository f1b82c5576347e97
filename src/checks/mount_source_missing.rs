//! A mounted file that is not there: Docker makes an empty folder of that name, and the program finds a folder.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Kind, Origin, Stack};

pub(super) const CHECK: Check = Check { id: "mount-source-missing", severity: Severity::Error, run };

/// What is a file for sure: of other names Docker's folder may be what is wanted, to keep data in.
const FILES: [&str; 9] = [".yml", ".yaml", ".json", ".conf", ".ini", ".toml", ".tmpl", ".rules", "Caddyfile"];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        for mount in service.mounts.iter().filter(|mount| !mount.is_secret) {
            let Origin::Host(path) = &mount.origin else { continue };
            let is_file = FILES.iter().any(|ending| mount.target.ends_with(ending));
            // `$PWD` is wherever compose is started.
            let is_known = !mount.at.text().contains('$');
            if is_file && is_known && stack.folder.kind(path) == Kind::Missing {
                report.push(
                    CHECK
                        .finding(format!("`{}` is mounted, and is not there", stack.folder.name(path)))
                        .at(mount.at.place(), "Docker makes an empty folder of this name")
                        .help("create the file, or correct the path: it is relative to the compose file"),
                );
            }
        }
    }
}
