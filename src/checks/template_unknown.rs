//! A notification calls a template that is nowhere defined: it fails when it is to be sent.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use super::shared::notification_texts::{File, calls, fields, files};
use crate::diagnostics::{Place, Report, Severity, nearest};
use crate::gotemplate::Kind;
use crate::stack::{Alertmanager, Stack};

pub(super) const CHECK: Check = Check { id: "template-unknown", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    let fields = fields(stack);
    for alertmanager in &stack.alertmanagers {
        let Some(files) = files(alertmanager) else { continue };
        // Of a file with a fault not everything was read.
        if files.iter().any(|file| file.fault.is_some()) {
            continue;
        }
        let defined = Defined::of(&files);
        let mut asked: BTreeMap<String, Place> = BTreeMap::new();
        for field in fields.iter().filter(|field| std::ptr::eq(field.alertmanager, alertmanager)) {
            for (name, _) in calls(&field.template) {
                asked.entry(name.to_owned()).or_insert_with(|| field.text.at.part(name).place());
            }
        }
        for (name, place) in defined.missing(asked) {
            let near = nearest(&name, defined.names());
            report.push(
                CHECK
                    .finding(format!("there is no template `{name}`: the notification is not sent"))
                    .at(place, "not defined")
                    .help(help(alertmanager, &name, near)),
            );
        }
    }
}

fn help(alertmanager: &Alertmanager, name: &str, near: Option<&str>) -> String {
    let empty =
        alertmanager.templates.iter().find(|pattern| pattern.files.as_ref().is_some_and(Vec::is_empty));
    match (near, empty) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(empty)) => {
            format!("`{}` in `templates:` names no file; it is relative to this file", empty.pattern)
        }
        (None, None) if alertmanager.templates.is_empty() => {
            "name the file that defines it: `templates: ['templates/*.tmpl']`".to_owned()
        }
        (None, None) => format!("add `{{{{ define \"{name}\" }}}}…{{{{ end }}}}` to a file of `templates:`"),
    }
}

/// What the files define, and what each definition calls.
struct Defined<'a> {
    calls: BTreeMap<&'a str, Vec<(&'a str, Place)>>,
}

impl<'a> Defined<'a> {
    fn of(files: &'a [File<'a>]) -> Defined<'a> {
        let mut calls: BTreeMap<&str, Vec<(&str, Place)>> = BTreeMap::new();
        for file in files {
            // What stands outside of any definition is never executed.
            let mut current = None;
            for action in &file.template.actions {
                match &action.kind {
                    Kind::Define(name) => {
                        calls.entry(name).or_default();
                        current = Some(name);
                    }
                    Kind::Call(name) => {
                        let text = file.document.source.text.get(action.range.clone()).unwrap_or_default();
                        if text.trim_start_matches(['{', '-', ' ']).starts_with("block") {
                            calls.entry(name).or_default();
                        }
                        if let Some(current) = current {
                            calls.entry(current).or_default().push((name, file.place(&action.range)));
                        }
                    }
                    _ => {}
                }
            }
        }
        Defined { calls }
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.calls.keys().copied()
    }

    /// What is called and is not there, from these names on.
    fn missing(&self, asked: BTreeMap<String, Place>) -> BTreeMap<String, Place> {
        let mut known = BTreeSet::new();
        let mut rest: Vec<(String, Place)> = asked.into_iter().collect();
        let mut missing = BTreeMap::new();
        while let Some((name, place)) = rest.pop() {
            if !known.insert(name.clone()) || is_builtin(&name) {
                continue;
            }
            match self.calls.get(name.as_str()) {
                Some(calls) => {
                    rest.extend(calls.iter().map(|(name, place)| ((*name).to_owned(), place.clone())));
                }
                None => {
                    missing.insert(name, place);
                }
            }
        }
        missing
    }
}

/// Those of Alertmanager itself: `slack.default.text`, `__subject`. Each version has some more.
fn is_builtin(name: &str) -> bool {
    name.contains(".default.") || name.starts_with("__")
}
