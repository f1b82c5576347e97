//! Fills the index from the YAML parser's events. Apart from the index for what it is about: duplicates, and
//! hostile input, which ends here; everything after this may trust depth and size.

use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::syntax::explain_syntax;
use super::tree::{Content, Entry, Key, Part, Row};
use super::{ConfigPath, Found, SourceFile, SpanIndex};
use crate::diagnostics::Diagnostic;

const MAX_DEPTH: usize = 64;
/// Keys and values of one file. A thousand services have some thirty thousand.
pub(super) const MAX_VALUES: usize = 200_000;
/// What the file may grow to when every alias is replaced by what it stands for.
const MAX_EXPANDED: usize = 1_000_000;
/// After this many duplicates the file is something else than a config.
const MAX_DUPLICATES: usize = 200;

/// Reads the whole file, or up to what made it unreadable.
pub(super) fn build(file: &SourceFile, max_values: usize) -> (SpanIndex, Vec<Diagnostic>) {
    let mut builder = Builder::new(file, max_values);
    let stopped = builder.run().err();
    // What was read before the stop is there to be asked for.
    while builder.keep_children().is_some() {}
    builder.index.complete = stopped.is_none();
    let diagnostics = builder.duplicates.into_values().chain(stopped.map(|diagnostic| *diagnostic)).collect();
    (builder.index, diagnostics)
}

/// A list or map that is not closed yet.
struct Frame {
    node: Row,
    /// The key of the value that comes next.
    key: Option<Key>,
    /// Where its children begin among those of all that is open.
    first: usize,
    /// Where its last child ends; a block has no end mark of its own.
    end: usize,
    expanded: usize,
}

struct Builder<'a> {
    file: &'a SourceFile,
    max_values: usize,
    offsets: CharOffsets,
    index: SpanIndex,
    stack: Vec<Frame>,
    /// The children of all frames, the innermost last.
    open: Vec<Row>,
    /// Anchor to its node, and its size once it is closed.
    anchors: BTreeMap<usize, (Row, Option<usize>)>,
    open_anchors: BTreeMap<Row, usize>,
    /// The first ones of the file, by the node that came second.
    duplicates: BTreeMap<Row, Diagnostic>,
}

type Step = Result<(), Box<Diagnostic>>;

