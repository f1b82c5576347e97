//! A mail address that is none: each mail fails when it is to be sent.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "mail-address-invalid", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for (alertmanager, _, one) in stack.integrations().filter(|(_, _, one)| one.kind == "email") {
        let to = one.node.get("to");
        let from = alertmanager.setting(one, "from", "smtp_from");
        for addresses in [to, from].into_iter().flatten().filter_map(|node| node.value()) {
            check(&addresses, report);
        }
    }
}

fn check(addresses: &Spanned<String>, report: &mut Report) {
    // What a template or a script makes of it, or what stands in quotes, is not known.
    let is_plain = !["{{", "__", "\"", "$"].iter().any(|mark| addresses.contains(mark));
    let wrong = addresses.split(',').map(str::trim).find(|one| !one.is_empty() && !is_address(one));
    let Some(wrong) = wrong.filter(|_| is_plain) else { return };
    let help = if wrong.contains(';') {
        "separate addresses with a comma"
    } else {
        "write it as `name@example.com`"
    };
    report.push(
        CHECK
            .finding(format!("`{wrong}` is no mail address: the mail is not sent"))
            .at(addresses.at.part(wrong).place(), "")
            .help(help),
    );
}

/// `a@b`, or `Name <a@b>`.
fn is_address(text: &str) -> bool {
    let bare = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(rest),
        None => text,
    };
    bare.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !bare.contains([' ', ';']) && !host.contains('@')
    })
}
