//! The user's folder of templates: which file takes the place of which built-in one, and what can be seen to be wrong
//! with each before anything is rendered.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::builtin::BuiltIn;
use super::{holes, origin};
use crate::diagnostics::{Diagnostic, Report, nearest};
use crate::source::{SourceFile, TooMany, files_below};

/// The files that take the place of built-in templates, by the path of these.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    files: Arc<BTreeMap<&'static str, SourceFile>>,
    flags: String,
}

/// Whether the built-in template is still the one that was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    Current,
    /// The built-in one has changed since.
    Behind,
    /// The file does not say what it was copied from.
    Unknown,
}

impl Overrides {
    /// Reads the folder. `flags` are those with which this user has to call `skymon templates`.
    pub fn read(folder: &Path, flags: &str, report: &mut Report) -> Result<Result<Self, TooMany>> {
        let paths = match files_below(folder)? {
            Ok(paths) => paths,
            Err(too_many) => return Ok(Err(too_many)),
        };
        let command = |args: &str| command(args, flags);
        let mut files = BTreeMap::new();
        for path in paths {
            let shown = folder.join(&path);
            // A template is known by its path with `/`, whatever the system has.
            let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
            let Some(built_in) = BuiltIn::find(&names.join("/")) else {
                report.push(idle(&names.join("/"), &shown.display().to_string(), &command));
                continue;
            };
            match SourceFile::read(&shown)? {
                Ok(file) => {
                    check(built_in, &file, report);
                    report.extend(warn_of_age(built_in, &file, &command));
                    files.insert(built_in.path, file);
                }
                Err(not_text) => report.push(not_text),
            }
        }
        Ok(Ok(Self { files: Arc::new(files), flags: flags.to_owned() }))
    }

    /// `skymon templates ARGS`, as this user has to call it.
    pub(super) fn command(&self, args: &str) -> String {
        command(args, &self.flags)
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What takes the place of a template.
    pub fn get(&self, path: &str) -> Option<&SourceFile> {
        self.files.get(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &SourceFile)> {
        self.files.iter().map(|(path, file)| (*path, file))
    }
}

impl BuiltIn {
    /// How an override stands to this template.
    pub fn age_of(&self, file: &SourceFile) -> Age {
        match origin::find(self.path, &file.text) {
            None => Age::Unknown,
            Some(range) if file.text[range.clone()] == self.digest() => Age::Current,
            Some(_) => Age::Behind,
        }
    }
}

fn command(args: &str, flags: &str) -> String {
    let space = if args.is_empty() { "" } else { " " };
    format!("skymon templates{space}{args}{flags}")
}

/// A file that nothing would ever read.
fn idle(path: &str, shown: &str, command: &dyn Fn(&str) -> String) -> Diagnostic {
    let all = BuiltIn::all();
    let help = match (path.split('/').next(), nearest(path, all.iter().map(|one| one.path))) {
        (Some("alerts"), _) => {
            "alerts are changed under `alerts:` in skymon.yaml; rules of your own go under `extra:`"
                .to_owned()
        }
        (_, Some(near)) => format!("did you mean `{near}`?"),
        (_, None) => format!("`{}` lists what can be overridden", command("")),
    };
    Diagnostic::warning("idle-template", format!("`{shown}` takes the place of no template"))
        .at_file(shown, "")
        .help(help)
}

fn warn_of_age(built_in: BuiltIn, file: &SourceFile, command: &dyn Fn(&str) -> String) -> Option<Diagnostic> {
    let path = built_in.path;
    let accept = command(&format!("accept {path}"));
    match built_in.age_of(file) {
        Age::Current => None,
        Age::Behind => {
            let range = origin::find(path, &file.text).unwrap_or(0..0);
            let diff = command(&format!("diff {path}"));
            Some(
                Diagnostic::warning(
                    "template-behind",
                    format!("the built-in `{path}` has changed since this copy of it was made"),
                )
                .at_span(&file.name, range, format!("the built-in one is {} now", built_in.digest()))
                .help(format!("`{diff}` shows what differs; `{accept}` says that the copy is right as it is")),
            )
        }
        Age::Unknown => Some(
            Diagnostic::note(
                "template-origin",
                format!("`{}` does not say what it was copied from: nobody will be told when the built-in one changes", file.name),
            )
            .at_file(&file.name, "")
            .help(format!("run `{accept}`")),
        ),
    }
}

/// What is wrong with the file, whatever it will be rendered with.
fn check(built_in: BuiltIn, file: &SourceFile, report: &mut Report) {
    let extension = built_in.path.rsplit('.').next().unwrap_or_default();
    match extension {
        "yml" => report.extend(holes::misplaced_holes(file)),
        "json" => report.extend(file.json_problem()),
        "tmpl" => report.extend(lost_definitions(built_in, file)),
        _ => {}
    }
}

/// Names that the notifications ask for, and that the file no longer defines: each of them would fail to be sent.
fn lost_definitions(built_in: BuiltIn, file: &SourceFile) -> impl Iterator<Item = Diagnostic> {
    let kept: Vec<&str> = definitions(&file.text).collect();
    definitions(built_in.text).filter(move |name| !kept.contains(name)).map(|name| {
        Diagnostic::error("template-definition", format!("`{name}` is defined nowhere any more"))
            .at_file(&file.name, "")
            .help(format!("add `{{{{ define \"{name}\" }}}}…{{{{ end }}}}`: notifications ask for it"))
    })
}

fn definitions(text: &str) -> impl Iterator<Item = &str> {
    text.split("define \"").skip(1).filter_map(|after| after.split('"').next())
}
