//! What replicas on SkyServe cost, from the exporter's list of them and the rates in the config.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::alerts::bad_value;
use super::incidents::RuleTest;
use super::proofs;
use super::recordings::{Recording, Sample, labels};
use super::series::TEST_AT;
use crate::catalog::alerts::AlertChange;
use crate::config::{Config, Cost};
use crate::diagnostics::{Diagnostic, Report};
use crate::promql::PromQl;
use crate::source::{ConfigPath, SpanIndex};
use crate::values::Duration;

/// One key of `cost.hourly`: a cloud, and what narrows it.
struct Priced<'a> {
    cloud: &'a str,
    accelerator: Option<&'a str>,
    spot: Option<bool>,
    rate: f64,
}

impl<'a> Priced<'a> {
    /// `aws`, `aws/spot`, `aws/L4`, `aws/L4/spot`, and `on-demand` in the place of `spot`.
    fn parse(key: &'a str, rate: f64) -> Result<Self, &'static str> {
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let spot_of = |part| match part {
            "spot" => Some(true),
            "on-demand" => Some(false),
            _ => None,
        };
        let mut parts = key.split('/');
        let cloud = parts.next().unwrap_or_default();
        if !plain(cloud) || cloud.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("write the cloud in small letters: `aws`, `aws/spot`, `aws/L4` or `aws/L4/spot`");
        }
        let rest: Vec<&str> = parts.collect();
        let (accelerator, spot) = match rest.as_slice() {
            [] => (None, None),
            [one] => match spot_of(one) {
                Some(spot) => (None, Some(spot)),
                None => (Some(*one), None),
            },
            [accelerator, kind] if spot_of(kind).is_some() => (Some(*accelerator), spot_of(kind)),
            _ => return Err("write `aws`, `aws/spot`, `aws/L4` or `aws/L4/spot`"),
        };
        if accelerator.is_some_and(|name| !plain(name)) {
            return Err("write the accelerator as SkyPilot does: `aws/L4`, `aws/A100-80GB`");
        }
        Ok(Self { cloud, accelerator, spot, rate })
    }

    /// The more it says, the earlier it is asked; an accelerator says more than how it is paid for.
    fn narrowness(&self) -> (bool, bool) {
        (self.accelerator.is_some(), self.spot.is_some())
    }

    fn selector(&self) -> String {
        let mut matchers = format!("cloud=\"{}\"", self.cloud);
        if let Some(accelerator) = self.accelerator {
            let _ = write!(matchers, ", accelerator=\"{accelerator}\"");
        }
        if let Some(spot) = self.spot {
            let _ = write!(matchers, ", spot=\"{spot}\"");
        }
        format!("skyserve_replica_info{{{matchers}}}")
    }

    /// A replica of the test that this entry prices, as the labels that decide it.
    fn example(&self) -> [&'a str; 3] {
        [
            self.cloud,
            self.accelerator.unwrap_or("none"),
            if self.spot == Some(true) { "true" } else { "false" },
        ]
    }

    fn prices(&self, [cloud, accelerator, spot]: [&str; 3]) -> bool {
        self.cloud == cloud
            && self.accelerator.is_none_or(|name| name == accelerator)
            && self.spot.is_none_or(|wanted| wanted == (spot == "true"))
    }
}

/// All rates, the narrowest first: the first that fits a replica is its own.
struct Prices<'a>(Vec<Priced<'a>>);

impl Prices<'_> {
    fn rate_of(&self, replica: [&str; 3]) -> f64 {
        self.0.iter().find(|entry| entry.prices(replica)).map_or(0.0, |entry| entry.rate)
    }

    /// The replicas of the test that have a price, and what each costs.
    fn examples(&self) -> impl Iterator<Item = ([&str; 3], f64)> {
        self.0.iter().map(|entry| (entry.example(), self.rate_of(entry.example())))
    }

    fn total(&self) -> f64 {
        self.examples().map(|(_, rate)| rate).sum()
    }
}

/// What the stack records of cost.
pub(super) struct Recorded {
    pub recordings: Vec<Recording>,
    pub tests: Vec<RuleTest>,
}

