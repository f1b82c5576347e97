//! `host.docker.internal` without the line that gives it an address on Linux.

use std::collections::BTreeSet;

use super::Check;
use super::shared::joins::joins;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "host-gateway-missing", severity: Severity::Warning, run };

const HOST: &str = "host.docker.internal";

fn run(stack: &Stack, report: &mut Report) {
    let mut said = BTreeSet::new();
    for join in joins(stack).into_iter().filter(|join| join.host == HOST) {
        let service = join.service;
        // Once for each service: one line is the cure of all.
        if service.network_mode.is_some()
            || service.is_built
            || service.has_extra_host(HOST)
            || !said.insert(service.name.as_str())
        {
            continue;
        }
        report.push(
            CHECK
                .finding(format!("`{}` cannot find `{HOST}` on Linux", service.name))
                .at(join.address.place(), "only Docker Desktop knows this name by itself")
                .at(service.name.place(), "no `extra_hosts` for it")
                .help(format!("add to the service `extra_hosts: [\"{HOST}:host-gateway\"]`")),
        );
    }
}
