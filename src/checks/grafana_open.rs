//! Grafana that lets anybody in as more than a reader.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Program, Stack};

pub(super) const CHECK: Check = Check { id: "grafana-open", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for service in stack.running(Program::Grafana) {
        let is_on = |name: &str| {
            service.set(name).filter(|value| matches!(value.to_lowercase().as_str(), "true" | "1"))
        };
        let role = service.set("GF_AUTH_ANONYMOUS_ORG_ROLE");
        if is_on("GF_AUTH_ANONYMOUS_ENABLED").is_some()
            && let Some(role) = role.filter(|role| matches!(role.as_str(), "Admin" | "Editor"))
        {
            report.push(
                CHECK
                    .finding(format!("whoever opens Grafana is its `{role}`, without a login"))
                    .at(role.place(), "may change dashboards, and query every datasource")
                    .help("write `Viewer`"),
            );
        }
        if let Some(sign_up) = is_on("GF_USERS_ALLOW_SIGN_UP") {
            report.push(
                CHECK
                    .finding("whoever opens Grafana may make a user of his own")
                    .at(sign_up.place(), "nobody is asked")
                    .help("write `\"false\"`, and invite people"),
            );
        }
    }
}
