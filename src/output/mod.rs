//! From files in memory to files on disk, without ever losing a person's edit.
//!
//! `compare` says what each file would become and writes nothing; `apply` makes the same comparison under a lock and
//! carries it out in steps of which each leaves every file old or new. What skymon wrote last is remembered as hashes in
//! `.skymon/manifest.json`: that is how an edit is told from an older rendering. `docs/drift.md` is the user's side of it.
//! Apart from `artifacts`, because nothing here knows what the files mean.

mod compare;
mod diff;
mod disk;
mod manifest;
mod times;
mod write;

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod testing;

pub use compare::{Change, Comparison, State, compare};
pub use diff::colorize;
pub use manifest::MANIFEST;
pub use times::{changed, last_written, mark_written};
pub use write::{Applied, apply};
