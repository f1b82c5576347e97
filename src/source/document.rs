//! One file of a stack with what stands in it, read leniently: whatever is there can be asked for, and each answer knows
//! its place. Apart from the index of the config, which answers by path: here one walks.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::build;
use super::tree::{Row, Value};
use super::{Found, SourceFile, SpanIndex, json, mask};
use crate::diagnostics::{Diagnostic, Edit, Place};

/// Ten thousand rules have some hundred thousand values.
const MAX_VALUES: usize = 1_000_000;

/// A text and the values in it.
#[derive(Debug)]
pub struct Document {
    pub source: SourceFile,
    index: SpanIndex,
}

impl Document {
    /// Reads YAML: what could be read, and what is wrong with the rest.
    pub fn yaml(source: SourceFile) -> (Arc<Document>, Vec<Diagnostic>) {
        let (mut index, mut problems) = build::build(&source, MAX_VALUES);
        if !index.is_complete()
            && let Some(joined) = with_brackets_joined(&source.text)
        {
            let (other, found) = build::build(&SourceFile::new(source.name.clone(), joined), MAX_VALUES);
            if other.is_complete() {
                (index, problems) = (other, found);
            }
        }
        (Arc::new(Document { source, index }), problems)
    }

    /// Reads JSON: all of it, or nothing.
    pub fn json(source: SourceFile) -> (Arc<Document>, Vec<Diagnostic>) {
        if let Some(index) = json::read(&source.text) {
            return (Arc::new(Document { source, index }), Vec::new());
        }
        let too_deep =
            || Diagnostic::error("too-deep", "the file is nested too deep").at_file(&source.name, "");
        let problem = source.json_problem().unwrap_or_else(too_deep);
        (Document::plain(source), vec![problem])
    }

    /// A text of which only places are named.
    pub fn plain(source: SourceFile) -> Arc<Document> {
        Arc::new(Document { source, index: SpanIndex::default() })
    }

    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// Whether all of it could be read.
    pub fn is_complete(&self) -> bool {
        self.index.is_complete()
    }

    /// The top. Of an empty file it is nothing.
    pub fn root(self: &Arc<Self>) -> Node {
        Node { document: Arc::clone(self), at: 0 }
    }

    /// Bytes of this file.
    pub fn at(self: &Arc<Self>, range: Range<usize>) -> At {
        At { document: Arc::clone(self), range }
    }

    /// The file as it may be shown: what may be a secret is hidden.
    pub fn shown(&self) -> SourceFile {
        let mut file = self.source.clone();
        mask::mask_foreign(&mut file, &self.index);
        file
    }
}

/// A place in a file.
#[derive(Clone)]
pub struct At {
    document: Arc<Document>,
    pub range: Range<usize>,
}

impl At {
    pub fn place(&self) -> Place {
        Place::Span { file: self.document.source.name.clone(), range: self.range.clone() }
    }

    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// What is written there.
    pub fn text(&self) -> &str {
        self.document.source.text.get(self.range.clone()).unwrap_or_default()
    }

    /// A part of it, counted from its own beginning.
    #[must_use]
    pub fn slice(&self, part: Range<usize>) -> At {
        self.document.at(self.range.start + part.start..self.range.start + part.end)
    }

    /// This place with another text.
    pub fn replaced(&self, text: impl Into<String>) -> Edit {
        Edit { file: self.document.source.name.clone(), range: self.range.clone(), text: text.into() }
    }

    /// The whole lines that it stands on, if nothing else stands there but a comment.
    pub fn lines(&self) -> Option<At> {
        let text = &self.document.source.text;
        let start = text[..self.range.start].rfind('\n').map_or(0, |end| end + 1);
        let end = text[self.range.end..].find('\n').map_or(text.len(), |end| self.range.end + end + 1);
        let after = text[self.range.end..end].trim();
        let is_alone =
            text[start..self.range.start].trim().is_empty() && (after.is_empty() || after.starts_with('#'));
        is_alone.then(|| self.document.at(start..end))
    }

    /// The part of it that reads `word`, if it is there: a flag in a line of them.
    #[must_use]
    pub fn part(&self, word: &str) -> At {
        match self.text().find(word) {
            Some(start) if !word.is_empty() => {
                let start = self.range.start + start;
                self.document.at(start..start + word.len())
            }
            _ => self.clone(),
        }
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.document.source.line_column(self.range.start);
        write!(f, "{}:{line}:{column}", self.document.source.name)
    }
}

/// A value with the place where it was written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    pub value: T,
    pub at: At,
}

