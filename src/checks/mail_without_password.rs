//! Mail with a user and no password, or with a password and no user: a server that wants to know who sends refuses it.

use std::collections::BTreeSet;

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::Node;
use crate::stack::{Alertmanager, Integration, Receiver, Stack};

pub(super) const CHECK: Check = Check { id: "mail-without-password", severity: Severity::Warning, run };

const SECRETS: [&str; 4] = ["auth_password", "auth_password_file", "auth_secret", "auth_secret_file"];

fn run(stack: &Stack, report: &mut Report) {
    for alertmanager in stack.alertmanagers.iter().filter(|one| one.root.document().is_complete()) {
        let receivers = alertmanager.receivers.iter();
        let all = receivers.flat_map(|one| one.integrations.iter().map(move |mail| (one, mail)));
        let mails = all.filter(|(_, one)| one.kind == "email");
        let with_user = mails.clone().filter(|(_, mail)| user(alertmanager, mail).is_some());
        let in_use: BTreeSet<usize> =
            with_user.filter_map(|(_, mail)| Some(secret(alertmanager, mail)?.at().range.start)).collect();
        report.extend(mails.filter_map(|(receiver, mail)| fault(alertmanager, receiver, mail, &in_use)));
    }
}

/// `in_use` are the places of the passwords that some mail logs in with.
fn fault(
    alertmanager: &Alertmanager,
    receiver: &Receiver,
    mail: &Integration,
    in_use: &BTreeSet<usize>,
) -> Option<Diagnostic> {
    let name = &receiver.name;
    match (user(alertmanager, mail), secret(alertmanager, mail)) {
        (Some(user), None) => Some(
            CHECK
                .finding(format!(
                    "the mail of `{name}` has a user and no password: where the server wants a login it is not sent"
                ))
                .at(user.name_at().place(), "Alertmanager cannot log in")
                .help("add `auth_password_file:` with the path of a file that holds it"),
        ),
        // One that stands in `global` may be meant for the others.
        (None, Some(secret)) if !in_use.contains(&secret.at().range.start) => Some(
            CHECK
                .finding(format!("the mail of `{name}` has a password and no user: nobody logs in with it"))
                .at(secret.name_at().place(), "never used")
                .help("add `auth_username:` with the name that the server knows"),
        ),
        _ => None,
    }
}

fn user(alertmanager: &Alertmanager, mail: &Integration) -> Option<Node> {
    alertmanager.setting(mail, "auth_username", "smtp_auth_username")
}

fn secret(alertmanager: &Alertmanager, mail: &Integration) -> Option<Node> {
    SECRETS.into_iter().find_map(|key| alertmanager.setting(mail, key, &format!("smtp_{key}")))
}
