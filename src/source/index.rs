//! Where every key and value of the config stands. Apart from the reading of values, because serde keeps no
//! places; `build` fills it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::build;
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

/// One kind of value, with the nodes below it.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar(Found, Box<str>),
    List(Vec<usize>),
    Map(BTreeMap<String, usize>),
    Alias(usize),
}

/// One entry of the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Option<Range<usize>>,
    pub(super) value: Range<usize>,
    pub(super) content: Content,
}

impl Entry {
    pub(super) fn is_scalar(&self) -> bool {
        matches!(self.content, Content::Scalar(..))
    }
}

/// Config path to byte spans. Aliases are followed when asked, never copied.
#[derive(Clone, Debug, Default)]
pub struct SpanIndex {
    /// The top is the first.
    pub(super) nodes: Vec<Entry>,
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
        self.find(path).ok().and_then(|node| self.nodes[node].key.clone())
    }

    pub fn value_span(&self, path: &ConfigPath) -> Option<Range<usize>> {
        self.find(path).ok().map(|node| self.spans(node).value)
    }

    pub fn locate(&self, path: &ConfigPath) -> Located {
        match self.find(path) {
            Ok(node) => Located::Exact(self.spans(node)),
            Err((depth, node)) => {
                let mut parent = path.clone();
                parent.truncate(depth);
                let nothing = Spans { key: None, value: 0..0 };
                Located::Nearest(parent, node.map_or(nothing, |node| self.spans(node)))
            }
        }
    }

    /// What is written there; `None` where nothing like it exists.
    pub fn found(&self, path: &ConfigPath) -> Option<Found> {
        self.find(path).ok().map(|node| match &self.nodes[self.follow(node)].content {
            Content::Scalar(found, _) => *found,
            Content::List(_) | Content::Alias(_) => Found::List,
            Content::Map(_) => Found::Map,
        })
    }

    /// The bytes of what is written there, behind an alias those of the anchor.
    pub fn content_span(&self, path: &ConfigPath) -> Option<Range<usize>> {
        self.find(path).ok().map(|node| self.nodes[self.follow(node)].value.clone())
    }

    /// The keys of the map at `path`, in the order they are written.
    pub fn keys_under(&self, path: &ConfigPath) -> Vec<&str> {
        let Ok(node) = self.find(path) else {
            return Vec::new();
        };
        let Content::Map(children) = &self.nodes[self.follow(node)].content else {
            return Vec::new();
        };
        let mut keys: Vec<_> = children.iter().map(|(key, node)| (*node, key.as_str())).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// How many items the list at `path` has; 0 if it is none.
    pub fn items_under(&self, path: &ConfigPath) -> usize {
        match self.find(path).map(|node| &self.nodes[self.follow(node)].content) {
            Ok(Content::List(items)) => items.len(),
            _ => 0,
        }
    }

    /// The node at a path, or how many steps could be gone and where that was.
    fn find(&self, path: &ConfigPath) -> Result<usize, (usize, Option<usize>)> {
        if self.nodes.is_empty() {
            return Err((0, None));
        }
        let mut node = 0;
        for (depth, segment) in path.segments().iter().enumerate() {
            let next = match (&self.nodes[self.follow(node)].content, segment) {
                (Content::Map(children), Segment::Key(key)) => children.get(key),
                (Content::List(items), Segment::Item(index)) => items.get(*index),
                _ => None,
            };
            node = *next.ok_or((depth, Some(node)))?;
        }
        Ok(node)
    }

    pub(super) fn follow(&self, node: usize) -> usize {
        match self.nodes[node].content {
            // An anchor is never an alias itself: YAML has no such thing.
            Content::Alias(target) => target,
            _ => node,
        }
    }

    pub(super) fn spans(&self, node: usize) -> Spans {
        let Entry { key, value, .. } = &self.nodes[node];
        let value = if value.is_empty() { key.clone().unwrap_or(value.clone()) } else { value.clone() };
        Spans { key: key.clone(), value }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
