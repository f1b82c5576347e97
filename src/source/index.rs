//! Where every key and value of the config stands. Apart from the reading of values, because serde keeps no
//! places; `build` fills it.

use std::ops::Range;

use super::build;
use super::tree::{Row, Tree, Value};
use super::{ConfigPath, Segment, SourceFile};
use crate::diagnostics::Diagnostic;

/// The bytes of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    /// `None` for list items and for the top.
    pub key: Option<Range<usize>>,
    /// The key's span where nothing is written as value.
    pub value: Range<usize>,
}

/// The answer of [`SpanIndex::locate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    Exact(Spans),
    /// The path does not exist; this parent of it does.
    Nearest(ConfigPath, Spans),
}

/// What kind of thing is written at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Plain,
    Quoted,
    List,
    Map,
}

/// Config path to byte spans. Aliases are followed when asked, never copied.
#[derive(Clone, Debug, Default)]
pub struct SpanIndex {
    pub(super) tree: Tree,
    pub(super) complete: bool,
}

impl SpanIndex {
    /// Reads the whole file, or up to what made it unreadable.
    pub fn new(file: &SourceFile) -> (SpanIndex, Vec<Diagnostic>) {
        build::build(file, build::MAX_VALUES)
    }

    /// Whether the file was read to its end. If not, a diagnostic said so.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    pub fn contains(&self, path: &ConfigPath) -> bool {
        self.find(path).is_ok()
    }

    pub fn key_span(&self, path: &ConfigPath) -> Option<Range<usize>> {
        self.spans(self.find(path).ok()?).key
    }

    pub fn value_span(&self, path: &ConfigPath) -> Option<Range<usize>> {
        self.find(path).ok().map(|row| self.spans(row).value)
    }

    pub fn locate(&self, path: &ConfigPath) -> Located {
        match self.find(path) {
            Ok(row) => Located::Exact(self.spans(row)),
            Err((depth, row)) => {
                let mut parent = path.clone();
                parent.truncate(depth);
                let nothing = Spans { key: None, value: 0..0 };
                Located::Nearest(parent, row.map_or(nothing, |row| self.spans(row)))
            }
        }
    }

    /// What is written there; `None` where nothing like it exists.
    pub fn found(&self, path: &ConfigPath) -> Option<Found> {
        Some(match self.value(path)? {
            Value::Scalar(found, _) => found,
            Value::List(_) => Found::List,
            Value::Map(_) => Found::Map,
        })
    }

    /// The bytes of what is written there, behind an alias those of the anchor.
    pub fn content_span(&self, path: &ConfigPath) -> Option<Range<usize>> {
        self.find(path).ok().map(|row| self.tree.followed(row).value.range())
    }

    /// The keys of the map at `path`, in the order they are written.
    pub fn keys_under(&self, path: &ConfigPath) -> Vec<&str> {
        match self.value(path) {
            Some(Value::Map(map)) => map.entries().map(|(key, _)| key).collect(),
            _ => Vec::new(),
        }
    }

    /// How many items the list at `path` has; 0 if it is none.
    pub fn items_under(&self, path: &ConfigPath) -> usize {
        match self.value(path) {
            Some(Value::List(items)) => items.len(),
            _ => 0,
        }
    }

    fn value(&self, path: &ConfigPath) -> Option<Value<'_>> {
        self.find(path).ok().and_then(|row| self.tree.value(row))
    }

    /// The value at a path, or how many steps could be gone and where that was.
    fn find(&self, path: &ConfigPath) -> Result<Row, (usize, Option<Row>)> {
        if self.tree.is_empty() {
            return Err((0, None));
        }
        let mut row = 0;
        for (depth, segment) in path.segments().iter().enumerate() {
            let next = match (self.tree.value(row), segment) {
                (Some(Value::Map(map)), Segment::Key(key)) => map.get(key),
                (Some(Value::List(items)), Segment::Item(index)) => items.get(*index).copied(),
                _ => None,
            };
            row = next.ok_or((depth, Some(row)))?;
        }
        Ok(row)
    }

    pub(super) fn spans(&self, row: Row) -> Spans {
        let entry = self.tree.entry(row);
        let (key, value) = (entry.key.map(|key| key.written.range()), entry.value.range());
        let value = if value.is_empty() { key.clone().unwrap_or(value) } else { value };
        Spans { key, value }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
