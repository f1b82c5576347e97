//! Service-level objectives: what users were promised, made into recorded series: how much of the promise is broken, how
//! fast, and what is left. Apart from `recordings`, since all of it stands on the recorded vocabulary and none of it on an
//! engine. Why it is counted so: `docs/decisions/0011-slos.md`.

mod proofs;

use std::collections::BTreeSet;

use minijinja::{Value, context};

use super::alerts::{bad_value, number};
use super::recordings::{Recording, Subject, labels};
use crate::catalog::alerts::Unit;
use crate::catalog::engines::{Bound, Bounds};
use crate::catalog::vocabulary::{self, Shape};
use crate::config;
use crate::diagnostics::{Diagnostic, Report};
use crate::promql::PromQl;
use crate::source::{ConfigPath, SpanIndex};
use crate::values::{self, Duration};

/// Tells the objectives of one service apart, on every series and alert.
pub(super) const LABEL: &str = "slo";

/// Recorded where a service has an objective.
pub const BUDGET_REMAINING: &str = "service:slo_budget_remaining:ratio";

/// How often is computed what looks back over days: each time, all samples of a month are read.
pub const BUDGET_INTERVAL: Duration = Duration::from_secs(120);

/// The windows that a budget may be for, the default first.
const WINDOWS: [Duration; 2] = [Duration::from_secs(30 * 86_400), Duration::from_secs(28 * 86_400)];

/// A pair of windows: the long one says that it matters, the short one that it goes on.
struct Pair {
    /// Of the whole budget, spent within the long window.
    percent: u32,
    short: &'static str,
    long: &'static str,
}

/// Google's recommendation, as Sloth publishes it for 28 and 30 days: two pairs that page, two that make a ticket.
const PAGE: [Pair; 2] =
    [Pair { percent: 2, short: "5m", long: "1h" }, Pair { percent: 5, short: "30m", long: "6h" }];
const TICKET: [Pair; 2] =
    [Pair { percent: 10, short: "2h", long: "1d" }, Pair { percent: 10, short: "6h", long: "3d" }];

/// The windows of the pairs, but the one that the recorded rates have anyway.
const BURN_WINDOWS: [&str; 4] = ["30m", "1h", "2h", "6h"];
/// Those that are looked through seldom.
const LONG_BURN_WINDOWS: [&str; 2] = ["1d", "3d"];

fn seconds(window: &str) -> f64 {
    window.parse::<Duration>().expect("one of the windows").as_secs_f64()
}

/// How many times faster than evenly the budget burns when the pair's share of it is spent within its long window.
fn factor(pair: &Pair, window: Duration) -> f64 {
    let factor = f64::from(pair.percent) / 100.0 * window.as_secs_f64() / seconds(pair.long);
    (factor * 1e6).round() / 1e6
}

/// What is counted of a service's requests, and how much of it must be good.
struct Objective {
    /// The key in the config, and the value of the label.
    name: &'static str,
    target: values::Objective,
    counts: Counts,
}

