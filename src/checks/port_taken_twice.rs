//! Two services that want one port of the machine: the second one does not start.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Port, Service, Stack};

pub(super) const CHECK: Check = Check { id: "port-taken-twice", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        let mut taken: BTreeMap<(u16, &str), Vec<(&Service, &Port)>> = BTreeMap::new();
        for service in compose.services.iter().filter(|service| service.network_mode.is_none()) {
            for port in &service.ports {
                // Of a range for one port Docker takes what is free.
                let Some((first, _)) = port.taken().filter(|(first, last)| first == last) else { continue };
                let others = taken.entry((first, port.protocol.as_str())).or_default();
                let is_other = |(other, one): &&(&Service, &Port)| {
                    // Files that were put together by their names may be there instead of each other.
                    let is_known = compose.is_whole || Arc::ptr_eq(one.at.document(), port.at.document());
                    let is_beside = other.name.value == service.name.value || service.runs_beside(other);
                    meet(port, one) && is_beside && is_known
                };
                if let Some((other, one)) = others.iter().find(is_other) {
                    report.push(
                        CHECK
                            .finding(format!(
                                "`{}` wants port {first}, which `{}` has",
                                service.name, other.name
                            ))
                            .at(port.at.place(), "this one does not start")
                            .at(one.at.place(), "taken here")
                            .help(format!("publish another: `{}:{}`", usize::from(first) + 1, port.target)),
                    );
                }
                others.push((service, port));
            }
        }
    }
}

/// Whether two addresses of the machine are the same, or one is all of them.
fn meet(one: &Port, other: &Port) -> bool {
    let is_v6 = |port: &Port| port.host_ip.as_deref().is_some_and(|ip| ip.contains(':'));
    let is_v4 = |port: &Port| port.host_ip.as_deref().is_some_and(|ip| ip.contains('.'));
    if is_v6(one) && is_v4(other) || is_v4(one) && is_v6(other) {
        return false;
    }
    one.is_open() || other.is_open() || one.host_ip == other.host_ip
}
