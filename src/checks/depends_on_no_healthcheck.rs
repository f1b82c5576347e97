//! A service that waits until another is healthy, which nobody ever asks: it never starts.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "depends-on-no-healthcheck", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for (compose, service) in stack.services() {
        for one in &service.depends_on {
            let Some(condition) = one.condition.as_ref().filter(|one| one.value == "service_healthy") else {
                continue;
            };
            let Some(other) = compose.service(&one.service).filter(|other| is_never_asked(other)) else {
                continue;
            };
            report.push(
                CHECK
                    .finding(format!("`{}` never starts: `{}` has no health check", service.name, other.name))
                    .at(condition.place(), "waits for ever, or until compose gives up")
                    .at(other.name.place(), "neither here nor in its image")
                    .help(format!("give `{}` a `healthcheck:`, or wait for `service_started`", other.name)),
            );
        }
    }
}

fn is_never_asked(service: &Service) -> bool {
    match &service.healthcheck {
        Some(check) => check.is_disabled || check.test.is_empty() && service.image_has_no_healthcheck(),
        None => service.image_has_no_healthcheck(),
    }
}
