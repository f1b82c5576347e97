//! A small report, for the tests of the formats.

use super::{Diagnostic, Report};
use crate::source::{SourceFile, Sources};

/// An error at the `é` of [`sources`], and a note about another file.
pub(super) fn report() -> Report {
    let mut report = Report::new();
    report.push(Diagnostic::error("bad-value", "no, 100%").at_span("a b.yml", 3..5, "here").help("yes"));
    report.push(Diagnostic::note("aside", "whole").at_file(",:.yml", ""));
    report
}

pub(super) fn sources() -> Sources {
    let mut sources = Sources::new();
    sources.add(SourceFile::new("a b.yml", "x: é\n"));
    sources
}
