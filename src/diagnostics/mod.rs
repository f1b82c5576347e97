//! What the user can mend: a message, the places it is about, and the help. Places are named by config path
//! and only become file, line and column when they are printed, here in `resolve`; the printers are the files
//! beside this one.

pub mod github;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;
mod words;

#[cfg(test)]
mod format_tests;

pub use words::{MAX_QUOTED, is_misspelt, is_slip, misspelt, nearest, shortened, times};

use std::ops::Range;

use crate::source::{ConfigPath, Located, SourceFile, Sources};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The key at this path of the config.
    Key(ConfigPath),
    /// The value at this path of the config.
    Value(ConfigPath),
    /// Bytes of a file in [`Sources`].
    Span { file: String, range: Range<usize> },
    /// A file as a whole.
    File(String),
}

impl Place {
    /// The file, where the place is one of a file.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Span { file, .. } | Self::File(file) => Some(file),
            Self::Key(_) | Self::Value(_) => None,
        }
    }

    fn path(&self) -> Option<&ConfigPath> {
        match self {
            Self::Key(path) | Self::Value(path) => Some(path),
            Self::Span { .. } | Self::File(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub place: Place,
    /// What is said under the place; may be empty.
    pub text: String,
    /// Whether the fault is here; other places only belong to it.
    pub primary: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Kebab-case words that name the fault.
    pub id: &'static str,
    pub severity: Severity,
    pub message: String,
    pub labels: Vec<Label>,
    pub help: Option<String>,
    /// What `validate --fix` may write: only what cannot change the meaning of the file.
    pub fix: Vec<Edit>,
}

/// Other text in the place of some bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub file: String,
    pub range: Range<usize>,
    pub text: String,
}

impl Diagnostic {
    pub fn error(id: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(id, Severity::Error, message.into())
    }

    pub fn warning(id: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(id, Severity::Warning, message.into())
    }

    pub fn note(id: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(id, Severity::Note, message.into())
    }

    /// An error from the words of a value or a step: what is wrong, and on the second line, if there is one, the help.
    pub fn from_words(id: &'static str, words: &str) -> Diagnostic {
        match words.split_once('\n') {
            Some((message, help)) => Self::error(id, message).help(help),
            None => Self::error(id, words),
        }
    }

    pub fn new(id: &'static str, severity: Severity, message: String) -> Diagnostic {
        debug_assert!(is_kebab_case(id), "`{id}` is not kebab-case");
        Diagnostic { id, severity, message, labels: Vec::new(), help: None, fix: Vec::new() }
    }

    /// Adds a place. The first one added is the primary one: the message stands there.
    #[must_use]
    pub fn at(mut self, place: Place, text: impl Into<String>) -> Diagnostic {
        let primary = self.labels.is_empty();
        self.labels.push(Label { place, text: text.into(), primary });
        self
    }

    /// Adds a place where the same fault is again, with the same cure.
    #[must_use]
    pub fn and_at(mut self, place: Place, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { place, text: text.into(), primary: true });
        self
    }

    #[must_use]
    pub fn at_key(self, path: ConfigPath, text: impl Into<String>) -> Diagnostic {
        self.at(Place::Key(path), text)
    }

    #[must_use]
    pub fn at_value(self, path: ConfigPath, text: impl Into<String>) -> Diagnostic {
        self.at(Place::Value(path), text)
    }

    #[must_use]
    pub fn at_span(
        self,
        file: impl Into<String>,
        range: Range<usize>,
        text: impl Into<String>,
    ) -> Diagnostic {
        self.at(Place::Span { file: file.into(), range }, text)
    }

    #[must_use]
    pub fn at_file(self, file: impl Into<String>, text: impl Into<String>) -> Diagnostic {
        self.at(Place::File(file.into()), text)
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn fix(mut self, edits: impl IntoIterator<Item = Edit>) -> Diagnostic {
        self.fix.extend(edits);
        self
    }

    /// A finding about a file that was read as if it were the config: its places become bytes of that file, since a path is
    /// one of the config for everybody else.
    #[must_use]
    pub fn in_file(mut self, sources: &Sources) -> Diagnostic {
        for label in &mut self.labels {
            if let Some((source, range)) = resolve(&label.place, sources).span {
                label.place = Place::Span { file: source.name.clone(), range };
            }
        }
        self
    }

    fn primary(&self) -> Option<&Label> {
        self.labels.iter().find(|label| label.primary)
    }
}

/// A fault of the user's that was found where only the world's errors are expected: it travels as one of them, and
/// whoever has a report takes it out again.
impl std::error::Error for Diagnostic {}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// A place with its file looked up.
#[derive(Clone, Debug)]
pub struct Spot<'a> {
    /// The file's name, empty when nothing is known.
    pub file: &'a str,
    /// The text and the bytes in it; `None` when the place is a file as a whole.
    pub span: Option<(&'a SourceFile, Range<usize>)>,
    pub path: Option<&'a ConfigPath>,
}

/// Turns a place into a file and a byte range: the only way from a config path to a position.
pub fn resolve<'a>(place: &'a Place, sources: &'a Sources) -> Spot<'a> {
    match place {
        Place::File(file) => Spot { file, span: None, path: None },
        Place::Span { file, range } => {
            let span = sources.file(file).map(|source| (source, range.clone()));
            Spot { file, span, path: None }
        }
        Place::Key(path) | Place::Value(path) => {
            let wants_value = matches!(place, Place::Value(_));
            let Some((source, index)) = sources.config() else {
                return Spot { file: "", span: None, path: Some(path) };
            };
            let range = match index.locate(path) {
                // A file has no key of its own: the message stands at its first line.
                _ if path.is_root() && !wants_value => 0..0,
                Located::Exact(spans) if wants_value => spans.value,
                // What is missing cannot be underlined: its parent's name is.
                Located::Exact(spans) | Located::Nearest(_, spans) => spans.key.unwrap_or(spans.value),
            };
            Spot { file: &source.name, span: Some((source, range)), path: Some(path) }
        }
    }
}

/// All findings of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub fn new() -> Report {
        Report::default()
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Takes over an error that is a fault of the user's; any other one goes on.
    pub fn take(&mut self, error: anyhow::Error) -> anyhow::Result<()> {
        self.push(error.downcast::<Diagnostic>()?);
        Ok(())
    }

    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// Takes over what has nothing to do with the places of errors that are already here: what follows from a fault
    /// is not another one.
    pub fn extend_unrelated(&mut self, found: Report) {
        let known: Vec<ConfigPath> = self
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .flat_map(|diagnostic| diagnostic.labels.iter().filter_map(|label| label.place.path().cloned()))
            .collect();
        let unrelated = |diagnostic: &Diagnostic| {
            !diagnostic
                .labels
                .iter()
                .filter_map(|label| label.place.path())
                .any(|path| known.iter().any(|other| path.contains(other) || other.contains(path)))
        };
        self.diagnostics.extend(found.into_iter().filter(unrelated));
    }

    pub fn drop_warnings(&mut self) {
        self.diagnostics.retain(|diagnostic| diagnostic.severity != Severity::Warning);
    }

    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    pub fn has_warnings(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Warning)
    }

    /// In the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// By place (file, offset), then id, what has no place last; what says the same at the same place is
    /// there once.
    pub fn sorted<'a>(&'a self, sources: &Sources) -> Vec<&'a Diagnostic> {
        let place = |diagnostic: &Diagnostic| {
            let spot = diagnostic.primary().map(|label| resolve(&label.place, sources));
            let range = |spot: &Spot<'_>| spot.span.as_ref().map(|(_, range)| (range.start, range.end));
            (spot.is_none(), spot.map(|spot| (spot.file.to_owned(), range(&spot))))
        };
        let mut keyed: Vec<_> = self.diagnostics.iter().map(|one| (place(one), one.id, one)).collect();
        keyed.sort_by(|a, b| {
            (&a.0, a.1, a.2.severity, &a.2.message).cmp(&(&b.0, b.1, b.2.severity, &b.2.message))
        });
        keyed.dedup_by(|a, b| (&a.0, a.1, &a.2.message, &a.2.help) == (&b.0, b.1, &b.2.message, &b.2.help));
        keyed.into_iter().map(|(_, _, one)| one).collect()
    }
}

