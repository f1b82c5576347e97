//! Reads each rendered file back before it is written. A fault here is a bug in a template, not the user's.

use anyhow::{Result, bail};

use crate::source::{SourceFile, SpanIndex};

/// JSON is printed from values, and a format that any text fits needs no reader.
pub(super) fn check(path: &str, text: &str) -> Result<()> {
    if path.ends_with(".yml") {
        let (_, problems) = SpanIndex::new(&SourceFile::new(path, text));
        if let Some(problem) = problems.first() {
            bail!("bug: the rendered `{path}` is not well-formed: {}", problem.message);
        }
    }
    Ok(())
}
