//! The engines of a stack: the built-in ones, and those of the user's files, which are read as `skymon.yaml` is and then
//! looked through as a whole (`check`), since rules are made of them without another look.

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use crate::catalog::engines::{Engine, Engines};
use crate::config::parse;
use crate::diagnostics::{Diagnostic, Report, shortened};
use crate::source::{ConfigPath, Found, SourceFile, Sources, SpanIndex};

/// Grafana's limit of 40 for the uid of a page, without what stands before the engine's name in it.
const LONGEST_NAME: usize = 25;

/// All engines that a service may name. What is wrong with the user's own goes to `report`.
pub fn engines(own: &[SourceFile], report: &mut Report) -> Engines {
    let mut engines = Engines::built_in().clone();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for file in own {
        let name = stem(file);
        if let Some(first) = seen.insert(name, &file.name) {
            let message = format!("`{first}` and `{}` are both the engine `{name}`", file.name);
            report.push(
                Diagnostic::error("same-name", message).at_file(&file.name, "").help("rename one of the two"),
            );
            continue;
        }
        if !is_engine_name(name) {
            let message = format!("`{}` cannot name an engine", shortened(name).escape_debug());
            report.push(
                Diagnostic::error("bad-key", message)
                    .at_file(&file.name, "becomes part of a file's name and of a URL")
                    .help(format!(
                        "use small letters, digits and `-`, a letter or digit first, {LONGEST_NAME} at most"
                    )),
            );
            continue;
        }
        if Engines::built_in().get(name).is_some() {
            let message = format!("`{}` takes the place of the built-in engine `{name}`", file.name);
            report.push(
                Diagnostic::note("own-engine", message)
                    .at_file(&file.name, "")
                    .help("give the file another name, if both are wanted"),
            );
        }
        engines.put(name, read(name, file, report));
    }
    engines
}

/// The engine that a file describes; `None` if it has faults.
fn read(name: &str, file: &SourceFile, report: &mut Report) -> Option<Engine> {
    let (index, problems) = SpanIndex::new(file);
    let is_whole = problems.is_empty();
    report.extend(problems);
    if !index.is_complete() {
        return None;
    }
    if index.found(&ConfigPath::root()) != Some(Found::Map) {
        let wrong = Diagnostic::error("wrong-type", format!("`{}` describes no engine", file.name));
        report.push(
            wrong
                .at_file(&file.name, "")
                .help("begin with `title: …`; `skymon metrics import` drafts a file"),
        );
        return None;
    }
    let mut found = Report::new();
    let engine = parse::read::<Engine>(file, &index, &[], &mut found);
    // What was left out for a fault of its own would be missed here again.
    let engine = engine.filter(|_| is_whole && !found.has_errors()).map(|engine| {
        check::check(&engine, &mut found);
        Engine { name: name.to_owned(), ..engine }
    });
    let is_right = !found.has_errors();
    let sources = Sources::of_config(file.clone(), index);
    report.extend(found.into_iter().map(|one| one.in_file(&sources)));
    engine.filter(|_| is_right)
}

/// The file's name without its ending.
fn stem(file: &SourceFile) -> &str {
    Path::new(&file.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// Whether an engine can be called so: it becomes part of a file's name and of a URL.
pub fn is_engine_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= LONGEST_NAME
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|b| plain(b) || b == b'-')
}
