//! The recorded series of a service: rates, ratios, quantiles, folds and zero-filling, all made here from the sources
//! that the engine's file names, together with the value each must have on the series of the rendered rule test.

use std::collections::BTreeMap;

use super::incidents::RuleTest;
use super::series::{LAST_STARTS, REPLICAS, RESTARTS, Series, TEST_AT, filled_bucket};
use super::{Probe, proofs};
use crate::catalog::engines::{Engine, Metric, Reading, Version};
use crate::catalog::units::Unit;
use crate::catalog::vocabulary::{Fold, Shape, WORDS, Zeros};
use crate::promql::PromQl;
use crate::values::Duration;

/// A recording rule.
pub struct Recording {
    pub name: String,
    pub expr: PromQl,
    /// Beside those that the expression leaves.
    pub labels: BTreeMap<String, String>,
    /// How often it is seen anew.
    pub interval: Duration,
    /// What it must record when the rule test feeds the engine's own series.
    pub expected: Vec<Sample>,
}

impl Recording {
    /// One that adds no labels to those of its expression.
    pub(super) fn new(name: &str, expr: PromQl, interval: Duration, expected: Vec<Sample>) -> Self {
        Self { name: name.to_owned(), expr, labels: BTreeMap::new(), interval, expected }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// What a service records, and the tests that prove it.
pub(super) struct Recorded {
    pub recordings: Vec<Recording>,
    pub tests: Vec<RuleTest>,
}

/// What decides which series a service has.
pub(super) struct Subject<'a> {
    pub service: &'a str,
    pub engine: &'a Engine,
    pub version: Option<&'a Version>,
    /// How often the replicas are seen anew; `None` if nothing is scraped.
    pub scraped: Option<Duration>,
    pub probe: Option<&'a Probe>,
    pub max_concurrency: Option<u32>,
    /// How long Prometheus keeps what it recorded.
    pub retention: Duration,
}

impl Subject<'_> {
    /// Whether a counter without series is 0 here: what is a part of the requests needs requests that are known.
    pub(super) fn fills(&self, zeros: Zeros) -> bool {
        zeros == Zeros::Replicas || !self.engine.parts("requests", self.version).is_empty()
    }
}

const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// Two lost probes in a row are still within what Prometheus remembers.
const OFTEN: Duration = Duration::from_secs(60);

/// 1 where the replica was there 5 minutes ago as it is now: what it shows since then has happened since then.
pub(super) const STEADY: &str = "service_replica:up:since5m";

const MEMORY: &str = "service_replica:memory_bytes:max";
/// How much memory has grown, as a share of what it was so many hours ago.
pub(super) const GROWTHS: [(&str, u32); 2] =
    [("service_replica:memory_bytes:growth6h", 6), ("service_replica:memory_bytes:growth1h", 1)];

/// The rate of a word, compared with that of the same hour some days ago.
pub(super) struct Comparison {
    pub word: &'static str,
    pub days: u32,
    operation: &'static str,
    /// Of the last hour, or as it is now.
    hourly: bool,
}

impl Comparison {
    pub(super) fn name(&self) -> String {
        format!("service:{}:{}", self.word, self.operation)
    }

    /// How long Prometheus must keep what it is compared with, and the hour before that.
    fn history(&self) -> Duration {
        Duration::from_secs(u64::from(self.days + 1) * 86_400)
    }
}

pub(super) const COMPARISONS: [Comparison; 3] = [
    Comparison { word: "requests", days: 1, operation: "ratio1d", hourly: false },
    Comparison { word: "requests", days: 7, operation: "ratio1w", hourly: true },
    Comparison { word: "tokens_out", days: 7, operation: "ratio1w", hourly: true },
];

/// Records everything that the service's engine and endpoint can say. `step` is the interval of the rule test.
pub(super) fn record(subject: &Subject, step: Duration) -> Recorded {
    let mut recorder = Recorder {
        subject,
        interval: step,
        values: BTreeMap::new(),
        recordings: Vec::new(),
        series: Series::new(subject, step),
    };
    if let Some(interval) = subject.scraped {
        recorder.interval = interval;
        recorder.record_replicas();
        for word in WORDS {
            recorder.record_word(word.name, word.shape);
        }
        recorder.record_derived();
    }
    if let Some(probe) = subject.probe {
        recorder.interval = probe.interval;
        recorder.record_probe(probe);
    }
    let tests = proofs::prove(subject, step, &recorder.recordings, recorder.series.input);
    Recorded { recordings: recorder.recordings, tests }
}

