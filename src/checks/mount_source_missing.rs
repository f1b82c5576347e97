//! A mounted file, or the folder of a configuration, that is not there: Docker makes an empty folder of that name, and the
//! program finds that.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Report, Severity, is_slip, nearest};
use crate::stack::{Kind, Mount, Origin, Service, Stack};

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
            if !is_known || stack.folder.kind(path) != Kind::Missing {
                continue;
            }
            // A folder may come with the deploy, but not where one of nearly the same name is here.
            let near = if is_file { None } else { near_folder(stack, service, mount, path) };
            if is_file || near.is_some() {
                let help = near.map_or_else(
                    || "create it, or correct the path: it is relative to the compose file".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                report.push(
                    CHECK
                        .finding(format!("`{}` is mounted, and is not there", stack.folder.name(path)))
                        .at(mount.at.place(), "Docker makes an empty folder of this name")
                        .help(help),
                );
            }
        }
    }
}

/// A folder beside the one that is missing: of nearly the same name where the program reads its configuration from it, else one
/// with a letter forgotten, doubled or swapped that nobody mounts.
fn near_folder(stack: &Stack, service: &Service, mount: &Mount, path: &str) -> Option<String> {
    let beside = path.rsplit_once('/').map_or(String::new(), |(above, _)| format!("{above}/"));
    let files = stack.folder.files_in("", true);
    let folders: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| file.strip_prefix(&beside)?.split_once('/'))
        .map(|(folder, _)| folder)
        .collect();
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_mounted = |near: &str| {
        let near = Origin::Host(format!("{beside}{near}"));
        stack.services().any(|(_, service)| service.mounts.iter().any(|mount| mount.origin == near))
    };
    let near = if holds_config(service, mount) {
        nearest(name, folders)
    } else {
        folders.into_iter().find(|near| is_slip_of(name, near) && !is_mounted(near))
    };
    near.map(|near| format!("./{beside}{near}"))
}

/// `backup` beside `backups`, and `mydata` beside `my-data`, are two.
fn is_slip_of(name: &str, near: &str) -> bool {
    let letters = |name: &str| name.replace(['-', '_'], "");
    is_slip(name, near) && letters(name) != letters(near)
}

/// Whether the program reads its configuration from this folder.
fn holds_config(service: &Service, mount: &Mount) -> bool {
    let Some(program) = service.program else { return false };
    let flag = service.flag("config.file").map(|flag| flag.value);
    let config = flag.or_else(|| program.config().map(str::to_owned));
    config.is_some_and(|path| service.mount(&path).is_some_and(|one| std::ptr::eq(one, mount)))
}
