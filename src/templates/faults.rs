//! Faults of the user's templates, at their places. The same fault in a built-in template is a bug of skymon's, and is
//! left to whoever asked for the rendering.

use std::ops::Range;

use minijinja::{Error, ErrorKind, OutputSpan, OutputSpanKind};
use saphyr_parser::{Event, Parser, ScalarStyle};

use super::EXPRESSION;
use super::builtin::BuiltIn;
use super::overrides::Overrides;
use crate::diagnostics::{Diagnostic, Place, nearest, shortened};
use crate::source::{ConfigPath, Found, SourceFile, SpanIndex};

/// What minijinja refused, if it stands in an override. `given` are the names that the template gets.
pub(super) fn of_engine(
    path: &str,
    error: &Error,
    given: &[String],
    overrides: &Overrides,
) -> Option<Diagnostic> {
    let chain: Vec<&Error> =
        std::iter::successors(Some(error), |error| std::error::Error::source(*error)?.downcast_ref())
            .collect();
    let named = |error: &&Error| error.name().and_then(|name| overrides.get(name));
    let position = chain.iter().rposition(|error| named(error).is_some());
    let (error, file) = match position {
        Some(position) => (chain[position], named(&chain[position])?),
        // The engine does not always say where it was.
        None => (error, overrides.get(path)?),
    };
    let line = file.line_range(error.line().unwrap_or(1).clamp(1, file.line_count()));
    let range = error.range().filter(|range| range.end <= file.text.len()).unwrap_or(line);
    let written = file.text.get(range.clone()).unwrap_or_default();

    let diagnostic = match position.and_then(|position| chain.get(position + 1)) {
        // What is included is built in: it misses something that this file should have given it.
        Some(inner) if error.kind() == ErrorKind::BadInclude => {
            let name = inner.name().unwrap_or("a template");
            Diagnostic::error(
                "template-value",
                format!("`{name}` cannot be rendered from here: {}", in_words(inner)),
            )
            .at_span(&file.name, range, "included here")
            .help(format!("give it what the built-in template gives it: {}", read_the_diff(file, overrides)))
        }
        // Where it was when it was stopped says nothing.
        _ if error.kind() == ErrorKind::OutOfFuel => {
            Diagnostic::error("template-value", "the template does not come to an end")
                .at_file(&file.name, "")
                .help("look for loops in loops")
        }
        _ => of_kind(error, written)
            .at_span(&file.name, range.clone(), "")
            .help(help(error, written, given, file, overrides)),
    };
    Some(diagnostic)
}

fn of_kind(error: &Error, written: &str) -> Diagnostic {
    match error.kind() {
        ErrorKind::SyntaxError => {
            let detail = error.detail().unwrap_or("syntax error");
            Diagnostic::error("template-syntax", format!("this is no template: {detail}"))
        }
        ErrorKind::UndefinedError => {
            Diagnostic::error("template-value", format!("`{}` has no value here", shortened(written)))
        }
        _ => Diagnostic::error("template-value", in_words(error)),
    }
}

/// What the engine says, without the file and the line, which stand elsewhere.
fn in_words(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::TemplateNotFound, _) => format!("there is no template `{}`", shortened(asked_for(error))),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}

/// The template that is not there: it may have been put together in the template.
fn asked_for(error: &Error) -> &str {
    error.detail().and_then(|detail| detail.split('\'').nth(1)).unwrap_or_default()
}

fn help(error: &Error, written: &str, given: &[String], file: &SourceFile, overrides: &Overrides) -> String {
    match error.kind() {
        ErrorKind::UndefinedError if written.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            match nearest(written, given.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if given.is_empty() => "this template gets no values".to_owned(),
                None => {
                    format!("this template gets `{}`; `#% for` gives a name to each item", given.join("`, `"))
                }
            }
        }
        ErrorKind::TemplateNotFound => {
            let all = BuiltIn::all();
            match nearest(asked_for(error), all.iter().map(|one| one.path)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("only templates that `{}` lists can be included", overrides.command("")),
            }
        }
        ErrorKind::SyntaxError => {
            "statements are `#% …` on a line of their own, holes `<%= … %>`; docs/templates.md has all"
                .to_owned()
        }
        _ => read_the_diff(file, overrides),
    }
}

