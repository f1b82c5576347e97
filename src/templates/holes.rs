//! Proves a YAML template safe: every hole is a whole plain value, or stands in a `|` block.
//!
//! A value printed as JSON is right exactly there. Inside quotes, beside other text or in a folded block it could end
//! its scalar and become structure.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// What is wrong with the holes of a template, with the line of each.
fn misplaced_holes(template: &str) -> Vec<String> {
    // A statement may stand where YAML has no comment (in a block); it prints nothing.
    let text: String = template
        .split_inclusive('\n')
        .map(|line| if line.trim_start().starts_with("#%") { "\n" } else { line })
        .collect();
    let mut problems = Vec::new();
    for event in Parser::new_from_str(&text) {
        match event {
            Ok((Event::Scalar(value, style, ..), span))
                if value.contains("<%") && !is_safe(&value, style) =>
            {
                problems.push(format!("line {}: `{value}` is not one whole plain hole", span.start.line()));
            }
            Ok(_) => {}
            Err(error) => {
                problems.push(format!("the template is not YAML: {error}"));
                break;
            }
        }
    }
    problems
}

fn is_safe(value: &str, style: ScalarStyle) -> bool {
    match style {
        ScalarStyle::Literal => true,
        ScalarStyle::Plain => {
            value.starts_with("<%=") && value.ends_with("%>") && value.matches("<%").count() == 1
        }
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Folded => false,
    }
}

#[cfg(test)]
mod tests {
    use include_dir::Dir;

    use super::*;
    use crate::templates::EMBEDDED;

    /// Every file of the binary, data files aside: those are read, not rendered.
    fn all(dir: &Dir<'static>) -> Vec<(String, &'static str)> {
        let files = dir
            .files()
            .filter_map(|file| Some((file.path().display().to_string(), file.contents_utf8()?)))
            .filter(|(path, _)| !path.starts_with("alerts/") && !path.starts_with("engines/"));
        files.chain(dir.dirs().flat_map(all)).collect()
    }

    #[test]
    fn every_hole_of_the_built_in_templates_is_safe() {
        let mut checked = 0;
        for (path, text) in all(&EMBEDDED) {
            if path.ends_with(".yml") || path.ends_with(".yaml") {
                assert_eq!(misplaced_holes(text), Vec::<String>::new(), "{path}");
                checked += 1;
            }
        }
        assert!(checked > 10, "only {checked} templates were found");
    }

    #[test]
    fn a_hole_in_another_place_is_refused_with_its_line() {
        for template in [
            "a: \"<%= x %>\"\n",
            "a: '<%= x %>'\n",
            "b: 1\na: http://<%= x %>\n",
            "a: >\n  <%= x %>\n",
            "a: <%= x %> <%= y %>\n",
        ] {
            let problems = misplaced_holes(template);
            assert_eq!(problems.len(), 1, "{template}");
            assert!(problems[0].starts_with("line "), "{}", problems[0]);
        }
        assert_eq!(
            misplaced_holes("a: <%= x %>\n#% for y in z\nb: [<%= y %>]\n#% endfor\nc: |\n  <%= e %>\n"),
            Vec::<String>::new()
        );
    }
}
