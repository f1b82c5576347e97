//! The rule tests of a service's recordings: on the engine's own series, before the first request, and over hours and days.

use std::collections::BTreeMap;

use super::incidents::{Check, LONG_TEST_STEP, LONGEST_TEST_STEP, RuleTest};
use super::recordings::{COMPARISONS, GROWTHS, Recording, Sample, Subject, labels};
use super::series::{REPLICAS, Series, TEST_AT, with_replica};
use crate::catalog::vocabulary::{self, Fold, Shape, WORDS};
use crate::promql::PromQl;
use crate::values::Duration;

pub(super) fn prove(
    subject: &Subject,
    step: Duration,
    recordings: &[Recording],
    input: Vec<(String, String)>,
) -> Vec<RuleTest> {
    let checks =
        recordings.iter().map(|recording| check(&recording.name, TEST_AT, &recording.expected)).collect();
    let mut tests =
        vec![RuleTest { name: "the engine's own series are recorded".to_owned(), step, input, checks }];
    if subject.scraped.is_some() {
        tests.push(prove_idle(subject, step, recordings));
        tests.extend(prove_births(subject, step));
        tests.extend(prove_growth(subject));
        tests.extend(prove_comparisons(subject, recordings));
    }
    tests
}

/// What the rates' extrapolation does to the last digits is of no interest.
pub(super) fn check(name: &str, at: Duration, expected: &[Sample]) -> Check {
    let rounded = |value: f64| (value * 1e6 + 0.5).floor() / 1e6;
    Check {
        at,
        expr: PromQl::parse(&format!("round({name}, 0.000001)")).expect("a metric's name is PromQL"),
        expected: expected
            .iter()
            .map(|sample| Sample { value: rounded(sample.value), ..sample.clone() })
            .collect(),
    }
}

/// One replica is up and has never been asked, the other is down: rates are 0 where they are known, and there are no
/// ratios and quantiles of nothing. What the probe says of itself is not a replica.
fn prove_idle(subject: &Subject, step: Duration, recordings: &[Recording]) -> RuleTest {
    let mut series = Series::new(subject, step);
    series.feed_constant("up", &[("replica", REPLICAS[0].name)], 1.0);
    series.feed_constant("up", &[("replica", REPLICAS[1].name)], 0.0);
    series.feed_constant("up", &[("instance", "the probe")], 1.0);
    let has_zeros = |word: &str| {
        let shape = vocabulary::word(word).map(|word| word.shape);
        matches!(shape, Some(Shape::Counter { zeros: Some(zeros) }) if subject.fills(zeros))
    };
    for part in WORDS.iter().flat_map(|word| subject.engine.parts(word.name, subject.version)) {
        series.feed_idle(&part);
    }
    let of = |replica: usize, value: f64| Sample {
        labels: labels(&[("service", subject.service), ("replica", REPLICAS[replica].name)]),
        value,
    };
    let service = |value: f64| vec![Sample { labels: labels(&[("service", subject.service)]), value }];
    let expected = |name: &str| -> Option<Vec<Sample>> {
        let (level, rest) = name.split_once(':')?;
        let (word, operation) = rest.split_once(':')?;
        match (level, word, operation) {
            ("service_replica", "up", "since5m") => Some(vec![of(0, 1.0)]),
            ("service_replica", "up", _) => Some(vec![of(0, 1.0), of(1, 0.0)]),
            ("service", "replicas_up", _) => Some(service(1.0)),
            ("service", "replicas", _) => Some(service(2.0)),
            (_, _, "ratio_rate5m" | "p50_rate5m" | "p95_rate5m" | "p99_rate5m" | "mean_rate5m") => {
                Some(Vec::new())
            }
            ("service", word, "rate5m") if has_zeros(word) => Some(service(0.0)),
            ("service_replica", word, "rate5m") if has_zeros(word) => Some(vec![of(0, 0.0)]),
            _ => None,
        }
    };
    let checks = recordings
        .iter()
        .filter_map(|recording| Some(check(&recording.name, TEST_AT, &expected(&recording.name)?)))
        .collect();
    RuleTest { name: "before the first request".to_owned(), step, input: series.input, checks }
}

