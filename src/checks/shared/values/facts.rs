//! What is known of a name before any data: what its series can be, the bounds of its buckets, how many targets there are.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Bounds, Interval, Presence, Values};
use crate::catalog::metrics::{Kind, Known, Part};
use crate::catalog::units::Unit;
use crate::promql::tree::VectorSelector;
use crate::promql::{Expr, bare, metric};
use crate::stack::{Job, Metrics, Prometheus, Stack};

pub(super) struct Facts<'s> {
    metrics: &'s Metrics,
    /// Of names that are asked for without a job: most are, again and again.
    known: RefCell<BTreeMap<String, Values>>,
    jobs: Vec<&'s Job>,
    /// Whether each target stands in these files.
    are_all_targets_listed: bool,
}

/// Words in the names of differences: they may be negative.
const DIFFERENCES: [&str; 10] =
    ["offset", "delta", "diff", "drift", "skew", "adjust", "remaining", "until", "expiry", "_pps_"];

/// Gauges that are not what their unit says: a percentage above 100, a ratio about 1, a speed of -1.
const UNLIKE_THEIR_UNIT: [&str; 5] = [
    "go_gc_gogc_percent",
    "node_network_speed_bytes",
    "node_timex_tick_seconds",
    "ray_serve_replica_utilization_percent",
    "sglang:utilization",
];

/// Names that any server may have, with buckets of its own.
const ANYBODYS: [&str; 8] =
    ["http_", "grpc_", "request_", "requests_", "rpc_", "process_", "inference_", "probe_"];

impl<'s> Facts<'s> {
    pub(super) fn new(stack: &'s Stack) -> Self {
        let jobs: Vec<&Job> = stack.prometheuses.iter().flat_map(|prometheus| &prometheus.jobs).collect();
        let is_listed = |job: &&Job| {
            !job.discovers && job.node.get("file_sd_configs").is_none() && job.metrics_path != "/federate"
        };
        Self {
            are_all_targets_listed: !jobs.is_empty()
                && jobs.iter().all(is_listed)
                && !stack.prometheuses.iter().any(Prometheus::reads_elsewhere),
            metrics: stack.metrics(),
            known: RefCell::default(),
            jobs,
        }
    }

    /// What the series of a name can be.
    pub(super) fn values(&self, selector: &VectorSelector) -> Values {
        let Some(name) = metric(selector) else { return Values::anything(Presence::Given) };
        if selector.matchers.iter().any(|matcher| matcher.name == "job") {
            return self.unread(name, selector);
        }
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        let values = self.unread(name, selector);
        self.known.borrow_mut().insert(name.to_owned(), values.clone());
        values
    }

    fn unread(&self, name: &str, selector: &VectorSelector) -> Values {
        if name == "ALERTS" {
            return Values::of(Interval::point(1.0), Presence::Asked);
        }
        let known = self.metrics.known(selector);
        let range = known.iter().map(|known| range(known, name)).reduce(Interval::either);
        match range {
            Some(range) if range != Interval::EVERYTHING => Values::of(range, Presence::Given),
            None if name.ends_with("_total") => Values::of(Interval::FROM_ZERO, Presence::Given),
            _ => Values::anything(Presence::Given),
        }
    }

    pub(super) fn knows(&self, selector: &VectorSelector) -> bool {
        !self.metrics.known(selector).is_empty()
    }

    /// The histogram that a selector asks for the buckets of, and their bounds without `+Inf`.
    pub(super) fn bounds(&self, selector: &VectorSelector) -> Option<Bounds> {
        let name = metric(selector)?;
        if ANYBODYS.iter().any(|beginning| name.starts_with(beginning)) {
            return None;
        }
        let known = self.metrics.known(selector);
        let mut highest: Option<&Known> = None;
        for one in &known {
            if one.part != Part::Bucket || one.metric.buckets.is_empty() {
                return None;
            }
            if highest.is_none_or(|highest| highest.metric.buckets.last() < one.metric.buckets.last()) {
                highest = Some(one);
            }
        }
        let metric = highest?.metric;
        Some((metric.name.clone(), metric.buckets.clone()))
    }

    /// How many series an expression has at most, where it is about targets that are all listed.
    pub(super) fn series(&self, expr: &Expr) -> Option<u32> {
        match bare(expr) {
            Expr::Vector(selector) if metric(selector) == Some("up") => self.targets(selector),
            Expr::Binary(one) if one.op.is_comparison() => {
                let is_number = crate::promql::asks_nothing(&one.right);
                is_number.then(|| self.series(&one.left))?
            }
            _ => None,
        }
    }

    fn targets(&self, selector: &VectorSelector) -> Option<u32> {
        // Another label than `job` may come from anywhere.
        let of_job = |job: &&&Job| {
            let conditions = selector.matchers.iter().filter(|matcher| matcher.name == "job");
            conditions.into_iter().all(|matcher| matcher.is_match(&job.name))
        };
        let relabels = |job: &&Job| job.relabels("job") || job.relabels_metrics("job");
        let sets_job = |job: &&Job| {
            job.targets.iter().flat_map(|target| &target.labels).any(|(label, _)| label.value == "job")
        };
        let is_plain =
            self.are_all_targets_listed && !self.jobs.iter().any(|job| relabels(job) || sets_job(job));
        let count: usize = self.jobs.iter().filter(of_job).map(|job| job.targets.len()).sum();
        if is_plain && count > 0 { u32::try_from(count).ok() } else { None }
    }
}

/// What the catalogue says, or a little more where it may not hold.
fn range(known: &Known, name: &str) -> Interval {
    let (low, high) = known.range();
    let may_be_negative = DIFFERENCES.iter().any(|word| name.contains(word));
    if !known.is_counter() && (may_be_negative || UNLIKE_THEIR_UNIT.contains(&name)) {
        return Interval::EVERYTHING;
    }
    let is_whole = matches!(known.metric.kind, Kind::Info) || known.metric.unit == Some(Unit::Bool);
    let range = Interval::closed(low, high);
    if is_whole && !known.is_counter() { range.in_whole_numbers() } else { range }
}
