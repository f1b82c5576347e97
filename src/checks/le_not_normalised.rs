//! A bucket that is asked for as it was written before Prometheus 3, which keeps `le="1"` as `le="1.0"`.

use super::Check;
use super::shared::shapes::is_written;
use crate::diagnostics::{Report, Severity};
use crate::promql::{MatchOp, Matcher, metric, selectors};
use crate::stack::{Query, Stack, is_fed};

pub(super) const CHECK: Check = Check { id: "le-not-normalised", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    // What others write into a Prometheus is kept as they wrote it.
    let is_third = |one| {
        let service = stack.service(one).map(|(_, service)| service);
        service.and_then(|service| service.image.as_ref()?.version()).is_some_and(|(major, _)| major >= 3)
    };
    let is_known = stack.prometheuses.iter().all(|one| {
        is_third(&one.service) && !is_fed(one, stack.service(&one.service).map(|(_, service)| service))
    });
    if stack.prometheuses.is_empty() || !is_known {
        return;
    }
    for rule in stack.rules() {
        check(&rule.expr, report);
    }
    for query in stack.dashboards.iter().flat_map(|one| &one.panels).flat_map(|panel| &panel.queries) {
        // Most ask for no bound, and need not be read: `le=` is also the end of `quantile=`.
        let may_ask = |expr: &&Query| ["le=", "le ="].iter().any(|part| expr.text.contains(part));
        if let Some(expr) = query.expr.as_ref().filter(may_ask) {
            check(expr, report);
        }
    }
}

fn check(query: &Query, report: &mut Report) {
    let Some(tree) = query.tree() else { return };
    // Who asks for both forms knows of it.
    let asks_for = |matcher: &Matcher, value: &str| {
        let mut all = selectors(tree).flat_map(|one| &one.matchers);
        all.any(|other| other.name == matcher.name && other.value == value)
    };
    for selector in selectors(tree) {
        // Only a histogram's buckets and a summary's quantiles are kept so.
        let label =
            if metric(selector).is_some_and(|name| name.ends_with("_bucket")) { "le" } else { "quantile" };
        for matcher in selector.matchers.iter().filter(|one| one.name == label && one.op == MatchOp::Equal) {
            let Some(normal) = normalised(&matcher.value).filter(|normal| *normal != matcher.value) else {
                continue;
            };
            if asks_for(matcher, &normal) || !is_written(query, matcher) {
                continue;
            }
            let value = &matcher.value;
            report.push(
                CHECK
                    .finding(format!(
                        "`{label}=\"{value}\"` matches nothing: Prometheus 3 keeps it as `{normal}`"
                    ))
                    .at(query.at(&format!("\"{value}\"")).place(), "as Prometheus 2 had it")
                    .help(format!("write `{label}=\"{normal}\"`")),
            );
        }
    }
}

/// A bound as Prometheus 3 keeps it: as `OpenMetrics` writes numbers.
fn normalised(bound: &str) -> Option<String> {
    let number: f64 = bound.parse().ok()?;
    if !number.is_finite() {
        return None;
    }
    let (digits, exponent) = format!("{number:e}")
        .split_once('e')
        .map(|(digits, exponent)| (digits.to_owned(), exponent.parse::<i32>()))?;
    let exponent = exponent.ok()?;
    if !(-4..21).contains(&exponent) || (exponent >= 6 && number.abs() >= 1e6) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return Some(format!("{digits}e{sign}{:02}", exponent.abs()));
    }
    let plain = format!("{number}");
    Some(if plain.contains('.') { plain } else { format!("{plain}.0") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_written_as_prometheus_3_keeps_it() {
        // As a real one does, asked for each of these.
        for (written, kept) in [
            ("1", "1.0"),
            ("0", "0.0"),
            ("0.50", "0.5"),
            ("100000", "100000.0"),
            ("1000000", "1e+06"),
            ("2500000", "2.5e+06"),
            ("0.00001", "1e-05"),
            ("0.25", "0.25"),
        ] {
            assert_eq!(normalised(written).as_deref(), Some(kept), "{written}");
        }
        assert_eq!(normalised("+Inf"), None);
        assert_eq!(normalised("$le"), None);
    }
}
