//! The one template environment: embedded templates, and the rule by which a hole prints.
//!
//! A template is itself a file of the format it makes: statements are YAML comments (`#% for …`), holes are plain
//! scalars (`<%= … %>`). How a value prints belongs to the format, so no template escapes anything by hand:
//!
//! - YAML: as JSON, which YAML 1.1 and 1.2 read alike. Compose files also double `$`.
//! - PromQL in a `|` block: as itself, indented with the block.
//! - Python: as JSON, and only text and numbers, which Python reads alike.
//! - Markdown: with what Markdown would read as marks escaped.
//! - Caddyfile: as itself, and only if it is a plain token: that language has no way to write all others.
//!
//! A user's file takes the place of the embedded one of the same path. A fault in it is the user's to mend: it leaves here
//! as a `Diagnostic`, where the same fault in an embedded template is a bug.

mod builtin;
mod faults;
mod holes;
mod origin;
mod overrides;

use anyhow::{Context as _, Result};
use include_dir::{Dir, File, include_dir};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Deserialize;
use serde::Serialize;

pub use self::builtin::BuiltIn;
pub use self::origin::mark;
pub use self::overrides::{Age, Overrides};
use crate::diagnostics::Report;
use crate::promql::PromQl;
use crate::source::SourceFile;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
/// The data files as JSON, under the same names: `build.rs` makes it of them.
static DATA: Dir<'_> = include_dir!("$OUT_DIR/data");

/// Stands for a line break inside a printed expression until the indentation of its line is known.
const SOFT_BREAK: char = '\u{E000}';

/// Stands before a printed expression until it is known where that has come to stand.
const EXPRESSION: char = '\u{E001}';

/// Steps of one rendering: no stack needs a hundredth of them.
const FUEL: u64 = 10_000_000;

/// All embedded files below `folder`, with their paths, in order.
pub fn embedded(folder: &str) -> Vec<(&'static str, &'static str)> {
    let dir = if folder.is_empty() { Some(&EMBEDDED) } else { EMBEDDED.get_dir(folder) };
    let Some(dir) = dir else { return Vec::new() };
    let mut files: Vec<_> =
        dir.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?))).collect();
    files.sort_unstable();
    files
}

/// The text of one embedded file that is copied, not rendered.
pub fn embedded_file(path: &str) -> &'static str {
    embedded_text(path).unwrap_or_else(|| panic!("bug: the template `{path}` is not in the binary"))
}

/// What an embedded data file says: an engine, alerts, a form. The tests read each, so a fault cannot reach a user.
pub fn data<T: Deserialize<'static>>(path: &str) -> T {
    let text = DATA.get_file(path).and_then(File::contents_utf8);
    let text = text.unwrap_or_else(|| panic!("bug: the data file `{path}` is not in the binary"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("bug: the data file `{path}`: {error}"))
}

fn embedded_text(path: &str) -> Option<&'static str> {
    EMBEDDED.get_file(path)?.contents_utf8()
}

/// Whether the file is read or copied as it is.
fn is_data(path: &str) -> bool {
    path == EXPORTER_SCRIPT || [".json", ".tmpl"].iter().any(|ending| path.ends_with(ending))
}

/// A program of its own: copied as it is.
pub const EXPORTER_SCRIPT: &str = "exporter/skyserve_exporter.py";

pub struct Templates {
    env: Environment<'static>,
    overrides: Overrides,
}

impl Templates {
    /// The built-in templates.
    pub fn new() -> Self {
        let mut env = Environment::new();
        env.set_syntax(syntax());
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_debug(true);
        env.set_formatter(|out, state, value| print_hole(out, state, value));
        env.set_loader(|name| Ok(embedded_text(name).map(str::to_owned)));
        Self { env, overrides: Overrides::default() }
    }

    /// The built-in templates with the user's before them.
    pub fn with(overrides: Overrides, report: &mut Report) -> Self {
        let mut templates = Self::new();
        if overrides.is_empty() {
            return templates;
        }
        let own = overrides.clone();
        templates.env.set_loader(move |name| {
            let text = own.get(name).map(|file| file.text.as_str()).or_else(|| embedded_text(name));
            Ok(text.map(str::to_owned))
        });
        // A template of the user's may include itself, or never end.
        templates.env.set_recursion_limit(20);
        templates.env.set_fuel(Some(FUEL));
        let rendered = overrides.iter().filter(|(path, _)| !is_data(path));
        for (path, _) in rendered {
            if let Err(error) = templates.env.get_template(path) {
                report.extend(faults::of_engine(path, &error, &[], &overrides));
            }
        }
        templates.overrides = overrides;
        templates
    }

