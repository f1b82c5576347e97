//! The files the user wrote: their text, their line starts, and the index of what stands where in the config.
//! Apart from `config`, so that its structs stay plain: a finding names a path, and only the printer asks for
//! a place.

mod build;
mod digest;
mod document;
mod folder;
mod index;
mod json;
mod mask;
mod path;
mod syntax;
mod tree;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::Context;

pub use self::digest::sha256;
pub use self::document::{At, Document, Node, Spanned};
pub use self::folder::{TooMany, files_below};
pub use self::index::{Found, Located, SpanIndex, Spans};
pub use self::mask::is_secret_text;
pub use self::path::{ConfigPath, Segment};
pub(crate) use self::syntax::explain_syntax;
use crate::diagnostics::Diagnostic;

/// The largest file that is read; a config of a hundred services has some 100 KiB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// One text file, known to be UTF-8 without control characters when it came through [`SourceFile::read`].
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name as shown to the user.
    pub name: String,
    pub text: String,
    /// Found when somebody asks for a place.
    line_starts: OnceLock<Vec<usize>>,
}

impl SourceFile {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> SourceFile {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        SourceFile { name: name.into(), text, line_starts: OnceLock::new() }
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            // Faster than a search for each: lines are short.
            let breaks =
                self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        })
    }

    /// Reads a file. The outer error is the world's (no such file), the inner one the user's (not a text).
    pub fn read(path: &Path) -> anyhow::Result<Result<SourceFile, Diagnostic>> {
        let name = path.display().to_string();
        let most = MAX_BYTES as u64 + 1;
        let read = || {
            let file = File::open(path)?;
            // A byte more than it says, so that its end is seen at once.
            let room = file.metadata()?.len().min(most) + 1;
            let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or(MAX_BYTES));
            file.take(most).read_to_end(&mut bytes)?;
            std::io::Result::Ok(bytes)
        };
        let bytes = read().with_context(|| format!("cannot read {name}"))?;
        Ok(SourceFile::from_bytes(name, bytes))
    }

    /// The same text under another name.
    #[must_use]
    pub fn named(mut self, name: String) -> SourceFile {
        self.name = name;
        self
    }

    /// The part of [`SourceFile::read`] that needs no disk.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<SourceFile, Diagnostic> {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            return Err(Diagnostic::error("too-large", "the file is larger than 16 MiB").at_file(name, ""));
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(not_text(&name, "the file is UTF-16, not UTF-8"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let bad = error.as_bytes()[good];
            let place = place_of_end(&String::from_utf8_lossy(&error.as_bytes()[..good]));
            not_text(&name, &format!("the file is not UTF-8: byte 0x{bad:02x} at {place}"))
        })?;
        // First whether, then where: of a whole text that is quickly known.
        let has_binary = text.bytes().fold(false, |found, byte| found | is_binary(byte));
        match has_binary.then(|| text.bytes().position(is_binary)).flatten() {
            None => Ok(SourceFile::new(name, text)),
            Some(at) => {
                let place = place_of_end(&text[..at]);
                let byte = text.as_bytes()[at];
                Err(not_text(&name, &format!("the file is not text: byte 0x{byte:02x} at {place}")))
            }
        }
    }

    /// What keeps the text from being JSON.
    pub fn json_problem(&self) -> Option<Diagnostic> {
        let error = serde_json::from_str::<serde_json::Value>(&self.text).err()?;
        let line = self.line_range(error.line().clamp(1, self.line_count()));
        let at = self.floor((line.start + error.column().saturating_sub(1)).min(line.end));
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        let problem = Diagnostic::error("json-syntax", format!("this is not JSON: {what}"));
        let help = "a comma, a quote or a bracket before this place is missing, or one too many; or take the file anew from where it came";
        Some(problem.at_span(&self.name, at..at + 1, "here").help(help))
    }

    /// For a text of the same length: the lines stay where they are, whatever takes the place of their ends.
    fn take_text(&mut self) -> String {
        self.line_starts();
        std::mem::take(&mut self.text)
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = self.floor(offset);
        let line = self.line_starts().partition_point(|&start| start <= offset);
        let start = self.line_starts()[line - 1];
        (line, self.text[start..offset].chars().count() + 1)
    }

    pub fn line_count(&self) -> usize {
        self.line_starts().len()
    }

    /// Where line `line` (from 1) begins and ends, without its line break.
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let start = self.line_starts()[line - 1];
        let end = self.line_starts().get(line).map_or(self.text.len(), |next| next - 1);
        start..start + self.text[start..end].trim_end_matches('\r').len()
    }

    /// The nearest character border at or before `offset`.
    pub(crate) fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// All files that a message may point into, and the index of the one that config paths belong to.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    config: Option<(String, SpanIndex)>,
    files: BTreeMap<String, SourceFile>,
}