enum Counts {
    /// Requests that ended in no server error.
    Errors,
    /// Events of a histogram within a bucket, whose bound is written as Prometheus stores it.
    Fast { word: &'static str, le: String },
}

/// The objectives of one service.
pub(super) struct Slo {
    service: String,
    window: Duration,
    objectives: Vec<Objective>,
    scale_to_zero: bool,
    /// How often the endpoint is probed.
    probed: Option<Duration>,
    interval: Duration,
}

/// What is promised of speed: the key, the word of the vocabulary that tells whether it is kept, and the objective.
pub(super) fn speeds(
    written: &config::Slo,
) -> impl Iterator<Item = (&'static str, &'static str, &config::SpeedObjective)> {
    [
        ("latency", "latency_seconds", &written.latency),
        ("time_to_first_token", "time_to_first_token_seconds", &written.time_to_first_token),
        ("inter_token_latency", "time_per_output_token_seconds", &written.inter_token_latency),
    ]
    .into_iter()
    .filter_map(|(key, word, speed)| Some((key, word, speed.as_ref()?)))
}

/// The objectives as meant, of a service whose replicas are scraped. What cannot be measured is an error.
pub(super) fn resolve(
    written: &config::Slo,
    at: &ConfigPath,
    index: &SpanIndex,
    subject: &Subject,
    scale_to_zero: bool,
    report: &mut Report,
) -> Option<Slo> {
    let window = written.window.unwrap_or(WINDOWS[0]);
    if !WINDOWS.contains(&window) {
        report.push(bad_value(
            at.key("window"),
            &format!(
                "{window} is not a window that burn rates are known for\nwrite `window: 30d` or `window: 28d`"
            ),
        ));
    } else if window > subject.retention && (written.window.is_some() || !index.contains(&at.key("window"))) {
        let place = if written.window.is_some() { at.key("window") } else { at.clone() };
        report.push(
            Diagnostic::error("slo-beyond-retention", "the budget's window is longer than series are kept")
                .at_key(place, format!("looks back {window}"))
                .at_value(
                    ConfigPath::root().key("prometheus").key("retention").key("time"),
                    format!("forgets after {}", subject.retention),
                )
                .help(format!("write `prometheus: {{retention: {{time: {window}}}}}`, or more")),
        );
    }
    let interval = subject.scraped?;
    let mut objectives = Vec::new();
    if let Some(target) = written.availability
        && (says("requests", &at.key("availability"), subject, report)
            && says("errors", &at.key("availability"), subject, report))
    {
        objectives.push(Objective { name: "availability", target, counts: Counts::Errors });
    }
    for (name, word, speed) in speeds(written) {
        let at = at.key(name);
        if says(word, &at, subject, report)
            && let Some(le) = bucket(speed.under, word, &at.key("under"), subject, report)
        {
            objectives.push(Objective { name, target: speed.objective, counts: Counts::Fast { word, le } });
        }
    }
    (!objectives.is_empty()).then(|| Slo {
        service: subject.service.to_owned(),
        window,
        objectives,
        scale_to_zero,
        probed: subject.probe.map(|probe| probe.interval),
        interval,
    })
}

/// Whether the engine has the word, in the version that is named; of a time it must have the buckets too.
fn says(word: &str, at: &ConfigPath, subject: &Subject, report: &mut Report) -> bool {
    let Subject { engine, version, .. } = subject;
    let histogram = vocabulary::word(word).is_some_and(|word| word.shape == Shape::Histogram);
    if engine.bounds(word, *version).is_some() || (!histogram && !engine.parts(word, *version).is_empty()) {
        return true;
    }
    let which = if version.is_some() { " in this version" } else { "" };
    let (message, label) = if engine.parts(word, *version).is_empty() {
        (format!("`{}` does not expose `{word}`{which}", engine.name), "nothing says whether it is kept")
    } else {
        (
            format!("`{}` exposes only the mean of `{word}`{which}", engine.name),
            "nobody counts how many were faster",
        )
    };
    report.push(
        Diagnostic::error("slo-unmeasurable", message)
            .at_key(at.clone(), label)
            .help(format!("remove it; `skymon explain {}` says what the engine exposes", engine.name)),
    );
    false
}

/// The bucket that ends at `under`. Between two bounds nothing is counted.
fn bucket(
    under: Duration,
    word: &str,
    at: &ConfigPath,
    subject: &Subject,
    report: &mut Report,
) -> Option<String> {
    let wanted = under.as_secs_f64();
    let Bounds { bounds, flag } = subject.engine.bounds(word, subject.version)?;
    if let Some(bound) = bounds.iter().find(|bound| bound.value.total_cmp(&wanted).is_eq()) {
        return Some(bound.le.clone());
    }
    // Only what can be written is offered.
    let writable = |bound: &&Bound| ((bound.value * 1000.0).round() - bound.value * 1000.0).abs() < 1e-9;
    let below = bounds.iter().filter(writable).rfind(|bound| bound.value < wanted);
    let above = bounds.iter().filter(writable).find(|bound| bound.value > wanted);
    let offers: Vec<String> = [below, above]
        .into_iter()
        .flatten()
        .map(|bound| format!("`under: {}`", short(bound.value)))
        .collect();
    let other = flag
        .map(|flag| format!("; `{flag}` changes them, and an engine file of your own says so to skymon"))
        .unwrap_or_default();
    report.push(
        Diagnostic::error(
            "slo-between-buckets",
            format!("no bucket of `{}` ends at {}", subject.engine.name, short(wanted)),
        )
        .at_value(at.clone(), "how many were faster is not counted")
        .help(format!("write {}{other}", offers.join(" or "))),
    );
    None
}

/// As a person writes it.
fn short(seconds: f64) -> String {
    if seconds < 1.0 { format!("{}ms", (seconds * 1000.0).round()) } else { Unit::Seconds.text(seconds) }
}

fn parsed(expr: &str) -> PromQl {
    PromQl::parse(expr).expect("made of parts that parse")
}

impl Slo {
    /// What the alerts' templates know of it: the burn rates of the pairs of windows; and for their tests what the first
    /// objective counts, and for how long.
    pub(super) fn values(&self) -> Value {
        let factors =
            |pairs: &[Pair; 2]| pairs.iter().map(|pair| number(factor(pair, self.window))).collect::<Value>();
        let objective = &self.objectives[0];
        let (whole, part) = self.counted(objective);
        context! {
            page => factors(&PAGE),
            ticket => factors(&TICKET),
            page_lookback => self.lookback(&PAGE).to_string(),
            ticket_lookback => self.lookback(&TICKET).to_string(),
            budget => objective.target.budget(),
            whole,
            part,
            part_is_good => matches!(objective.counts, Counts::Fast { .. }),
        }
    }

