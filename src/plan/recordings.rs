//! The recorded series of a service: rates, ratios, quantiles, folds and zero-filling, all made here from the sources
//! that the engine's file names, together with the value each must have on the series of the rendered rule test.

use std::collections::BTreeMap;

use super::incidents::RuleTest;
use super::series::{
    LAST_STARTS, REPLICAS, RESTARTS, Series, TEST_AT, bound_value, filled_bucket, with_infinity,
};
use super::{Probe, proofs};
use crate::catalog::engines::{Engine, Metric, Source, Version};
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

const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// Two lost probes in a row are still within what Prometheus remembers.
const OFTEN: Duration = Duration::from_secs(60);

const MEMORY: &str = "service_replica:memory_bytes:max";
/// How much memory has grown, as a share of what it was so many hours ago.
pub(super) const GROWTHS: [(&str, u32); 2] =
    [("service_replica:memory_bytes:growth6h", 6), ("service_replica:memory_bytes:growth1h", 1)];

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
        let Some(source) = self.subject.engine.vocabulary.get(word) else { return };
        let metrics = self.subject.engine.metrics_of(source, self.subject.version);
        if metrics.is_empty() {
            return;
        }
        match shape {
            Shape::Counter { zeros } => self.record_counter(word, &metrics, source, zeros),
            Shape::Gauge(fold) => self.record_gauge(word, &metrics, source, fold),
            Shape::Histogram => self.record_histogram(word, &metrics, source),
            Shape::StartTime => self.record_starts(&metrics, source),
        }
    }

    fn record_counter(
        &mut self,
        word: &str,
        metrics: &[(&str, &Metric)],
        source: &Source,
        zeros: Option<Zeros>,
    ) {
        self.series.feed_metric(metrics);
        let rates = self.either(metrics, "", source, |selector| format!("rate({selector}[5m])"));
        let mut expr = format!("sum by (service, replica) ({rates})");
        if let Some(zeros) = zeros.and_then(|zeros| self.zeros(zeros)) {
            expr = format!("{expr}\n  or 0 * {zeros}");
        }
        let [one, two] =
            REPLICAS.map(|replica| self.series.selected(metrics, source, replica).into_iter().sum());
        let name = format!("service_replica:{word}:rate5m");
        self.per_replica(&name, &expr, [one, two]);
        let sum = format!("sum by (service) ({})", self.own(&name));
        self.for_service(&format!("service:{word}:rate5m"), &sum, one + two);
    }

    fn record_gauge(&mut self, word: &str, metrics: &[(&str, &Metric)], source: &Source, fold: Fold) {
        self.series.feed_metric(metrics);
        let gauges = self.either(metrics, "", source, ToOwned::to_owned);
        let operation = fold.as_str();
        let [one, two] =
            REPLICAS.map(|replica| fold.of(self.series.selected(metrics, source, replica).into_iter()));
        let name = format!("service_replica:{word}:{operation}");
        self.per_replica(&name, &format!("{operation} by (service, replica) ({gauges})"), [one, two]);
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

    fn record_starts(&mut self, metrics: &[(&str, &Metric)], source: &Source) {
        self.series.feed_starts(metrics[0].0);
        let starts = self.either(metrics, "", source, ToOwned::to_owned);
        self.per_replica(
            "service_replica:start_time_seconds:max",
            &format!("max by (service, replica) ({starts})"),
            LAST_STARTS,
        );
        let changes = self.either(metrics, "", source, |selector| format!("changes({selector}[1h])"));
        let name = "service_replica:restarts:changes1h";
        self.per_replica(name, &format!("max by (service, replica) ({changes})"), [RESTARTS, 0.0]);
        let sum = format!("sum by (service) ({})", self.own(name));
        self.for_service("service:restarts:changes1h", &sum, RESTARTS);
    }

    fn record_histogram(&mut self, word: &str, metrics: &[(&str, &Metric)], source: &Source) {
        self.series.feed_metric(metrics);
        let rates = self.either(metrics, "_bucket", source, |selector| format!("rate({selector}[5m])"));
        let buckets = format!("service:{word}_bucket:rate5m");
        let observed: f64 =
            REPLICAS.iter().flat_map(|replica| self.series.selected(metrics, source, *replica)).sum();
        // All names of one histogram have the same buckets.
        let metric = metrics[0].1;
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

    /// The expression over each metric that may hold the answer; of two that say the same the first counts.
    fn either(
        &self,
        metrics: &[(&str, &Metric)],
        suffix: &str,
        source: &Source,
        wrap: impl Fn(&str) -> String,
    ) -> String {
        let matchers = source.matchers.as_ref().map(|matchers| format!(", {matchers}")).unwrap_or_default();
        let service = self.subject.service;
        let parts: Vec<String> = metrics
            .iter()
            .map(|(name, _)| wrap(&format!("{name}{suffix}{{service=\"{service}\"{matchers}}}")))
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
        let labels = BTreeMap::new();
        self.recordings.push(Recording {
            name: name.to_owned(),
            expr,
            labels,
            interval: self.interval,
            expected,
        });
    }
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

/// The largest finite bucket of a word's histogram, in its unit: nothing beyond it is measured.
pub(super) fn largest_bucket(engine: &Engine, version: Option<&Version>, word: &str) -> Option<f64> {
    let source = engine.vocabulary.get(word)?;
    let (_, metric) = engine.metrics_of(source, version).first().copied()?;
    metric.buckets.last().map(|bound| bound_value(bound))
}
