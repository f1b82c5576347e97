//! What exporters say of machines, GPUs and containers, and what is recorded of it: data files in `templates/machines/`.
//! Apart from the engines, since nothing here is a service: no words are shared, and there is one exporter for each kind.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::templates;

/// An exporter, as its data file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exporter {
    pub title: String,
    /// Where the facts are from.
    pub source: String,
    /// All that its recordings ask for.
    pub metrics: BTreeMap<String, Exposed>,
    /// Error codes of GPUs.
    #[serde(default)]
    pub xids: Xids,
    pub recordings: Vec<Recorded>,
    /// What the rule test feeds: selector → values in promtool's notation.
    pub series: BTreeMap<String, String>,
}

/// A metric of an exporter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposed {
    pub r#type: Kind,
    pub about: String,
    /// Whether the exporter says it without being told to.
    #[serde(default = "yes")]
    pub default: bool,
}

/// Its type, as the exposition says it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Counter,
    Gauge,
    Untyped,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Untyped => "untyped",
        }
    }
}

fn yes() -> bool {
    true
}

/// One recording, and what it must give on the file's series.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    pub record: String,
    pub about: String,
    /// A template: the classes of error codes are holes.
    pub expr: String,
    pub gives: Vec<Given>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Error codes with what they mean, by whose fault they are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xids {
    pub hardware: BTreeMap<u32, String>,
    pub application: BTreeMap<u32, String>,
}

impl Xids {
    /// The codes of a class as a regular expression.
    pub fn pattern(codes: &BTreeMap<u32, String>) -> String {
        codes.keys().map(ToString::to_string).collect::<Vec<_>>().join("|")
    }
}

/// Which machine a replica is on.
pub fn replicas() -> &'static Exporter {
    static FILE: OnceLock<Exporter> = OnceLock::new();
    FILE.get_or_init(|| read("machines/replicas.yml"))
}

/// Machines.
pub fn node() -> &'static Exporter {
    static FILE: OnceLock<Exporter> = OnceLock::new();
    FILE.get_or_init(|| read("machines/node.yml"))
}

/// GPUs.
pub fn dcgm() -> &'static Exporter {
    static FILE: OnceLock<Exporter> = OnceLock::new();
    FILE.get_or_init(|| read("machines/dcgm.yml"))
}

/// The list of counters of a dcgm-exporter that says all that is asked here. Not the profiling fields: they need the right to
/// administer the machine.
pub fn counters() -> String {
    let fields = dcgm()
        .metrics
        .iter()
        .filter(|(field, _)| field.starts_with("DCGM_FI_DEV_") || field.starts_with("DCGM_EXP_"));
    let lines =
        fields.map(|(field, exposed)| format!("{field}, {}, {}\n", exposed.r#type.as_str(), exposed.about));
    "# Rendered by skymon: what dcgm-exporter counts. Field, type, text.\n".to_owned()
        + &lines.collect::<String>()
}

/// Containers.
pub fn cadvisor() -> &'static Exporter {
    static FILE: OnceLock<Exporter> = OnceLock::new();
    FILE.get_or_init(|| read("machines/cadvisor.yml"))
}

fn read(path: &'static str) -> Exporter {
    templates::data(path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::promql::PromQl;

    #[test]
    fn recordings_ask_only_for_what_the_file_knows_and_all_of_it() {
        for exporter in [replicas(), node(), dcgm(), cadvisor()] {
            let mut known: BTreeSet<&str> = exporter.metrics.keys().map(String::as_str).collect();
            let mut asked = BTreeSet::new();
            for recorded in &exporter.recordings {
                let expr = recorded.expr.replace("<%= application %>", "\"1\"");
                let expr = PromQl::parse(&expr.replace("<%= hardware %>", "\"2\"")).expect("is PromQL");
                for metric in expr.metrics() {
                    assert!(known.contains(metric.as_str()), "{}: `{metric}` is not there", recorded.record);
                    asked.insert(metric.clone());
                }
                assert!(!recorded.gives.is_empty(), "{} is not proven", recorded.record);
                known.insert(&recorded.record);
            }
            for metric in exporter.metrics.keys() {
                assert!(asked.contains(metric), "{}: nobody asks for `{metric}`", exporter.title);
            }
        }
    }

    #[test]
    fn no_recording_depends_on_what_a_gpu_may_lack() {
        for recorded in &dcgm().recordings {
            let profiled = recorded.expr.contains("DCGM_FI_PROF_");
            let optional = ["host_gpu:tensor_active:ratio", "host_gpu:dram_active:ratio"];
            let falls_back = recorded.expr.contains("\n  or ");
            assert!(
                !profiled || falls_back || optional.contains(&recorded.record.as_str()),
                "{} needs profiling",
                recorded.record
            );
            assert!(!recorded.expr.to_lowercase().contains("hostname"), "{}", recorded.record);
        }
    }

    #[test]
    fn the_list_of_counters_has_three_columns_and_nothing_that_must_be_allowed() {
        let lines: Vec<String> = counters().lines().skip(1).map(str::to_owned).collect();
        assert!(lines.len() > 12, "{lines:?}");
        for line in lines {
            assert_eq!(line.split(", ").count(), 3, "{line}");
            assert!(!line.contains("_PROF_"), "{line}");
        }
    }

    #[test]
    fn no_error_code_has_two_classes() {
        let Xids { hardware, application } = &dcgm().xids;
        assert!(hardware.len() > 10 && application.len() > 3);
        assert!(hardware.keys().all(|code| !application.contains_key(code)));
    }
}