    /// The words that have an objective: alerts that compare them with a threshold are replaced by it.
    pub(super) fn covered(&self) -> BTreeSet<&'static str> {
        let word = |objective: &Objective| match &objective.counts {
            Counts::Errors => "errors",
            Counts::Fast { word, .. } => *word,
        };
        self.objectives.iter().map(word).collect()
    }

    /// What is recorded at every evaluation, in this order.
    pub(super) fn recordings(&self) -> Vec<Recording> {
        let own = self.own("");
        let mut recordings: Vec<Recording> = self
            .objectives
            .iter()
            .map(|objective| {
                self.of(
                    objective,
                    "service:slo_objective:ratio",
                    &format!("vector({})", objective.target.ratio()),
                )
            })
            .collect();
        for objective in &self.objectives {
            if matches!(objective.counts, Counts::Errors) {
                recordings.push(self.record("service:slo_lost:rate5m", &self.lost()));
            }
            let (all, bad) = self.events(objective);
            recordings.push(self.of(objective, "service:slo_requests:rate5m", &all));
            recordings.push(self.of(objective, "service:slo_failures:rate5m", &bad));
        }
        recordings.push(self.record(
            "service:slo_burn:rate5m",
            &format!(
                "service:slo_failures:rate5m{own}\n  / (service:slo_requests:rate5m{own} > 0)\n  \
                 / (1 - service:slo_objective:ratio{own})"
            ),
        ));
        recordings.extend(BURN_WINDOWS.map(|window| self.burn(window)));
        recordings
    }

    /// What looks back over days, and is recorded seldom.
    pub(super) fn budget(&self) -> Vec<Recording> {
        let own = self.own("");
        let window = self.window;
        let sum = |name: &str| format!("sum_over_time({name}{own}[{window}])");
        let mut recordings: Vec<Recording> = LONG_BURN_WINDOWS.map(|window| self.burn(window)).into();
        recordings.extend([
            self.record(
                "service:slo_failures:ratio",
                &format!(
                    "{}\n  / ({} > 0)",
                    sum("service:slo_failures:rate5m"),
                    sum("service:slo_requests:rate5m")
                ),
            ),
            self.record(
                BUDGET_REMAINING,
                &format!(
                    "1 - service:slo_failures:ratio{own}\n  / (1 - service:slo_objective:ratio{own})\n  * {}",
                    self.seen(&window.to_string())
                ),
            ),
            self.record(
                "service:slo_exhaustion_seconds:rate6h",
                &format!(
                    "clamp_min({BUDGET_REMAINING}{own}, 0) * {}\n  / (service:slo_burn:rate6h{own} > 0)",
                    window.as_secs_f64()
                ),
            ),
        ]);
        recordings
    }

    /// How many times faster than evenly the budget burns within a window.
    fn burn(&self, window: &str) -> Recording {
        let own = self.own("");
        let expr = format!(
            "sum_over_time(service:slo_failures:rate5m{own}[{window}])\n  \
             / (sum_over_time(service:slo_requests:rate5m{own}[{window}]) > 0)\n  \
             / (1 - service:slo_objective:ratio{own})\n  * {}",
            self.seen(window)
        );
        self.record(&format!("service:slo_burn:rate{window}"), &expr)
    }

    /// The share of a window in which something was recorded, asked minute by minute: what nobody has seen counts as time
    /// without failures. So a service that has just started is judged as one that did well before.
    fn seen(&self, window: &str) -> String {
        let minutes = seconds(window) / 60.0;
        format!("count_over_time(service:slo_requests:rate5m{}[{window}:1m]) / {minutes}", self.own(""))
    }

