//! `# skymon: allow <check>: <reason>` in a file of the stack: one check is silent at one place, and a reader knows why. It
//! stands at the end of the line, or alone above it.
//!
//! A finding may have several places with the same fault: each is allowed for itself, and the finding is gone with the last.
//!
//! The config has the same for files that cannot hold a comment: `allow: {<check>: {<file>: <reason>}}`.
//!
//! An allowance that nothing needs is itself a finding: it would hide the next fault there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ALL, Check};
use crate::diagnostics::{Diagnostic, Place, Report, nearest, shortened};
use crate::source::Document;
use crate::stack::Stack;

const MARK: &str = "skymon: allow ";

/// One entry of the config's `allow`. That there is a reason is the config's to say.
pub struct Allowed {
    pub check: String,
    /// The file as a place names it.
    pub file: String,
    /// Where it was written.
    pub place: Place,
}

/// One comment, or one entry of the config.
struct Allowance {
    check: String,
    file: String,
    /// The line that it is about, from 1; `None` for the whole file.
    line: Option<usize>,
    has_reason: bool,
    is_needed: bool,
    place: Place,
}

/// Takes away what is allowed, and adds what is wrong with the allowances.
pub(super) fn apply(stack: &Stack, found: Report, allowed: &[Allowed]) -> Report {
    let mut allowances: Vec<Allowance> = stack.documents.iter().flat_map(read).collect();
    allowances.extend(allowed.iter().map(|one| Allowance {
        check: one.check.clone(),
        file: one.file.clone(),
        line: None,
        has_reason: true,
        is_needed: false,
        place: one.place.clone(),
    }));
    if allowances.is_empty() {
        return found;
    }
    let documents: BTreeMap<&str, &Arc<Document>> =
        stack.documents.iter().map(|document| (document.name(), document)).collect();
    let mut report = Report::new();
    for mut finding in found {
        let id = finding.id;
        let had_places = finding.labels.iter().any(|label| label.primary);
        finding
            .labels
            .retain(|label| !label.primary || !is_allowed(id, &label.place, &documents, &mut allowances));
        if !had_places || finding.labels.iter().any(|label| label.primary) {
            report.push(finding);
        }
    }
    report.extend(allowances.iter().filter_map(fault));
    report
}

/// Whether a check may find something at a place. All that say so are needed.
fn is_allowed(
    id: &str,
    place: &Place,
    documents: &BTreeMap<&str, &Arc<Document>>,
    allowances: &mut [Allowance],
) -> bool {
    let file = place.file().unwrap_or_default();
    let line = match place {
        Place::Span { range, .. } => {
            documents.get(file).map(|document| document.source.line_column(range.start).0)
        }
        _ => None,
    };
    let mut is_allowed = false;
    for one in allowances.iter_mut().filter(|one| one.check == id && one.file == file) {
        if one.line.is_none() || one.line == line {
            one.is_needed = true;
            is_allowed |= one.has_reason;
        }
    }
    is_allowed
}

fn fault(one: &Allowance) -> Option<Diagnostic> {
    let id = shortened(&one.check);
    let finding = if Check::find(&one.check).is_none() {
        let near = nearest(&one.check, ALL.iter().map(|check| check.id));
        let help = near.map_or("`skymon explain checks` lists them".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        Diagnostic::error("unknown-check", format!("there is no check `{id}`")).help(help)
    } else if !one.has_reason {
        Diagnostic::error("allowed-without-reason", format!("`{id}` is allowed here, and nobody says why"))
            .help(format!("write `# {MARK}{id}: ` and the reason"))
    } else if !one.is_needed {
        Diagnostic::warning(
            "unused-allowance",
            format!("`{id}` finds nothing here: the allowance is of no use"),
        )
        .help("remove the comment: it would hide the next fault")
    } else {
        return None;
    };
    Some(finding.at(one.place.clone(), ""))
}

/// The allowances of a file that can have comments.
fn read(document: &Arc<Document>) -> Vec<Allowance> {
    let source = &document.source;
    let mut found = Vec::new();
    if source.name.ends_with(".json") {
        return found;
    }
    for (start, _) in source.text.match_indices(MARK) {
        let line = source.line_column(start).0;
        let range = source.line_range(line);
        let before = &source.text[range.start..start];
        // In a text a word is a word; only a comment is meant.
        if !before.trim_end().ends_with('#') {
            continue;
        }
        let rest = source.text[start + MARK.len()..range.end].trim();
        let (check, reason) = rest.split_once(':').unwrap_or((rest, ""));
        let stands_alone = before.trim() == "#";
        let about = if stands_alone { next_line(document, line) } else { line };
        found.push(Allowance {
            check: check.trim().to_owned(),
            file: source.name.clone(),
            line: Some(about),
            has_reason: !reason.trim().is_empty(),
            is_needed: false,
            place: Place::Span { file: source.name.clone(), range: start..range.end },
        });
    }
    found
}

/// The first line after this one that is no comment.
fn next_line(document: &Document, line: usize) -> usize {
    let source = &document.source;
    let is_comment = |line: &usize| source.text[source.line_range(*line)].trim_start().starts_with('#');
    (line + 1..=source.line_count()).find(|line| !is_comment(line)).unwrap_or(line)
}
