//! The report for programs: one JSON value, with a version, that carries everything the text does.

use serde_json::{Value, json};

use super::{Counts, Diagnostic, Label, Report, resolve};
use crate::source::Sources;

/// A span of a whole document is of no use to a reader of JSON.
const MAX_SPAN_CHARS: usize = 1000;

/// The report as JSON. Lines and columns count from 1, columns in characters; the end is exclusive.
pub fn render(report: &Report, sources: &Sources) -> Value {
    let sorted = report.sorted(sources);
    let counts = Counts::of(&sorted);
    json!({
        "version": 1,
        "diagnostics": sorted.iter().map(|one| diagnostic(one, sources)).collect::<Vec<_>>(),
        "summary": {"errors": counts.errors, "warnings": counts.warnings, "notes": counts.notes},
    })
}

fn diagnostic(one: &Diagnostic, sources: &Sources) -> Value {
    json!({
        "id": one.id,
        "severity": one.severity.name(),
        "message": one.message,
        "help": one.help,
        "labels": one.labels.iter().map(|one| label(one, sources)).collect::<Vec<_>>(),
    })
}

fn label(label: &Label, sources: &Sources) -> Value {
    let spot = resolve(&label.place, sources);
    let span = spot.span.map(|(source, range)| {
        let (start, end) =
            (source.floor(range.start), source.floor(range.end).max(source.floor(range.start)));
        (source.line_column(start), source.line_column(end), cut(&source.text[start..end]))
    });
    let (start, end, text) = match span {
        Some((start, end, text)) => (Some(start), Some(end), Some(text)),
        None => (None, None, None),
    };
    json!({
        "file": if spot.file.is_empty() { None } else { Some(spot.file) },
        "line": start.map(|(line, _)| line),
        "column": start.map(|(_, column)| column),
        "end_line": end.map(|(line, _)| line),
        "end_column": end.map(|(_, column)| column),
        "path": spot.path.map(ToString::to_string),
        "text": label.text,
        "primary": label.primary,
        "span": text,
    })
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SPAN_CHARS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{ConfigPath, SourceFile, SpanIndex};

    #[test]
    fn a_report_as_json_carries_places_paths_and_a_summary() {
        let file = SourceFile::new("skymon.yaml", "é: {channel: é}\n");
        let (index, _) = SpanIndex::new(&file);
        let sources = Sources::of_config(file, index);
        let mut report = Report::new();
        let path = ConfigPath::root().key("é").key("channel");
        report.push(Diagnostic::error("bad-value", "no").at_value(path, "here").help("yes"));
        report.push(Diagnostic::note("aside", "whole").at_file("other.yml", ""));
        let expected = json!({
            "version": 1,
            "diagnostics": [
                {"id": "aside", "severity": "note", "message": "whole", "help": null, "labels": [
                    {"file": "other.yml", "line": null, "column": null, "end_line": null, "end_column": null,
                     "path": null, "text": "", "primary": true, "span": null},
                ]},
                {"id": "bad-value", "severity": "error", "message": "no", "help": "yes", "labels": [
                    {"file": "skymon.yaml", "line": 1, "column": 14, "end_line": 1, "end_column": 15,
                     "path": "é.channel", "text": "here", "primary": true, "span": "é"},
                ]},
            ],
            "summary": {"errors": 1, "warnings": 0, "notes": 1},
        });
        assert_eq!(render(&report, &sources), expected);
    }
}
