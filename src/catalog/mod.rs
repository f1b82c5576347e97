//! What skymon knows: engines, the vocabulary, alerts, programs and receivers. Facts only; nothing here has seen a
//! config.

pub mod alerts;
pub mod engines;
pub mod programs;
pub mod receivers;
pub mod vocabulary;

use serde::de::DeserializeOwned;

/// Reads a data file that is part of the binary; the tests read each, so a fault cannot reach a user.
fn read_data<T: DeserializeOwned>(path: &str, text: &str) -> T {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("bug: the data file `{path}`: {error}"))
}

/// The word of `known` that `word` is most likely meant to be, if any is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |other: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase());
    known
        .into_iter()
        .map(|other| (distance(other), other))
        .filter(|(distance, other)| *distance <= (other.len().max(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}
