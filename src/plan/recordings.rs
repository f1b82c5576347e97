//! The recorded series of a service: rates, ratios, quantiles, folds and zero-filling, all made here from the sources
//! that the engine's file names, together with the value each must have on the series of the rendered rule test.

use std::collections::{BTreeMap, BTreeSet};

use super::Probe;
use super::incidents::{Check, LONG_TEST_STEP, RuleTest};
use crate::catalog::engines::{Engine, Metric, MetricType, Version};
use crate::catalog::vocabulary::{self, Shape, WORDS};
use crate::promql::{self, PromQl};
use crate::values::Duration;

/// A recording rule.
pub struct Recording {
    pub name: String,
    pub expr: PromQl,
    /// How often it is seen anew.
    pub interval: Duration,
    /// What it must record when the rule test feeds the engine's own series.
    pub expected: Vec<Sample>,
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
}

/// When the rule test looks: every window up to 5 minutes is full by then.
const RAW_TEST_AT: Duration = Duration::from_secs(600);
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// A replica of the rule test.
#[derive(Clone, Copy)]
struct Replica {
    name: &'static str,
    /// What its series are of the first one's.
    factor: f64,
    /// Whether it has had the events that a zero stands for where there were none.
    had_events: bool,
}

const REPLICAS: [Replica; 2] = [
    Replica { name: "a:1", factor: 1.0, had_events: true },
    Replica { name: "b:2", factor: 2.0, had_events: false },
];
const MEMORY: &str = "service_replica:memory_bytes:max";
/// How much memory has grown, as a share of what it was so many hours ago.
const GROWTHS: [(&str, u32); 2] =
    [("service_replica:memory_bytes:growth6h", 6), ("service_replica:memory_bytes:growth1h", 1)];

/// Records everything that the service's engine and endpoint can say. `step` is the interval of the rule test.
pub(super) fn record(subject: &Subject, step: Duration) -> Recorded {
    let mut recorder = Recorder {
        subject,
        step,
        interval: step,
        values: BTreeMap::new(),
        recordings: Vec::new(),
        fed: BTreeSet::new(),
        input: Vec::new(),
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
    let mut tests = vec![recorder.test()];
    tests.extend(recorder.test_growth());
    Recorded { recordings: recorder.recordings, tests }
}

struct Recorder<'a> {
    subject: &'a Subject<'a>,
    step: Duration,
    /// Of what is being recorded.
    interval: Duration,
    /// Values of what is recorded already, by name: one for each replica, or one for the service.
    values: BTreeMap<String, Vec<f64>>,
    recordings: Vec<Recording>,
    /// The engine's metrics whose series are in `input`.
    fed: BTreeSet<String>,
    /// The engine's own series, as the rule test feeds them.
    input: Vec<(String, String)>,
}

