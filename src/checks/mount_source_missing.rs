//! A mounted file, or the folder of a configuration, that is not there: Docker makes an empty folder of that name, and the
//! program finds that.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::diagnostics::{Report, Severity, is_slip, nearest};
use crate::stack::{Kind, Mount, Origin, Service, Stack};

pub(super) const CHECK: Check = Check { id: "mount-source-missing", severity: Severity::Error, run };

/// What is a file for sure: of other names Docker's folder may be what is wanted, to keep data in.
const FILES: [&str; 9] = [".yml", ".yaml", ".json", ".conf", ".ini", ".toml", ".tmpl", ".rules", "Caddyfile"];

fn run(stack: &Stack, report: &mut Report) {
    // The disk is walked once, and only where something is missing.
    let folders = LazyCell::new(|| Folders::of(stack));
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
            let near = if is_file { None } else { near_folder(stack, &folders, service, mount, path) };
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

/// The names of the folders that hold files, by the folder that they are in.
struct Folders(BTreeMap<String, BTreeSet<String>>);

impl Folders {
    fn of(stack: &Stack) -> Self {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in stack.folder.files_in("", true) {
            let mut rest = file.as_str();
            // Up to the first folder that is known: those above it are too.
            while let Some((path, _)) = rest.rsplit_once('/') {
                let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
                if !all.entry(above.to_owned()).or_default().insert(name.to_owned()) {
                    break;
                }
                rest = path;
            }
        }
        Self(all)
    }

    fn in_folder(&self, folder: &str) -> impl Iterator<Item = &str> {
        self.0.get(folder).into_iter().flatten().map(String::as_str)
    }
}

/// A folder beside the one that is missing: of nearly the same name where the program reads its configuration from it, else one
/// with a letter forgotten, doubled or swapped that nobody mounts.
fn near_folder(
    stack: &Stack,
    folders: &Folders,
    service: &Service,
    mount: &Mount,
    path: &str,
) -> Option<String> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let beside = if above.is_empty() { String::new() } else { format!("{above}/") };
    let mut folders = folders.in_folder(above);
    let is_mounted = |near: &str| {
        let near = Origin::Host(format!("{beside}{near}"));
        stack.services().any(|(_, service)| service.mounts.iter().any(|mount| mount.origin == near))
    };
    let near = if holds_config(service, mount) {
        nearest(name, folders)
    } else {
        folders.find(|near| is_slip_of(name, near) && !is_mounted(near))
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