/// `tokens`: whether a service counts the tokens that it gives out.
pub(super) fn record(
    cost: &Cost,
    index: &SpanIndex,
    interval: Duration,
    retention: Duration,
    tokens: bool,
    step: Duration,
    report: &mut Report,
) -> Recorded {
    check_limits(cost, index, report);
    let prices = read(cost, report);
    let evaluations = TEST_AT.as_millis() / step.as_millis() + 1;
    let mut recorder = Recorder { interval, recordings: Vec::new() };
    let sum = prices.total();
    if !prices.0.is_empty() {
        recorder.record_hourly(&prices);
        let of_service = "service:cost_hourly:sum";
        recorder.push(
            "service:cost_monthly:sum",
            &format!("{of_service} * {HOURS_OF_MONTH}"),
            SERVICE,
            sum * HOURS_OF_MONTH,
        );
        if retention >= MONTH {
            // Each evaluation stands for one interval.
            let hours = interval.as_secs_f64() / 3600.0;
            #[allow(clippy::cast_precision_loss, reason = "some hundred")]
            let spent = sum * evaluations as f64 * hours;
            let expr = format!("sum_over_time({of_service}[{MONTH}]) * {} / 3600", interval.as_secs_f64());
            recorder.push("service:cost:sum30d", &expr, SERVICE, spent);
        }
        if tokens {
            let expr = format!("{of_service} * 1000000\n  / (service:tokens_out:rate5m * 3600 > 0)");
            let value = sum * 1e6 / (TOKENS * 3600.0);
            recorder.push("service:cost_per_million_tokens:ratio_rate5m", &expr, SERVICE, value);
        }
        recorder.push("stack:cost_hourly:sum", &format!("sum({of_service})"), STACK, sum);
    }
    recorder.record_replicas(&prices);
    let test = prove(&prices, &recorder.recordings, evaluations, step);
    Recorded { recordings: recorder.recordings, tests: vec![test] }
}

/// The limits of the config as the thresholds that they are.
pub(super) fn limits(cost: &Cost) -> BTreeMap<String, AlertChange> {
    let threshold = |text: String| AlertChange { threshold: text.parse().ok(), ..AlertChange::default() };
    let limits = [
        ("CloudSpendHigh", cost.max_hourly.map(|rate| rate.get().to_string())),
        ("CloudReplicasHigh", cost.max_cloud_replicas.map(|count| count.get().to_string())),
    ];
    limits.into_iter().filter_map(|(alert, limit)| Some((alert.to_owned(), threshold(limit?)))).collect()
}

/// Only SkyServe's replicas are counted.
pub(super) fn without_skyserve(config: &Config, report: &mut Report) -> Recorded {
    let cost = &config.cost;
    if !cost.hourly.is_empty() || cost.max_cloud_replicas.is_some() || cost.max_hourly.is_some() {
        report.push(
            Diagnostic::warning("idle-cost", "nothing is known of what replicas cost without `skyserve`")
                .at_key(ConfigPath::root().key("cost"), "changes nothing")
                .help("write `skyserve: {api_server: 'https://sky.example.com', token_file: secrets/skypilot_token}`, or remove it"),
        );
    }
    Recorded { recordings: Vec::new(), tests: Vec::new() }
}

const MONTH: Duration = Duration::from_secs(30 * 86_400);
/// Of a year, divided by 12.
const HOURS_OF_MONTH: f64 = 730.0;
/// Labels of the test's samples.
const SERVICE: &[(&str, &str)] = &[("service", "a")];
const STACK: &[(&str, &str)] = &[];
/// Per second, in the test.
const TOKENS: f64 = 100.0;
/// A replica of the test that nothing prices, and one that has no machine yet.
const UNPRICED: [&str; 3] = ["elsewhere", "none", "false"];
const WITHOUT_MACHINE: [&str; 3] = ["none", "none", "false"];

/// What must cost nothing, or be nowhere, is better not bought.
fn check_limits(cost: &Cost, index: &SpanIndex, report: &mut Report) {
    let at = ConfigPath::root().key("cost");
    let zeros = [
        ("max_hourly", cost.max_hourly.is_some_and(|rate| rate.get() <= 0.0), "2.5"),
        ("max_cloud_replicas", cost.max_cloud_replicas.is_some_and(|count| count.get() == 0), "10"),
    ];
    for (key, _, example) in zeros.into_iter().filter(|(_, is_zero, _)| *is_zero) {
        report.push(bad_value(
            at.key(key),
            &format!("a limit of 0 would always be passed\nwrite `{key}: {example}`"),
        ));
    }
    if cost.max_hourly.is_some() && index.keys_under(&at.key("hourly")).is_empty() {
        report.push(
            Diagnostic::error("missing-key", "nothing has a price, so no sum is ever too high")
                .at_key(at.key("max_hourly"), "needs `hourly`")
                .help("write `hourly: {aws: 0.15}` with what a replica costs an hour"),
        );
    }
}

