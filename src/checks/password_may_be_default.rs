//! Grafana's password from a variable that may not be set: Grafana passes over a blank one, and keeps `admin`.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Node;
use crate::stack::{Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "password-may-be-default", severity: Severity::Note, run };

const NAME: &str = "GF_SECURITY_ADMIN_PASSWORD";

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        for service in compose.running(Program::Grafana) {
            let Some((node, value)) = written(service) else { continue };
            let unset = compose.unset_variables(&node);
            // With a default it is never blank; as a part of the value neither.
            let is_all = |text: &str| text == value;
            let text = node.text().unwrap_or_default();
            let Some(one) =
                unset.iter().find(|one| one.operation.is_empty() && is_all(&text[one.range.clone()]))
            else {
                continue;
            };
            report.push(
                CHECK
                    .finding(format!("where `{}` is not set, the password of Grafana is `admin`", one.name))
                    .at(node.at().part(&value).place(), "compose warns, and goes on with a blank one")
                    .help(format!("write `${{{}:?}}`: compose then refuses to start without it", one.name)),
            );
        }
    }
}

/// The node that sets the password, and what stands there for it.
fn written(service: &Service) -> Option<(Node, String)> {
    let environment = service.get("environment")?;
    if let Some(node) = environment.get(NAME) {
        let value = node.text()?.to_owned();
        return Some((node, value));
    }
    environment.items().into_iter().find_map(|item| {
        let value = item.text()?.strip_prefix(NAME)?.strip_prefix('=')?.to_owned();
        Some((item, value))
    })
}
