//! What skymon knows: engines, the vocabulary, alerts, programs and receivers. Facts only; nothing here has seen a
//! config.

pub mod alerts;
pub mod engines;
pub mod machines;
pub mod metrics;
pub mod programs;
pub mod receivers;
pub mod units;
pub mod vocabulary;

use serde::de::DeserializeOwned;

/// Reads a data file that is part of the binary; the tests read each, so a fault cannot reach a user.
fn read_data<T: DeserializeOwned>(path: &str, text: &str) -> T {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("bug: the data file `{path}`: {error}"))
}
