//! An image without a version: what runs tomorrow is another program than today.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::stack::Stack;

pub(super) const CHECK: Check = Check { id: "image-without-tag", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services().filter(|(_, service)| !service.is_built) {
        let Some(image) = &service.image else { continue };
        let is_pinned = image.digest.is_some() || image.tag.as_deref().is_some_and(|tag| tag != "latest");
        if is_pinned || image.repository.contains("${") {
            continue;
        }
        report.push(
            CHECK
                .finding(format!(
                    "`{}` has no version: the next pull may bring another program",
                    image.repository
                ))
                .at(
                    image.place(),
                    if image.tag.is_some() { "whatever is newest" } else { "the same as `:latest`" },
                )
                .help(format!("write the version that you tried: `{}:<version>`", image.repository)),
        );
    }
}
