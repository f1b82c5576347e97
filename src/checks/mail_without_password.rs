//! Mail with a user and no password, or with a password and no user: the server is not told who sends, and refuses.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "mail-without-password", severity: Severity::Error, run };

const SECRETS: [&str; 4] = ["auth_password", "auth_password_file", "auth_secret", "auth_secret_file"];

fn run(stack: &Stack, report: &mut Report) {
    for (alertmanager, receiver, one) in stack.integrations().filter(|(_, _, one)| one.kind == "email") {
        if !one.node.document().is_complete() {
            continue;
        }
        let said = |key: &str| alertmanager.setting(one, key, &format!("smtp_{key}"));
        let name = &receiver.name;
        let at = |node: &Node| node.name_at().place();
        match (said("auth_username"), SECRETS.into_iter().find_map(said)) {
            (Some(user), None) => report.push(
                CHECK
                    .finding(format!("the mail of `{name}` has a user and no password: it is not sent"))
                    .at(at(&user), "Alertmanager cannot log in")
                    .help("add `auth_password_file:` with the path of a file that holds it"),
            ),
            (None, Some(secret)) => report.push(
                CHECK
                    .finding(format!(
                        "the mail of `{name}` has a password and no user: nobody logs in with it"
                    ))
                    .at(at(&secret), "never used")
                    .help("add `auth_username:` with the name that the server knows"),
            ),
            _ => {}
        }
    }
}