    /// Renders the template of that path. The error is a `Diagnostic` where the user's template is to blame.
    pub fn render(&self, path: &str, context: impl Serialize) -> Result<String> {
        let context = Value::from(minijinja::value::Serde(context));
        let given =
            || context.try_iter().into_iter().flatten().map(|name| name.to_string()).collect::<Vec<_>>();
        let blame = |error: &Error| faults::of_engine(path, error, &given(), &self.overrides);
        let rendered = self.env.get_template(path).and_then(|template| {
            if self.overrides.is_empty() {
                template.render(context.clone()).map(|text| (text, Vec::new()))
            } else {
                template.render_with_spans(context.clone())
            }
        });
        let (text, spans) = match rendered {
            Ok(rendered) => rendered,
            Err(error) => match blame(&error) {
                Some(fault) => return Err(fault.into()),
                None => {
                    return Err(error).with_context(|| format!("bug: the template `{path}` does not render"));
                }
            },
        };
        let is_own =
            self.own(path).is_some() || spans.iter().any(|span| self.overrides.get(span.name()).is_some());
        if is_own
            && path.ends_with(".yml")
            && let Some(fault) = faults::of_output(path, &text, &spans, &self.overrides)
        {
            return Err(fault.into());
        }
        Ok(finish(&text))
    }

    /// The file of the user's that takes the place of a template.
    pub fn own(&self, path: &str) -> Option<&SourceFile> {
        self.overrides.get(path)
    }

    /// The text of a template that is copied or read as it is, not rendered.
    pub fn data(&self, path: &str) -> &str {
        self.own(path).map_or_else(|| embedded_file(path), |file| origin::without_mark(path, &file.text))
    }

    /// Renders a snippet that stands in a data file, such as an alert's expression. `name` decides the format.
    pub fn render_snippet(&self, name: &str, source: &str, context: &Value) -> Result<String> {
        self.env
            .render_named_str(name, source, context.clone())
            .with_context(|| format!("bug: the snippet `{name}` does not render"))
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .block_delimiters("<%", "%>")
        .variable_delimiters("<%=", "%>")
        .comment_delimiters("<%#", "%>")
        .line_statement_prefix("#%")
        .line_comment_prefix("#~")
        .keep_trailing_newline(true)
        .build()
        .expect("the marks do not collide")
}

/// What a rendered file is; its template's name tells.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Caddyfile,
    Compose,
    Markdown,
    PromQl,
    Python,
    /// Text whose holes are checked values, such as an annotation before it is put into YAML.
    Text,
    Yaml,
}

impl Format {
    fn of(name: &str) -> Self {
        let extension = name.rsplit('.').next().unwrap_or_default();
        match extension {
            "md" => Self::Markdown,
            "promql" => Self::PromQl,
            "py" => Self::Python,
            "txt" => Self::Text,
            _ if name.ends_with("/Caddyfile") => Self::Caddyfile,
            _ if name.starts_with("compose/")
                || name == "docker-compose.yml"
                || name.starts_with("grafana/") =>
            {
                Self::Compose
            }
            _ => Self::Yaml,
        }
    }
}

fn print_hole(out: &mut Output, state: &State, value: &Value) -> Result<(), Error> {
    let format = Format::of(state.name());
    // Only Markdown has text that already is of its format.
    if value.is_undefined() || (value.is_safe() && format != Format::Markdown) {
        return Err(Error::new(ErrorKind::BadEscape, "a hole must hold a value that has a printing rule"));
    }
    let text = if let Some(expr) = value.downcast_object_ref::<PromQl>() {
        format!("{EXPRESSION}{}", expr.as_str().replace('\n', &SOFT_BREAK.to_string()))
    } else {
        match (format, value.as_str()) {
            (Format::Text, Some(text)) => text.to_owned(),
            (Format::Markdown, Some(text)) if value.is_safe() => text.to_owned(),
            (Format::Markdown, Some(text)) => markdown(text),
            (Format::Caddyfile, _) => token(value)?,
            (Format::Python, _) => literal(value)?,
            (Format::Compose, _) => json(value)?.replace('$', "$$"),
            (Format::Text | Format::Markdown | Format::PromQl | Format::Yaml, _) => json(value)?,
        }
    };
    out.write_str(&text).map_err(Error::from)
}

