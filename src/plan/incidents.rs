//! The rule tests: each alert's incident as promtool series, and what must be seen when. It fires on the incident, not
//! before its `for`, ends with it, and stays quiet in the healthy twin.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::alerts::Alert;
use super::recordings::Sample;
use crate::promql::PromQl;
use crate::values::Duration;

/// One test of a rules file.
pub struct RuleTest {
    pub name: String,
    /// The time between two evaluations and two samples.
    pub step: Duration,
    /// Selector of a series → its values in promtool's notation.
    pub input: Vec<(String, String)>,
    pub checks: Vec<Check>,
}

/// What an expression must give at a time.
pub struct Check {
    pub at: Duration,
    pub expr: PromQl,
    pub expected: Vec<Sample>,
}

/// An entry's `test`, rendered with the effective values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incident {
    /// How far back the expression looks.
    #[serde(default)]
    lookback: String,
    /// Series that all scenes have, unless a scene says otherwise.
    #[serde(default)]
    given: Scene,
    /// Each of these is an incident.
    fires: Vec<Scene>,
    /// Each of these is none; the first is also what follows an incident.
    #[serde(default)]
    quiet: Vec<Scene>,
}

/// Selector → course of its value.
type Scene = BTreeMap<String, Course>;

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Course {
    Constant(f64),
    Slope { from: f64, per_hour: f64 },
}

impl Course {
    /// In promtool's notation: `n` values, one each step.
    fn text(self, n: u64, step: Duration) -> String {
        match self {
            Self::Constant(value) => format!("{}x{}", rounded(value), n - 1),
            Self::Slope { from, per_hour } => {
                let change = rounded(per_hour * step.as_secs_f64() / 3600.0);
                let sign = if change < 0.0 { "" } else { "+" };
                format!("{from}{sign}{change}x{}", n - 1)
            }
        }
    }
}

/// Without the last digits that arithmetic leaves.
fn rounded(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

/// The step of rule tests: no shorter than the default interval, since every step evaluates every rule of the file.
pub(super) fn test_step(scrape_interval: Duration) -> Duration {
    scrape_interval.max(Duration::from_secs(15))
}

/// The step of tests that span more than `LONG`. Ranges of 5 minutes still hold the two samples they need.
pub const LONG_TEST_STEP: Duration = Duration::from_secs(120);
const LONG: Duration = Duration::from_secs(1200);

/// The step of tests that span more than a week. What they feed is recorded already, so that no window has to be filled.
pub const LONGEST_TEST_STEP: Duration = Duration::from_secs(3600);

/// Proves one alert on its incident.
pub(super) fn test_alert(alert: &Alert, step: Duration) -> Result<Vec<RuleTest>> {
    let name = &alert.entry.name;
    let incident: Incident =
        serde_yaml::from_str(&alert.incident).with_context(|| format!("bug: the test of alert `{name}`"))?;
    let lookback = if incident.lookback.is_empty() {
        Duration::from_secs(0)
    } else {
        incident
            .lookback
            .parse()
            .map_err(|error| anyhow::anyhow!("bug: the test of alert `{name}`: {error}"))?
    };
    let long = lookback.as_millis() + alert.hold.as_millis() > LONG.as_millis();
    let step = if long { LONG_TEST_STEP } else { step };
    let steps_of = |duration: Duration| duration.as_millis().div_ceil(step.as_millis());
    let at = |steps: u64| Duration::from_millis(steps * step.as_millis());
    // Two steps more than needed, since an expression first sees its series at the first step.
    let during = steps_of(lookback) + steps_of(alert.hold) + 3;
    let after = steps_of(lookback) + 5;

    let mut tests = Vec::new();
    for (position, scene) in incident.fires.iter().enumerate() {
        let scene = over(&incident.given, scene);
        let recovery = incident.quiet.first().map(|quiet| over(&incident.given, quiet));
        let mut checks = Vec::new();
        if incident.lookback.is_empty() && steps_of(alert.hold) > 1 {
            checks.push(quiet_at(alert, at(steps_of(alert.hold) - 1)));
        }
        checks.push(firing_at(alert, at(during - 1)));
        let input = match recovery {
            None => courses(&scene, during, step),
            Some(recovery) => {
                checks.push(quiet_at(alert, at(during + after - 1)));
                follow(&scene, during, &recovery, after, step)
            }
        };
        tests.push(RuleTest { name: numbered(name, "fires", position), step, input, checks });
    }
    for (position, scene) in incident.quiet.iter().enumerate() {
        let scene = over(&incident.given, scene);
        tests.push(RuleTest {
            name: numbered(name, "stays quiet", position),
            step,
            input: courses(&scene, during + after, step),
            checks: vec![never_until(alert, at(during + after - 1))],
        });
    }
    Ok(tests)
}

fn numbered(alert: &str, does: &str, position: usize) -> String {
    match position {
        0 => format!("{alert} {does}"),
        _ => format!("{alert} {does}, case {}", position + 1),
    }
}

fn over(given: &Scene, scene: &Scene) -> Scene {
    let mut scene = scene.clone();
    for (selector, course) in given {
        scene.entry(selector.clone()).or_insert(*course);
    }
    scene
}

fn courses(scene: &Scene, steps: u64, step: Duration) -> Vec<(String, String)> {
    scene.iter().map(|(selector, course)| (selector.clone(), course.text(steps, step))).collect()
}

/// One scene after another. A series that the first does not have is missing there.
fn follow(
    first: &Scene,
    first_steps: u64,
    second: &Scene,
    second_steps: u64,
    step: Duration,
) -> Vec<(String, String)> {
    let part = |scene: &Scene, selector: &String, steps: u64| {
        scene.get(selector).map_or_else(|| format!("_x{steps}"), |course| course.text(steps, step))
    };
    let mut selectors: Vec<&String> = first.keys().chain(second.keys()).collect();
    selectors.sort();
    selectors.dedup();
    selectors
        .into_iter()
        .map(|selector| {
            let values =
                format!("{} {}", part(first, selector, first_steps), part(second, selector, second_steps));
            (selector.clone(), values)
        })
        .collect()
}

/// The series that Prometheus writes while the alert fires, with its effective severity.
fn firing(alert: &Alert) -> String {
    let service =
        alert.service.as_ref().map(|service| format!(", service=\"{service}\"")).unwrap_or_default();
    format!(
        "ALERTS{{alertname=\"{}\", alertstate=\"firing\", severity=\"{}\"{service}}}",
        alert.entry.name,
        alert.severity.as_str()
    )
}

fn firing_at(alert: &Alert, at: Duration) -> Check {
    check(at, &format!("count({})", firing(alert)), vec![Sample { labels: BTreeMap::new(), value: 1.0 }])
}

fn quiet_at(alert: &Alert, at: Duration) -> Check {
    check(at, &firing(alert), Vec::new())
}

fn never_until(alert: &Alert, at: Duration) -> Check {
    check(at, &format!("count_over_time({}[{at}])", firing(alert)), Vec::new())
}

fn check(at: Duration, expr: &str, expected: Vec<Sample>) -> Check {
    Check { at, expr: PromQl::parse(expr).expect("made of names that were checked"), expected }
}
