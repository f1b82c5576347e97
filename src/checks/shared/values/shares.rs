//! Quotients of which the part is never more than the whole, whatever their values: an error ratio, what is free of a disk, the
//! mean of many.

use std::time::Duration;

use super::{Interval, Reader, grouping, source};
use crate::checks::shared::shapes::{aggregation, is_rate, ranged};
use crate::promql::tree::{Binary, Op, VectorSelector};
use crate::promql::{Expr, bare, metric};

/// What is a part of what.
const PARTS: [(&str, &str); 14] = [
    ("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
    ("node_memory_MemFree_bytes", "node_memory_MemTotal_bytes"),
    ("node_memory_Cached_bytes", "node_memory_MemTotal_bytes"),
    ("node_memory_Buffers_bytes", "node_memory_MemTotal_bytes"),
    ("node_memory_SwapFree_bytes", "node_memory_SwapTotal_bytes"),
    ("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
    ("node_filesystem_free_bytes", "node_filesystem_size_bytes"),
    ("node_filesystem_files_free", "node_filesystem_files"),
    ("node_filefd_allocated", "node_filefd_maximum"),
    ("process_open_fds", "process_max_fds"),
    ("node_nf_conntrack_entries", "node_nf_conntrack_entries_limit"),
    ("prometheus_notifications_queue_length", "prometheus_notifications_queue_capacity"),
    ("kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"),
    ("kubelet_volume_stats_inodes_free", "kubelet_volume_stats_inodes"),
];

/// What is asked of a counter: through which function, over which range.
struct Asked<'e> {
    function: &'static str,
    range: Duration,
    selector: &'e VectorSelector,
}

impl Reader<'_> {
    /// What `part / whole` can be, and whether it can be no number.
    pub(super) fn share(&mut self, quotient: &Binary, depth: usize) -> Option<(Interval, bool)> {
        if quotient.matching.on.is_some() {
            return None;
        }
        let (part, whole) = (bare(&quotient.left), least(&quotient.right));
        if is_part(part, whole) {
            return Some((Interval::RATIO, true));
        }
        // (all - free) / all
        if let Expr::Binary(difference) = part
            && difference.op == Op::Subtract
            && bare(&difference.left) == whole
            && is_part(bare(&difference.right), whole)
        {
            return Some((Interval::RATIO, true));
        }
        self.mean(part, whole, depth).or_else(|| of_counter(part, whole))
    }

    /// `sum(x) / count(x)`, and the share of those that pass a filter.
    fn mean(&mut self, part: &Expr, whole: &Expr, depth: usize) -> Option<(Interval, bool)> {
        let (above, below) = (aggregation(part, &["sum", "count"])?, aggregation(whole, &["count"])?);
        let is_same = grouping(above.grouping.as_ref()) == grouping(below.grouping.as_ref())
            && source(&above.expr) == source(&below.expr)
            && bare(&below.expr) == source(&below.expr);
        if !is_same {
            return None;
        }
        if above.name == "count" {
            return Some((Interval::RATIO, false));
        }
        let values = self.values(source(&above.expr), depth + 1, &mut super::Found::default());
        // A sum of fewer lies nearer to 0.
        let range = values.range.either(Interval::point(0.0)).in_any_numbers();
        Some((range, values.nan))
    }
}

/// One counter, above with more conditions than below.
fn of_counter(part: &Expr, whole: &Expr) -> Option<(Interval, bool)> {
    let (above, below) = (aggregation(part, &["sum"])?, aggregation(whole, &["sum"])?);
    if grouping(above.grouping.as_ref()) != grouping(below.grouping.as_ref()) {
        return None;
    }
    let (above, below) = (asked(&above.expr)?, asked(&below.expr)?);
    let (fewer, all) = (above.selector, below.selector);
    let is_part = above.function == below.function
        && above.range == below.range
        && metric(fewer).is_some()
        && metric(fewer) == metric(all)
        && fewer.when == all.when
        && all.matchers.iter().all(|one| fewer.matchers.contains(one));
    is_part.then_some((Interval::RATIO, true))
}

fn asked(expr: &Expr) -> Option<Asked<'_>> {
    let (function, matrix) = ranged(bare(expr)).filter(|(function, _)| is_rate(function))?;
    Some(Asked { function, range: matrix.range, selector: &matrix.selector })
}

/// What a divisor is at least: without a filter on it, and without a lower end.
fn least(divisor: &Expr) -> &Expr {
    let plain = source(divisor);
    match plain {
        Expr::Call(call) if call.name == "clamp_min" => call.args.first().map_or(plain, bare),
        _ => plain,
    }
}

fn is_part(part: &Expr, whole: &Expr) -> bool {
    let (Expr::Vector(part), Expr::Vector(whole)) = (part, whole) else { return false };
    let (Some(one), Some(all)) = (metric(part), metric(whole)) else { return false };
    PARTS.contains(&(one, all)) && part.when == whole.when
}
