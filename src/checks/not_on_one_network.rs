//! A program asks another by its name, and the two share no network: the name means nothing to it.

use super::Check;
use super::shared::joins::joins;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "not-on-one-network", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for join in joins(stack) {
        let Some(other) = join.other() else { continue };
        let is_apart = |one: &crate::stack::Service| one.network_mode.is_some();
        if is_apart(join.service)
            || is_apart(other)
            || other.name.value == join.service.name.value
            || join.service.has_extra_host(&join.host)
            || join.compose.share_network(join.service, other)
        {
            continue;
        }
        let network = other.networks.first().map_or("default", |name| name.as_str());
        report.push(
            CHECK
                .finding(format!(
                    "`{}` cannot find `{}`: they share no network",
                    join.service.name, join.host
                ))
                .at(join.address.place(), "no such name in its networks")
                .at(join.service.name.place(), "asks")
                .at(other.name.place(), "is asked")
                .help(format!("add `{network}` to the `networks:` of `{}`", join.service.name)),
        );
    }
}
