//! The alerts: entries of the packs in `templates/alerts/`, and what a config may change in one.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::templates;
use crate::values::{Count, Duration, Line, Severity, Threshold};

/// What a config may change in one alert.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertChange {
    /// `false` drops the alert.
    pub enabled: Option<bool>,
    /// When it fires: a ratio (`5%`), a duration (`2.5s`) or a number, as the alert needs.
    pub threshold: Option<Threshold>,
    /// How long the condition must hold before it fires.
    #[serde(rename = "for")]
    pub hold: Option<Duration>,
    /// `critical`, `warning` or `info`; decides the route.
    pub severity: Option<Severity>,
    /// Fewer requests than this within 5 minutes, and the alert stays quiet.
    pub min_requests: Option<Count>,
    /// Labels added to the alert.
    #[serde(default)]
    pub labels: BTreeMap<String, Line>,
}

/// What an alert watches: each service, or the stack as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pack {
    Service,
    /// Each service that has objectives.
    Slo,
    /// All services on SkyServe at once; `service` comes with the series.
    SkyServe,
    /// All machines; `host` comes with the series.
    Hosts,
    /// All GPUs; `host` and `gpu` come with the series.
    Gpus,
    Stack,
}

impl Pack {
    /// The labels that say what an alert is about: it mutes another only where both have them alike.
    pub fn subject(self) -> &'static [&'static str] {
        match self {
            Self::Hosts | Self::Gpus => &["host"],
            // An objective that is broken fast says nothing of another one.
            Self::Slo => &["service", "slo"],
            Self::Service | Self::SkyServe | Self::Stack => &["service"],
        }
    }
}

/// An entry of a pack, as the data file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertEntry {
    #[serde(rename = "alert")]
    pub name: String,
    #[serde(skip, default = "service_pack")]
    pub pack: Pack,
    pub severity: Severity,
    #[serde(rename = "for")]
    pub hold: Duration,
    /// The longest `for` that a config may write. What lasts longer becomes what an alert compares with.
    #[serde(default = "a_day")]
    pub longest_for: Duration,
    /// By default; an alert with a unit and without one is not there until the config gives it a threshold.
    pub threshold: Option<Threshold>,
    pub unit: Option<Unit>,
    /// The word of the vocabulary that the threshold is compared with. Beyond the largest bucket of a histogram nothing is
    /// measured; where the service has an objective for it, the alerts of that take this one's place.
    pub of: Option<String>,
    pub min_requests: Option<Count>,
    /// Alerts whose firing makes this one redundant.
    #[serde(default)]
    pub muted_by: Vec<String>,
    /// Sent to all receivers, since it says that one of them is broken.
    #[serde(default)]
    pub every_receiver: bool,
    pub summary: String,
    pub description: String,
    /// A template of the expression.
    pub expr: String,
    /// A template of the incident, see `plan::incidents`.
    pub test: String,
    pub runbook: Runbook,
}

/// One that waits longer tells nobody in time.
fn a_day() -> Duration {
    Duration::from_secs(86_400)
}

fn service_pack() -> Pack {
    Pack::Service
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// What it means.
    pub means: String,
    /// What users see.
    pub users: String,
    /// What to look at first.
    pub look: Vec<String>,
}

/// The unit of a threshold.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Ratio,
    Seconds,
    Count,
}

impl Unit {
    /// The threshold as PromQL compares it.
    pub fn parse(self, threshold: &Threshold) -> Result<f64, String> {
        let text = threshold.as_str();
        match self {
            Self::Ratio => {
                let ratio = match text.strip_suffix('%') {
                    Some(percent) => percent.trim_end().parse().map(|percent: f64| percent / 100.0),
                    None => text.parse(),
                };
                match ratio {
                    Ok(ratio) if ratio > 0.0 && ratio < 1.0 => Ok(ratio),
                    Ok(ratio) if (1.0..100.0).contains(&ratio) && !text.ends_with('%') => Err(format!(
                        "`{text}` is not a ratio between 0 and 1\nfor {text} percent write `{text}%`"
                    )),
                    _ => Err(format!("`{text}` is not a ratio between 0 and 1\nwrite `5%` or `0.05`")),
                }
            }
            Self::Seconds => {
                let seconds = text.parse::<Duration>()?.as_secs_f64();
                if seconds > 0.0 {
                    Ok(seconds)
                } else {
                    Err(format!("`{text}` is no time at all\nwrite `5s`"))
                }
            }
            Self::Count => match text.parse::<f64>() {
                Ok(count) if count.is_finite() && count > 0.0 => Ok(count),
                _ => Err(format!("`{text}` is not a number above 0\nwrite `5`")),
            },
        }
    }

