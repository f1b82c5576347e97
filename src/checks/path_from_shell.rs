//! A mount from wherever the shell was that started compose.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "path-from-shell", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        for mount in service.mounts.iter().filter(|mount| !mount.is_secret) {
            let text = mount.at.text();
            let Some(word) = ["${PWD}", "$PWD"].into_iter().find(|word| text.contains(word)) else {
                continue;
            };
            report.push(
                CHECK
                    .finding(format!(
                        "`{word}` is where the shell was: from another folder this mounts something else"
                    ))
                    .at(mount.at.place(), "such as an empty folder that Docker makes")
                    .help(format!("write `.` for `{word}`: that is the folder of this file")),
            );
        }
    }
}