struct Recorder<'a> {
    subject: &'a Subject<'a>,
    /// Of what is being recorded.
    interval: Duration,
    /// Values of what is recorded already, by name: one for each replica, or one for the service.
    values: BTreeMap<String, Vec<f64>>,
    recordings: Vec<Recording>,
    /// What the rule test feeds.
    series: Series<'a>,
}

impl Recorder<'_> {
    fn record_replicas(&mut self) {
        for replica in REPLICAS {
            self.series.feed_constant("up", &[("replica", replica.name)], 1.0);
        }
        let service = self.subject.service;
        self.per_replica(
            "service_replica:up:max",
            &format!("max by (service, replica) (up{{service=\"{service}\", replica!=\"\"}})"),
            [1.0, 1.0],
        );
        if self.subject.engine.metrics.values().any(|metric| metric.late) {
            // Under new labels every series looks as if it had just been born; for a while the old ones are there too.
            let up = format!("up{{service=\"{service}\", replica!=\"\"}}");
            self.per_replica(
                STEADY,
                &format!(
                    "max by (service, replica) ({up} == 1 and {up} offset 5m == 1)\n  \
                     unless on (service, replica) ({up} unless {up} offset 5m)"
                ),
                [1.0, 1.0],
            );
        }
        self.for_service(
            "service:replicas_up:sum",
            &format!("sum by (service) ({})", self.own("service_replica:up:max")),
            2.0,
        );
        self.for_service(
            "service:replicas:count",
            &format!("count by (service) ({})", self.own("service_replica:up:max")),
            2.0,
        );
    }

    fn record_word(&mut self, word: &str, shape: Shape) {
        let subject = self.subject;
        let parts = subject.engine.parts(word, subject.version);
        let Some(main) = parts.first() else { return };
        if shape == Shape::StartTime {
            self.series.feed_starts(main[0]);
        } else {
            for part in &parts {
                self.series.feed_part(part);
            }
        }
        match shape {
            Shape::Counter { zeros } => self.record_counter(word, &parts, zeros),
            Shape::Gauge(fold) => self.record_gauge(word, &parts, fold),
            Shape::Histogram => match &main[0].source.per {
                None => self.record_histogram(word, main),
                Some(per) => {
                    let per = subject.engine.readings(per, subject.version);
                    if !per.is_empty() {
                        self.record_mean(word, main, &per);
                    }
                }
            },
            Shape::StartTime => self.record_starts(main),
        }
    }

    fn record_counter(&mut self, word: &str, parts: &[Vec<Reading>], zeros: Option<Zeros>) {
        let mut expr = added(parts, Fold::Sum, |reading| self.rate(reading));
        if let Some(zeros) = zeros.and_then(|zeros| self.zeros(zeros)) {
            expr = format!("{expr}\n  or 0 * {zeros}");
        }
        let [one, two] = REPLICAS.map(|replica| self.series.value(parts, Fold::Sum, replica));
        let name = format!("service_replica:{word}:rate5m");
        self.per_replica(&name, &expr, [one, two]);
        let sum = format!("sum by (service) ({})", self.own(&name));
        self.for_service(&format!("service:{word}:rate5m"), &sum, one + two);
    }

    fn record_gauge(&mut self, word: &str, parts: &[Vec<Reading>], fold: Fold) {
        let expr = added(parts, fold, |reading| {
            converted(reading, without_copies(reading, self.selector(reading, "")))
        });
        let operation = fold.as_str();
        let [one, two] = REPLICAS.map(|replica| self.series.value(parts, fold, replica));
        let name = format!("service_replica:{word}:{operation}");
        self.per_replica(&name, &expr, [one, two]);
        let folded = format!("{operation} by (service) ({})", self.own(&name));
        self.for_service(&format!("service:{word}:{operation}"), &folded, fold.of([one, two].into_iter()));
    }

    /// What a counter without series gets its zeros from.
    fn zeros(&self, zeros: Zeros) -> Option<String> {
        match zeros {
            Zeros::Replicas => Some(format!("({} == 1)", self.own("service_replica:up:max"))),
            Zeros::Requests => {
                let requests = "service_replica:requests:rate5m";
                self.values.contains_key(requests).then(|| self.own(requests))
            }
        }
    }

    fn record_starts(&mut self, readings: &[Reading]) {
        let starts = folded("max", "service, replica", readings, |reading| self.selector(reading, ""));
        self.per_replica("service_replica:start_time_seconds:max", &starts, LAST_STARTS);
        let changes = folded("max", "service, replica", readings, |reading| {
            format!("changes({}[1h])", self.selector(reading, ""))
        });
        let name = "service_replica:restarts:changes1h";
        self.per_replica(name, &changes, [RESTARTS, 0.0]);
        let sum = format!("sum by (service) ({})", self.own(name));
        self.for_service("service:restarts:changes1h", &sum, RESTARTS);
    }

    fn record_histogram(&mut self, word: &str, readings: &[Reading]) {
        let rate = |reading: &Reading| {
            without_copies(reading, format!("rate({}[5m])", self.selector(reading, "_bucket")))
        };
        let (of_service, of_replicas) = (
            bounds_converted(readings[0].metric.unit, summed("service, le", readings, rate)),
            folded("sum", "service, replica, le", readings, rate),
        );
        let buckets = format!("service:{word}_bucket:rate5m");
        let observed: f64 = REPLICAS.iter().map(|replica| self.series.observed(readings, *replica)).sum();
        let metric = readings[0].metric;
        let (low, high) = filled_bucket(metric);
        let sample = |le: &str, value| Sample {
            labels: labels(&[("service", self.subject.service), ("le", le)]),
            value,
        };
        let expected = metric
            .bounds()
            .map(|bound| sample(&bound.le, if bound.value < high { 0.0 } else { observed }))
            .chain([sample("+Inf", observed)])
            .collect();
        self.push(&buckets, &of_service, expected);
        for (suffix, quantile) in QUANTILES {
            let value = low + (high - low) * quantile;
            // Without traffic a quantile is NaN, which is not a latency: the comparison leaves it out.
            self.for_service(
                &format!("service:{word}:{suffix}_rate5m"),
                &format!("histogram_quantile({quantile}, {}) >= 0", self.own(&buckets)),
                value,
            );
        }
        let p99 = low + (high - low) * 0.99;
        let in_base = divisor(metric);
        self.per_replica(
            &format!("service_replica:{word}:p99_rate5m"),
            &format!("histogram_quantile(0.99, {of_replicas}){in_base} >= 0"),
            [p99, p99],
        );
    }

    /// All that an engine without a histogram can say: what the whole took, and how many shared it.
    fn record_mean(&mut self, word: &str, readings: &[Reading], per: &[Reading]) {
        self.series.feed_part(per);
        let rate = |reading: &Reading| self.rate(reading);
        let of_replicas = format!(
            "({})\n  / (({}) > 0)",
            folded("sum", "service, replica", readings, rate),
            folded("sum", "service, replica", per, rate)
        );
        let of_service =
            format!("{}\n  / ({} > 0)", summed("service", readings, rate), summed("service", per, rate));
        let of = |part: &[Reading]| {
            REPLICAS.map(|replica| self.series.value(&[part.to_vec()], Fold::Sum, replica))
        };
        let ([sum, other_sum], [count, other_count]) = (of(readings), of(per));
        self.per_replica(
            &format!("service_replica:{word}:mean_rate5m"),
            &of_replicas,
            [sum / count, other_sum / other_count],
        );
        self.for_service(
            &format!("service:{word}:mean_rate5m"),
            &of_service,
            (sum + other_sum) / (count + other_count),
        );
    }

    fn record_derived(&mut self) {
        self.record_ratio("service_replica", "errors", "requests");
        for (part, whole) in [
            ("errors", "requests"),
            ("preemptions", "requests"),
            ("prefix_cache_hits", "prefix_cache_queries"),
        ] {
            self.record_ratio("service", part, whole);
        }
        for comparison in COMPARISONS {
            if self.subject.retention >= comparison.history() {
                self.record_comparison(&comparison);
            }
        }
        let running = self.values.get("service:running:sum").map(|values| values[0]);
        if let (Some(capacity), Some(running)) = (self.subject.max_concurrency, running) {
            let expr = format!(
                "{}\n  / ({capacity} * ({} > 0))",
                self.own("service:running:sum"),
                self.own("service:replicas_up:sum")
            );
            self.for_service("service:utilization:ratio", &expr, running / (f64::from(capacity) * 2.0));
        }
        if self.values.contains_key(MEMORY) {
            for (name, hours) in GROWTHS {
                let now = self.own(MEMORY);
                // Nothing yet within the minutes of the rule test; `test_growth` waits for it.
                self.push(name, &format!("{now}\n  / ({now} offset {hours}h) - 1"), Vec::new());
            }
        }
    }

    /// The share of `part` in `whole`; empty, not NaN, where there is nothing to share.
    fn record_ratio(&mut self, level: &str, part: &str, whole: &str) {
        let (part_name, whole_name) = (format!("{level}:{part}:rate5m"), format!("{level}:{whole}:rate5m"));
        let (Some(parts), Some(wholes)) = (self.values.get(&part_name), self.values.get(&whole_name)) else {
            return;
        };
        let ratios: Vec<f64> = parts.iter().zip(wholes).map(|(part, whole)| part / whole).collect();
        let expr = format!("{}\n  / ({} > 0)", self.own(&part_name), self.own(&whole_name));
        let name = format!("{level}:{part}:ratio_rate5m");
        match ratios[..] {
            [one, two] => self.per_replica(&name, &expr, [one, two]),
            _ => self.for_service(&name, &expr, ratios[0]),
        }
    }

    /// A rate as a share of what it was; empty where there was nothing then.
    fn record_comparison(&mut self, comparison: &Comparison) {
        let rate = format!("service:{}:rate5m", comparison.word);
        if self.values.contains_key(&rate) {
            let rate = self.own(&rate);
            let hour = format!("avg_over_time({rate}[1h]");
            let now = if comparison.hourly { format!("{hour})") } else { rate };
            let expr = format!("{now}\n  / ({hour} offset {}d) > 0)", comparison.days);
            // Nothing yet within the minutes of the rule test; `prove_comparisons` waits for it.
            self.push(&comparison.name(), &expr, Vec::new());
        }
    }

    /// What the probe of the endpoint says.
    fn record_probe(&mut self, probe: &Probe) {
        let service = self.subject.service;
        // Prometheus forgets a sample after 5 minutes; what is asked for less often is still true.
        let newest = |metric: &str| {
            let selector = format!("{metric}{{service=\"{service}\"}}");
            if probe.interval <= OFTEN {
                return selector;
            }
            let twice = Duration::from_millis(2 * probe.interval.as_millis());
            format!("last_over_time({selector}[{twice}])")
        };
        let up = if probe.readiness {
            self.series.feed_constant("probe_success", &[], 1.0);
            format!("min by (service) ({})", newest("probe_success"))
        } else {
            self.series.feed_constant("probe_http_status_code", &[], 404.0);
            let code = newest("probe_http_status_code");
            format!("min by (service) (({code} > bool 0) * ({code} < bool 500))")
        };
        self.for_service("service:endpoint_up:min", &up, 1.0);
        self.series.feed_constant("probe_duration_seconds", &[], 0.25);
        self.for_service(
            "service:endpoint_latency_seconds:max",
            &format!("max by (service) ({})", newest("probe_duration_seconds")),
            0.25,
        );
        if probe.https {
            self.series.feed_constant("probe_ssl_earliest_cert_expiry", &[], 1_000_600.0);
            self.for_service(
                "service:certificate_expiry_seconds:min",
                &format!("min by (service) ({}) - time()", newest("probe_ssl_earliest_cert_expiry")),
                1_000_600.0 - TEST_AT.as_secs_f64(),
            );
        }
    }

    /// Events per second, in the unit of the vocabulary.
    fn rate(&self, reading: &Reading) -> String {
        let selector = self.selector(reading, "");
        let mut rate = format!("rate({selector}[5m])");
        if reading.metric.late {
            // Born since a time when the replica was there already: the whole of it is new.
            let steady = self.own(STEADY);
            rate = format!(
                "\n  {selector} / 300\n    unless {selector} offset 5m\n    \
                 and on (service, replica) {steady}\n  or\n  {rate}\n"
            );
        }
        if reading.metric.late && !divisor(reading.metric).is_empty() {
            rate = format!("({rate})");
        }
        converted(reading, without_copies(reading, rate))
    }

    fn selector(&self, reading: &Reading, suffix: &str) -> String {
        let matchers =
            reading.source.matchers.as_ref().map(|matchers| format!(", {matchers}")).unwrap_or_default();
        format!("{}{suffix}{{service=\"{}\"{matchers}}}", reading.series(), self.subject.service)
    }

    /// A recorded series of this service.
    fn own(&self, name: &str) -> String {
        format!("{name}{{service=\"{}\"}}", self.subject.service)
    }

    fn per_replica(&mut self, name: &str, expr: &str, values: [f64; 2]) {
        let service = self.subject.service;
        let expected = REPLICAS
            .iter()
            .zip(values)
            // A share of nothing is not there.
            .filter(|(_, value)| !value.is_nan())
            .map(|(replica, value)| Sample {
                labels: labels(&[("service", service), ("replica", replica.name)]),
                value,
            })
            .collect();
        self.values.insert(name.to_owned(), values.to_vec());
        self.push(name, expr, expected);
    }

    fn for_service(&mut self, name: &str, expr: &str, value: f64) {
        self.values.insert(name.to_owned(), vec![value]);
        let expected = vec![Sample { labels: labels(&[("service", self.subject.service)]), value }];
        self.push(name, expr, expected);
    }

    fn push(&mut self, name: &str, expr: &str, expected: Vec<Sample>) {
        let expr = PromQl::parse(expr).expect("recordings are made of parts that parse");
        self.recordings.push(Recording::new(name, expr, self.interval, expected));
    }
}

