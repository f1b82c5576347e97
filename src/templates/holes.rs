//! Proves a YAML template safe: every hole is a whole plain value, or stands in a `|` block.
//!
//! A value printed as JSON is right exactly there. Inside quotes, beside other text or in a folded block it could end
//! its scalar and become structure.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::diagnostics::Diagnostic;
use crate::source::{SourceFile, explain_syntax};

/// What is wrong with the holes of a template.
pub(super) fn misplaced_holes(template: &SourceFile) -> Vec<Diagnostic> {
    // A statement may stand where YAML has no comment (in a block); it prints nothing.
    let is_statement =
        |line: &str| line.trim_start().starts_with("#%") || line.trim_start().starts_with("#~");
    let text: String = template
        .text
        .split_inclusive('\n')
        .map(|line| if is_statement(line) { "\n" } else { line })
        .collect();
    let mut problems = Vec::new();
    for event in Parser::new_from_str(&text) {
        match event {
            Ok((Event::Scalar(value, style, ..), span)) if has_marks(&value) => {
                if let Some(help) = misplaced(&value, style) {
                    let start = place(template, &span.start);
                    // A block has its mark on the line before.
                    let end = place(template, &span.end).max(start);
                    problems.push(
                        Diagnostic::error(
                            "template-hole",
                            "a hole stands where its value could become structure",
                        )
                        .at_span(&template.name, start..end, "not one whole plain hole")
                        .help(help),
                    );
                }
            }
            Ok(_) => {}
            Err(error) => {
                problems.push(explain_syntax(template, place(template, error.marker()), error.info()));
                break;
            }
        }
    }
    problems
}

fn has_marks(value: &str) -> bool {
    value.contains("<%") || value.contains("%>")
}

/// What to write instead, if the holes of this scalar are not safe.
fn misplaced(value: &str, style: ScalarStyle) -> Option<&'static str> {
    match style {
        ScalarStyle::Literal => None,
        ScalarStyle::Plain if is_one_hole(value) => None,
        ScalarStyle::Plain => Some("put the whole text into the hole: `<%= \"http://\" ~ address %>`"),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(
            "remove the quotes, a value is printed with its own; join text in the hole: `<%= \"a\" ~ b %>`",
        ),
        ScalarStyle::Folded => Some("write `|` instead of `>`"),
    }
}

fn is_one_hole(value: &str) -> bool {
    value.starts_with("<%=") && value.ends_with("%>") && value.matches("<%").count() == 1
}

/// Lines stay what they were where statements were left out; offsets do not.
fn place(template: &SourceFile, marker: &Marker) -> usize {
    let line = template.line_range(marker.line().clamp(1, template.line_count()));
    let inside = template.text[line.clone()].char_indices().nth(marker.col());
    inside.map_or(line.end, |(at, _)| line.start + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Place;
    use crate::templates::builtin::BuiltIn;

    fn check(template: &str) -> Vec<(usize, usize, String)> {
        let file = SourceFile::new("x.yml", template);
        let problems = misplaced_holes(&file).into_iter().map(|problem| {
            let Place::Span { range, .. } = &problem.labels[0].place else { panic!("{problem:?}") };
            let (line, column) = file.line_column(range.start);
            (line, column, problem.message)
        });
        problems.collect()
    }

    #[test]
    fn every_hole_of_the_built_in_templates_is_safe() {
        let yaml: Vec<BuiltIn> =
            BuiltIn::all().into_iter().filter(|one| one.path.ends_with(".yml")).collect();
        assert!(yaml.len() > 10, "only {} templates were found", yaml.len());
        for one in yaml {
            assert_eq!(check(one.text), [], "{}", one.path);
        }
        assert_eq!(check(crate::templates::embedded_file("skymon.yaml")), []);
    }

    #[test]
    fn a_hole_in_another_place_is_refused_with_its_line() {
        for (template, line, column) in [
            ("a: \"<%= x %>\"\n", 1, 4),
            ("a: '<%= x %>'\n", 1, 4),
            ("#% if x\nb: é\n#% endif\ne: 1\na: http://<%= x %>\n", 5, 4),
            ("a: >\n  <%= x %>\n", 2, 3),
            ("a: <%= x %> <%= y %>\n", 1, 4),
            ("a: &<%= x %> 1\n", 1, 4),
            ("<% if x %>: 1\n", 1, 1),
        ] {
            let problems = check(template);
            assert_eq!(problems.len(), 1, "{template}: {problems:?}");
            assert_eq!((problems[0].0, problems[0].1), (line, column), "{template}: {problems:?}");
        }
        assert_eq!(check("a: <%= x %>\n#% for y in z\nb: [<%= y %>]\n#% endfor\nc: |\n  <%= e %>\n"), []);
    }

    #[test]
    fn a_template_that_is_not_yaml_is_refused_with_its_place() {
        assert_eq!(check("a: 1\n#% if x\nb: [1\n#% endif\n"), [(5, 1, "the list is not closed".to_owned())]);
    }
}
