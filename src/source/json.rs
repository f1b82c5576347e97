//! Reads JSON into the same index as YAML, with a place for each value. Apart from the YAML events, because not every
//! JSON is YAML (tabs, surrogates), and dashboards come by the thousand.
//!
//! What is not JSON ends the reading; `SourceFile::json_problem` says it in words.

use super::tree::{Content, Entry, Key, Part, Row};
use super::{Found, SpanIndex};

/// Deeper than any dashboard; each level is a level of the program's own stack.
const MAX_DEPTH: usize = 64;

/// Everything in the text, or `None` where it is not JSON or nested too deep.
pub(super) fn read(text: &str) -> Option<SpanIndex> {
    let mut reader = Reader { text, at: 0, index: SpanIndex::default(), open: Vec::new() };
    reader.value(None, 0)?;
    reader.skip_blanks();
    reader.index.complete = reader.at == text.len();
    reader.index.complete.then_some(reader.index)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    index: SpanIndex,
    /// The children of all lists and maps that are not closed yet, the innermost last.
    open: Vec<Row>,
}

impl Reader<'_> {
    fn value(&mut self, key: Option<Key>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip_blanks();
        let start = self.at;
        // Its place in the list is before those of what it holds.
        let nothing = Content::Scalar(Found::Nothing, Part::default());
        let row = self.index.tree.push(Entry { key, value: Part::from(start..start), content: nothing });
        let content = match self.peek()? {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Content::Scalar(Found::Quoted, self.string()?),
            _ => self.word()?,
        };
        let entry = self.index.tree.entry_mut(row);
        entry.content = content;
        entry.value = Part::from(start..self.at);
        self.open.push(row);
        Some(())
    }

    fn map(&mut self, depth: usize) -> Option<Content> {
        let first = self.open.len();
        self.at += 1;
        while !self.takes(b'}') {
            if self.open.len() > first {
                self.takes(b',').then_some(())?;
            }
            self.skip_blanks();
            let start = self.at;
            (self.peek()? == b'"').then_some(())?;
            let key = Key { name: self.string()?, written: Part::from(start..self.at) };
            self.takes(b':').then_some(())?;
            self.value(Some(key), depth + 1)?;
        }
        // Of two the last one counts, as everywhere in JSON.
        Some(self.index.tree.map(&mut self.open, first, |same| same[same.len() - 1]))
    }

    fn list(&mut self, depth: usize) -> Option<Content> {
        let first = self.open.len();
        self.at += 1;
        while !self.takes(b']') {
            if self.open.len() > first {
                self.takes(b',').then_some(())?;
            }
            self.value(None, depth + 1)?;
        }
        Some(self.index.tree.list(&mut self.open, first))
    }

    /// The string that begins here. Most hold no escape, and are taken as they stand.
    fn string(&mut self) -> Option<Part> {
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += 1;
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                byte if byte < b' ' => return None,
                _ => {}
            }
        }
        self.at += 1;
        let written = self.text.get(start..self.at)?;
        Some(if escaped {
            self.index.tree.write(&serde_json::from_str::<String>(written).ok()?)
        } else {
            self.index.tree.write(&written[1..written.len() - 1])
        })
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Content> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let found = match word {
            "null" => Found::Nothing,
            "true" | "false" => Found::Plain,
            _ => serde_json::from_str::<f64>(word).ok().map(|_| Found::Plain)?,
        };
        self.at += end;
        Some(Content::Scalar(found, self.index.tree.write(word)))
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, SourceFile};
    use super::*;

    #[test]
    fn what_serde_takes_is_taken_and_what_it_refuses_is_refused() {
        let good =
            [r#"{"a": [1, -2.5e3, true, null, "x\u00e9\ud83d\ude00\"", {}], "b": {"c": "é"}}"#, " 1 ", "[]"];
        let bad =
            ["", "{", "[1,]", "{\"a\":1,}", "{a: 1}", "[1 2]", "nul", "[1]x", "\"\t\"", "\"a", "{,}", "[,1]"];
        for text in good.iter().chain(&bad) {
            let known = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(read(text).is_some(), known, "{text}");
        }
    }

    #[test]
    fn every_value_has_its_text_and_its_place() {
        let text = "{\"a\": {\"é\": [10, \"x\\u0041\"]},\n\t\"b\": null}";
        let document = Document::json(SourceFile::new("x.json", text)).0;
        let list = document.root().get("a").unwrap().get("é").unwrap();
        let items: Vec<_> = list.items().iter().map(|item| item.text().unwrap().to_owned()).collect();
        assert_eq!(items, ["10", "xA"]);
        assert_eq!(list.at().text(), "[10, \"x\\u0041\"]");
        assert_eq!(list.key().unwrap().text(), "\"é\"");
        assert!(document.root().get("b").unwrap().text().is_none());
    }

    #[test]
    fn nesting_ends_the_reading_before_the_programs_stack_does() {
        assert!(read(&"[".repeat(100_000)).is_none());
        assert!(read(&format!("{}{}", "[".repeat(60), "]".repeat(60))).is_some());
    }
}
