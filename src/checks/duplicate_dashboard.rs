//! Two dashboards that Grafana takes for one: by their uid, or by their title in one folder.

use std::collections::BTreeMap;

use super::Check;
use crate::diagnostics::{Diagnostic, Report, Severity};
use crate::source::Spanned;
use crate::stack::{Dashboard, Provider, Stack};

pub(super) const CHECK: Check = Check { id: "duplicate-dashboard", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let dashboards: BTreeMap<&str, &Dashboard> =
        stack.dashboards.iter().map(|dashboard| (dashboard.document.name(), dashboard)).collect();
    let mut files: BTreeMap<_, &Provider> = BTreeMap::new();
    let mut uids = BTreeMap::new();
    let mut titles = BTreeMap::new();
    for provider in &stack.providers {
        let mut is_said = false;
        for file in provider.files.iter().flatten() {
            if let Some(other) = files.insert((&provider.service, file), provider) {
                if !std::mem::replace(&mut is_said, true) {
                    report.push(twice(provider, other, file));
                }
                continue;
            }
            let name = stack.folder.name(file);
            let Some(dashboard) = dashboards.get(name.as_str()).filter(|one| !one.is_wrapped) else {
                continue;
            };
            let same_uid = dashboard.uid.as_ref().and_then(|uid| {
                let first = uids.insert((&provider.service, uid.value.as_str()), uid)?;
                Some((uid, first, "uid"))
            });
            let same_title = dashboard.title.as_ref().and_then(|title| {
                let folder = folder(provider, file)?;
                let first = titles.insert((&provider.service, folder, title.value.as_str()), title)?;
                Some((title, first, "title"))
            });
            if let Some((word, first, what)) = same_uid.or(same_title) {
                report.push(same(word, first, what));
            }
        }
    }
}

/// A file that two providers load.
fn twice(provider: &Provider, other: &Provider, file: &str) -> Diagnostic {
    let place = |one: &Provider| one.path.as_ref().map_or_else(|| one.node.at().place(), Spanned::place);
    CHECK
        .finding(format!("two providers load `{file}`: Grafana stops taking changes of either"))
        .at(place(provider), "again")
        .at(place(other), "loaded from here first")
        .help("keep one of the providers, or their paths apart: each also loads the folders below its own")
}

/// Two files that are one dashboard.
fn same(word: &Spanned<String>, first: &Spanned<String>, what: &str) -> Diagnostic {
    CHECK
        .finding(format!(
            "two dashboards have the {what} `{word}`: Grafana shows one of them, and stops taking changes"
        ))
        .at(word.place(), "again")
        .at(first.place(), "here first")
        .help(format!("give one of them another `\"{what}\"`"))
}

/// The folder that Grafana shows a file in; `None` where that is not known.
fn folder(provider: &Provider, file: &str) -> Option<String> {
    let options = provider.node.get("options")?;
    if options.get("foldersFromFilesStructure").is_some_and(|node| node.is_true()) {
        let (below, _) = file.rsplit_once('/').unwrap_or(("", file));
        return Some(format!("path {below}"));
    }
    let text = |key: &str| provider.node.get(key).and_then(|node| node.text().map(str::to_owned));
    Some(text("folder").or_else(|| text("folderUid")).unwrap_or_default())
}
