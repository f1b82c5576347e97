//! The rule test of the objectives: each is fed a share of failures of its own, and an outage follows.

use super::{BURN_WINDOWS, Counts, LABEL, LONG_BURN_WINDOWS, Objective, Slo, seconds};
use crate::plan::incidents::RuleTest;
use crate::plan::proofs::check;
use crate::plan::recordings::{Sample, labels};
use crate::plan::series::TEST_AT;
use crate::values::Duration;

/// Requests per second.
const ALL: f64 = 10.0;

impl Slo {
    pub(in crate::plan) fn tests(&self, step: Duration) -> Vec<RuleTest> {
        let mut tests = vec![self.prove_burn(step)];
        if self.objectives.iter().any(|objective| matches!(objective.counts, Counts::Errors)) {
            tests.push(self.prove_outage(step));
        }
        tests
    }

    /// Every objective fails another share of the same requests.
    fn prove_burn(&self, step: Duration) -> RuleTest {
        let steps = TEST_AT.as_millis() / step.as_millis();
        let mut input = vec![(format!("service:replicas_up:sum{}", self.own("")), format!("1x{steps}"))];
        for (objective, share) in self.shares() {
            let (all, part) = self.counted(objective);
            let counted = match objective.counts {
                Counts::Errors => share,
                Counts::Fast { .. } => 1.0 - share,
            };
            input.push((all, format!("{ALL}x{steps}")));
            input.push((part, format!("{}x{steps}", ALL * counted)));
        }
        let mut checks = vec![
            check("service:slo_requests:rate5m", TEST_AT, &self.samples(|_, _| ALL)),
            check("service:slo_failures:rate5m", TEST_AT, &self.samples(|_, share| ALL * share)),
            check("service:slo_failures:ratio", TEST_AT, &self.samples(|_, share| share)),
        ];
        let burn = |objective: &Objective, share: f64| share / objective.target.budget();
        checks.push(check("service:slo_burn:rate5m", TEST_AT, &self.samples(burn)));
        for window in BURN_WINDOWS.into_iter().chain(LONG_BURN_WINDOWS) {
            let seen = seen(seconds(window));
            let name = format!("service:slo_burn:rate{window}");
            checks.push(check(
                &name,
                TEST_AT,
                &self.samples(|objective, share| burn(objective, share) * seen),
            ));
        }
        let length = self.window.as_secs_f64();
        let left = |objective: &Objective, share: f64| 1.0 - burn(objective, share) * seen(length);
        checks.push(check(super::BUDGET_REMAINING, TEST_AT, &self.samples(left)));
        let lasts = |objective: &Objective, share: f64| {
            left(objective, share).max(0.0) * length / (burn(objective, share) * seen(seconds("6h")))
        };
        checks.push(check("service:slo_exhaustion_seconds:rate6h", TEST_AT, &self.samples(lasts)));
        RuleTest { name: "the objectives are recorded".to_owned(), step, input, checks }
    }

    /// First all is well, then no replica answers, and nothing is counted any more.
    fn prove_outage(&self, step: Duration) -> RuleTest {
        let well = TEST_AT.as_millis() / step.as_millis() + 1;
        let out = 600_000_u64.div_ceil(step.as_millis());
        let course = |value: f64| format!("{value}x{} stale _x{out}", well - 1);
        let input = vec![
            (format!("service:replicas_up:sum{}", self.own("")), format!("2x{} 0x{}", well - 1, out - 1)),
            (format!("service:requests:rate5m{}", self.own("")), course(ALL)),
            (format!("service:errors:rate5m{}", self.own("")), course(0.0)),
        ];
        // The first minute of an outage may be a scrape that was lost: nothing was asked then.
        let hold = 60_000_u64.div_ceil(step.as_millis()) - 1;
        #[allow(clippy::cast_precision_loss, reason = "some dozen")]
        let usual = ALL * well as f64 / (well + hold) as f64;
        let sample = |value: f64| {
            vec![Sample { labels: labels(&[("service", &self.service), (LABEL, "availability")]), value }]
        };
        let end = Duration::from_millis((well + out - 1) * step.as_millis());
        let budget = self.objectives[0].target.budget();
        let availability =
            |name: &str, value: f64| check(&format!("{name}{{slo=\"availability\"}}"), end, &sample(value));
        let checks = vec![
            availability("service:slo_lost:rate5m", usual),
            availability("service:slo_requests:rate5m", usual),
            availability("service:slo_failures:rate5m", usual),
            availability("service:slo_burn:rate5m", 1.0 / budget),
        ];
        RuleTest { name: "an outage counts as the requests that it cost".to_owned(), step, input, checks }
    }

    /// A share of failures for each objective, which tells it from the others.
    fn shares(&self) -> impl Iterator<Item = (&Objective, f64)> {
        self.objectives.iter().zip([0.5, 0.25, 0.125, 0.0625])
    }

    fn samples(&self, value: impl Fn(&Objective, f64) -> f64) -> Vec<Sample> {
        self.shares()
            .map(|(objective, share)| Sample {
                labels: labels(&[("service", &self.service), (LABEL, objective.name)]),
                value: value(objective, share),
            })
            .collect()
    }
}

/// The share of a window that has been seen at the time of the test, asked at its full minutes.
fn seen(length: f64) -> f64 {
    ((TEST_AT.as_secs_f64() / 60.0).floor() + 1.0) * 60.0 / length
}