fn read_the_diff(file: &SourceFile, overrides: &Overrides) -> String {
    let path = overrides.iter().find(|(_, other)| other.name == file.name).map_or("PATH", |(path, _)| path);
    format!("`{}` shows what the built-in one does", overrides.command(&format!("diff {path}")))
}

/// What an override has made is not YAML, or holds an expression where it could be read as something else. `text` is
/// what came out, each expression still on one line and marked.
pub(super) fn of_output(
    path: &str,
    text: &str,
    spans: &[OutputSpan],
    overrides: &Overrides,
) -> Option<Diagnostic> {
    let made = SourceFile::new(path, text);
    let (index, problems) = SpanIndex::new(&made);
    if matches!(index.found(&ConfigPath::root()), None | Some(Found::Nothing)) && index.is_complete() {
        let file = overrides.get(path)?;
        return Some(
            Diagnostic::error("template-result", "nothing comes out of it")
                .at_file(&file.name, "")
                .help(read_the_diff(file, overrides)),
        );
    }
    if let Some(problem) = problems.into_iter().next() {
        let at = problem.labels.first().map(|label| match &label.place {
            Place::Span { range, .. } => range.start,
            _ => 0,
        });
        let (file, range) = origin_of(at.unwrap_or_default(), spans, overrides)?;
        return Some(
            Diagnostic::error("template-result", format!("what comes out is not right: {}", problem.message))
                .at_span(&file.name, range, "made here")
                .help(problem.help.unwrap_or_else(|| read_the_diff(file, overrides))),
        );
    }
    let at = stray_expression(&made)?;
    let (file, range) = origin_of(at, spans, overrides)?;
    Some(
        Diagnostic::error("template-hole", "an expression stands where YAML could read it as something else")
            .at_span(&file.name, range, "not in a `|` block")
            .help("write `expr: |`, and the hole indented on the next line"),
    )
}

/// The first expression that is not the text of a `|` block. One in a comment is not: its next line would be none.
fn stray_expression(made: &SourceFile) -> Option<usize> {
    let blocks: Vec<Range<usize>> = Parser::new_from_str(&made.text)
        .filter_map(|event| match event {
            Ok((Event::Scalar(_, ScalarStyle::Literal, ..), span)) => {
                Some(span.start.index()..span.end.index())
            }
            _ => None,
        })
        .collect();
    // The parser counts characters.
    let expressions = made.text.char_indices().enumerate().filter(|(_, (_, c))| *c == EXPRESSION);
    let mut strays = expressions.filter(|(position, _)| {
        let next = blocks.partition_point(|block| block.end <= *position);
        !blocks.get(next).is_some_and(|block| block.contains(position))
    });
    strays.next().map(|(_, (at, _))| at)
}

/// The place in an override that made this byte, or else the last one before it.
fn origin_of<'o>(
    at: usize,
    spans: &[OutputSpan],
    overrides: &'o Overrides,
) -> Option<(&'o SourceFile, Range<usize>)> {
    let own = |span: &&OutputSpan| overrides.get(span.name()).is_some();
    let before = spans.iter().filter(|span| span.output_range().start <= at).rfind(own);
    let span = before.or_else(|| spans.iter().find(own))?;
    let file = overrides.get(span.name())?;
    let (source, output) = (span.source_range(), span.output_range());
    if span.kind() == OutputSpanKind::Expression || !output.contains(&at) {
        return Some((file, source));
    }
    let start = source.start + (at - output.start);
    let length = file.text[start..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    Some((file, start..start + length))
}
