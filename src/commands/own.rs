//! The user's own engines, templates, rules and dashboards, read from the folders that the config names.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::paths::StackPaths;
use crate::artifacts::Extra;
use crate::catalog::engines::Engines;
use crate::checks::Allowed;
use crate::config::Config;
use crate::diagnostics::{Diagnostic, Place, Report, nearest};
use crate::plan;
use crate::source::{ConfigPath, SourceFile, TooMany, files_below};
use crate::stack::Folder;
use crate::templates::{Overrides, Templates};
use crate::values::FolderPath;

pub(super) struct Own {
    pub(super) engines: Engines,
    pub(super) templates: Templates,
    pub(super) extra: Extra,
    /// All files that a finding may be about.
    pub(super) files: Vec<SourceFile>,
}

/// Reads all of it. What is wrong with it goes to `report`.
pub(super) fn read(config: &Config, paths: &StackPaths, report: &mut Report) -> Result<Own> {
    let at = ConfigPath::root().key("engines");
    let engines = files(&at, config.engines.as_ref(), &["yml", "yaml"], paths, report)?;
    let overrides = overrides(config, paths, report)?;
    let at = ConfigPath::root().key("extra");
    let rules = files(&at.key("rules"), config.extra.rules.as_ref(), &["yml", "yaml"], paths, report)?;
    let dashboards =
        files(&at.key("dashboards"), config.extra.dashboards.as_ref(), &["json"], paths, report)?;
    let extra = Extra::resolve(&rules, &dashboards, report);
    let mut files: Vec<SourceFile> = overrides.iter().map(|(_, file)| file.clone()).collect();
    files.extend(rules);
    files.extend(dashboards);
    let known = plan::engines(&engines, report);
    files.extend(engines);
    Ok(Own { engines: known, templates: Templates::with(overrides, report), extra, files })
}

/// What the config allows, with the files of the stack in `out` as findings name them.
pub(super) fn allowed(config: &Config, out: &Path) -> Vec<Allowed> {
    let folder = Folder::Disk { root: out.to_owned() };
    let entries = config.allow.iter().flat_map(|(check, files)| files.keys().map(move |file| (check, file)));
    let allowed = entries.map(|(check, file)| Allowed {
        check: check.clone(),
        file: folder.name(file),
        place: Place::Key(ConfigPath::root().key("allow").key(check).key(file)),
    });
    allowed.collect()
}

pub(super) fn overrides(config: &Config, paths: &StackPaths, report: &mut Report) -> Result<Overrides> {
    let at = ConfigPath::root().key("templates");
    let Some(folder) = folder(&at, config.templates.as_ref(), paths, report)? else {
        return Ok(Overrides::default());
    };
    let read = Overrides::read(&folder, &paths.config_flag(), report)?;
    Ok(read.unwrap_or_else(|too_many| {
        report.push(too_many_files(too_many, &at, &folder));
        Overrides::default()
    }))
}

/// The files of a folder in which no folders are meant. What lies deeper is said, since it looks as if it were part of the stack.
fn files(
    at: &ConfigPath,
    written: Option<&FolderPath>,
    extensions: &[&str],
    paths: &StackPaths,
    report: &mut Report,
) -> Result<Vec<SourceFile>> {
    let Some(folder) = folder(at, written, paths, report)? else { return Ok(Vec::new()) };
    let found = match files_below(&folder)? {
        Ok(found) => found,
        Err(too_many) => {
            report.push(too_many_files(too_many, at, &folder));
            return Ok(Vec::new());
        }
    };
    let is_meant = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known))
    };
    let mut files = Vec::new();
    for path in found.into_iter().filter(is_meant) {
        let shown = folder.join(&path);
        if path.components().count() > 1 {
            let shown = shown.display().to_string();
            let message = format!("`{shown}` is not taken along: it lies in a folder of the folder");
            report.push(
                Diagnostic::note("not-taken", message).at_file(shown, "").help("move it up, if it is meant"),
            );
            continue;
        }
        match SourceFile::read(&shown)? {
            Ok(file) => files.push(file),
            Err(not_text) => report.push(not_text),
        }
    }
    Ok(files)
}

/// The folder, if there is one to be read.
fn folder(
    at: &ConfigPath,
    written: Option<&FolderPath>,
    paths: &StackPaths,
    report: &mut Report,
) -> Result<Option<PathBuf>> {
    let Some(written) = written else { return Ok(None) };
    let folder = paths.beside_config(written.as_str());
    if paths.meets_stack(&folder)? {
        report.push(
            Diagnostic::error(
                "folder-clash",
                format!("`{}` and the rendered stack lie in one another", folder.display()),
            )
            .at_value(at.clone(), "what skymon writes would be read as yours")
            .help("name a folder beside skymon.yaml that holds nothing else"),
        );
        return Ok(None);
    }
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    if folder.exists() {
        report.push(
            Diagnostic::error("folder-clash", format!("`{}` is no folder", folder.display()))
                .at_value(at.clone(), "a folder is named here")
                .help("name the folder, not a file in it"),
        );
        return Ok(None);
    }
    // It may be created later: a stack that has no use for it yet is not wrong.
    let missing = Diagnostic::note(
        "folder-missing",
        format!("`{}` is not there: nothing is read from it", folder.display()),
    );
    let missing = missing.at_value(at.clone(), "no such folder");
    report.push(match near_folder(&folder) {
        Some(near) => missing.help(format!("did you mean `{near}`?")),
        None => missing.help("create it when you need it, or remove the key"),
    });
    Ok(None)
}

/// A folder beside it with a similar name.
fn near_folder(folder: &Path) -> Option<String> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folders = std::fs::read_dir(parent).ok()?.flatten().filter(|entry| entry.path().is_dir());
    let names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    nearest(folder.file_name()?.to_str()?, names.iter().map(String::as_str)).map(str::to_owned)
}

fn too_many_files(_: TooMany, at: &ConfigPath, folder: &Path) -> Diagnostic {
    Diagnostic::error("folder-clash", format!("`{}` holds thousands of files", folder.display()))
        .at_value(at.clone(), "this cannot be meant")
        .help("name a folder that holds nothing but what skymon should read")
}
