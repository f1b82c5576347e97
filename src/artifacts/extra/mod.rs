//! The user's own rule files and dashboards: looked through, and taken along into the rendered folder, so that the stack is
//! whole in itself and a change of them is a change of the stack.
//!
//! They stand in folders of their own (`…/extra/`), where no name of skymon's can meet theirs.

mod dashboards;
mod rules;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::Artifacts;
use crate::diagnostics::{Diagnostic, Report};
use crate::source::{SourceFile, sha256};

/// What is taken along: the name in the rendered folder, and what stands in it.
#[derive(Default)]
pub struct Extra {
    rules: BTreeMap<String, String>,
    dashboards: BTreeMap<String, Value>,
}

impl Extra {
    /// What is wrong with the files goes to `report`.
    pub fn resolve(rules: &[SourceFile], dashboards: &[SourceFile], report: &mut Report) -> Self {
        let mut extra = Self::default();
        for (name, file) in named(rules, "yml", report) {
            rules::check(file, report);
            extra.rules.insert(name, file.text.clone());
        }
        let mut uids = dashboards::Uids::default();
        for (name, file) in named(dashboards, "json", report) {
            if let Some(dashboard) = dashboards::repair(file, &mut uids, report) {
                extra.dashboards.insert(name, dashboard);
            }
        }
        extra
    }

    pub(super) fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    pub(super) fn build(&self, artifacts: &mut Artifacts) -> Result<()> {
        for (name, text) in &self.rules {
            // The text itself, comments and all: a person will compare it with their own.
            artifacts.add(&format!("prometheus/rules/extra/{name}"), text.clone());
        }
        for (name, dashboard) in &self.dashboards {
            artifacts.json(&format!("grafana/dashboards/extra/{name}"), dashboard)?;
        }
        Ok(())
    }
}

/// Each file with the name that it gets. No two may get the same one, on a file system that ignores case either.
fn named<'f>(files: &'f [SourceFile], extension: &str, report: &mut Report) -> Vec<(String, &'f SourceFile)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut named = Vec::new();
    for file in files {
        let name = format!("{}.{extension}", plain(stem(file)));
        if let Some(first) = seen.insert(name.to_lowercase(), &file.name) {
            report.push(
                Diagnostic::error(
                    "same-name",
                    format!("`{first}` and `{}` would both become `{name}`", file.name),
                )
                .at_file(&file.name, "")
                .help("rename one of the two"),
            );
        } else {
            named.push((name, file));
        }
    }
    named
}

/// The file's name without its ending.
fn stem(file: &SourceFile) -> &str {
    Path::new(&file.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// A name without what a file system, a URL or a pattern could take for something else.
fn plain(name: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let plain: String = name.chars().map(|c| if keep(c) { c } else { '-' }).collect();
    match plain.trim_matches('-') {
        // Nothing of it can be kept, and yet two such files are two.
        "" => sha256(name.as_bytes())[..8].to_owned(),
        plain => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> SourceFile {
        SourceFile::new(name, "groups: []\n")
    }

    #[test]
    fn a_name_is_made_plain_and_no_two_files_get_the_same_one() {
        let mut report = Report::new();
        let files = ["rules/My Rules (old).yaml", "rules/a.b.yml", "rules/A-b.yml"].map(file);
        let named: Vec<String> =
            named(&files, "yml", &mut report).into_iter().map(|(name, _)| name).collect();
        assert_eq!(named, ["My-Rules--old.yml", "a-b.yml"]);
        let found: Vec<&str> = report.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(found, ["`rules/a.b.yml` and `rules/A-b.yml` would both become `A-b.yml`"]);
    }
}
