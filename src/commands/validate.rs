//! `skymon validate`: the config, the user's own files, and the stack on disk.

mod fix;
mod live;
mod routes;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};

use super::paths::StackPaths;
use super::{Outcome, Stack, colour, load, print, secrets};
use crate::checks::{self, Allowed};
use crate::cli::{self, Deny, Format};
use crate::cores;
use crate::diagnostics::{self, Diagnostic, Report, Severity};
use crate::live::findings;
use crate::output::{self, Change, MANIFEST, State};
use crate::source::{SourceFile, Sources, SpanIndex};
use crate::stack::{self, Folder, Told};
use routes::Routes;

pub(super) fn run(args: &cli::Validate) -> Result<Outcome> {
    let paths = match &args.dir {
        None => Some(StackPaths::new(&args.paths)),
        Some(dir) => find(dir, args.paths.config.as_deref()),
    };
    if args.routes && !matches!(args.format, Format::Human | Format::Json) {
        bail!("`--routes` is shown as text or with `--format json`: the other formats have no place for it");
    }
    let Findings { report, sources, fine, routes } = match (&paths, &args.dir) {
        (None, Some(dir)) => foreign(dir, args)?,
        (None, None) => bail!("bug: neither a config nor a folder"),
        (Some(paths), _) if args.fix => bail!(
            "`{}` is rendered: what is wrong in it is mended in `{}`; `--fix` is for other folders",
            paths.out.display(),
            paths.config.display()
        ),
        (Some(paths), _) => own(paths, args)?,
    };
    let denied = args.deny.is_some_and(|Deny::Warnings| report.has_warnings());
    if let (Some(routes), Format::Human) = (&routes, args.format) {
        print(&routes::text(routes))?;
    }
    print_findings(&report, &sources, &fine, routes.as_deref(), args.format)?;
    Ok(if report.iter().any(findings::is_unasked) {
        Outcome::CannotRun
    } else if denied || report.has_errors() {
        Outcome::Findings
    } else {
        Outcome::Fine
    })
}

/// The config and the stack of a folder that is either; `None` where it is somebody else's, or was copied without its config.
fn find(dir: &Path, config: Option<&Path>) -> Option<StackPaths> {
    let or = |beside: PathBuf| config.map_or(beside, Path::to_owned);
    let own = dir.join("skymon.yaml");
    if dir.join(MANIFEST).is_file() {
        let beside = if own.is_file() { own } else { dir.join("../skymon.yaml") };
        let is_there = config.is_some() || beside.is_file();
        return is_there.then(|| StackPaths { config: or(beside), out: dir.to_owned() });
    }
    own.is_file().then(|| StackPaths { config: or(own), out: dir.join("monitoring") })
}

/// What was found, where, and the line that is said where nothing is wrong.
struct Findings {
    report: Report,
    sources: Sources,
    fine: String,
    /// Where the alerts go, if that was asked.
    routes: Option<Vec<Routes>>,
}

fn own(paths: &StackPaths, args: &cli::Validate) -> Result<Findings> {
    let mut loaded = load(paths)?;
    let Some(stack) = &loaded.stack else {
        return Ok(Findings {
            report: loaded.report,
            sources: loaded.sources,
            fine: String::new(),
            routes: None,
        });
    };
    let whole = check(stack, paths, &mut loaded.report, &mut loaded.sources)?;
    if args.live {
        live::own(stack, paths, args, &mut loaded.report, &mut loaded.sources);
    }
    let plan = &stack.plan;
    let parts = [
        (plan.services.len(), "service"),
        (plan.all_alerts().count(), "alert"),
        (plan.receivers.iter().filter(|receiver| !receiver.integrations.is_empty()).count(), "receiver"),
        (stack.artifacts.files().len(), "file"),
    ];
    let fine = verdict(&paths.config, &loaded.report, &parts);
    let routes = args.routes.then(|| routes::of(&whole));
    leave((whole, loaded.stack));
    Ok(Findings { report: loaded.report, sources: loaded.sources, fine, routes })
}

