//! What the engines' data files say, held against what the engines show. Apart from the files themselves stands
//! `tests/fixtures/engines/known.yml`: names by version, how each answers, and what its numbers mean. First on paper
//! (`names`), then by a real Prometheus that scrapes every engine in every version as rendered (`recorded`).

mod support;

#[path = "engines/names.rs"]
mod names;
#[path = "engines/recorded.rs"]
mod recorded;
#[path = "engines/services.rs"]
mod services;