fn read<'a>(cost: &'a Cost, report: &mut Report) -> Prices<'a> {
    let at = ConfigPath::root().key("cost").key("hourly");
    let mut priced = Vec::new();
    for (key, rate) in &cost.hourly {
        match Priced::parse(key, rate.get()) {
            Ok(entry) => priced.push(entry),
            Err(help) => report.push(
                Diagnostic::error("bad-key", format!("`{}` is no cloud that has a rate", key.escape_debug()))
                    .at_key(at.key(key), "")
                    .help(help),
            ),
        }
    }
    priced.sort_by_key(|entry| Reverse(entry.narrowness()));
    Prices(priced)
}

struct Recorder {
    interval: Duration,
    recordings: Vec<Recording>,
}

impl Recorder {
    fn record_hourly(&mut self, prices: &Prices) {
        // `or` keeps the first that prices a replica.
        let terms: Vec<String> =
            prices.0.iter().map(|entry| format!("{} * {}", entry.selector(), entry.rate)).collect();
        let by_replica = "service_replica:cost_hourly:sum";
        let expr = format!("sum by (service, replica_id, cloud, spot) (\n  {}\n)", terms.join("\n  or "));
        let sample = |(id, ([cloud, _, spot], value)): (usize, ([&str; 3], f64))| {
            let id = id.to_string();
            let of = [("service", "a"), ("replica_id", id.as_str()), ("cloud", cloud), ("spot", spot)];
            Sample { labels: labels(&of), value }
        };
        self.add(by_replica, &expr, prices.examples().enumerate().map(sample).collect());
        // Nothing costs nothing; a service that is not seen costs who knows what.
        let expr = format!("sum by (service) ({by_replica})\n  or 0 * sum by (service) (skyserve_replicas)");
        self.push("service:cost_hourly:sum", &expr, SERVICE, prices.total());
        let expr = format!(
            "count by (service, cloud) (skyserve_replica_info{{cloud!=\"none\"}} unless on (service, replica_id) {by_replica})"
        );
        let labels = &[("service", "a"), ("cloud", UNPRICED[0])];
        self.push("service:cost_unpriced_replicas:count", &expr, labels, 1.0);
    }

    /// Machines of one's own, which cost nothing, are no cloud.
    fn record_replicas(&mut self, prices: &Prices) {
        let free = if prices.0.is_empty() {
            ""
        } else {
            "\n    unless on (service, replica_id) service_replica:cost_hourly:sum == 0"
        };
        let expr = format!(
            "count(\n  skyserve_replica_info{{cloud!=\"none\"}}{free}\n) or 0 * count(skyserve_replicas)"
        );
        let paid = prices.examples().filter(|(_, rate)| *rate > 0.0).count() + 1;
        #[allow(clippy::cast_precision_loss, reason = "a few")]
        self.push("stack:cloud_replicas:count", &expr, STACK, paid as f64);
    }

    fn push(&mut self, name: &str, expr: &str, of: &[(&str, &str)], value: f64) {
        self.add(name, expr, vec![Sample { labels: labels(of), value }]);
    }

    fn add(&mut self, name: &str, expr: &str, expected: Vec<Sample>) {
        let expr = PromQl::parse(expr).expect("made of parts that were checked");
        self.recordings.push(Recording::new(name, expr, self.interval, expected));
    }
}

/// One replica for each rate, one without, and one that has no machine yet.
fn prove(prices: &Prices, recordings: &[Recording], evaluations: u64, step: Duration) -> RuleTest {
    let constant = |value: f64| format!("{value}x{}", evaluations - 1);
    let replicas = prices.examples().map(|(replica, _)| replica).chain([UNPRICED, WITHOUT_MACHINE]);
    let mut input: Vec<(String, String)> = replicas
        .enumerate()
        .map(|(id, [cloud, accelerator, spot])| {
            let labels = format!(
                "service=\"a\", replica_id=\"{id}\", cloud=\"{cloud}\", accelerator=\"{accelerator}\", spot=\"{spot}\""
            );
            (format!("skyserve_replica_info{{{labels}}}"), constant(1.0))
        })
        .collect();
    input.push(("skyserve_replicas{service=\"a\", status=\"READY\"}".to_owned(), constant(1.0)));
    input.push(("service:tokens_out:rate5m{service=\"a\"}".to_owned(), constant(TOKENS)));
    let checks =
        recordings.iter().map(|recording| proofs::check(&recording.name, TEST_AT, &recording.expected));
    RuleTest { name: "what replicas cost is recorded".to_owned(), step, input, checks: checks.collect() }
}
