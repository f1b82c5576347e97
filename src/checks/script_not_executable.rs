//! A script that a container is to run, and that nobody may run.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Kind, Origin, Stack};

pub(super) const CHECK: Check = Check { id: "script-not-executable", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        // Without an entrypoint of its own, what is first is the image's.
        let Some(first) = service.words.first().filter(|_| service.get("entrypoint").is_some()) else {
            continue;
        };
        let Some(Origin::Host(path)) = service.origin(first) else { continue };
        if stack.folder.kind(&path) != Kind::File || stack.folder.is_executable(&path) != Some(false) {
            continue;
        }
        report.push(
            CHECK
                .finding(format!("`{}` may not be run: it is no program yet", stack.folder.name(&path)))
                .at(first.place(), "\"permission denied\"")
                .help(format!(
                    "run it with a shell, which only reads it (`entrypoint: [sh, {}]`), or `chmod +x` it, in git too: `git update-index --chmod=+x`",
                    first.value
                )),
        );
    }
}
