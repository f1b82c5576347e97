//! The page of an engine: what it says of each word of the vocabulary, what it cannot say and why. `docs/engines.md` holds
//! the same pages.

use std::fmt::Write as _;

use crate::catalog::engines::{Engine, Part, Source};
use crate::catalog::units::Unit;
use crate::catalog::vocabulary::WORDS;

pub(super) fn page(engine: &Engine) -> String {
    let mut page = format!("# {}\n\n{}: {}.", engine.title, engine.title, engine.about);
    if let Some(versions) = &engine.versions {
        let _ = write!(page, " Read: {versions}.");
    }
    let _ = write!(page, " <{}>\n\n", engine.source);
    let _ = match &engine.metrics_path {
        Some(path) => {
            writeln!(page, "- metrics: `{}` at port {}; {}", path.as_str(), engine.port, engine.enable)
        }
        None => writeln!(page, "- metrics: none; {}", engine.enable),
    };
    if let Some(path) = &engine.ready_path {
        let port = engine.ready_port.unwrap_or(engine.port);
        let _ = writeln!(page, "- readiness: `{}` at port {port}", path.as_str());
    }
    if let Some(auth) = &engine.auth {
        let _ = writeln!(page, "- key: {auth}. `auth: {{bearer_token_file: …}}` shows one");
    }
    let said = WORDS.iter().filter_map(|word| Some((word.name, engine.vocabulary.get(word.name)?)));
    list(&mut page, "It says:", said.map(|(word, source)| format!("`{word}`: {}", read(engine, source))));
    let silent = WORDS.iter().filter_map(|word| Some((word.name, engine.cannot.get(word.name)?)));
    list(&mut page, "It cannot say:", silent.map(|(word, why)| format!("`{word}`: {why}")));
    list(&mut page, "Worth knowing:", engine.traps.iter().cloned());
    page
}

fn list(page: &mut String, heading: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("- {item}\n")).collect();
    if !items.is_empty() {
        let _ = write!(page, "\n{heading}\n\n{}", items.concat());
    }
}

/// Where a word is read, the older names behind the current one.
fn read(engine: &Engine, source: &Source) -> String {
    let mut text = own(engine, source);
    for other in &source.plus {
        let _ = write!(text, " plus {}", own(engine, other));
    }
    if let Some(per) = &source.per {
        let _ = write!(text, " for each of {}: a mean, no quantiles", own(engine, per));
    }
    if let Some(before) = &source.before {
        let _ = write!(text, ", else {}", read(engine, before));
    }
    text
}

/// One source alone.
fn own(engine: &Engine, source: &Source) -> String {
    let names: Vec<String> = engine
        .metrics_named(&source.metric, None)
        .into_iter()
        .map(|(name, metric)| {
            let part = match source.read {
                None => "",
                Some(Part::Sum) => "_sum",
                Some(Part::Count) => "_count",
            };
            let matchers = source.matchers.as_ref().map(|all| format!("{{{all}}}")).unwrap_or_default();
            let compare = source.compare.map(|comparison| format!(" {comparison}")).unwrap_or_default();
            let mut text = format!("`{name}{part}{matchers}{compare}`");
            match metric.unit {
                Unit::Milliseconds => text += " (in milliseconds)",
                Unit::Microseconds => text += " (in microseconds)",
                Unit::Percent => text += " (in percent)",
                _ => {}
            }
            let bounds = [("since", &metric.since), ("until", &metric.until)];
            for (word, version) in bounds {
                if let Some(version) = version {
                    let _ = write!(text, " ({word} {version})");
                }
            }
            text
        })
        .collect();
    names.join(", else ")
}