    /// The threshold as a person reads it.
    pub fn text(self, threshold: f64) -> String {
        match self {
            // Rounded, since 0.07 × 100 has more digits than anyone wrote.
            Self::Ratio => format!("{}%", (threshold * 100_000_000.0).round() / 1_000_000.0),
            // As a person writes it; Prometheus' own form of 1.2s is 1s200ms.
            Self::Seconds if (1.0..60.0).contains(&threshold) => format!("{threshold}s"),
            Self::Seconds => {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "came from a `Duration`"
                )]
                let millis = (threshold * 1000.0).round() as u64;
                Duration::from_millis(millis).to_string()
            }
            Self::Count => threshold.to_string(),
        }
    }
}

impl AlertEntry {
    /// All entries of all packs, in the packs' order.
    pub fn all() -> &'static [AlertEntry] {
        static ALL: OnceLock<Vec<AlertEntry>> = OnceLock::new();
        ALL.get_or_init(|| {
            [
                (Pack::Service, "alerts/service.yml"),
                (Pack::Slo, "alerts/slo.yml"),
                (Pack::SkyServe, "alerts/skyserve.yml"),
                (Pack::Hosts, "alerts/hosts.yml"),
                (Pack::Gpus, "alerts/gpus.yml"),
                (Pack::Stack, "alerts/stack.yml"),
            ]
            .into_iter()
            .flat_map(|(pack, path)| {
                let entries: Vec<AlertEntry> = templates::data(path);
                entries.into_iter().map(move |entry| AlertEntry { pack, ..entry })
            })
            .collect()
        })
    }

    pub fn find(name: &str) -> Option<&'static AlertEntry> {
        Self::all().iter().find(|entry| entry.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_complete_and_muted_only_by_alerts_that_exist() {
        for entry in AlertEntry::all() {
            assert!(
                entry.threshold.is_none() || entry.unit.is_some(),
                "{}: a threshold has a unit",
                entry.name
            );
            assert_eq!(entry.runbook.look.len(), 3, "{}: first three things to look at", entry.name);
            for muter in &entry.muted_by {
                let muter =
                    AlertEntry::find(muter).unwrap_or_else(|| panic!("{}: no alert `{muter}`", entry.name));
                assert!(
                    muter.pack != Pack::Stack && entry.pack != Pack::Stack,
                    "the alerts of the monitoring itself mute nothing"
                );
                assert!(
                    muter.pack.subject().iter().all(|label| entry.pack.subject().contains(label)),
                    "{}: about something else",
                    entry.name
                );
            }
            if let (Some(unit), Some(threshold)) = (entry.unit, &entry.threshold) {
                unit.parse(threshold).expect("the default threshold fits its unit");
            }
        }
    }

    #[test]
    fn a_ratio_may_be_written_as_percent_and_must_lie_between_0_and_1() {
        let ratio = |text: &str| Unit::Ratio.parse(&text.parse().expect("any text"));
        assert_eq!(ratio("5%"), Ok(0.05));
        assert_eq!(ratio("0.05"), Ok(0.05));
        assert!(ratio("5").expect_err("is 500 percent").contains("`5%`"));
        for text in ["0", "100%", "-1%", "x", "NaN", ""] {
            assert!(ratio(text).is_err(), "{text}");
        }
        assert_eq!(Unit::Ratio.text(0.07), "7%");
        assert_eq!([2.5, 0.25, 90.0].map(|seconds| Unit::Seconds.text(seconds)), ["2.5s", "250ms", "1m30s"]);
    }
}
