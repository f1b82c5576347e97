//! The report for people, in the look of rustc. The only file that names `annotate-snippets`; it also sees to
//! it that nothing a file or a message contains can steer the terminal.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use super::{Counts, Diagnostic, Label, Report, Severity, resolve, worst};
use crate::source::{SourceFile, Sources};

/// More than this nobody reads in one go.
const MAX_PRINTED: usize = 50;
/// Text after the last label of a line that is kept; the renderer cuts further, to the width of a terminal.
const MAX_TAIL: usize = 400;
/// Longer than this no label is underlined.
const MAX_UNDERLINED: usize = 80;
/// A label further right than this gets its place, but no snippet.
const MAX_COLUMN: usize = 64 * 1024;
/// Lines around a label that are handed to the renderer, which decides what to show.
const CONTEXT: usize = 2;

/// The whole report with a summary line; empty if there is nothing to say.
pub fn render(report: &Report, sources: &Sources, color: bool) -> String {
    let sorted = report.sorted(sources);
    if sorted.is_empty() {
        return String::new();
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for one in worst(&sorted, MAX_PRINTED) {
        text.push_str(&render_one(one, sources, &renderer));
        text.push_str("\n\n");
    }
    if sorted.len() > MAX_PRINTED {
        let left = sorted.len() - MAX_PRINTED;
        let _ = writeln!(text, "… and {left} more: `skymon validate --format json` lists them all\n");
    }
    let _ = writeln!(text, "{}", Counts::of(&sorted));
    text
}

fn render_one(one: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group =
        level.primary_title(clean(&one.message)).id(one.id).elements(elements(&one.labels, sources));
    if let Some(help) = &one.help {
        group = group.element(Level::HELP.message(clean_lines(help)));
    }
    let text = renderer.render(&[group]);
    text.lines().map(tidy).collect::<Vec<_>>().join("\n")
}

/// The renderer pads the empty lines of its frame, and has no margin where there is no snippet.
fn tidy(line: &str) -> String {
    let margin =
        if line.contains("--> ") && !line.starts_with(' ') && !line.contains(": ") { " " } else { "" };
    format!("{margin}{}", line.trim_end())
}

/// The labels that fall into one file.
struct InFile<'a> {
    name: String,
    source: Option<&'a SourceFile>,
    marks: Vec<(Range<usize>, &'a Label)>,
}

/// One snippet for each file, the primary label's first.
fn elements<'a>(labels: &'a [Label], sources: &'a Sources) -> Vec<Element<'a>> {
    let mut files: Vec<InFile<'a>> = Vec::new();
    let mut ordered: Vec<&Label> = labels.iter().collect();
    ordered.sort_by_key(|label| !label.primary);
    for label in ordered {
        let spot = resolve(&label.place, sources);
        let name = match (spot.file, spot.path) {
            // Without a config file its path is all there is to say.
            ("", Some(path)) => path.to_string(),
            (file, _) => clean(file),
        };
        let (source, range) = spot.span.map_or((None, 0..0), |(source, range)| (Some(source), range));
        match files.iter_mut().find(|file| file.name == name && file.source.is_some() == source.is_some()) {
            Some(file) => file.marks.push((range, label)),
            None => files.push(InFile { name, source, marks: vec![(range, label)] }),
        }
    }
    let element = |file: InFile<'a>| match file.source {
        Some(source) => snippet(file.name, source, file.marks),
        None => Origin::path(file.name).into(),
    };
    files.into_iter().map(element).collect()
}