/// JSON that every YAML reader takes for the same value: what YAML 1.1 reads as a line break, or refuses, is escaped too.
fn json(value: &Value) -> Result<String, Error> {
    if value.kind() == ValueKind::Number {
        return Ok(value.to_string());
    }
    let text = serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    let special = |c: char| {
        matches!(
            c,
            '\u{7F}'
                ..='\u{9F}'
                    | '\u{2028}'
                    | '\u{2029}'
                    | '\u{FEFF}'
                    | '\u{FFFE}'
                    | '\u{FFFF}'
                    | SOFT_BREAK
                    | EXPRESSION
        )
    };
    if !text.contains(special) {
        return Ok(text);
    }
    Ok(text.chars().fold(String::with_capacity(text.len() + 8), |mut escaped, c| {
        if special(c) {
            escaped.push_str(&format!("\\u{:04x}", c as u32));
        } else {
            escaped.push(c);
        }
        escaped
    }))
}

/// Text of which every YAML reader makes this text again, within braces too.
pub fn yaml_text(text: &str) -> String {
    json(&Value::from(text)).expect("text is JSON")
}

/// Text and numbers are the same in Python; `true` and `null` are not.
fn literal(value: &Value) -> Result<String, Error> {
    if matches!(value.kind(), ValueKind::Number | ValueKind::String) {
        return json(value);
    }
    Err(Error::new(ErrorKind::BadEscape, format!("a {} is neither text nor a number", value.kind())))
}

fn token(value: &Value) -> Result<String, Error> {
    let text = value.to_string();
    if is_token(&text) {
        return Ok(text);
    }
    Err(Error::new(ErrorKind::BadEscape, format!("`{}` is not a plain word", text.escape_debug())))
}

/// Whether a Caddyfile reads this as one word that means itself.
pub fn is_token(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@[]%+?=&~,".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

/// Text that Prometheus or Alertmanager must not take for a template of theirs.
pub fn go_literal(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>|#".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Gives each line of a printed expression the indentation of the line its hole stands on.
fn finish(text: &str) -> String {
    if !text.contains([SOFT_BREAK, EXPRESSION]) {
        return text.to_owned();
    }
    text.split_inclusive('\n')
        .map(|line| {
            let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
            line.replace(SOFT_BREAK, &format!("\n{indent}")).replace(EXPRESSION, "")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn snippet(name: &str, source: &str, context: &Value) -> String {
        finish(&Templates::new().render_snippet(name, source, context).expect("renders"))
    }

    #[test]
    fn a_hostile_value_comes_back_unchanged_from_yaml() {
        for text in [
            "no",
            "22:22",
            "a: b # c",
            "\"'\\",
            "line\nbreak",
            "\u{85}\u{2028}\u{FEFF}\u{E000}\u{E001}\u{7f}\u{FFFE}\u{FFFF}",
            "<%= x %>",
            "{{ y }}",
        ] {
            let yaml = snippet("x.yml", "a: <%= v %>\nb: 1\n", &context! { v => text });
            let read: serde_json::Value = serde_yaml::from_str(&yaml).expect("is YAML");
            assert_eq!(read["a"], text, "{yaml}");
            assert_eq!(read["b"], 1);
        }
    }

    #[test]
    fn compose_never_sees_a_variable_in_a_value() {
        assert_eq!(
            snippet("docker-compose.yml", "a: <%= v %>", &context! { v => "$HOME ${X}" }),
            "a: \"$$HOME $${X}\""
        );
    }

    #[test]
    fn an_expression_is_printed_as_itself_and_indented_with_its_block() {
        let expr = PromQl::parse("a > 1\n  and b").expect("is PromQL");
        let yaml = snippet(
            "x.yml",
            "  expr: |\n    <%= e %>\n  for: 1m\n",
            &context! { e => Value::from_object(expr) },
        );
        assert_eq!(yaml, "  expr: |\n    a > 1\n      and b\n  for: 1m\n");
    }

    #[test]
    fn a_hole_in_python_is_a_literal_of_python() {
        let python = |value: Value| {
            Templates::new().render_snippet("x.py", "a = <%= v %>\n", &context! { v => value })
        };
        assert_eq!(python(Value::from("a\"b\\\n")).unwrap(), "a = \"a\\\"b\\\\\\n\"\n");
        assert_eq!(python(Value::from(10.0)).unwrap(), "a = 10.0\n");
        assert!(python(Value::from(true)).is_err() && python(Value::from(())).is_err());
    }

    #[test]
    fn a_hole_without_a_value_is_an_error() {
        assert!(Templates::new().render_snippet("x.yml", "a: <%= nothing %>", &context! {}).is_err());
    }
}
