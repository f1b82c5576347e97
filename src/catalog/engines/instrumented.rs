//! A server of one's own as the module of `templates/instrumentation/` measures it: `custom`, with metrics that skymon
//! knows because it wrote what exposes them. Apart, since no config names it: a service becomes it.

use super::Engine;
use crate::catalog::units;
use crate::templates;

const NAME: &str = "custom";
const FILE: &str = "engines/custom/python.yml";

/// A day. Nobody waits longer for an answer, and a bucket beyond it is one that is always full.
const LARGEST_BOUND: f64 = 86_400.0;

impl Engine {
    /// `bounds` are words of the vocabulary with the seconds that something compares them with: each becomes a bound of the
    /// word's histogram, so that what is said of it is exact.
    pub fn instrumented(bounds: &[(&str, f64)]) -> Self {
        let mut engine: Self = templates::data(FILE);
        NAME.clone_into(&mut engine.name);
        for (word, bound) in bounds {
            let histogram = engine.vocabulary.get(*word).map(|source| &source.metric);
            if let Some(metric) = histogram.and_then(|name| engine.metrics.get_mut(name)) {
                add_bound(&mut metric.buckets, *bound);
            }
        }
        engine
    }

    /// Whether it is a server of one's own, which the module can measure.
    pub fn is_own(&self) -> bool {
        self.name == NAME
    }
}

/// One that lies beyond all others is followed by its double: what is longer than the last bound is only known to be longer.
fn add_bound(buckets: &mut Vec<String>, bound: f64) {
    if bound > LARGEST_BOUND {
        return;
    }
    let mut all = values(buckets);
    let is_last = all.iter().all(|other| *other <= bound);
    all.extend([Some(bound), is_last.then_some(2.0 * bound)].into_iter().flatten());
    all.sort_by(f64::total_cmp);
    all.dedup();
    *buckets = all.into_iter().map(units::le).collect();
}

fn values(buckets: &[String]) -> Vec<f64> {
    buckets.iter().map(|bound| bound.parse().expect("engine files are tested")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds_of(engine: &Engine, word: &str) -> Vec<f64> {
        let bounds = engine.bounds(word, None).expect("is a histogram");
        bounds.bounds.into_iter().map(|bound| bound.value).collect()
    }

    #[test]
    fn what_a_threshold_or_an_objective_compares_with_is_a_bound() {
        let plain = Engine::instrumented(&[]);
        let bounds =
            [("latency_seconds", 4.2), ("latency_seconds", 5.0), ("time_to_first_token_seconds", 0.3)];
        let asked = Engine::instrumented(&bounds);
        let added = |word: &str| -> Vec<f64> {
            let before = bounds_of(&plain, word);
            bounds_of(&asked, word).into_iter().filter(|bound| !before.contains(bound)).collect()
        };
        assert_eq!(added("latency_seconds"), [4.2]);
        assert_eq!(added("time_to_first_token_seconds"), [0.3]);
        assert!(bounds_of(&asked, "latency_seconds").is_sorted());
    }

    #[test]
    fn beyond_a_bound_that_is_asked_for_there_is_always_another() {
        let bounds =
            |asked: f64| bounds_of(&Engine::instrumented(&[("latency_seconds", asked)]), "latency_seconds");
        assert_eq!(bounds(600.0).split_last().map(|(last, _)| *last), Some(1200.0));
        assert!(bounds(900.0).ends_with(&[600.0, 900.0, 1800.0]));
        // A week is no latency: it is refused as beyond the buckets.
        assert_eq!(bounds(604_800.0), bounds_of(&Engine::instrumented(&[]), "latency_seconds"));
    }
}