/// A folder that skymon did not render, or whose config is elsewhere.
fn foreign(dir: &Path, args: &cli::Validate) -> Result<Findings> {
    if !dir.is_dir() {
        bail!("`{}` is no folder", dir.display());
    }
    let is_rendered = dir.join(MANIFEST).is_file();
    if is_rendered && args.fix {
        bail!(
            "`{}` is rendered: what is wrong in it is mended in its config; `--fix` is for other folders",
            dir.display()
        );
    }
    let read = || stack::Stack::read(Folder::Disk { root: dir.to_owned() });
    let mut stack = read();
    if stack.is_empty() {
        bail!(
            "`{}` holds nothing that skymon knows: no skymon.yaml, and no file of Prometheus, Alertmanager or Grafana, nor a \
             compose file that starts one of them",
            dir.display()
        );
    }
    let (mut report, mut sources) = (Report::new(), Sources::new());
    if is_rendered {
        report.push(
            Diagnostic::note(
                "config-not-there",
                format!("`{}` was rendered, and no skymon.yaml is in it or beside it", dir.display()),
            )
            .help("give it with `-c`: then it is also said what was edited by hand, and what is out of date"),
        );
    }
    if args.fix && fix::run(&checks::run(&stack, &[]), &stack, args.yes, colour(&std::io::stdout()))? {
        stack = read();
    }
    prove(&stack, &[], &mut report, &mut sources);
    if args.live {
        live::foreign(&stack, args, &mut report, &mut sources);
    }
    let receivers = stack.alertmanagers.iter().flat_map(|one| &one.receivers);
    let parts = [
        (stack.services().count(), "service"),
        (stack.prometheuses.iter().map(|one| one.jobs.len()).sum(), "scrape job"),
        (stack.alerts().count(), "alert"),
        (receivers.filter(|receiver| !receiver.integrations.is_empty()).count(), "receiver"),
        (stack.dashboards.len(), "dashboard"),
        (stack.documents.len(), "file"),
    ];
    let fine = verdict(dir, &report, &parts);
    let routes = args.routes.then(|| routes::of(&stack));
    leave(stack);
    Ok(Findings { report, sources, fine, routes })
}

/// Leaves the memory of what was read to the end of the process, which is near: to free it piece by piece takes long.
fn leave<T>(read: T) {
    std::mem::forget(read);
}

/// What is said of a stack without errors.
fn verdict(path: &Path, report: &Report, parts: &[(usize, &str)]) -> String {
    let has_warnings = report.iter().any(|finding| finding.severity == Severity::Warning);
    let word = if has_warnings { "has no errors" } else { "is fine" };
    format!("{} {word}: {}\n", path.display(), diagnostics::counted(parts))
}

/// Runs the checks over a stack. The files that a finding points into are kept to be shown, without their secrets.
fn prove(stack: &stack::Stack, allowed: &[Allowed], report: &mut Report, sources: &mut Sources) {
    show(stack, checks::run(stack, allowed), report, sources);
}

/// Takes over findings about files of a stack.
fn show(stack: &stack::Stack, found: Report, report: &mut Report, sources: &mut Sources) {
    let named: BTreeSet<&str> =
        found.iter().flat_map(|one| &one.labels).filter_map(|label| label.place.file()).collect();
    for document in stack.documents.iter().filter(|document| named.contains(document.name())) {
        sources.add(document.shown());
    }
    report.extend(found);
}

/// What the config renders, read as a stack.
fn rendered(stack: &Stack, paths: &StackPaths) -> stack::Stack {
    stack::Stack::read(Folder::Memory { root: paths.out.clone(), files: Arc::clone(stack.artifacts.files()) })
}

/// What the checks say of a stack, with what the config tells of it.
fn check_whole(
    stack: &Stack,
    whole: stack::Stack,
    report: &mut Report,
    sources: &mut Sources,
) -> stack::Stack {
    let told = Told { engines: stack.engines.clone(), services: stack.plan.versions() };
    let whole = whole.with(told);
    prove(&whole, &stack.allowed, report, sources);
    whole
}

/// What can be wrong beside the config itself. Returns the stack that was looked at.
pub(super) fn check(
    stack: &Stack,
    paths: &StackPaths,
    report: &mut Report,
    sources: &mut Sources,
) -> Result<stack::Stack> {
    secrets::check(&stack.plan.mounts, &paths.config_dir(), report);
    if !paths.out.exists() {
        report.push(
            Diagnostic::note("not-rendered", format!("`{}` is not rendered yet", paths.out.display()))
                .help(format!("run `{}`", paths.skymon("render"))),
        );
        return Ok(check_whole(stack, rendered(stack, paths), report, sources));
    }
    // Mostly what is on disk is what is rendered: that is read while it is compared.
    let compare = || output::compare(stack.artifacts.files(), &paths.out);
    let (comparison, whole) = cores::both(compare, || rendered(stack, paths));
    let comparison = comparison?;
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
    let is_edited = |change: &&Change| matches!(change.state, State::Edited | State::ObsoleteEdited);
    let is_changed = comparison.changes().iter().any(|change| is_edited(&change));
    let whole = if is_changed { stack::Stack::read(Folder::Disk { root: paths.out.clone() }) } else { whole };
    Ok(check_whole(stack, whole, report, sources))
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

/// `fine` is said after the findings where none of them is an error.
fn print_findings(
    report: &Report,
    sources: &Sources,
    fine: &str,
    routes: Option<&[Routes]>,
    format: Format,
) -> Result<()> {
    match format {
        Format::Json => {
            let mut found = diagnostics::json::render(report, sources);
            if let Some(routes) = routes {
                found["routes"] = routes::json(routes);
            }
            print_json(&found)
        }
        Format::Sarif => print_json(&diagnostics::sarif::render(report, sources)),
        Format::Github => print(&diagnostics::github::render(report, sources)),
        Format::Junit => print(&diagnostics::junit::render(report, sources)),
        Format::Human => {
            let mut text = diagnostics::text::render(report, sources, colour(&std::io::stdout()));
            if !report.has_errors() {
                text.push_str(fine);
            }
            print(&text)
        }
    }
}

fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}
