//! The documents of a YAML file, and what stands on which line of them. Apart from what the keys mean.
//!
//! Nothing is shown of a file that may hold secrets: a fault is named by its line alone, without the text there.

use crate::diagnostics::{Diagnostic, Place};
use crate::source::{ConfigPath, Found, SourceFile, SpanIndex};

/// One document of the file.
pub(super) struct Document {
    source: SourceFile,
    index: SpanIndex,
    /// The line of the file that is the document's first.
    first_line: usize,
}

/// All documents that say anything. An error has its help in the second line.
pub(super) fn documents(file: &SourceFile) -> Result<Vec<Document>, String> {
    let mut documents = Vec::new();
    for (first_line, text) in split(&file.text) {
        let source = SourceFile::new(file.name.clone(), text);
        let (index, faults) = SpanIndex::new(&source);
        let document = Document { source, index, first_line };
        match faults.first() {
            Some(fault) => return Err(document.explain(fault)),
            None if document.says_nothing() => {}
            None => documents.push(document),
        }
    }
    Ok(documents)
}

/// The parts between the lines that begin with `---`, each with the line it begins on. What only holds comments and
/// directives is none.
fn split(text: &str) -> Vec<(usize, String)> {
    let begins = |line: &str| {
        line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
    };
    let mut parts = vec![(1, String::new())];
    for (position, line) in text.split_inclusive('\n').enumerate() {
        if begins(line) {
            parts.push((position + 1, String::new()));
        }
        if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
        }
    }
    let is_content = |line: &str| {
        let line = line.trim();
        !line.is_empty() && line != "---" && !line.starts_with(['#', '%'])
    };
    parts.retain(|(_, part)| part.lines().any(is_content));
    parts
}

impl Document {
    fn explain(&self, fault: &Diagnostic) -> String {
        let line = fault.labels.iter().find_map(|label| match &label.place {
            Place::Span { range, .. } => Some(self.line_at(range.start)),
            _ => None,
        });
        let place =
            line.map_or_else(|| self.source.name.clone(), |line| format!("{}:{line}", self.source.name));
        let help = fault.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        format!("`{place}`: {}{help}", fault.message)
    }

    fn says_nothing(&self) -> bool {
        matches!(self.index.found(&ConfigPath::root()), None | Some(Found::Nothing))
    }

    fn line_at(&self, byte: usize) -> usize {
        self.first_line + self.source.line_column(byte).0 - 1
    }

    pub(super) fn found(&self, at: &ConfigPath) -> Option<Found> {
        self.index.found(at)
    }

    pub(super) fn keys(&self, at: &ConfigPath) -> Vec<&str> {
        self.index.keys_under(at)
    }

    pub(super) fn items(&self, at: &ConfigPath) -> Vec<ConfigPath> {
        (0..self.index.items_under(at)).map(|position| at.item(position)).collect()
    }

    /// The entry of the map at `at`, or of one that is merged into it (`<<: *base`), if anything is written there.
    pub(super) fn entry(&self, at: &ConfigPath, key: &str) -> Option<ConfigPath> {
        let merged = at.key("<<");
        let own = [at.clone(), merged.clone()];
        own.into_iter()
            .chain(self.items(&merged))
            .map(|map| map.key(key))
            .find(|path| self.found(path).is_some_and(|found| found != Found::Nothing))
    }

    /// The line where the key stands, or the value where there is no key.
    pub(super) fn line(&self, at: &ConfigPath) -> usize {
        let span = self.index.key_span(at).or_else(|| self.index.value_span(at));
        self.line_at(span.map_or(0, |span| span.start))
    }

    /// What a scalar says.
    pub(super) fn text(&self, at: &ConfigPath) -> Option<String> {
        if !matches!(self.found(at)?, Found::Plain | Found::Quoted) {
            return None;
        }
        serde_yaml::from_str(self.written(at)?).ok()
    }

    /// A scalar as it stands in the file.
    pub(super) fn written(&self, at: &ConfigPath) -> Option<&str> {
        self.source.text.get(self.index.content_span(at)?)
    }

    /// The line of a byte of what is written at `at`.
    pub(super) fn line_in(&self, at: &ConfigPath, byte: usize) -> usize {
        self.line_at(self.index.content_span(at).map_or(0, |span| span.start) + byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Document>, String> {
        documents(&SourceFile::new("service.yaml", text))
    }

    #[test]
    fn lines_are_those_of_the_file_in_every_document() {
        let documents = read("# one\n%YAML 1.2\n---\na: 1\n--- # two\n\nb:\n  c: 'x'\n---\n").unwrap();
        assert_eq!(documents.len(), 2);
        let root = ConfigPath::root();
        assert_eq!(documents[0].line(&root.key("a")), 4);
        assert_eq!(documents[1].line(&root.key("b").key("c")), 8);
        assert_eq!(documents[1].text(&root.key("b").key("c")).as_deref(), Some("x"));
    }

    #[test]
    fn what_is_written_elsewhere_in_the_file_is_found_where_it_is_used() {
        let documents = read("x: &x {a: 1}\ny: &y {b: 2}\nz: {<<: [*x, *y], c: 3}\nw: {<<: *x}\n").unwrap();
        let root = ConfigPath::root();
        let text = |map: &str, key: &str| documents[0].text(&documents[0].entry(&root.key(map), key)?);
        assert_eq!(text("z", "a").as_deref(), Some("1"));
        assert_eq!(text("z", "b").as_deref(), Some("2"));
        assert_eq!(text("z", "c").as_deref(), Some("3"));
        assert_eq!(text("w", "a").as_deref(), Some("1"));
        assert_eq!(text("w", "b"), None);
    }

    #[test]
    fn a_fault_is_named_by_its_line_and_shows_nothing_of_it() {
        let fault = read("a: 1\n---\nenvs:\n  KEY: 'MARKER\n").err().unwrap();
        assert!(fault.starts_with("`service.yaml:4`: the quote is never closed\n"), "{fault}");
        assert!(!fault.contains("MARKER"));
    }
}