fn snippet<'a>(name: String, source: &SourceFile, marks: Vec<(Range<usize>, &'a Label)>) -> Element<'a> {
    let marks: Vec<_> = marks.into_iter().map(|(range, label)| (Mark::new(source, range), label)).collect();
    let first = marks[0].0.clone();
    if marks.iter().any(|(mark, _)| mark.start > MAX_COLUMN) {
        let (line, column) = source.line_column(source.line_range(first.line).start + first.start);
        return Origin::path(name).line(line).char_column(column).into();
    }
    let top = marks.iter().map(|(mark, _)| mark.line).min().unwrap_or(1);
    let bottom = marks.iter().map(|(mark, _)| mark.line).max().unwrap_or(top);
    let mut excerpt = Excerpt::new(top);
    for line in top..=bottom {
        let near = marks.iter().any(|(mark, _)| mark.line.abs_diff(line) <= CONTEXT);
        let last = marks.iter().filter(|(mark, _)| mark.line == line).map(|(mark, _)| mark.end).max();
        excerpt.push_line(if near { &source.text[source.line_range(line)] } else { "" }, last.unwrap_or(0));
    }
    let annotations: Vec<_> = marks
        .iter()
        .map(|(mark, label)| {
            let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let text = (!label.text.is_empty()).then(|| clean(&label.text));
            kind.span(excerpt.range(mark)).label(text)
        })
        .collect();
    Snippet::source(excerpt.text).line_start(top).path(Some(name)).annotations(annotations).into()
}

/// A label's place as one line and bytes in it. What spans more lines is shown by its first.
#[derive(Clone)]
struct Mark {
    line: usize,
    start: usize,
    end: usize,
}

impl Mark {
    fn new(source: &SourceFile, range: Range<usize>) -> Mark {
        let start = source.floor(range.start);
        let (line, _) = source.line_column(start);
        let bounds = source.line_range(line);
        let start = start.min(bounds.end);
        let end = source.floor(range.end).clamp(start, bounds.end).min(source.floor(start + MAX_UNDERLINED));
        Mark { line, start: start - bounds.start, end: end.max(start) - bounds.start }
    }
}

/// The lines that a snippet shows, made harmless, with the way back from the source's bytes.
struct Excerpt {
    text: String,
    first: usize,
    /// Where each line begins in `text`, and the source's line as far as it was kept.
    lines: Vec<(usize, String)>,
}

impl Excerpt {
    fn new(first: usize) -> Excerpt {
        Excerpt { text: String::new(), first, lines: Vec::new() }
    }

    fn push_line(&mut self, line: &str, last_mark: usize) {
        let kept = cut(line, last_mark + MAX_TAIL);
        self.lines.push((self.text.len(), kept.to_owned()));
        self.text.extend(kept.chars().map(harmless));
        if kept.len() < line.len() {
            self.text.push('…');
        }
        self.text.push('\n');
    }

    fn range(&self, mark: &Mark) -> Range<usize> {
        let (start, line) = &self.lines[mark.line - self.first];
        let to = |at: usize| start + line[..at].chars().map(|c| harmless(c).len_utf8()).sum::<usize>();
        to(mark.start)..to(mark.end)
    }
}

fn cut(line: &str, length: usize) -> &str {
    let mut length = length.min(line.len());
    while !line.is_char_boundary(length) {
        length -= 1;
    }
    &line[..length]
}

/// One character for one, so that columns stay; a tab is the renderer's to widen.
fn harmless(c: char) -> char {
    let steers_text =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if (c.is_control() && c != '\t') || steers_text { '\u{fffd}' } else { c }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { harmless(c) }).collect()
}

fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{ConfigPath, SpanIndex};

    fn rendered(text: &str, diagnostics: Vec<Diagnostic>) -> String {
        let file = SourceFile::new("skymon.yaml", text);
        let (index, found) = SpanIndex::new(&file);
        let mut report = Report::new();
        report.extend(found);
        report.extend(diagnostics);
        render(&report, &Sources::of_config(file, index), false)
    }

    #[test]
    fn a_duplicate_shows_both_places() {
        let text = rendered(
            "receivers:\n  ops: &o\n    a: 1\n    b: 1\n    c: 1\n    d: 1\n  ops:\n    b: 2\n",
            vec![],
        );
        let expected = "\
error[duplicate-key]: `receivers.ops` is defined twice
 --> skymon.yaml:7:3
  |
2 |   ops: &o
  |   --- first defined here
...
7 |   ops:
  |   ^^^ second definition
  |
  = help: remove one of them, or give one another name

1 error
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_diagnostic_about_a_whole_file_has_no_snippet() {
        let one = Diagnostic::warning("not-text", "the file is not UTF-8").at_file("rules/a.yml", "");
        assert_eq!(
            rendered("a: 1\n", vec![one]),
            "warning[not-text]: the file is not UTF-8\n --> rules/a.yml\n\n1 warning\n"
        );
        let bare = Diagnostic::note("aside", "nothing to show");
        assert_eq!(rendered("a: 1\n", vec![bare]), "note[aside]: nothing to show\n\n1 note\n");
    }

    #[test]
    fn what_steers_a_terminal_is_never_printed() {
        let text = "a\u{9b}31m\u{202e}: \"\u{1b}]0;x\u{7}\"\n";
        let file = SourceFile::new("sky\u{1b}mon.yaml", text);
        let mut sources = Sources::new();
        sources.add(file);
        let mut report = Report::new();
        let start = text.find('"').unwrap();
        let one = Diagnostic::error("bad-value", "no \u{1b}[31m\r\n\u{85}")
            .at_span("sky\u{1b}mon.yaml", start..text.len() - 1, "\u{8}here\nthere")
            .help("line one\u{7}\nline two");
        report.push(one);
        let text = render(&report, &sources, false);
        assert!(
            text.chars().all(|c| c == '\n' || (harmless(c) == c || c == '\u{fffd}') && c != '\t'),
            "{text:?}"
        );
        assert!(text.contains("mon.yaml:1:9") && text.contains("^^^^^^^^ �here there"), "{text}");
        assert!(text.contains("line two"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut() {
        let root = ConfigPath::root();
        let long = format!("a: {{{}b: 1, c: {}}}\n", "x: y, ", "z".repeat(64 * 1024));
        let one = |key: &str| Diagnostic::error("bad-value", "no").at_value(root.key("a").key(key), "here");
        let text = rendered(&long, vec![one("c"), one("b")]);
        assert!(text.len() < 3000, "{} bytes", text.len());
        assert!(text.contains("skymon.yaml:1:14") && text.contains("skymon.yaml:1:20"), "{text}");

        let far = format!("a: {{c: {}, b: 1}}\n", "é".repeat(64 * 1024));
        let text = rendered(&far, vec![one("b")]);
        assert_eq!(text, "error[bad-value]: no\n --> skymon.yaml:1:65549\n\n1 error\n");
        let near = format!("a: {{c: {}, b: 1}}\n", "é".repeat(16 * 1024));
        let text = rendered(&near, vec![one("b")]);
        assert!(text.len() < 3000 && text.contains("b: 1"), "{text}");
    }

    #[test]
    fn a_value_of_many_lines_is_shown_by_its_first_and_tabs_and_wide_letters_line_up() {
        let one = Diagnostic::error("bad-value", "no").at_value(ConfigPath::root().key("a"), "here");
        let text = rendered("# é\r\na: # \t\r\n  - 漢\r\n  - b\r\n", vec![one]);
        assert!(text.contains("3 |   - 漢\n  |   ^^^^ here\n"), "{text}");
    }

    #[test]
    fn after_fifty_the_rest_is_counted_and_errors_come_first() {
        let mut many: Vec<_> = (0..60).map(|n| Diagnostic::warning("aside", format!("{n}"))).collect();
        many.push(Diagnostic::error("bad-value", "zzz"));
        let text = rendered("a: 1\n", many);
        assert!(
            text.ends_with(
                "… and 11 more: `skymon validate --format json` lists them all\n\n1 error, 60 warnings\n"
            ),
            "{text}"
        );
        assert!(text.contains("error[bad-value]: zzz"));
        assert_eq!(rendered("a: 1\n", vec![]), "");
    }

    #[test]
    fn colors_only_when_asked() {
        let mut report = Report::new();
        report.push(Diagnostic::error("bad-value", "no"));
        assert!(!render(&report, &Sources::new(), false).contains('\u{1b}'));
        assert!(render(&report, &Sources::new(), true).contains('\u{1b}'));
    }
}