/// The parts of a word, each folded to one number for a replica, and these added.
fn added(parts: &[Vec<Reading>], fold: Fold, read: impl Fn(&Reading) -> String) -> String {
    let folded: Vec<String> =
        parts.iter().map(|part| folded(fold.as_str(), "service, replica", part, &read)).collect();
    if let [only] = folded.as_slice() {
        return only.clone();
    }
    // `+` would be nothing where one of them is missing. A label that tells them apart lets `or` keep them all.
    let told: Vec<String> = (1..)
        .zip(folded)
        .map(|(number, part)| format!("label_replace({part}, \"part\", \"{number}\", \"\", \"\")"))
        .collect();
    format!("sum by (service, replica) (\n  {}\n)", told.join("\n  or\n  "))
}

/// One number for each value of `by`, which tells the replicas apart. Of several metrics that may hold the answer the
/// first counts, replica by replica: each may run another version.
fn folded(operation: &str, by: &str, readings: &[Reading], read: impl Fn(&Reading) -> String) -> String {
    let folds: Vec<String> =
        readings.iter().map(|reading| format!("{operation} by ({by}) ({})", read(reading))).collect();
    folds.join("\n  or ")
}

/// The sum over the replicas of a service.
fn summed(by: &str, readings: &[Reading], read: impl Fn(&Reading) -> String) -> String {
    if let [only] = readings {
        return format!("sum by ({by}) ({})", read(only));
    }
    let replicas = by.replacen("service", "service, replica", 1);
    format!("sum by ({by}) (\n  {}\n)", folded("sum", &replicas, readings, read))
}

