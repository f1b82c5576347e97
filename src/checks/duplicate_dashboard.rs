//! Two dashboards that Grafana takes for one: by their uid, or by their title in one folder.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Dashboard, Provider, Stack};

pub(super) const CHECK: Check = Check { id: "duplicate-dashboard", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let dashboards: BTreeMap<&str, &Dashboard> =
        stack.dashboards.iter().map(|dashboard| (dashboard.document.name(), dashboard)).collect();
    let mut uids = BTreeMap::new();
    let mut titles = BTreeMap::new();
    let mut said = BTreeSet::new();
    for provider in &stack.providers {
        for file in provider.files.iter().flatten() {
            let name = stack.folder.name(file);
            let Some(dashboard) = dashboards.get(name.as_str()).filter(|one| !one.is_wrapped) else {
                continue;
            };
            let same_uid = dashboard.uid.as_ref().and_then(|uid| {
                let first = uids.insert((&provider.service, uid.value.as_str()), uid)?;
                Some((uid, first, "uid"))
            });
            let same_title = dashboard.title.as_ref().and_then(|title| {
                let first = titles
                    .insert((&provider.service, folder(provider, file)?, title.value.as_str()), title)?;
                Some((title, first, "title"))
            });
            let Some((word, first, what)) = same_uid.or(same_title) else { continue };
            if said.insert(name) {
                report.push(finding(word, first, what));
            }
        }
    }
}

fn finding(word: &Spanned<String>, first: &Spanned<String>, what: &str) -> crate::diagnostics::Diagnostic {
    let is_one_file = word.at.document().name() == first.at.document().name();
    let (message, help) = if is_one_file {
        (
            format!("`{word}` is loaded by two providers: Grafana stops taking changes of both"),
            "keep their paths apart: a provider also loads the folders below its own".to_owned(),
        )
    } else {
        (
            format!(
                "two dashboards have the {what} `{word}`: Grafana shows one of them, and stops taking changes"
            ),
            format!("give one of them another `\"{what}\"`"),
        )
    };
    CHECK.finding(message).at(word.place(), "again").at(first.place(), "here first").help(help)
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