impl Sources {
    pub fn new() -> Sources {
        Sources::default()
    }

    /// The sources of a run over one config file. What may be a secret in it is hidden from here on.
    pub fn of_config(mut file: SourceFile, index: SpanIndex) -> Sources {
        mask::mask(&mut file, &index);
        let mut sources = Sources::new();
        sources.config = Some((file.name.clone(), index));
        sources.add(file);
        sources
    }

    /// A file that a [`crate::diagnostics::Place::Span`] may name.
    pub fn add(&mut self, file: SourceFile) {
        self.files.insert(file.name.clone(), file);
    }

    pub fn file(&self, name: &str) -> Option<&SourceFile> {
        self.files.get(name)
    }

    pub fn config(&self) -> Option<(&SourceFile, &SpanIndex)> {
        let (name, index) = self.config.as_ref()?;
        Some((self.files.get(name)?, index))
    }
}

fn not_text(name: &str, message: &str) -> Diagnostic {
    Diagnostic::error("not-text", message).at_file(name, "").help("save the file as UTF-8 text")
}

/// YAML allows no C0 control character but tab and the line breaks.
fn is_binary(byte: u8) -> bool {
    (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}

fn place_of_end(good: &str) -> String {
    let line = good.matches('\n').count() + 1;
    let column =
        good[good.rfind('\n').map_or(0, |at| at + 1)..].trim_start_matches('\u{feff}').chars().count() + 1;
    format!("line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_not_text_is_named_with_its_place() {
        let cases: &[(&[u8], &str)] = &[
            (b"a: 1\nb\xc3\xa9: \xff", "the file is not UTF-8: byte 0xff at line 2, column 5"),
            (b"a: \0", "the file is not text: byte 0x00 at line 1, column 4"),
            (b"a: 1\n\x1b[2J", "the file is not text: byte 0x1b at line 2, column 1"),
            (b"\xff\xfea\0", "the file is UTF-16, not UTF-8"),
            (b"\xef\xbb\xbfa\x07", "the file is not text: byte 0x07 at line 1, column 2"),
        ];
        for (bytes, message) in cases {
            let diagnostic = SourceFile::from_bytes("skymon.yaml", bytes.to_vec()).unwrap_err();
            assert_eq!(diagnostic.message, *message);
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_and_a_missing_one_is_not_the_users_fault() {
        let large = SourceFile::from_bytes("x", vec![b'#'; MAX_BYTES + 1]);
        assert_eq!(large.unwrap_err().id, "too-large");
        let missing = SourceFile::read(Path::new("no/such/file.yaml")).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read no/such/file.yaml");
    }

    #[test]
    fn columns_count_characters_and_a_byte_order_mark_is_none() {
        let file = SourceFile::new("x", "\u{feff}a: é\r\nb: 2\n");
        assert_eq!(file.line_column(0), (1, 1));
        assert_eq!(file.line_column("a: é".len()), (1, 5));
        assert_eq!(file.line_column(file.text.find('b').unwrap()), (2, 1));
        assert_eq!(file.line_column(999), (3, 1));
        assert_eq!(&file.text[file.line_range(1)], "a: é");
    }
}
