//! One line of an exposition, in the text format or in `OpenMetrics`. By hand: the crates for it stop at the first line that
//! breaks a rule, and pages of real servers break them in ways that Prometheus takes.

use std::collections::BTreeMap;

use super::Kind;

#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Help(String, String),
    Type(String, Kind),
    Sample(Sample),
    /// `# EOF`, which only `OpenMetrics` has.
    End,
    /// An empty line, or a comment.
    Nothing,
}

#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// The error says why Prometheus would refuse the page.
pub(super) fn read(line: &str) -> Result<Line, String> {
    let line = line.trim_matches([' ', '\t', '\r']);
    let Some(comment) = line.strip_prefix('#') else {
        return if line.is_empty() { Ok(Line::Nothing) } else { read_sample(line).map(Line::Sample) };
    };
    let comment = comment.trim_start();
    let (keyword, rest) = word(comment);
    let (name, text) = word(rest);
    match keyword {
        "EOF" if rest.is_empty() => Ok(Line::End),
        "HELP" | "TYPE" if name.is_empty() => Err(format!("`{keyword}` names no metric")),
        "HELP" => Ok(Line::Help(unquoted(name), unescaped(text))),
        "TYPE" => Ok(Line::Type(unquoted(name), kind(text)?)),
        _ => Ok(Line::Nothing),
    }
}

/// What stands before the first blank, and what follows the blanks.
fn word(text: &str) -> (&str, &str) {
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start_matches([' ', '\t']))
}

fn kind(text: &str) -> Result<Kind, String> {
    Ok(match text {
        "counter" => Kind::Counter,
        "gauge" | "info" | "stateset" => Kind::Gauge,
        "histogram" | "gaugehistogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "untyped" | "unknown" => Kind::Unknown,
        other => return Err(format!("`{}` is not a type", other.escape_debug())),
    })
}

fn read_sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let mut sample = Sample { name: name.to_owned(), labels: BTreeMap::new(), value: 0.0 };
    let rest = match rest.strip_prefix('{').or_else(|| rest.trim_start().strip_prefix('{')) {
        Some(labels) => read_labels(labels, &mut sample)?,
        None => rest,
    };
    if sample.name.is_empty() {
        return Err("a sample without a name".to_owned());
    }
    // A timestamp may follow, and behind a `#` an exemplar.
    let (value, _) = word(rest.trim_start());
    if value.is_empty() {
        return Err(format!("`{}` has no value", sample.name.escape_debug()));
    }
    sample.value = number(value).ok_or_else(|| format!("`{}` is not a number", value.escape_debug()))?;
    Ok(sample)
}

/// Reads up to behind the closing brace.
fn read_labels<'a>(text: &'a str, sample: &mut Sample) -> Result<&'a str, String> {
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let name = if rest.starts_with('"') {
            let (name, after) = read_quoted(rest)?;
            rest = after.trim_start();
            if !rest.starts_with('=') {
                // A metric whose name needs quotes has it among its labels.
                sample.name = name;
                rest = after_comma(rest)?;
                continue;
            }
            name
        } else {
            let end = rest.find('=').ok_or("the labels are not closed")?;
            let name = rest[..end].trim_end();
            rest = &rest[end..];
            name.to_owned()
        };
        let value = rest[1..].trim_start();
        let (value, after) = read_quoted(value)?;
        sample.labels.insert(name, value);
        rest = after_comma(after.trim_start())?;
    }
}

fn after_comma(text: &str) -> Result<&str, String> {
    match text.strip_prefix(',') {
        Some(after) => Ok(after.trim_start()),
        None if text.starts_with('}') => Ok(text),
        None => Err("a comma or `}` is missing between labels".to_owned()),
    }
}

/// A quoted text at the start, and what follows it.
fn read_quoted(text: &str) -> Result<(String, &str), String> {
    let inside = text.strip_prefix('"').ok_or("a label's value has no quotes")?;
    let mut is_escaped = false;
    let end = inside.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    let end = end.ok_or("a label's value is not closed")?;
    Ok((unescaped(&inside[..end]), &inside[end + 1..]))
}

fn unquoted(name: &str) -> String {
    read_quoted(name).map_or_else(|_| name.to_owned(), |(name, _)| name)
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some(next @ ('\\' | '"'))) => plain.push(next),
            _ => {
                plain.push(letter);
                continue;
            }
        }
        letters.next();
    }
    plain
}

/// A number as Go reads it, which knows no sign of what is no number: llama.cpp's `-nan` fails a whole scrape.
pub(super) fn number(text: &str) -> Option<f64> {
    let is_signed_nan = text.starts_with(['-', '+']) && text[1..].eq_ignore_ascii_case("nan");
    text.parse().ok().filter(|_| !is_signed_nan)
}