    /// Requests that users could not make: while no replica answers, or the endpoint does not, those of an average minute of
    /// the day before that do not arrive. Without them a total outage would cost nothing, since nobody is there to count.
    fn lost(&self) -> String {
        let counted = format!("service:slo_requests:rate5m{}", self.own(", slo=\"availability\""));
        let usual = format!("avg_over_time({counted}[1d])");
        let own = self.own("");
        let up = format!("max_over_time(service:replicas_up:sum{own}[1m])");
        let mut expr = if self.scale_to_zero {
            format!("{usual} > 0\n  and on (service) {up} == 0")
        } else {
            // Replicas that are gone are down too. Where nothing was recorded a minute ago, Prometheus has just started and
            // has not looked yet.
            format!("{usual} > 0\n  and {counted} offset 1m\n  unless on (service) {up} > 0")
        };
        if let Some(interval) = self.probed {
            // One lost probe is no outage.
            let twice = Duration::from_millis((2 * interval.as_millis()).max(60_000));
            expr = format!(
                "{expr}\nor\n{usual} - ignoring (slo) group_left () service:requests:rate5m{own} > 0\n  \
                 and on (service) max_over_time(service:endpoint_up:min{own}[{twice}]) == 0"
            );
        }
        expr
    }

    /// All events per second, and the bad ones. What is not there is 0, so that both are always there together: `labels` gives
    /// the zeros the service that a bare zero would lose.
    fn events(&self, objective: &Objective) -> (String, String) {
        match &objective.counts {
            Counts::Errors => {
                let sum = |name: &str| format!("(sum({name}{}) or vector(0))", self.own(""));
                let lost = sum("service:slo_lost:rate5m");
                let with_lost = |name: &str| format!("{}\n  + {lost}", sum(name));
                (with_lost("service:requests:rate5m"), with_lost("service:errors:rate5m"))
            }
            Counts::Fast { .. } => {
                let (all, fast) = self.counted(objective);
                // Without the bucket nothing is known, which is not that all were fast.
                (
                    format!("sum({all}\n  and ignoring (le) {fast}) or vector(0)"),
                    format!("sum(clamp_min({all}\n  - ignoring (le) {fast}, 0)) or vector(0)"),
                )
            }
        }
    }

    /// The recorded series that hold all events, and those that tell the good from the bad.
    fn counted(&self, objective: &Objective) -> (String, String) {
        let own = |more: &str| self.own(more);
        match &objective.counts {
            Counts::Errors => {
                (format!("service:requests:rate5m{}", own("")), format!("service:errors:rate5m{}", own("")))
            }
            Counts::Fast { word, le } => {
                let bucket =
                    |le: &str| format!("service:{word}_bucket:rate5m{}", own(&format!(", le=\"{le}\"")));
                (bucket("+Inf"), bucket(le))
            }
        }
    }

    /// How long all must fail until a pair fires, and no short window remembers it when as long again has passed. More than
    /// an hour, so that the steps of the test are long.
    fn lookback(&self, pairs: &[Pair; 2]) -> Duration {
        let budget = self.objectives[0].target.budget();
        let soonest = pairs
            .iter()
            .filter(|pair| factor(pair, self.window) * budget < 1.0)
            .map(|pair| factor(pair, self.window) * budget * seconds(pair.long))
            .fold(f64::INFINITY, f64::min);
        let needed = soonest.max(seconds(pairs[1].short)).max(seconds("1h"));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hours")]
        let minutes = (needed / 60.0).ceil() as u64 + 10;
        Duration::from_secs(minutes * 60)
    }

    fn own(&self, more: &str) -> String {
        format!("{{service=\"{}\"{more}}}", self.service)
    }

    /// One series for each objective.
    fn record(&self, name: &str, expr: &str) -> Recording {
        Recording::new(name, parsed(expr), self.interval, Vec::new())
    }

    /// The series of one objective.
    fn of(&self, objective: &Objective, name: &str, expr: &str) -> Recording {
        let of = labels(&[("service", &self.service), (LABEL, objective.name)]);
        Recording { labels: of, ..self.record(name, expr) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Sloth publishes, and the burn rates that it makes of it.
    #[test]
    fn windows_and_factors_are_those_that_sloth_publishes() {
        let of = |window: Duration| -> Vec<(&str, &str, f64)> {
            PAGE.iter().chain(&TICKET).map(|pair| (pair.long, pair.short, factor(pair, window))).collect()
        };
        assert_eq!(
            of(WINDOWS[0]),
            [("1h", "5m", 14.4), ("6h", "30m", 6.0), ("1d", "2h", 3.0), ("3d", "6h", 1.0)]
        );
        assert_eq!(
            of(WINDOWS[1]),
            [("1h", "5m", 13.44), ("6h", "30m", 5.6), ("1d", "2h", 2.8), ("3d", "6h", 0.933_333)]
        );
        for pair in PAGE.iter().chain(&TICKET) {
            assert!((seconds(pair.long) / seconds(pair.short) - 12.0).abs() < 1e-9);
            let recorded = |window| {
                window == "5m" || BURN_WINDOWS.iter().chain(&LONG_BURN_WINDOWS).any(|name| *name == window)
            };
            assert!(recorded(pair.long) && recorded(pair.short));
        }
    }
}
