//! From YAML text to a config type, with every fault of the file in one run: a value that is refused is
//! reported, left out, and the file is read again. The only file of `config` that names the YAML crate.

mod faults;
mod skip;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;

use serde::de::{DeserializeOwned, IgnoredAny};

use self::faults::{diagnose, found};
use self::skip::Skipping;
use self::walk::{Fault, Walk};
use crate::diagnostics::{Diagnostic, Report};
use crate::source::{ConfigPath, Found, SourceFile, SpanIndex, explain_syntax};

/// After so many faults the rest can wait for the next run.
const MAX_FAULTS: usize = 50;
/// How many bytes are read in all readings together, so that a huge file with many faults ends soon.
const MAX_READ: usize = 16 * 1024 * 1024;

/// Reads `source` as a `T`. Faults go to the report, and what they stand for is left out of the `T`; `None` if nothing
/// is left to look at.
pub fn read<T: DeserializeOwned>(source: &SourceFile, index: &SpanIndex, report: &mut Report) -> Option<T> {
    if !index.is_complete() {
        // The index has said why.
        return None;
    }
    if let Err(diagnostic) = check_document(source, index) {
        report.push(*diagnostic);
        return None;
    }
    let mut skip = BTreeSet::new();
    let mut faults = 0;
    let most = (MAX_READ / source.text.len().max(1)).clamp(1, MAX_FAULTS);
    loop {
        let walk = Walk::new(&skip, index);
        let inner = serde_yaml::Deserializer::from_str(&source.text);
        let fault = match T::deserialize(Skipping { inner, walk: &walk }) {
            Ok(config) => return Some(config),
            Err(fault) => fault,
        };
        let stop = walk.stop();
        if !follows_from(&skip, &stop.path, &fault) {
            report.push(diagnose(&fault, &stop, source, index));
            faults += 1;
        }
        // A skipped path that fails again would be read for ever.
        if stop.path.is_root() || !skip.insert(stop.path) {
            return None;
        }
        if faults >= most {
            report
                .push(Diagnostic::note("more-faults", "the reading stopped here; there may be more faults"));
            return None;
        }
    }
}

/// Whether a key is only missing because its value was left out.
fn follows_from(skip: &BTreeSet<ConfigPath>, parent: &ConfigPath, fault: &Fault) -> bool {
    matches!(fault, Fault::MissingKey(key) if skip.contains(&parent.key(*key)))
}

/// What has to hold before any key is looked at.
fn check_document(source: &SourceFile, index: &SpanIndex) -> Result<(), Box<Diagnostic>> {
    let root = ConfigPath::root();
    match index.found(&root) {
        None | Some(Found::Nothing) => {
            let empty = Diagnostic::error("empty-config", "the config is empty").at_file(&source.name, "");
            return Err(Box::new(empty.help("run `skymon init`")));
        }
        Some(Found::Map) => {}
        Some(_) => {
            let message = format!("expected a map of keys, found {}", found(&root, source, index));
            let wrong = Diagnostic::error("wrong-type", message).at_value(root, "this is the whole file");
            return Err(Box::new(wrong.help("begin with `version: 1`, or run `skymon init`")));
        }
    }
    serde_yaml::from_str::<IgnoredAny>(&source.text).map(|_| ()).map_err(|error| {
        // The two readers differ in the corners of YAML: this one refused what the index took.
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        Box::new(explain_syntax(source, error.location().map_or(0, |location| location.index()), what))
    })
}
