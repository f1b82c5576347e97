//! serde's faults in the user's words: what is wrong, the label, and the line to write instead. Apart from
//! `parse`, which only decides what is read again.

use super::walk::{Fault, Stop};
use crate::diagnostics::{Diagnostic, MAX_QUOTED, nearest, shortened};
use crate::source::{ConfigPath, Found, Segment, SourceFile, SpanIndex};

/// The diagnostic for one fault.
pub(super) fn diagnose(fault: &Fault, stop: &Stop, source: &SourceFile, index: &SpanIndex) -> Diagnostic {
    let path = stop.path.clone();
    match fault {
        Fault::UnknownKey { key, known } => unknown_key(key, known, path),
        Fault::MissingKey(key) => missing_key(key, path),
        Fault::UnknownChoice { value, known } => {
            let help = nearest(value, known.iter().copied())
                .map_or_else(|| one_of(known), |near| format!("did you mean `{near}`?"));
            Diagnostic::error("bad-value", format!("unknown value `{}`", shortened(value)))
                .at_value(path, "")
                .help(help)
        }
        Fault::NoValue => no_value(path, None),
        Fault::WrongType { expected } | Fault::OutOfRange { expected }
            if index.found(&path) == Some(Found::Nothing) && !stop.in_key =>
        {
            no_value(path, Some(&in_words(expected)))
        }
        Fault::WrongType { expected } => wrong_type(expected, path, source, index),
        Fault::OutOfRange { expected } => {
            let message = format!("expected {}, found {}", in_words(expected), found(&path, source, index));
            Diagnostic::error("bad-value", message).at_value(path, "")
        }
        Fault::Custom(text) => custom(text, stop),
        Fault::Reader(text) => {
            let what = text.split(" at line ").next().unwrap_or_default();
            Diagnostic::error("bad-value", format!("this cannot be read: {what}")).at_value(path, "")
        }
    }
}

fn unknown_key(key: &str, known: &[&str], path: ConfigPath) -> Diagnostic {
    let diagnostic = Diagnostic::error("unknown-key", format!("unknown key `{}`", shortened(key)));
    let parent = path.parent().filter(|parent| !parent.is_root());
    let label = parent.map_or("not a key at the top".to_owned(), |parent| format!("not a key of `{parent}`"));
    let help = match nearest(key, known.iter().copied()) {
        _ if key == "<<" => {
            "merge keys are not read; write the keys out, or use an alias as a whole value".to_owned()
        }
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "no keys are known here".to_owned(),
        None => format!("the keys here are {}", quoted(known, "and")),
    };
    diagnostic.at_key(path, label).help(help)
}

fn missing_key(key: &str, path: ConfigPath) -> Diagnostic {
    let place = if path.is_root() { String::new() } else { format!(" under `{path}`") };
    Diagnostic::error("missing-key", format!("missing key `{key}`"))
        .at_key(path, format!("`{key}` is needed here"))
        .help(format!("add `{key}: …`{place}"))
}

fn no_value(path: ConfigPath, expected: Option<&str>) -> Diagnostic {
    let label =
        expected.map_or("nothing is written here".to_owned(), |expected| format!("expected {expected}"));
    let name = path.last_key().unwrap_or("the file").to_owned();
    let help = format!("write `{name}: …`, or remove the key");
    let in_list = matches!(path.segments().last(), Some(Segment::Item(_)));
    let message =
        if in_list { format!("an item of `{name}` has no value") } else { format!("`{name}` has no value") };
    let help = if in_list { "write a value after the `-`, or remove the item".to_owned() } else { help };
    Diagnostic::error("wrong-type", message).at_value(path, label).help(help)
}

fn wrong_type(expected: &str, path: ConfigPath, source: &SourceFile, index: &SpanIndex) -> Diagnostic {
    let words = in_words(expected);
    let message = format!("expected {words}, found {}", found(&path, source, index));
    let key = path.last_key().unwrap_or_default().to_owned();
    let is_item = !matches!(path.segments().last(), Some(Segment::Key(_)));
    let is_scalar = matches!(index.found(&path), Some(Found::Plain | Found::Quoted));
    let value = index.content_span(&path).map_or("", |range| &source.text[range]);
    let fits = !value.contains('\n') && value.chars().count() <= MAX_QUOTED;
    let diagnostic = Diagnostic::error("wrong-type", message).at_value(path, format!("expected {words}"));
    if words == "a list" && is_scalar && fits && !is_item {
        return diagnostic.help(format!("write it as a list: `{key}: [{value}]`"));
    }
    diagnostic
}

/// A type's own words.
fn custom(text: &str, stop: &Stop) -> Diagnostic {
    let diagnostic = Diagnostic::from_words("bad-value", text);
    let path = stop.path.clone();
    if stop.in_key { diagnostic.at_key(path, "") } else { diagnostic.at_value(path, "") }
}

/// What is written at a path: "a list", "text `x`", "the number `5`".
pub(super) fn found(path: &ConfigPath, source: &SourceFile, index: &SpanIndex) -> String {
    let written = || index.content_span(path).map_or("", |range| &source.text[range]);
    match index.found(path) {
        None | Some(Found::Nothing) => "nothing".to_owned(),
        Some(Found::List) => "a list".to_owned(),
        Some(Found::Map) => "a map".to_owned(),
        Some(Found::Quoted) => format!("text `{}`", shortened(written().trim_matches(['"', '\'']))),
        Some(Found::Plain) => {
            let written = written();
            let is_bool = matches!(written, "true" | "True" | "TRUE" | "false" | "False" | "FALSE");
            let kind = if written.parse::<f64>().is_ok() {
                "the number "
            } else if is_bool {
                ""
            } else {
                "text "
            };
            format!("{kind}`{}`", shortened(written))
        }
    }
}

/// serde's name of a type in the user's words.
fn in_words(expected: &str) -> String {
    let whole = |range: &str| format!("a whole number{range}");
    match expected {
        "a string" | "a borrowed string" | "a character" => "text".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a map".to_owned(),
        "u8" => whole(" from 0 to 255"),
        "u16" => whole(" from 0 to 65535"),
        "u32" | "u64" | "u128" | "usize" => whole(", 0 or more"),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => whole(""),
        "f32" | "f64" => "a number".to_owned(),
        "unit" | "null" => "nothing".to_owned(),
        other if other.starts_with("a nonzero ") => whole(", 1 or more"),
        other if other.starts_with("struct ") || other.starts_with("map ") => "a map".to_owned(),
        other
            if other.starts_with("tuple ")
                || other.starts_with("a tuple")
                || other.starts_with("an array") =>
        {
            "a list".to_owned()
        }
        other if other.starts_with("enum ") || other.starts_with("unit struct") || other == "option" => {
            "a value".to_owned()
        }
        own_words => own_words.to_owned(),
    }
}

/// "one of `a`, `b` or `c`".
pub(super) fn one_of(known: &[&str]) -> String {
    format!("one of {}", quoted(known, "or"))
}

fn quoted(words: &[&str], joint: &str) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {joint} {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
