//! The report as the XML of `JUnit`, which CI servers show as tests: each finding is a case that failed, and notes are passed ones
//! with a text.

use super::{Counts, Diagnostic, Report, Severity, resolve, worst};
use crate::source::Sources;

/// More cases than this no page shows.
const MAX_CASES: usize = 1000;

pub fn render(report: &Report, sources: &Sources) -> String {
    let sorted = report.sorted(sources);
    let shown = worst(&sorted, MAX_CASES);
    let counts = Counts::of(&shown);
    let left_out = sorted.len() - shown.len();
    let mut cases: String = shown.iter().map(|one| case(one, sources)).collect();
    if left_out > 0 {
        cases.push_str(&format!("    <testcase classname=\"skymon\" name=\"and {left_out} more\"/>\n"));
    }
    // A suite without a case is shown as one that did not run.
    if cases.is_empty() {
        cases.push_str("    <testcase classname=\"skymon\" name=\"validate\"/>\n");
    }
    let tests = cases.matches("<testcase ").count();
    let failures = counts.errors + counts.warnings;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"skymon validate\" tests=\"{tests}\" \
         failures=\"{failures}\" errors=\"0\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(one: &Diagnostic, sources: &Sources) -> String {
    let place = one.labels.iter().find(|label| label.primary).map(|label| resolve(&label.place, sources));
    let place = place.map_or_else(String::new, |spot| match spot.span {
        Some((source, range)) => {
            let (line, column) = source.line_column(range.start);
            format!("{}:{line}:{column}", spot.file)
        }
        None => spot.file.to_owned(),
    });
    let help = one.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let text = escaped(&format!("{place}\n{}{help}", one.message));
    let body = match one.severity {
        Severity::Note => format!("<system-out>{text}</system-out>"),
        severity => {
            format!(
                "<failure type=\"{}\" message=\"{}\">{text}</failure>",
                severity.name(),
                escaped(&one.message)
            )
        }
    };
    format!(
        "    <testcase classname=\"{}\" name=\"{}\">{body}</testcase>\n",
        escaped(one.id),
        escaped(&place)
    )
}

/// XML has no way to write control characters at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::format_tests::{many, report, sources};
    use super::*;

    #[test]
    fn a_finding_is_a_failed_case_and_nothing_found_is_a_passed_one() {
        let text = render(&report(), &sources());
        assert!(text.contains("tests=\"2\" failures=\"1\""), "{text}");
        let failed = "<testcase classname=\"bad-value\" name=\"a b.yml:1:4\"><failure type=\"error\" message=\"no, 100%\">";
        assert!(text.contains(failed), "{text}");
        assert!(text.contains("<system-out>,:.yml&#10;whole</system-out>"), "{text}");
        let cut = render(&many(), &Sources::new());
        assert!(cut.contains("tests=\"1001\" failures=\"1\"") && cut.contains("and 1001 more"), "{cut}");
        let nothing = render(&Report::new(), &Sources::new());
        assert!(nothing.contains("tests=\"1\" failures=\"0\""), "{nothing}");
    }

    #[test]
    fn what_a_file_says_cannot_become_xml() {
        assert_eq!(escaped("<a b=\"c\">&\u{1b}"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}");
    }
}