/// What is shown of many: errors before warnings, still in the order of their places.
fn worst<'a>(sorted: &[&'a Diagnostic], most: usize) -> Vec<&'a Diagnostic> {
    let mut chosen: Vec<(usize, &Diagnostic)> = sorted.iter().copied().enumerate().collect();
    chosen.sort_by_key(|(at, one)| (one.severity, *at));
    chosen.truncate(most);
    chosen.sort_by_key(|(at, _)| *at);
    chosen.into_iter().map(|(_, one)| one).collect()
}

impl IntoIterator for Report {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.diagnostics.into_iter()
    }
}

/// How many there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
}

impl Counts {
    pub fn of(diagnostics: &[&Diagnostic]) -> Counts {
        let count = |severity| diagnostics.iter().filter(|one| one.severity == severity).count();
        Counts {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&counted(&[(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")]))
    }
}

/// `2 errors, 1 warning`: what there is, in words.
pub fn counted(parts: &[(usize, &str)]) -> String {
    let words: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    words.join(", ")
}

fn is_kebab_case(id: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    id.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SpanIndex;

    #[test]
    fn a_report_is_sorted_by_place_and_says_nothing_twice() {
        let file = SourceFile::new("skymon.yaml", "a: 1\nb: {c: 2}\n");
        let (index, _) = SpanIndex::new(&file);
        let sources = Sources::of_config(file, index);
        let root = ConfigPath::root();
        let mut report = Report::new();
        report.push(Diagnostic::error("z-last", "later").at_key(root.key("b").key("c"), ""));
        report.push(Diagnostic::warning("b-id", "two").at_key(root.key("a"), ""));
        report.push(Diagnostic::error("a-id", "one").at_key(root.key("a"), ""));
        report.push(Diagnostic::error("a-id", "one").at_key(root.key("a"), ""));
        let messages: Vec<_> = report.sorted(&sources).iter().map(|one| one.message.clone()).collect();
        assert_eq!(messages, ["one", "two", "later"]);
        assert_eq!(Counts::of(&report.sorted(&sources)).to_string(), "2 errors, 1 warning");
        assert!(report.has_errors() && report.has_warnings());
    }

    #[test]
    fn a_path_that_does_not_exist_is_shown_at_its_nearest_parents_key() {
        let file = SourceFile::new("skymon.yaml", "a:\n  b: {c: 2}\n");
        let (index, _) = SpanIndex::new(&file);
        let sources = Sources::of_config(file, index);
        let place = Place::Value(ConfigPath::root().key("a").key("b").key("missing"));
        let (source, range) = resolve(&place, &sources).span.unwrap();
        assert_eq!(&source.text[range], "b");
    }
}