impl<T> Spanned<T> {
    pub fn new(value: T, at: At) -> Self {
        Self { value, at }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), at: self.at }
    }

    pub fn place(&self) -> Place {
        self.at.place()
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A value of a document. Aliases are followed, and what a map takes over with `<<` is its own.
#[derive(Clone)]
pub struct Node {
    document: Arc<Document>,
    at: Row,
}

impl Node {
    fn content(&self) -> Option<Value<'_>> {
        self.document.index.tree.value(self.at)
    }

    fn other(&self, at: Row) -> Node {
        Node { document: Arc::clone(&self.document), at }
    }

    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// What stands at `key` of a map.
    pub fn get(&self, key: &str) -> Option<Node> {
        self.document.index.tree.find(self.at, key).map(|row| self.other(row))
    }

    /// What stands at the end of several keys.
    pub fn find(&self, keys: &[&str]) -> Option<Node> {
        keys.iter().try_fold(self.clone(), |node, key| node.get(key))
    }

    /// Its key, where it is an entry of a map.
    pub fn name(&self) -> &str {
        let tree = &self.document.index.tree;
        if tree.is_empty() { "" } else { tree.key(self.at) }
    }

    /// What stands behind the keys of a map, as they are written, those taken over last.
    pub fn values(&self) -> impl Iterator<Item = Node> {
        self.document.index.tree.all_entries(self.at).into_iter().map(|(_, row)| self.other(row))
    }

    /// The entries of a map as they are written, those taken over last.
    pub fn entries(&self) -> Vec<(Spanned<String>, Node)> {
        let entry = |(key, row): (&str, Row)| {
            let node = self.other(row);
            (Spanned::new(key.to_owned(), node.name_at()), node)
        };
        self.document.index.tree.all_entries(self.at).into_iter().map(entry).collect()
    }

    /// The items of a list; of anything else none.
    pub fn items(&self) -> Vec<Node> {
        match self.content() {
            Some(Value::List(items)) => items.iter().map(|item| self.other(*item)).collect(),
            _ => Vec::new(),
        }
    }

    /// The text of a scalar; `None` where nothing is written, or a list or a map.
    pub fn text(&self) -> Option<&str> {
        match self.content()? {
            Value::Scalar(Found::Nothing, _) => None,
            Value::Scalar(_, text) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar with its place.
    pub fn value(&self) -> Option<Spanned<String>> {
        Some(Spanned::new(self.text()?.to_owned(), self.at()))
    }

    /// One text, or each of a list of them.
    pub fn texts(&self) -> Vec<Spanned<String>> {
        match self.value() {
            Some(one) => vec![one],
            None => self.items().iter().filter_map(Node::value).collect(),
        }
    }

    /// A file that stands here as a `|` block, with the places of this one. `$$` in it is one `$`, as compose passes it on.
    pub fn block(&self) -> Option<Arc<Document>> {
        let source = &self.document.source;
        let range = self.whole().range;
        let before = source.text.get(..range.start)?;
        let first = before.rfind('\n')? + 1;
        // What is folded or quoted has no lines of its own.
        before.trim_end().lines().last()?.split_whitespace().last().filter(|word| word.starts_with('|'))?;
        let mut text: String =
            source.text[..first].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
        for line in source.text[first..range.end].split_inclusive('\n') {
            let line = line.trim_end_matches('\n');
            let plain = line.replace("$$", "$");
            text.push_str(&plain);
            text.extend(std::iter::repeat_n(' ', line.len() - plain.len()));
            text.push('\n');
        }
        text.truncate(source.text.len());
        Some(Document::yaml(SourceFile::new(source.name.clone(), text)).0)
    }

    /// Whether it is a plain `true`, in any of the ways that YAML 1.1 writes it.
    pub fn is_true(&self) -> bool {
        self.text().is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on"))
    }

    /// Whether it is a text in quotes or a block of text: no number and no `true`, whatever it says.
    pub fn is_quoted(&self) -> bool {
        matches!(self.content(), Some(Value::Scalar(Found::Quoted, _)))
    }

    pub fn is_map(&self) -> bool {
        matches!(self.content(), Some(Value::Map(_)))
    }

    pub fn is_list(&self) -> bool {
        matches!(self.content(), Some(Value::List(_)))
    }

    /// Whether nothing is written.
    pub fn is_nothing(&self) -> bool {
        matches!(self.content(), None | Some(Value::Scalar(Found::Nothing, _)))
    }

    /// Where its key stands, if it is an entry of a map.
    pub fn key(&self) -> Option<At> {
        let tree = &self.document.index.tree;
        let key = (!tree.is_empty()).then(|| tree.entry(self.at).key)??;
        Some(self.document.at(key.written.range()))
    }

    /// Where it stands: of a text of several lines the first, of an empty one its key.
    pub fn at(&self) -> At {
        let Some(range) = self.range() else { return self.document.at(0..0) };
        let text = &self.document.source.text;
        let is_text = self.document.index.tree.entry(self.at).is_scalar();
        self.document.at(if is_text { first_line(text, range) } else { range })
    }

    /// All that it takes, to the last line.
    pub fn whole(&self) -> At {
        self.document.at(self.range().unwrap_or(0..0))
    }

    fn range(&self) -> Option<Range<usize>> {
        let index = &self.document.index;
        (!index.tree.is_empty()).then(|| index.spans(self.at).value)
    }

    /// An entry of a map from its key to the end of its value.
    pub fn entry(&self) -> Option<At> {
        let (key, value) = (self.key()?, self.whole());
        // A block ends where the next one begins: what is between is not part of it.
        let written = self.document.source.text.get(key.range.start..value.range.end)?.trim_end();
        Some(self.document.at(key.range.start..key.range.start + written.len()))
    }

    /// The key where there is one: for what is said of an entry as a whole.
    pub fn name_at(&self) -> At {
        self.key().unwrap_or_else(|| self.at())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at().fmt(f)
    }
}

/// A `]` or `}` on a line of its own, no deeper than what it closes, is refused by the letter of YAML, and by our parser; the
/// programs take it. Here it stands at the end of the line before, and every place is what it was.
fn with_brackets_joined(text: &str) -> Option<String> {
    let mut joined: Vec<u8> = text.bytes().collect();
    let mut before: &str = "";
    let mut start = 0;
    let mut is_changed = false;
    for line in text.split_inclusive('\n') {
        let closes = line.trim().trim_end_matches(',');
        let is_closing = !closes.is_empty() && closes.chars().all(|c| matches!(c, ']' | '}'));
        // A comment would swallow it.
        if is_closing && start > 0 && !before.contains('#') && !before.trim().is_empty() {
            joined[start - 1] = b' ';
            is_changed = true;
        }
        before = line;
        start += line.len();
    }
    String::from_utf8(joined).ok().filter(|_| is_changed)
}

/// Of a text of several lines the first one that says something: where a reader looks.
fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let mut start = range.start;
    for line in text.get(range.clone()).unwrap_or_default().split_inclusive('\n') {
        let said = line.trim();
        if !said.is_empty() && !matches!(said, "|" | ">" | "|-" | ">-" | "|+" | ">+") {
            let start = start + line.len() - line.trim_start().len();
            return start..start + said.len();
        }
        start += line.len();
    }
    range
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Node {
        Document::yaml(SourceFile::new("x.yml", text)).0.root()
    }

    #[test]
    fn a_quoted_text_ends_at_its_quote_and_not_after_the_comment() {
        let list = yaml("- \"a\\\"b\"  # \"c\"\n- 'it''s' # d\n- \"e\" # f\n\n- g # h\n");
        let written: Vec<String> = list.items().iter().map(|item| item.at().text().to_owned()).collect();
        assert_eq!(written, ["\"a\\\"b\"", "'it''s'", "\"e\"", "g"]);
    }

    #[test]
    fn a_bracket_that_stands_no_deeper_than_its_key_closes_the_list() {
        let (document, problems) = Document::yaml(SourceFile::new(
            "x.yml",
            "a:\n  b: [\n    1,\n  ]\n  c: {\n    d: 2\n  }\ne: 3\n",
        ));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(document.root().find(&["a", "b"]).map(|node| node.items().len()), Some(1));
        let last = document.root().get("e").and_then(|node| node.value()).expect("is there");
        assert_eq!((last.as_str(), format!("{:?}", last.at)), ("3", "x.yml:8:4".to_owned()));
        assert!(!Document::yaml(SourceFile::new("x.yml", "a: [1,\n2\n")).1.is_empty());
    }

    #[test]
    fn a_value_is_found_with_its_text_and_place_behind_aliases_and_merges() {
        let root = yaml("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [*x, {c: 4}]}\nw: *x\n");
        let text = |keys: &[&str]| root.find(keys).and_then(|node| node.value());
        assert_eq!(text(&["y", "a"]).unwrap().value, "1");
        assert_eq!(text(&["y", "b"]).unwrap().value, "3");
        assert_eq!(text(&["z", "c"]).unwrap().value, "4");
        assert_eq!(format!("{:?}", text(&["w", "b"]).unwrap().at), "x.yml:1:17");
        let names: Vec<String> =
            root.get("y").unwrap().entries().into_iter().map(|(key, _)| key.value).collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn a_block_stands_where_its_first_line_does() {
        let root = yaml("a:\n  expr: |\n\n    up == 0\n    or x\n");
        let expr = root.find(&["a", "expr"]).unwrap();
        assert_eq!((expr.at().text(), expr.text().unwrap()), ("up == 0", "\nup == 0\nor x\n"));
    }

    #[test]
    fn what_is_not_there_is_nothing_and_no_panic() {
        for text in ["", "# nothing\n", "a: [", "- - -\n", "a:\n"] {
            let root = yaml(text);
            assert!(root.find(&["a", "b"]).is_none());
            let _ = (root.at(), root.entries(), root.items(), root.texts(), root.is_nothing());
        }
    }
}
