//! The functions of Prometheus, and what each takes.

use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    /// The letters of [`LONG_SINCE`].
    pub(super) takes: &'static str,
    pub(super) since: Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Always,
    /// Prometheus wants a flag for it.
    Experiment,
    /// 3.0 was the first version without it; what took its place.
    Gone(&'static str),
}

pub(super) fn named(name: &str) -> Option<Function> {
    static ALL: LazyLock<HashMap<&str, Function>> = LazyLock::new(|| {
        let gone = ("mss", "holt_winters", Known::Gone("double_exponential_smoothing"));
        let long_since = LONG_SINCE.iter().map(|&(takes, names)| (takes, names, Known::Always));
        let experiments = EXPERIMENTS.iter().map(|&(takes, names)| (takes, names, Known::Experiment));
        let all = std::iter::once(gone).chain(long_since).chain(experiments);
        all.flat_map(|(takes, names, since)| {
            names.split_whitespace().map(move |name| (name, Function { name, takes, since }))
        })
        .collect()
    });
    ALL.get(name).copied()
}

/// The names of all functions and aggregations.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let functions = LONG_SINCE.iter().chain(&EXPERIMENTS).flat_map(|(_, names)| names.split_whitespace());
    functions.chain(AGGREGATIONS.iter().map(|(name, _)| *name))
}

/// By what they take: `v` an instant vector, `m` a range vector, `s` a scalar, `t` a text. What stands behind a `?` may be left
/// out, what stands behind a `*` may come any number of times.
const LONG_SINCE: [(&str, &str); 14] = [
    (
        "v",
        "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count \
         histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad scalar sgn sin sinh sort sort_desc sqrt tan \
         tanh timestamp",
    ),
    (
        "m",
        "absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time \
         max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time",
    ),
    ("?v", "day_of_month day_of_week day_of_year days_in_month hour minute month year"),
    ("", "pi time"),
    ("s", "vector"),
    ("sv", "histogram_quantile"),
    ("ssv", "histogram_fraction"),
    ("sm", "quantile_over_time"),
    ("ms", "predict_linear"),
    ("vs", "clamp_max clamp_min"),
    ("vss", "clamp"),
    ("v?s", "round"),
    ("vtttt", "label_replace"),
    ("vtt*t", "label_join"),
];

const EXPERIMENTS: [(&str, &str); 6] = [
    ("", "end range start step"),
    (
        "m",
        "first_over_time mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time",
    ),
    ("mss", "double_exponential_smoothing"),
    ("v?v", "info"),
    ("v*t", "sort_by_label sort_by_label_desc"),
    ("vts*s", "histogram_quantiles"),
];

/// The aggregations, with what they take.
pub(super) const AGGREGATIONS: [(&str, &str); 14] = [
    ("avg", "v"),
    ("bottomk", "sv"),
    ("count", "v"),
    ("count_values", "tv"),
    ("group", "v"),
    ("limit_ratio", "sv"),
    ("limitk", "sv"),
    ("max", "v"),
    ("min", "v"),
    ("quantile", "sv"),
    ("stddev", "v"),
    ("stdvar", "v"),
    ("sum", "v"),
    ("topk", "sv"),
];
