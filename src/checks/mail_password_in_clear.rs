//! A password for mail over a connection that is not encrypted: it is sent in clear, or the server does not get it at all.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "mail-password-in-clear", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (alertmanager, _, one) in stack.integrations().filter(|(_, _, one)| one.kind == "email") {
        let said = |key: &str| alertmanager.setting(one, key, &format!("smtp_{key}"));
        let has_password = ["auth_password", "auth_password_file"].iter().any(|key| said(key).is_some());
        let is_off = |key: &str| said(key).filter(|node| node.text() == Some("false"));
        let is_implicit = said("force_implicit_tls").is_some_and(|node| node.is_true());
        let Some(off) = is_off("require_tls").filter(|_| has_password && !is_implicit) else { continue };
        let Some(smarthost) = said("smarthost").and_then(|node| node.value()) else { continue };
        let Some((host, port)) = smarthost.rsplit_once(':') else { continue };
        // A name without a dot is the same machine, or a container beside.
        if port == "465" || !host.contains('.') || host.starts_with("127.") {
            continue;
        }
        report.push(
            CHECK
                .finding(format!("the password for `{}` goes there without TLS, or is not taken", smarthost.value))
                .at(off.at().place(), "the connection stays in clear")
                .help("remove `require_tls: false`: the default asks the server for TLS, and sends nothing without"),
        );
    }
}
