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

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::alerts::AlertEntry;
    use super::engines::Engine;
    use super::machines::Exporter;
    use crate::templates;

    /// The numbers of YAML and JSON are not written alike: `1.0` as a text is another one than `1`.
    fn says_the_same<T: Debug + DeserializeOwned>(path: &str) {
        let of_file: T = serde_yaml::from_str(templates::embedded_file(path)).expect("is readable");
        assert_eq!(format!("{:?}", templates::data::<T>(path)), format!("{of_file:?}"), "{path}");
    }

    #[test]
    fn what_is_built_in_says_what_its_file_says() {
        let paths = |folder| templates::embedded(folder).into_iter().map(|(path, _)| path);
        paths("engines").chain(paths("engines/custom")).for_each(says_the_same::<Engine>);
        paths("alerts").for_each(says_the_same::<Vec<AlertEntry>>);
        paths("machines").for_each(says_the_same::<Exporter>);
    }
}
