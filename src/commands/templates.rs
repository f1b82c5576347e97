//! `skymon templates`: what can be overridden, and the way of an override: copied, compared, accepted.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::paths::StackPaths;
use super::{Outcome, colour, note, own, print, read_config};
use crate::cli::{self, TemplatesAction};
use crate::config::{self, Config};
use crate::diagnostics::{Report, nearest};
use crate::output;
use crate::private_files;
use crate::source::{SourceFile, SpanIndex};
use crate::templates::{Age, BuiltIn, Overrides, mark};

/// The folder that is proposed where the config names none.
const FOLDER: &str = "templates";

pub(super) fn run(args: &cli::Templates) -> Result<Outcome> {
    let Some(action) = &args.action else {
        return list(&paths(&args.config));
    };
    let (TemplatesAction::Copy { template, .. }
    | TemplatesAction::Diff(template)
    | TemplatesAction::Accept(template)) = action;
    let Some(built_in) = BuiltIn::find(&template.path) else {
        return unknown(&template.path);
    };
    let paths = paths(&template.config);
    let Some(folder) = Folder::of(&paths)? else {
        note(&format!(
            "error: `{}` has faults\nhelp: `{}` shows them\n",
            paths.config.display(),
            paths.skymon("validate")
        ))?;
        return Ok(Outcome::CannotRun);
    };
    match action {
        TemplatesAction::Copy { force, .. } => copy(built_in, &folder, *force, &paths),
        TemplatesAction::Diff(_) => diff(built_in, &folder, &paths),
        TemplatesAction::Accept(_) => accept(built_in, &folder, &paths),
    }
}

fn paths(config: &cli::ConfigPath) -> StackPaths {
    StackPaths::new(&cli::Paths { config: config.config.clone(), out: None })
}

fn unknown(path: &str) -> Result<Outcome> {
    let all = BuiltIn::all();
    let help = match nearest(path, all.iter().map(|one| one.path)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`skymon templates` lists them".to_owned(),
    };
    note(&format!("error: there is no template `{}`\nhelp: {help}\n", path.escape_debug()))?;
    Ok(Outcome::CannotRun)
}

/// One line for each template: its path, what it makes, and what takes its place.
fn list(paths: &StackPaths) -> Result<Outcome> {
    // What is wrong with the config or an override is for `validate` to say.
    let config = if paths.config.exists() { read(paths)? } else { None };
    let overrides = match config {
        Some(config) => own::overrides(&config, paths, &mut Report::new())?,
        None => Overrides::default(),
    };
    let all = BuiltIn::all();
    let width = all.iter().map(|one| one.path.len()).max().unwrap_or_default();
    let mut text = String::new();
    for one in &all {
        let state = overrides.get(one.path).map_or_else(String::new, |file| {
            let age = match one.age_of(file) {
                Age::Current => "",
                Age::Behind => ", which is behind",
                Age::Unknown => ", which does not say what it was copied from",
            };
            format!(" (overridden by {}{age})", file.name)
        });
        text.push_str(&format!("{:width$}  {}{state}\n", one.path, one.makes()));
    }
    print(&text)?;
    Ok(Outcome::Fine)
}

fn read(paths: &StackPaths) -> Result<Option<Config>> {
    let Ok(source) = read_config(paths)? else { return Ok(None) };
    let (index, _) = SpanIndex::new(&source);
    Ok(config::parse::read(&source, &index, &mut Report::new()))
}

/// Where overrides are kept.
struct Folder {
    path: PathBuf,
    /// Whether the config names it.
    is_named: bool,
}

impl Folder {
    /// `None` if the config cannot be read for faults of its own, or names a folder that is not for this.
    fn of(paths: &StackPaths) -> Result<Option<Self>> {
        let Some(config) = read(paths)? else { return Ok(None) };
        let name = config.templates.as_ref().map_or(FOLDER, |folder| folder.as_str());
        let path = paths.beside_config(name);
        let is_free = !paths.meets_stack(&path)?;
        Ok(is_free.then_some(Self { path, is_named: config.templates.is_some() }))
    }

    fn file(&self, built_in: BuiltIn) -> PathBuf {
        self.path.join(built_in.path)
    }
}

fn copy(built_in: BuiltIn, folder: &Folder, force: bool, paths: &StackPaths) -> Result<Outcome> {
    let file = folder.file(built_in);
    let shown = file.display();
    if file.symlink_metadata().is_ok() && !force {
        let diff = paths.skymon(&format!("templates diff {}", built_in.path));
        note(&format!(
            "error: `{shown}` is there already, and is left as it is\n\
             help: `{diff}` shows what it does otherwise; `--force` overwrites it\n"
        ))?;
        return Ok(Outcome::CannotRun);
    }
    write(&file, &mark(built_in.path, built_in.text, &built_in.digest()))?;
    let mut text = format!("wrote {shown}\nnext:\n");
    let mut steps = vec![
        format!("change {shown}"),
        format!(
            "run `{}` to see what becomes of it, then `{}`",
            paths.skymon("render --diff"),
            paths.skymon("render")
        ),
    ];
    if !folder.is_named {
        steps.insert(0, format!("write `templates: {FOLDER}/` into {}", paths.config.display()));
    }
    for (number, step) in (1..).zip(steps) {
        text.push_str(&format!("  {number}. {step}\n"));
    }
    print(&text)?;
    Ok(Outcome::Fine)
}

fn diff(built_in: BuiltIn, folder: &Folder, paths: &StackPaths) -> Result<Outcome> {
    let Some(own) = read_own(built_in, folder, paths)? else { return Ok(Outcome::CannotRun) };
    // The mark is no difference that anybody looks for.
    let old = mark(built_in.path, built_in.text, &built_in.digest());
    let new = mark(built_in.path, &own.text, &built_in.digest());
    if old == new {
        print(&format!("{}: the same as the built-in one\n", own.name))?;
        return Ok(Outcome::Fine);
    }
    let diff = output::unified(&old, &new, &format!("{} (built in)", built_in.path), &own.name);
    print(&if colour(&std::io::stdout()) { output::colorize(&diff) } else { diff })?;
    Ok(Outcome::Fine)
}

fn accept(built_in: BuiltIn, folder: &Folder, paths: &StackPaths) -> Result<Outcome> {
    let Some(own) = read_own(built_in, folder, paths)? else { return Ok(Outcome::CannotRun) };
    let text = mark(built_in.path, &own.text, &built_in.digest());
    if text == own.text {
        print(&format!("{}: accepted already\n", own.name))?;
    } else {
        write(&folder.file(built_in), &text)?;
        print(&format!("{}: accepted, until the built-in one changes again\n", own.name))?;
    }
    Ok(Outcome::Fine)
}

/// The file that takes the place of a template; `None`, and said, if there is none.
fn read_own(built_in: BuiltIn, folder: &Folder, paths: &StackPaths) -> Result<Option<SourceFile>> {
    let file = folder.file(built_in);
    if !file.is_file() {
        let copy = paths.skymon(&format!("templates copy {}", built_in.path));
        note(&format!("error: `{}` is not there\nhelp: `{copy}` writes it\n", file.display()))?;
        return Ok(None);
    }
    match SourceFile::read(&file)? {
        Ok(own) => Ok(Some(own)),
        Err(not_text) => {
            note(&format!("error: `{}`: {}\n", file.display(), not_text.message))?;
            Ok(None)
        }
    }
}

fn write(file: &std::path::Path, text: &str) -> Result<()> {
    let cannot = || format!("cannot write {}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    private_files::put(file, text)
}
