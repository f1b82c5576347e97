//! A folder of the machine as the place for data, which the image's user may not write to.

use super::Check;
use super::shared::prepared::is_prepared;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Origin, Program, Stack};

pub(super) const CHECK: Check = Check { id: "folder-not-writable", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (compose, service) in stack.services() {
        let is_theirs =
            service.user.is_none() && service.get("entrypoint").is_none() && service.is_upstream();
        let Some(program) = service.program.filter(|_| is_theirs) else { continue };
        let Some((user, data)) = program.user().zip(service.data()) else { continue };
        let Some(mount) = service.mount(&data) else { continue };
        // Only Alertmanager does without: it tries to save what it knows now and then, and says so in its log.
        let (read_only, not_owned) = if program == Program::Alertmanager {
            let lost = "it starts, and forgets its silences when it stops";
            (format!("mounted read-only: {lost}"), lost)
        } else {
            (
                "mounted read-only: it does not start".to_owned(),
                "\"permission denied\" at the start, again and again",
            )
        };
        if mount.read_only && mount.target == data {
            report.push(
                CHECK
                    .finding(format!(
                        "{} keeps its data in `{data}`, and may only read there",
                        program.name()
                    ))
                    .at(mount.at.place(), read_only)
                    .help(format!("mount a named volume here: `{}_data:{data}`", service.name)),
            );
        }
        if mount.read_only {
            continue;
        }
        let Origin::Host(folder) = &mount.origin else { continue };
        if stack.folder.is_writable(folder, user) != Some(false)
            || is_prepared(compose, service, &mount.origin)
        {
            continue;
        }
        report.push(
            CHECK
                .finding(format!(
                    "{} cannot write to `{}`: it runs as user {user}, which does not own it",
                    program.name(),
                    stack.folder.name(folder)
                ))
                .at(mount.at.place(), not_owned)
                .help(format!(
                    "mount a named volume instead (`{}_data:{}`), or give the folder away: `sudo chown {user} {}`",
                    service.name,
                    mount.target,
                    stack.folder.name(folder)
                )),
        );
    }
}