impl<'a> Builder<'a> {
    fn new(file: &'a SourceFile, max_values: usize) -> Builder<'a> {
        Builder {
            file,
            max_values,
            offsets: CharOffsets::new(&file.text),
            index: SpanIndex::default(),
            stack: Vec::new(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            open_anchors: BTreeMap::new(),
            duplicates: BTreeMap::new(),
        }
    }

    fn run(&mut self) -> Step {
        let text = &self.file.text;
        let mut parser = Parser::new_from_str(text);
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| Box::new(self.syntax(&error)))?;
            let range = self.bytes(span);
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return self.stop(
                            "more-than-one-document",
                            "the file has more than one document",
                            range,
                        );
                    }
                }
                Event::Scalar(value, style, anchor, _) => self.scalar(&value, style, anchor, range)?,
                Event::SequenceStart(anchor, _) => {
                    self.open(Content::List(Part::default()), anchor, range)?;
                }
                Event::MappingStart(anchor, _) => self.open(Content::Map(Part::default()), anchor, range)?,
                Event::SequenceEnd | Event::MappingEnd => self.close(&range),
                Event::Alias(anchor) => self.alias(anchor, range)?,
                Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            }
        }
        Ok(())
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, anchor: usize, range: Range<usize>) -> Step {
        let written = without_properties(&self.file.text, range);
        let written = without_comment(&self.file.text, written, style);
        let text = self.index.tree.write(value);
        if self.wants_key() {
            let frame = self.stack.last_mut().expect("only an open map wants a key");
            frame.key = Some(Key { name: text, written: written.into() });
            if anchor > 0 {
                // An anchored key may only be used again as a value; it is indexed as a node without a
                // parent.
                let content = Content::Scalar(Found::Plain, text);
                let node = self.index.tree.push(Entry { key: None, value: Part::default(), content });
                self.anchors.insert(anchor, (node, Some(1)));
            }
            return Ok(());
        }
        let found = match style {
            ScalarStyle::Plain if is_null(value) => Found::Nothing,
            ScalarStyle::Plain => Found::Plain,
            _ => Found::Quoted,
        };
        // The parser gives an empty value the span of the token after it.
        let written =
            if value.is_empty() && found == Found::Nothing { written.start..written.start } else { written };
        let node = self.attach(Content::Scalar(found, text), written)?;
        if anchor > 0 {
            self.anchors.insert(anchor, (node, Some(1)));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Step {
        if self.wants_key() {
            return self.stop("key-not-text", "a key must be plain text, this is an alias", range);
        }
        match self.anchors.get(&anchor) {
            Some(&(target, Some(size))) => {
                self.attach(Content::Alias(target), range.clone())?;
                self.grow(size, &range)
            }
            _ => self.stop("alias-loop", "the alias stands inside of what it refers to", range),
        }
    }

    fn open(&mut self, content: Content, anchor: usize, range: Range<usize>) -> Step {
        if self.wants_key() {
            return self.stop("key-not-text", "a key must be plain text, not a list or a map", range);
        }
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("the file is nested deeper than {MAX_DEPTH} levels");
            return self.stop("too-deep", &message, range);
        }
        let start = without_properties(&self.file.text, range).start;
        let node = self.attach(content, start..start)?;
        if anchor > 0 {
            self.anchors.insert(anchor, (node, None));
            self.open_anchors.insert(node, anchor);
        }
        self.stack.push(Frame { node, key: None, first: self.open.len(), end: start, expanded: 1 });
        Ok(())
    }

    fn close(&mut self, mark: &Range<usize>) {
        let frame = self.keep_children().expect("the parser closes what it opened");
        let end = if mark.is_empty() { frame.end } else { mark.end };
        let value = &mut self.index.tree.entry_mut(frame.node).value;
        let start = value.range().start;
        *value = Part::from(start..end.max(start));
        if let Some(anchor) = self.open_anchors.remove(&frame.node) {
            self.anchors.insert(anchor, (frame.node, Some(frame.expanded)));
        }
        if let Some(parent) = self.stack.last_mut() {
            parent.end = parent.end.max(end);
            parent.expanded = parent.expanded.saturating_add(frame.expanded);
        }
    }

    /// Ends the innermost list or map with the children that it has.
    fn keep_children(&mut self) -> Option<Frame> {
        let frame = self.stack.pop()?;
        let mut twice = Vec::new();
        let is_map = self.is_map(frame.node);
        let tree = &mut self.index.tree;
        let content = if is_map {
            tree.map(&mut self.open, frame.first, |same| {
                twice.extend(same[1..].iter().map(|second| (*second, same[0])));
                same[0]
            })
        } else {
            tree.list(&mut self.open, frame.first)
        };
        tree.entry_mut(frame.node).content = content;
        twice.sort_unstable();
        for (second, first) in twice.into_iter().take(MAX_DUPLICATES) {
            self.duplicate(first, second, &frame);
        }
        Some(frame)
    }

    /// Adds a node to the open list or map.
    fn attach(&mut self, content: Content, value: Range<usize>) -> Result<Row, Box<Diagnostic>> {
        let node = self.index.tree.next();
        if node as usize >= self.max_values {
            let message = format!("the file has more than {} values", self.max_values);
            return self.stop("too-large", &message, value).map(|()| node);
        }
        let mut key = None;
        if let Some(frame) = self.stack.last_mut() {
            key = frame.key.take();
            let end = key.map_or(0, |key| key.written.range().end);
            frame.end = frame.end.max(value.end).max(end);
            frame.expanded = frame.expanded.saturating_add(1);
            self.open.push(node);
        }
        Ok(self.index.tree.push(Entry { key, value: value.into(), content }))
    }

    /// Says of a key in `map` that it is there a second time, if it is one of the first of the file. Inner maps are closed
    /// before outer ones: what is said of them may have to go again.
    fn duplicate(&mut self, first: Row, second: Row, map: &Frame) {
        let is_full = self.duplicates.len() >= MAX_DUPLICATES;
        if is_full && self.duplicates.last_key_value().is_some_and(|(last, _)| second > *last) {
            return;
        }
        let tree = &self.index.tree;
        let written = |node| tree.entry(node).key.map(|key| key.written.range()).unwrap_or_default();
        let path = self.path(map).key(tree.key(second));
        let diagnostic = Diagnostic::error("duplicate-key", format!("`{path}` is defined twice"))
            .at_span(&self.file.name, written(second), "second definition")
            .at_span(&self.file.name, written(first), "first defined here")
            .help("remove one of them, or give one another name");
        self.duplicates.insert(second, diagnostic);
        if is_full {
            self.duplicates.pop_last();
        }
    }

    /// The way to a list or map that stands in all that are open.
    fn path(&self, innermost: &Frame) -> ConfigPath {
        let inner = self.stack.iter().skip(1).chain(std::iter::once(innermost));
        self.stack.iter().zip(inner).fold(ConfigPath::root(), |path, (outer, inner)| {
            match self.index.tree.entry(inner.node).key {
                Some(_) => path.key(self.index.tree.key(inner.node)),
                // It is the last of those that were there when it was opened.
                None => path.item(inner.first - outer.first - 1),
            }
        })
    }

    fn grow(&mut self, size: usize, range: &Range<usize>) -> Step {
        let Some(frame) = self.stack.last_mut() else {
            return Ok(());
        };
        frame.expanded = frame.expanded.saturating_add(size);
        if frame.expanded > MAX_EXPANDED {
            let message = format!("aliases make this file grow to more than {MAX_EXPANDED} values");
            return self.stop("too-many-aliases", &message, range.clone());
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        self.stack.last().is_some_and(|frame| frame.key.is_none() && self.is_map(frame.node))
    }

    fn is_map(&self, node: Row) -> bool {
        matches!(self.index.tree.entry(node).content, Content::Map(_))
    }

    fn stop(&self, id: &'static str, message: &str, range: Range<usize>) -> Step {
        Err(Box::new(Diagnostic::error(id, message).at_span(&self.file.name, range, "")))
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let at = self.offsets.byte(&self.file.text, error.marker().index());
        explain_syntax(self.file, at, error.info())
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let start = self.offsets.byte(&self.file.text, span.start.index());
        start..self.offsets.byte(&self.file.text, span.end.index()).max(start)
    }
}

fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

/// The parser counts an anchor and a tag to the value; the user does not.
fn without_properties(text: &str, mut range: Range<usize>) -> Range<usize> {
    while text[range.clone()].starts_with(['&', '!']) {
        let written = &text[range.clone()];
        let word = written.find(char::is_whitespace).unwrap_or(written.len());
        let rest = &written[word..];
        range.start += word + (rest.len() - rest.trim_start().len());
    }
    range
}

/// The parser may count what follows on the line to the value, a comment too.
fn without_comment(text: &str, range: Range<usize>, style: ScalarStyle) -> Range<usize> {
    let written = &text[range.clone()];
    let length = match style {
        ScalarStyle::SingleQuoted => quoted(written, '\''),
        ScalarStyle::DoubleQuoted => quoted(written, '"'),
        // Only the last line can have one: a comment ends a plain value.
        ScalarStyle::Plain => written.find(" #").or_else(|| written.find("\t#")).unwrap_or(written.len()),
        _ => return range,
    };
    let length = written[..length].trim_end().len();
    range.start..range.start + length
}

/// How long a quoted text is, with its quotes.
fn quoted(written: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let mut letters = written.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if quote == '"' => is_escaped = true,
            // Two are one, in single quotes.
            '\'' if quote == '\'' && letters.peek().is_some_and(|(_, next)| *next == '\'') => {
                is_escaped = true;
            }
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    written.len()
}

/// From the parser's characters to bytes: the offset of every 64th character, so that a large file stays
/// cheap.
struct CharOffsets(Option<Vec<usize>>);

impl CharOffsets {
    const STEP: usize = 64;

    fn new(text: &str) -> CharOffsets {
        let sparse = || text.char_indices().step_by(Self::STEP).map(|(at, _)| at).collect();
        CharOffsets((!text.is_ascii()).then(sparse))
    }

    fn byte(&self, text: &str, character: usize) -> usize {
        let Some(sparse) = &self.0 else {
            return character.min(text.len());
        };
        let Some(&base) = sparse.get(character / Self::STEP) else {
            return text.len();
        };
        text[base..].char_indices().nth(character % Self::STEP).map_or(text.len(), |(at, _)| base + at)
    }
}
