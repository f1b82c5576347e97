//! `skymon render`: the config becomes files.

use std::path::Path;

use anyhow::Result;

use super::paths::StackPaths;
use super::{Outcome, Stack, apply, colour, load, note, print, secrets};
use crate::cli;
use crate::diagnostics::Report;
use crate::output::{self, Applied, Comparison, State};

pub(super) fn run(args: &cli::Render) -> Result<Outcome> {
    let paths = StackPaths::new(&args.paths);
    let loaded = load(&paths)?;
    loaded.print_report()?;
    let Some(stack) = &loaded.stack else {
        return Ok(Outcome::CannotRun);
    };
    if args.check || args.diff {
        return preview(args, &paths, stack);
    }
    let outcome = write(&paths, stack, args.force)?;
    if outcome == Outcome::Fine {
        let mut found = Report::new();
        secrets::check(&stack.plan.mounts, &paths.config_dir(), &mut found);
        if !found.is_empty() {
            note(&format!(
                "note: not all secrets and files that the stack needs are in place here: `{}` names them\n",
                paths.skymon("validate")
            ))?;
        }
    }
    Ok(outcome)
}

fn preview(args: &cli::Render, paths: &StackPaths, stack: &Stack) -> Result<Outcome> {
    let comparison = output::compare(stack.artifacts.files(), &paths.out)?;
    print_notes(&comparison)?;
    if args.diff {
        print_diff(&comparison)?;
    } else {
        print(&listing(&comparison, &paths.out))?;
    }
    Ok(if comparison.is_clean() || !args.check { Outcome::Fine } else { Outcome::Findings })
}

/// Writes the stack, says what became of it, and names the command that brings it to the running one.
fn write(paths: &StackPaths, stack: &Stack, force: bool) -> Result<Outcome> {
    // Asked for before this run becomes the last one.
    let replaced = match output::last_written(&paths.out) {
        Some(time) => secrets::replaced_since(time, &stack.plan.mounts, &paths.config_dir()),
        None => Vec::new(),
    };
    let Some(comparison) = put(paths, stack, force)? else {
        return Ok(Outcome::Findings);
    };
    for secret in &replaced {
        print(&format!("{:<8} {}\n", "replaced", secret.source))?;
    }
    for service in apply::instrumented(comparison.changes()) {
        note(&format!(
            "note: the servers of `{service}` measure by another module now: copy it to them, and restart them\n"
        ))?;
    }
    let programs = replaced.iter().map(|secret| secret.program).collect();
    let compose = paths.out.join("docker-compose.yml").to_string_lossy().into_owned();
    if let Some(command) = apply::command(comparison.changes(), &programs, &stack.plan, &compose) {
        print(&format!("apply it with:\n  {command}\n"))?;
    }
    Ok(Outcome::Fine)
}

/// Writes the stack and says what became of it. `None` if nothing was written for an edit's sake.
pub(super) fn put(paths: &StackPaths, stack: &Stack, force: bool) -> Result<Option<Comparison>> {
    match output::apply(stack.artifacts.read_back()?, &paths.out, force)? {
        Applied::Done(comparison) => {
            output::mark_written(&paths.out);
            print_notes(&comparison)?;
            print(&listing(&comparison, &paths.out))?;
            Ok(Some(comparison))
        }
        Applied::Refused(comparison) => {
            print_notes(&comparison)?;
            print_diff(&comparison)?;
            note(&refusal(&comparison, paths))?;
            Ok(None)
        }
    }
}

fn print_notes(comparison: &Comparison) -> Result<()> {
    comparison.notes().iter().try_for_each(|text| note(&format!("note: {text}\n")))
}

fn print_diff(comparison: &Comparison) -> Result<()> {
    let diff = comparison.diff();
    print(&if colour(&std::io::stdout()) { output::colorize(&diff) } else { diff })
}

fn refusal(comparison: &Comparison, paths: &StackPaths) -> String {
    let mut text = String::from("nothing was written, because files were changed since skymon wrote them:\n");
    for change in comparison.conflicts() {
        let reason = change.reason().unwrap_or_default();
        text.push_str(&format!("  {}: {reason}\n", paths.out.join(&change.path).display()));
    }
    text.push_str(
        "help: to keep an edit, make the change in skymon.yaml (thresholds and the like: `alerts:`), in a file of your own \
         under `extra`,\n      or in the template (`skymon templates` lists them)\n",
    );
    text.push_str(&format!("help: to drop it, run `{}`\n", paths.skymon("render --force")));
    text
}

/// What changes (or changed), a line for each file; a first render is only counted.
fn listing(comparison: &Comparison, out: &Path) -> String {
    if comparison.changes().is_empty() {
        return format!("{}: {} files, nothing to change\n", out.display(), comparison.kept());
    }
    let all_new =
        comparison.kept() == 0 && comparison.changes().iter().all(|change| change.state == State::Create);
    if all_new {
        return format!("{}: {} files, all new\n", out.display(), comparison.changes().len());
    }
    let mut text = String::new();
    for change in comparison.changes() {
        text.push_str(&format!("{:<8} {}\n", change.state, out.join(&change.path).display()));
    }
    text
}
