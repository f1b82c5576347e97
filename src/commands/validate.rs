//! `skymon validate`: the config, the user's own files, and the stack on disk.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::paths::StackPaths;
use super::{Loaded, Outcome, Stack, colour, load, print, secrets};
use crate::cli::{self, Deny, Format};
use crate::diagnostics::{self, Diagnostic, Report};
use crate::output::{self, Change, MANIFEST, State};
use crate::source::{SourceFile, Sources, SpanIndex};

pub(super) fn run(args: &cli::Validate) -> Result<Outcome> {
    let paths = match &args.dir {
        None => StackPaths::new(&args.paths),
        Some(dir) => find(dir, args.paths.config.as_deref())?,
    };
    let mut loaded = load(&paths)?;
    if let Some(stack) = &loaded.stack {
        check(stack, &paths, &mut loaded.report, &mut loaded.sources)?;
    }
    let denied = args.deny.is_some_and(|Deny::Warnings| loaded.report.has_warnings());
    print_findings(&loaded, &paths, args.format)?;
    Ok(if denied || loaded.report.has_errors() { Outcome::Findings } else { Outcome::Fine })
}

/// The config and the stack of a folder that is either.
fn find(dir: &Path, config: Option<&Path>) -> Result<StackPaths> {
    let or = |beside: PathBuf| config.map_or(beside, Path::to_owned);
    let own = dir.join("skymon.yaml");
    if dir.join(MANIFEST).is_file() {
        let beside = if own.is_file() { own } else { dir.join("../skymon.yaml") };
        return Ok(StackPaths { config: or(beside), out: dir.to_owned() });
    }
    if own.is_file() {
        return Ok(StackPaths { config: or(own), out: dir.join("monitoring") });
    }
    bail!(
        "`{}` holds neither a rendered stack nor a skymon.yaml; stacks that skymon did not render cannot be read yet",
        dir.display()
    )
}

/// What can be wrong beside the config itself.
pub(super) fn check(
    stack: &Stack,
    paths: &StackPaths,
    report: &mut Report,
    sources: &mut Sources,
) -> Result<()> {
    secrets::check(&stack.plan.mounts, &paths.config_dir(), report);
    if !paths.out.exists() {
        report.push(
            Diagnostic::note("not-rendered", format!("`{}` is not rendered yet", paths.out.display()))
                .help(format!("run `{}`", paths.skymon("render"))),
        );
        return Ok(());
    }
    let comparison = output::compare(stack.artifacts.files(), &paths.out)?;
    check_foreign(stack, &paths.out, report);
    for note in comparison.notes() {
        report.push(Diagnostic::note("manifest", note.clone()));
    }
    if comparison.changes().is_empty() && !comparison.is_clean() {
        report.push(
            Diagnostic::error(
                "drift",
                format!("`{}` does not match its files", paths.out.join(MANIFEST).display()),
            )
            .help(format!("run `{}`", paths.skymon("render"))),
        );
    }
    for change in comparison.changes() {
        report.push(drift(change, paths));
        check_form(&change.path, &paths.out.join(&change.path), report, sources)?;
    }
    Ok(())
}

/// Folders of which a program loads whatever lies there.
const LOADED: [&str; 4] =
    ["alertmanager/templates", "grafana/dashboards", "grafana/provisioning", "prometheus/rules"];

/// A file beside the rendered ones that a program would load: left over from another stack, or somebody's own.
fn check_foreign(stack: &Stack, out: &Path, report: &mut Report) {
    let known: BTreeSet<PathBuf> = stack.artifacts.files().keys().map(|path| out.join(path)).collect();
    for file in LOADED.iter().flat_map(|folder| files_below(&out.join(folder))) {
        if !known.contains(&file) {
            report.push(
                Diagnostic::warning(
                    "foreign-file",
                    format!("`{}` is loaded, and is not skymon's", file.display()),
                )
                .at_file(file.display().to_string(), "")
                .help("remove it, if it is not yours"),
            );
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    // A link is not followed: it may lead anywhere.
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    paths
        .into_iter()
        .flat_map(|path| if is_folder(&path) { files_below(&path) } else { vec![path] })
        .collect()
}

fn drift(change: &Change, paths: &StackPaths) -> Diagnostic {
    let name = paths.out.join(&change.path).display().to_string();
    let render = format!("run `{}`", paths.skymon("render"));
    let (id, message, help) = match change.state {
        State::Create => ("drift", format!("`{name}` is missing"), render),
        State::Update => ("drift", format!("`{name}` is not what the config renders any more"), render),
        State::Obsolete => ("drift", format!("`{name}` is no longer part of the stack"), render),
        State::Edited | State::ObsoleteEdited => (
            "edited-by-hand",
            format!("`{name}`: {}", change.reason().unwrap_or_else(|| "edited by hand".to_owned())),
            format!(
                "`{}` shows the edit; make it in skymon.yaml, or drop it with `{}`",
                paths.skymon("render --diff"),
                paths.skymon("render --force")
            ),
        ),
        State::Keep => unreachable!("a file that is kept is no change"),
    };
    Diagnostic::error(id, message).at_file(name, "").help(help)
}

/// A file that is not what skymon rendered may not even be of its format.
fn check_form(path: &str, on_disk: &Path, report: &mut Report, sources: &mut Sources) -> Result<()> {
    if !on_disk.is_file() {
        return Ok(());
    }
    let source = match SourceFile::read(on_disk)? {
        Ok(source) => source,
        Err(not_text) => {
            report.push(not_text);
            return Ok(());
        }
    };
    if path.ends_with(".json") {
        report.extend(source.json_problem());
    } else if path.ends_with(".yml") {
        report.extend(SpanIndex::new(&source).1);
    }
    sources.add(source);
    Ok(())
}

fn print_findings(loaded: &Loaded, paths: &StackPaths, format: Format) -> Result<()> {
    match format {
        Format::Json => {
            let report = diagnostics::json::render(&loaded.report, &loaded.sources);
            print(&format!("{}\n", serde_json::to_string_pretty(&report)?))
        }
        Format::Human => {
            let mut text =
                diagnostics::text::render(&loaded.report, &loaded.sources, colour(&std::io::stdout()));
            if let Some(stack) = loaded.stack.as_ref().filter(|_| !loaded.report.has_errors()) {
                let plan = &stack.plan;
                let parts = [
                    (plan.services.len(), "service"),
                    (plan.all_alerts().count(), "alert"),
                    (
                        plan.receivers.iter().filter(|receiver| !receiver.integrations.is_empty()).count(),
                        "receiver",
                    ),
                    (stack.artifacts.files().len(), "file"),
                ];
                let _ =
                    writeln!(text, "{} is fine: {}", paths.config.display(), diagnostics::counted(&parts));
            }
            print(&text)
        }
    }
}
