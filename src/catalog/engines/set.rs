//! The engines that a config may name: the built-in ones, and those of the user's own. Apart from what an engine is,
//! since which ones there are depends on the user's files.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::Engine;
use crate::templates;

/// By name. A service shares its engine with the others, or has one that is changed for it alone. There is none where the
/// user's file has faults: it is known, and of no use.
#[derive(Clone, Debug)]
pub struct Engines(BTreeMap<String, Option<Arc<Engine>>>);

impl Engines {
    /// Those with a data file in `templates/engines/`.
    pub fn built_in() -> &'static Engines {
        static BUILT_IN: OnceLock<Engines> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            let read = |(path, _): (&str, &str)| {
                let name = path.trim_start_matches("engines/").trim_end_matches(".yml");
                let mut engine: Engine = templates::data(path);
                name.clone_into(&mut engine.name);
                (name.to_owned(), Some(Arc::new(engine)))
            };
            Engines(templates::embedded("engines").into_iter().map(read).collect())
        })
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Engine>> {
        self.0.get(name)?.as_ref()
    }

    /// Whether there is a file of that name, good or not.
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds an engine of the user's, which takes the place of a built-in one of its name.
    pub fn put(&mut self, name: &str, engine: Option<Engine>) {
        self.0.insert(name.to_owned(), engine.map(Arc::new));
    }

    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Engine>> {
        self.0.values().flatten()
    }
}
