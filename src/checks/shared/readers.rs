//! Who reads the rules of a file: what one Prometheus takes, another one refuses.

use std::collections::BTreeMap;

use super::asked::Asked;
use crate::promql::refused::Reader;
use crate::stack::{Prometheus, RuleFile, Service, ServiceName, Stack};

/// For each file of rules that a Prometheus of the stack loads, the one that reads it.
pub(crate) struct Readers(BTreeMap<String, Reader>);

impl Readers {
    pub(crate) fn of(stack: &Stack) -> Readers {
        let mut readers = BTreeMap::new();
        for prometheus in &stack.prometheuses {
            let reader = reader(stack, prometheus);
            let files = prometheus.rule_files.iter().flat_map(|pattern| pattern.files.iter().flatten());
            for file in files {
                // Of several that read it, what only some refuse is not asked.
                let known = readers.entry(stack.folder.name(file)).or_insert_with(|| reader.clone());
                if *known != reader {
                    *known = Reader::Prometheus { version: None, features: None };
                }
            }
        }
        Readers(readers)
    }

    pub(crate) fn of_file(&self, file: &RuleFile) -> Reader {
        self.0.get(file.document.name()).cloned().unwrap_or_default()
    }

    /// The version of the Prometheus that reads a file of rules, where it is known.
    pub(crate) fn version(&self, file: &str) -> Option<(u32, u32)> {
        match self.0.get(file)? {
            Reader::Prometheus { version, .. } => *version,
            Reader::Anyone => None,
        }
    }

    pub(crate) fn of_query(&self, asked: &Asked<'_>) -> &Reader {
        const ANYONE: &Reader = &Reader::Anyone;
        let reader = || self.0.get(asked.file()).unwrap_or(ANYONE);
        if asked.is_rule() { reader() } else { ANYONE }
    }
}

/// A service that runs what its image says.
fn known<'s>(stack: &'s Stack, name: &ServiceName) -> Option<&'s Service> {
    let (_, service) = stack.service(name)?;
    Some(service).filter(|service| service.is_upstream() && service.get("entrypoint").is_none())
}

/// The version that a service runs, where it is known.
pub(crate) fn version(stack: &Stack, name: &ServiceName) -> Option<(u32, u32)> {
    known(stack, name)?.image.as_ref()?.version()
}

fn reader(stack: &Stack, prometheus: &Prometheus) -> Reader {
    let known = known(stack, &prometheus.service);
    Reader::Prometheus {
        version: version(stack, &prometheus.service),
        features: known.filter(|service| is_written_out(service)).map(|service| {
            let features = service.flags("enable-feature").into_iter().map(|one| one.value);
            features.collect::<Vec<_>>().join(",")
        }),
    }
}

/// Whether no word of its command is put in by somebody else.
fn is_written_out(service: &Service) -> bool {
    !service.words.iter().any(|word| word.contains('$') || word.starts_with('@'))
}