fn without_copies(reading: &Reading, expr: String) -> String {
    match reading.metric.copies.as_slice() {
        [] => expr,
        copies => format!("max without ({}) ({expr})", copies.join(", ")),
    }
}

/// In the unit of the vocabulary.
fn converted(reading: &Reading, expr: String) -> String {
    match reading.source.compare {
        Some(comparison) => format!("{expr} {}", comparison.promql()),
        None => expr + &divisor(reading.metric),
    }
}

fn divisor(metric: &Metric) -> String {
    match metric.unit.places() {
        0 => String::new(),
        places => format!(" / {}", 10_u32.pow(places.into())),
    }
}

/// Arithmetic does not reach a label: the point in `le` is moved as in a text. Zeros in front make room for it, and those
/// behind that say nothing go.
fn bounds_converted(unit: Unit, expr: String) -> String {
    let places = usize::from(unit.places());
    if places == 0 {
        return expr;
    }
    let zeros = "0".repeat(places);
    let moves = [
        (format!("{zeros}$1"), "([0-9].*)".to_owned()),
        ("$1.$2$3".to_owned(), format!("0*([0-9]+)([0-9]{{{places}}})[.]([0-9]+)")),
        ("$1".to_owned(), "([0-9]+[.][0-9]+?)0*".to_owned()),
    ];
    let opened = "label_replace(".repeat(moves.len());
    moves.into_iter().fold(format!("{opened}\n  {expr}"), |expr, (to, from)| {
        format!("{expr},\n  \"le\", \"{to}\", \"le\", \"{from}\")")
    })
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}
