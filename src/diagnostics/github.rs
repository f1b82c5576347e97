//! The report as commands of GitHub's workflows: one line each, which the host shows beside the changed lines.

use super::{Diagnostic, Label, Report, Severity, resolve, worst};
use crate::source::Sources;

/// The host shows ten of each severity and step; a reader of the log may want some more.
const MAX_PRINTED: usize = 100;

pub fn render(report: &Report, sources: &Sources) -> String {
    let sorted = report.sorted(sources);
    let mut text: String = worst(&sorted, MAX_PRINTED).iter().map(|one| lines(one, sources)).collect();
    if sorted.len() > MAX_PRINTED {
        text.push_str(&format!("::notice title=skymon::and {} more\n", sorted.len() - MAX_PRINTED));
    }
    text
}

/// A line for each place of the fault: each is shown beside what was changed there.
fn lines(one: &Diagnostic, sources: &Sources) -> String {
    let places: Vec<&Label> = one.labels.iter().filter(|label| label.primary).collect();
    match places.as_slice() {
        [] => line(one, None, sources),
        places => places.iter().map(|place| line(one, Some(place), sources)).collect(),
    }
}

fn line(one: &Diagnostic, place: Option<&Label>, sources: &Sources) -> String {
    let command = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = Vec::new();
    if let Some(label) = place {
        let spot = resolve(&label.place, sources);
        if !spot.file.is_empty() {
            properties.push(format!("file={}", property(spot.file)));
        }
        if let Some((source, range)) = spot.span {
            let (start, end) =
                (source.line_column(range.start), source.line_column(range.end.max(range.start)));
            properties.push(format!("line={},endLine={}", start.0, end.0));
            // The host takes columns within one line only, the last one included.
            if start.0 == end.0 {
                properties.push(format!("col={},endColumn={}", start.1, (end.1 - 1).max(start.1)));
            }
        }
    }
    properties.push(format!("title={}", property(one.id)));
    let help = one.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!("::{command} {}::{}\n", properties.join(","), data(&format!("{}{help}", one.message)))
}

/// What would end a command is written otherwise.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::super::format_tests::{many, report, sources};
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn each_place_of_one_fault_has_a_command() {
        let place = |at: usize| Place::Span { file: "c.yml".to_owned(), range: at..at + 1 };
        let mut sources = Sources::new();
        sources.add(SourceFile::new("c.yml", "a: 1\nb: 2\nc: 3\n"));
        let mut report = Report::new();
        let finding = Diagnostic::note("old", "twice").at(place(0), "").at(place(5), "aside");
        report.push(finding.and_at(place(10), ""));
        assert_eq!(
            render(&report, &sources),
            "::notice file=c.yml,line=1,endLine=1,col=1,endColumn=1,title=old::twice\n\
             ::notice file=c.yml,line=3,endLine=3,col=1,endColumn=1,title=old::twice\n"
        );
    }

    #[test]
    fn a_finding_is_one_command_and_cannot_become_two() {
        assert_eq!(
            render(&report(), &sources()),
            "::notice file=%2C%3A.yml,title=aside::whole\n\
             ::error file=a b.yml,line=1,endLine=1,col=4,endColumn=4,title=bad-value::no, 100%25%0Ahelp: yes\n"
        );
    }

    #[test]
    fn an_error_is_there_behind_however_many_notes() {
        let text = render(&many(), &Sources::new());
        assert!(text.contains("::error ") && text.ends_with("::and 1901 more\n"), "{text}");
    }
}
