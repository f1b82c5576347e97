//! Who reads the rules of a file: what one Prometheus takes, another one refuses.

use std::collections::BTreeMap;

use super::asked::Asked;
use crate::promql::refused::Reader;
use crate::stack::{Prometheus, RuleFile, Service, Stack};

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

    pub(crate) fn of_query(&self, asked: &Asked<'_>) -> &Reader {
        const ANYONE: &Reader = &Reader::Anyone;
        let reader = || self.0.get(asked.file()).unwrap_or(ANYONE);
        if asked.is_rule() { reader() } else { ANYONE }
    }
}

fn reader(stack: &Stack, prometheus: &Prometheus) -> Reader {
    let service = stack.service(&prometheus.service).map(|(_, service)| service);
    let of_image = |service: &&Service| service.is_upstream() && service.get("entrypoint").is_none();
    let known = service.filter(of_image);
    Reader::Prometheus {
        version: known.and_then(|service| service.image.as_ref()?.version()),
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