impl Recorder<'_> {
    fn record_replicas(&mut self) {
        for replica in REPLICAS {
            self.feed("up", &[("replica", replica.name)], "1x");
        }
        let service = self.subject.service;
        self.per_replica(
            "service_replica:up:max",
            &format!("max by (service, replica) (up{{service=\"{service}\", replica!=\"\"}})"),
            [1.0, 1.0],
        );
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
        let Some(source) = self.subject.engine.vocabulary.get(word) else {
            return;
        };
        let metrics = self.subject.engine.metrics_of(source, self.subject.version);
        let Some((name, metric)) = metrics.first().copied() else {
            return;
        };
        let matchers = source.matchers.as_deref().unwrap_or_default();
        // One metric may serve several words; its series are fed once.
        self.feed_metric(name, metric);
        let names: Vec<&str> = metrics.iter().map(|(name, _)| *name).collect();
        let values = REPLICAS.map(|replica| self.selected(name, metric, matchers, replica).into_iter());
        match shape {
            Shape::Counter { zero_from } => {
                let rates = self.either(&names, "", matchers, |selector| format!("rate({selector}[5m])"));
                let mut expr = format!("sum by (service, replica) ({rates})");
                let base = zero_from.map(|base| format!("service_replica:{base}:rate5m"));
                if let Some(base) = base.filter(|base| self.values.contains_key(base)) {
                    expr = format!("{expr}\n  or 0 * {}", self.own(&base));
                }
                let [one, two] = values.map(std::iter::Iterator::sum);
                let name = format!("service_replica:{word}:rate5m");
                self.per_replica(&name, &expr, [one, two]);
                self.for_service(
                    &format!("service:{word}:rate5m"),
                    &format!("sum by (service) ({})", self.own(&name)),
                    one + two,
                );
            }
            Shape::Gauge(fold) => {
                let gauges = self.either(&names, "", matchers, ToOwned::to_owned);
                let operation = fold.as_str();
                let [one, two] = values.map(|values| fold.of(values));
                let name = format!("service_replica:{word}:{operation}");
                self.per_replica(&name, &format!("{operation} by (service, replica) ({gauges})"), [one, two]);
                self.for_service(
                    &format!("service:{word}:{operation}"),
                    &format!("{operation} by (service) ({})", self.own(&name)),
                    fold.of([one, two].into_iter()),
                );
            }
            Shape::Histogram => self.record_histogram(word, &names, metric, matchers),
            Shape::StartTime => {
                let changes =
                    self.either(&names, "", matchers, |selector| format!("changes({selector}[1h])"));
                self.per_replica(
                    "service_replica:restarts:changes1h",
                    &format!("max by (service, replica) ({changes})"),
                    [0.0, 0.0],
                );
                let own = self.own("service_replica:restarts:changes1h");
                self.for_service("service:restarts:changes1h", &format!("sum by (service) ({own})"), 0.0);
            }
        }
    }

    fn record_histogram(&mut self, word: &str, names: &[&str], metric: &Metric, matchers: &str) {
        let rates = self.either(names, "_bucket", matchers, |selector| format!("rate({selector}[5m])"));
        let buckets = format!("service:{word}_bucket:rate5m");
        let observed: f64 =
            REPLICAS.iter().flat_map(|replica| self.selected(names[0], metric, matchers, *replica)).sum();
        let (low, high) = filled_bucket(metric);
        let expected = with_infinity(metric)
            .map(|bound| Sample {
                labels: labels(&[("service", self.subject.service), ("le", bound)]),
                value: if bound_value(bound) < high { 0.0 } else { observed },
            })
            .collect();
        self.push(&buckets, &format!("sum by (service, le) ({rates})"), expected);
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
        self.per_replica(
            &format!("service_replica:{word}:p99_rate5m"),
            &format!("histogram_quantile(0.99, sum by (service, replica, le) ({rates})) >= 0"),
            [p99, p99],
        );
    }

    fn record_derived(&mut self) {
        self.record_ratio("errors", "requests");
        self.record_ratio("prefix_cache_hits", "prefix_cache_queries");
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
    fn record_ratio(&mut self, part: &str, whole: &str) {
        let (part_name, whole_name) = (format!("service:{part}:rate5m"), format!("service:{whole}:rate5m"));
        if let (Some(part_values), Some(whole_values)) =
            (self.values.get(&part_name), self.values.get(&whole_name))
        {
            let value = part_values[0] / whole_values[0];
            let expr = format!("{}\n  / ({} > 0)", self.own(&part_name), self.own(&whole_name));
            self.for_service(&format!("service:{part}:ratio_rate5m"), &expr, value);
        }
    }

    fn record_probe(&mut self, probe: &Probe) {
        let service = self.subject.service;
        let up = if probe.readiness {
            self.feed("probe_success", &[], "1x");
            format!("min by (service) (probe_success{{service=\"{service}\"}})")
        } else {
            self.feed("probe_http_status_code", &[], "404x");
            let code = format!("probe_http_status_code{{service=\"{service}\"}}");
            format!("min by (service) (({code} > bool 0) * ({code} < bool 500))")
        };
        self.for_service("service:endpoint_up:min", &up, 1.0);
        self.feed("probe_duration_seconds", &[], "0.25x");
        self.for_service(
            "service:endpoint_latency_seconds:max",
            &format!("max by (service) (probe_duration_seconds{{service=\"{service}\"}})"),
            0.25,
        );
        if probe.https {
            self.feed("probe_ssl_earliest_cert_expiry", &[], "1000600x");
            self.for_service(
                "service:certificate_expiry_seconds:min",
                &format!(
                    "min by (service) (probe_ssl_earliest_cert_expiry{{service=\"{service}\"}}) - time()"
                ),
                1_000_600.0 - RAW_TEST_AT.as_secs_f64(),
            );
        }
    }

    /// The expression over each metric that may hold the answer; of two that say the same the first counts.
    fn either(&self, names: &[&str], suffix: &str, matchers: &str, wrap: impl Fn(&str) -> String) -> String {
        let separator = if matchers.is_empty() { "" } else { ", " };
        let service = self.subject.service;
        let parts: Vec<String> = names
            .iter()
            .map(|name| wrap(&format!("{name}{suffix}{{service=\"{service}\"{separator}{matchers}}}")))
            .collect();
        match parts.as_slice() {
            [only] => only.clone(),
            _ => format!("\n  {}\n", parts.join("\n  or\n  ")),
        }
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
        self.recordings.push(Recording { name: name.to_owned(), expr, interval: self.interval, expected });
    }

    fn feed_metric(&mut self, name: &str, metric: &Metric) {
        if !self.fed.insert(name.to_owned()) {
            return;
        }
        let step = self.step.as_secs_f64();
        for replica in REPLICAS {
            for (own_labels, value) in all_series(metric) {
                if !replica.had_events && self.starts_late(name, &own_labels) {
                    continue;
                }
                let value = value * replica.factor;
                let mut labels: Vec<(&str, &str)> = vec![("replica", replica.name)];
                labels.extend(own_labels.iter().map(|(k, v)| (k.as_str(), v.as_str())));
                match metric.r#type {
                    MetricType::Counter => self.feed(name, &labels, &format!("0+{}x", value * step)),
                    MetricType::Gauge => self.feed(name, &labels, &format!("{value}x")),
                    MetricType::Histogram => {
                        let (_, high) = filled_bucket(metric);
                        for bound in with_infinity(metric) {
                            let rate = if bound_value(bound) < high { 0.0 } else { value };
                            let mut labels = labels.clone();
                            labels.push(("le", bound));
                            self.feed(&format!("{name}_bucket"), &labels, &format!("0+{}x", rate * step));
                        }
                    }
                }
            }
        }
    }

    /// The values of those of a replica's series that the matchers select.
    fn selected(&self, name: &str, metric: &Metric, matchers: &str, replica: Replica) -> Vec<f64> {
        all_series(metric)
            .filter(|(labels, _)| selects(Some(matchers), labels))
            .filter(|(labels, _)| replica.had_events || !self.starts_late(name, labels))
            .map(|(_, value)| value * replica.factor)
            .collect()
    }

    /// Whether the series has no sample before its first event, and zeros stand for it.
    fn starts_late(&self, metric: &str, labels: &BTreeMap<String, String>) -> bool {
        self.subject.engine.vocabulary.iter().any(|(word, source)| {
            let filled = vocabulary::word(word)
                .is_some_and(|word| matches!(word.shape, Shape::Counter { zero_from: Some(_) }));
            filled && source.metric == metric && selects(source.matchers.as_deref(), labels)
        })
    }

    /// Proves each recording on the engine's own series.
    fn test(&self) -> RuleTest {
        let check = |recording: &Recording| Check {
            at: RAW_TEST_AT,
            // What the rates' extrapolation does to the last digits is of no interest.
            expr: PromQl::parse(&format!("round({}, 0.000001)", recording.name))
                .expect("a metric's name is PromQL"),
            expected: recording
                .expected
                .iter()
                .map(|sample| Sample { value: (sample.value * 1e6 + 0.5).floor() / 1e6, ..sample.clone() })
                .collect(),
        };
        RuleTest {
            name: "the engine's own series are recorded".to_owned(),
            step: self.step,
            input: self.input.clone(),
            checks: self.recordings.iter().map(check).collect(),
        }
    }

    /// Proves that growth is measured over hours: memory that doubles within six.
    fn test_growth(&self) -> Option<RuleTest> {
        self.values.get(MEMORY)?;
        let source = self.subject.engine.vocabulary.get("memory_bytes")?;
        let (name, _) = self.subject.engine.metrics_of(source, self.subject.version).first().copied()?;
        let service = self.subject.service;
        let (hours, per_hour) = (7.0, 600.0);
        let at = Duration::from_secs(7 * 3600);
        let steps = at.as_millis() / LONG_TEST_STEP.as_millis();
        let per_step = per_hour * LONG_TEST_STEP.as_secs_f64() / 3600.0;
        let memory = |hour: f64| 3000.0 + per_hour * hour;
        let checks = GROWTHS.map(|(name, back)| Check {
            at,
            expr: PromQl::parse(&format!("round({name}, 0.000001)")).expect("a metric's name is PromQL"),
            expected: vec![Sample {
                labels: labels(&[("service", service), ("replica", "a:1")]),
                value: ((memory(hours) / memory(hours - f64::from(back)) - 1.0) * 1e6 + 0.5).floor() / 1e6,
            }],
        });
        Some(RuleTest {
            name: "the growth of memory is recorded".to_owned(),
            step: LONG_TEST_STEP,
            input: vec![(
                format!("{name}{{service=\"{service}\", replica=\"a:1\"}}"),
                format!("3000+{per_step}x{steps}"),
            )],
            checks: checks.into(),
        })
    }

    /// `course` is in promtool's notation, without the number of repetitions.
    fn feed(&mut self, name: &str, labels: &[(&str, &str)], course: &str) {
        let labels: Vec<String> = [("service", self.subject.service)]
            .iter()
            .chain(labels)
            .map(|(label, value)| format!("{label}={}", serde_json::Value::from(*value)))
            .collect();
        let steps = RAW_TEST_AT.as_millis().div_ceil(self.step.as_millis());
        self.input.push((format!("{name}{{{}}}", labels.join(", ")), format!("{course}{steps}")));
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

/// Each series of the metric in the rule test, with a value (or rate) that tells it from the others.
fn all_series(metric: &Metric) -> impl Iterator<Item = (BTreeMap<String, String>, f64)> {
    let series = if metric.series.is_empty() { vec![BTreeMap::new()] } else { metric.series.clone() };
    let unit = if metric.unit == "ratio" { 0.25 } else { 1.0 };
    series.into_iter().zip(0..).map(move |(labels, position)| (labels, f64::from(1 << position) * unit))
}

fn selects(matchers: Option<&str>, labels: &BTreeMap<String, String>) -> bool {
    let matchers = promql::parse_matchers(matchers.unwrap_or_default()).expect("engine files are tested");
    matchers.matchers.iter().all(|m| m.is_match(labels.get(&m.name).map_or("", String::as_str)))
}

/// The bucket that takes all observations of the rule test: lower and upper bound.
fn filled_bucket(metric: &Metric) -> (f64, f64) {
    let middle = metric.buckets.len() / 2;
    let low = middle.checked_sub(1).map_or(0.0, |below| bound_value(&metric.buckets[below]));
    (low, bound_value(&metric.buckets[middle]))
}

fn with_infinity(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.buckets.iter().map(String::as_str).chain(["+Inf"])
}

fn bound_value(bound: &str) -> f64 {
    bound.parse().expect("engine files are tested")
}

/// The largest finite bucket of a word's histogram, in its unit: nothing beyond it is measured.
pub(super) fn largest_bucket(engine: &Engine, version: Option<&Version>, word: &str) -> Option<f64> {
    let source = engine.vocabulary.get(word)?;
    let (_, metric) = engine.metrics_of(source, version).first().copied()?;
    metric.buckets.last().map(|bound| bound_value(bound))
}
