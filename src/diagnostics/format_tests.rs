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

/// An error behind more notes than any page shows.
pub(super) fn many() -> Report {
    let mut report = Report::new();
    report.extend((0..2000).map(|n| Diagnostic::note("aside", format!("{n}")).at_file("a.yml", "")));
    report.push(Diagnostic::error("bad-value", "no").at_file("z.yml", ""));
    report
}

pub(super) fn sources() -> Sources {
    let mut sources = Sources::new();
    sources.add(SourceFile::new("a b.yml", "x: é\n"));
    sources
}
