//! The values of one file, as they lie in memory: a row for each in the order they are written, and what has many
//! parts, as texts and the children of lists and maps, one after the other in a place that all share. Apart from those who
//! fill it and those who ask, because a stack has hundreds of thousands of values: what one takes, all take.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Found;

/// The key of what a map takes over from others.
const MERGE: &str = "<<";
/// `<<` may lead to a map with a `<<`, and in a circle only by an alias, which the reader refuses.
const MAX_MERGES: usize = 16;

/// A number of a row: the order in which the values begin.
pub(super) type Row = u32;

/// From here to there, of a text or of a list. A file is far smaller than four gigabytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    start: u32,
    end: u32,
}

impl Part {
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Range<usize>> for Part {
    fn from(range: Range<usize>) -> Part {
        Part { start: small(range.start), end: small(range.end) }
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("no file has four gigabytes")
}

/// The key of an entry of a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Of the texts.
    pub(super) name: Part,
    /// Of the file.
    pub(super) written: Part,
}

/// What a value is, and where what it holds is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    Scalar(Found, Part),
    List(Part),
    /// The rows sorted by their keys. As many follow them: the same as they are written.
    Map(Part),
    Alias(Row),
}

/// One value of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: Option<Key>,
    pub(super) value: Part,
    pub(super) content: Content,
}

impl Entry {
    pub(super) fn is_scalar(&self) -> bool {
        matches!(self.content, Content::Scalar(..))
    }
}

/// A value to be read: no alias, and with what it holds.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Scalar(Found, &'a str),
    List(&'a [Row]),
    Map(Map<'a>),
}

#[derive(Clone, Copy)]
pub(super) struct Map<'a> {
    tree: &'a Tree,
    by_key: &'a [Row],
    written: &'a [Row],
}

impl<'a> Map<'a> {
    pub(super) fn get(&self, key: &str) -> Option<Row> {
        self.position(key).map(|at| self.by_key[at])
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.by_key.binary_search_by(|row| self.tree.key(*row).cmp(key)).ok()
    }

    /// The maps that `<<` takes over, the first before the others.
    fn merged(&self) -> &'a [Row] {
        // In the order of keys it comes before all that begin with a letter.
        let is_before = |first: &Row| self.tree.key(*first) > MERGE;
        if self.by_key.first().is_none_or(is_before) {
            return &[];
        }
        let Some(at) = self.position(MERGE) else { return &[] };
        match self.tree.value(self.by_key[at]) {
            Some(Value::List(items)) => items,
            _ => &self.by_key[at..=at],
        }
    }

    /// In the order they are written.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'a str, Row)> {
        self.written.iter().map(move |row| (self.tree.key(*row), *row))
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// The top is the first.
    entries: Vec<Entry>,
    /// What keys and scalars say.
    texts: String,
    /// Of lists and maps.
    children: Vec<Row>,
}

impl Tree {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many values there are: the next one's row.
    pub(super) fn next(&self) -> Row {
        small(self.entries.len())
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn entry(&self, row: Row) -> &Entry {
        &self.entries[row as usize]
    }

    pub(super) fn entry_mut(&mut self, row: Row) -> &mut Entry {
        &mut self.entries[row as usize]
    }

    /// The key of an entry of a map; of anything else it is empty.
    pub(super) fn key(&self, row: Row) -> &str {
        self.entry(row).key.map_or("", |key| &self.texts[key.name.range()])
    }

    /// `None` of an empty file, which has not even a top.
    pub(super) fn value(&self, row: Row) -> Option<Value<'_>> {
        let content = match self.entries.get(row as usize)?.content {
            // An anchor is never an alias itself: YAML has no such thing.
            Content::Alias(target) => self.entry(target).content,
            content => content,
        };
        Some(match content {
            Content::Scalar(found, text) => Value::Scalar(found, &self.texts[text.range()]),
            Content::List(items) => Value::List(&self.children[items.range()]),
            Content::Map(entries) => {
                let Range { start, end } = entries.range();
                let (by_key, written) = self.children[start..end + (end - start)].split_at(end - start);
                Value::Map(Map { tree: self, by_key, written })
            }
            Content::Alias(_) => Value::List(&[]),
        })
    }

    /// What stands at `key` of a map, or of one that it takes over. Of an empty file there is nothing.
    pub(super) fn find(&self, row: Row, key: &str) -> Option<Row> {
        self.find_merged(row, key, 0)
    }

    fn find_merged(&self, row: Row, key: &str, depth: usize) -> Option<Row> {
        let Value::Map(map) = self.value(row)? else { return None };
        map.get(key).or_else(|| {
            let merged = if depth < MAX_MERGES { map.merged() } else { &[] };
            merged.iter().find_map(|row| self.find_merged(*row, key, depth + 1))
        })
    }

    /// The entries of a map as they are written, those taken over last.
    pub(super) fn all_entries(&self, row: Row) -> Vec<(&str, Row)> {
        let mut found = Vec::new();
        self.collect_entries(row, &mut found, &mut BTreeSet::new(), 0);
        found
    }

    fn collect_entries<'t>(
        &'t self,
        row: Row,
        found: &mut Vec<(&'t str, Row)>,
        known: &mut BTreeSet<&'t str>,
        depth: usize,
    ) {
        let Some(Value::Map(map)) = self.value(row) else { return };
        let merged = if depth < MAX_MERGES { map.merged() } else { &[] };
        // Of one map no key is there twice.
        let is_alone = depth == 0 && merged.is_empty();
        let own = map.entries().filter(|(key, _)| *key != MERGE);
        found.extend(own.filter(|(key, _)| is_alone || known.insert(key)));
        for row in merged {
            self.collect_entries(*row, found, known, depth + 1);
        }
    }

    /// The entry that stands here, or behind the alias that does.
    pub(super) fn followed(&self, row: Row) -> &Entry {
        match self.entry(row).content {
            Content::Alias(target) => self.entry(target),
            _ => self.entry(row),
        }
    }

    pub(super) fn push(&mut self, entry: Entry) -> Row {
        let row = self.next();
        self.entries.push(entry);
        row
    }

    /// Keeps a text.
    pub(super) fn write(&mut self, text: &str) -> Part {
        let start = self.texts.len();
        self.texts.push_str(text);
        Part::from(start..self.texts.len())
    }

    /// Keeps the items of a list: all that are `open` from `first` on.
    pub(super) fn list(&mut self, open: &mut Vec<Row>, first: usize) -> Content {
        let start = self.children.len();
        self.children.extend(open.drain(first..));
        Content::List(Part::from(start..self.children.len()))
    }

    /// The same of a map. `counts` says of the entries of one key, as they are written, which one is kept.
    pub(super) fn map(
        &mut self,
        open: &mut Vec<Row>,
        first: usize,
        mut counts: impl FnMut(&[Row]) -> Row,
    ) -> Content {
        let mut children = std::mem::take(&mut self.children);
        let start = children.len();
        open[first..].sort_unstable_by(|a, b| self.key(*a).cmp(self.key(*b)).then(a.cmp(b)));
        children.extend(open[first..].chunk_by(|a, b| self.key(*a) == self.key(*b)).map(&mut counts));
        open.truncate(first);
        let end = children.len();
        children.extend_from_within(start..);
        children[end..].sort_unstable();
        self.children = children;
        Content::Map(Part::from(start..end))
    }
}
