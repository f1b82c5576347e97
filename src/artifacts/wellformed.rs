//! Reads each rendered file back before it may exist. A fault here is a bug in a template, not the user's.

use anyhow::{Result, bail};

use crate::source::{SourceFile, SpanIndex};

pub(super) fn check_yaml(path: &str, text: &str) -> Result<()> {
    let source = SourceFile::new(path, text);
    let (_, problems) = SpanIndex::new(&source);
    if let Some(problem) = problems.first() {
        bail!("bug: the rendered `{path}` is not well-formed: {}", problem.message);
    }
    Ok(())
}
