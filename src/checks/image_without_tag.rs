//! An image without a version: what runs tomorrow is another program than today.

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Image, Service, Stack};

pub(super) const CHECK: Check = Check { id: "image-without-tag", severity: Severity::Warning, run };

fn run(stack: &Stack, report: &mut Report) {
    for compose in &stack.composes {
        let unpinned: Vec<&Spanned<Image>> = compose.services.iter().filter_map(unpinned).collect();
        let Some(first) = unpinned.first() else { continue };
        let label = |image: &Image| {
            if image.tag.is_some() { "whatever is newest" } else { "the same as `:latest`" }.to_owned()
        };
        let places = unpinned.iter().map(|image| (image.place(), label(image))).collect();
        let alone = format!("`{}` has no version: the next pull may bring another program", first.repository);
        let together = "images have no version: the next pull may bring other programs";
        let each = if unpinned.len() == 1 { "" } else { ", and so at each" };
        let help = format!("write the version that you tried: `{}:<version>`{each}", first.repository);
        report.extend(CHECK.at_each(places, alone, together).map(|finding| finding.help(help)));
    }
}

fn unpinned(service: &Service) -> Option<&Spanned<Image>> {
    let image = service.image.as_ref().filter(|_| !service.is_built)?;
    let is_pinned = image.digest.is_some() || image.tag.as_deref().is_some_and(|tag| tag != "latest");
    (!is_pinned && !image.repository.contains("${")).then_some(image)
}