/// The first event of its kind counts at once, although no rate sees it; what a replica brings along that Prometheus has
/// just found does not.
fn prove_births(subject: &Subject, step: Duration) -> Option<RuleTest> {
    let mut series = Series::new(subject, step);
    let mut checks = Vec::new();
    for word in WORDS.iter().filter(|word| matches!(word.shape, Shape::Counter { .. })) {
        let mut parts = subject.engine.parts(word.name, subject.version);
        parts.retain(|part| part[0].metric.late);
        if parts.is_empty() {
            continue;
        }
        for part in &parts {
            series.feed_births(part);
        }
        let values = [series.value(&parts, Fold::Sum, REPLICAS[0]), 0.0];
        let expected: Vec<Sample> = REPLICAS
            .iter()
            .zip(values)
            .map(|(replica, value)| Sample {
                labels: labels(&[("service", subject.service), ("replica", replica.name)]),
                value,
            })
            .collect();
        checks.push(check(&format!("service_replica:{}:rate5m", word.name), TEST_AT, &expected));
    }
    (!checks.is_empty()).then(|| RuleTest {
        name: "the first event of its kind counts".to_owned(),
        step,
        input: series.input,
        checks,
    })
}

/// Growth is measured over hours.
fn prove_growth(subject: &Subject) -> Option<RuleTest> {
    let parts = subject.engine.parts("memory_bytes", subject.version);
    let reading = parts.first()?[0];
    let (service, replica) = (subject.service, REPLICAS[0].name);
    let mut series = Series::new(subject, LONG_TEST_STEP);
    let (hours, per_hour) = (7.0, 600.0);
    let at = Duration::from_secs(7 * 3600);
    let steps = at.as_millis() / LONG_TEST_STEP.as_millis();
    let per_step = per_hour * LONG_TEST_STEP.as_secs_f64() / 3600.0;
    let memory = |hour: f64| 3000.0 + per_hour * hour;
    series.feed(
        &reading.series(),
        &with_replica(&reading.example(), replica),
        format!("3000+{per_step}x{steps}"),
    );
    let checks = GROWTHS.map(|(name, back)| {
        let value = memory(hours) / memory(hours - f64::from(back)) - 1.0;
        check(name, at, &[Sample { labels: labels(&[("service", service), ("replica", replica)]), value }])
    });
    Some(RuleTest {
        name: "the growth of memory is recorded".to_owned(),
        step: LONG_TEST_STEP,
        input: series.input,
        checks: checks.into(),
    })
}

/// An hour is compared with that of a day and of a week before, and with no other.
fn prove_comparisons(subject: &Subject, recordings: &[Recording]) -> Option<RuleTest> {
    let recorded = |name: &str| recordings.iter().any(|recording| recording.name == name);
    let at = Duration::from_secs(8 * 86_400);
    let (now, yesterday, last_week) = (2.0, 4.0, 8.0);
    let course = format!("1x23 {last_week} 1x{} {yesterday} 1x22 {now}", 6 * 24 - 2);
    let mut input = BTreeMap::new();
    let mut checks = Vec::new();
    for comparison in COMPARISONS.iter().filter(|comparison| recorded(&comparison.name())) {
        let rate = format!("service:{}:rate5m{{service=\"{}\"}}", comparison.word, subject.service);
        input.insert(rate, course.clone());
        let then = if comparison.days == 1 { yesterday } else { last_week };
        let ratio = Sample { labels: labels(&[("service", subject.service)]), value: now / then };
        checks.push(check(&comparison.name(), at, &[ratio]));
    }
    (!checks.is_empty()).then(|| RuleTest {
        name: "traffic is compared with the same hour of other days".to_owned(),
        step: LONGEST_TEST_STEP,
        input: input.into_iter().collect(),
        checks,
    })
}
