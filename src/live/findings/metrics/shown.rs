//! What the targets show, as Prometheus tells it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::live::{Labels, Prometheus, Target};

/// What the targets show: by what they say of their metrics, or by series that are there.
pub(super) struct Shown {
    types: BTreeMap<Labels, BTreeMap<String, String>>,
    series: BTreeSet<(String, String, String)>,
    pub(super) named: BTreeSet<String>,
}

/// So many names fit into one query.
const AT_ONCE: usize = 100;

impl Shown {
    pub(super) fn ask(running: &Prometheus, names: &BTreeSet<&str>) -> Result<Self> {
        let mut shown = Self { types: running.metadata()?, series: BTreeSet::new(), named: BTreeSet::new() };
        let names: Vec<&str> = names.iter().copied().collect();
        for some in names.chunks(AT_ONCE) {
            let query = format!("group by (__name__, job, instance) ({{__name__=~\"{}\"}})", some.join("|"));
            for (mut labels, _) in running.query(&query)? {
                let mut label = |name: &str| labels.remove(name).unwrap_or_default();
                let (name, job, instance) = (label("__name__"), label("job"), label("instance"));
                shown.named.insert(name.clone());
                shown.series.insert((name, job, instance));
            }
        }
        Ok(shown)
    }

    /// The type that the target says.
    pub(super) fn kind(&self, target: &Target, name: &str) -> Option<&str> {
        let types = self.types.get(&target.labels)?;
        if let Some(kind) = types.get(name) {
            return Some(kind);
        }
        let parts: [(&str, &[&str]); 4] = [
            ("_total", &["counter"]),
            ("_bucket", &["histogram", "gaugehistogram"]),
            ("_sum", &["histogram", "summary", "gaugehistogram"]),
            ("_count", &["histogram", "summary", "gaugehistogram"]),
        ];
        parts.iter().find_map(|(end, kinds)| {
            types.get(name.strip_suffix(end)?).map(String::as_str).filter(|kind| kinds.contains(kind))
        })
    }

    pub(super) fn has(&self, target: &Target, name: &str) -> bool {
        let label = |key: &str| target.labels.get(key).cloned().unwrap_or_default();
        self.kind(target, name).is_some()
            || self.series.contains(&(name.to_owned(), label("job"), label("instance")))
    }
}
