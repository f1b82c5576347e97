//! What the checks say never fires, never does, and what they say always fires, always does: the real promtool evaluates
//! thousands of generated expressions over series at the edges of what they can be.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use skymon::checks::{self, Check};
use skymon::diagnostics::{Place, Report};
use support::memory;
use support::project::Project;
use support::tools::promtool;

/// Series that the catalogue knows in different ways, and one that it does not.
const SERIES: [&str; 6] = [
    "up",
    "recorded:kv_cache:max",
    "vllm:kv_cache_usage_perc",
    "vllm:num_requests_waiting",
    "vllm:num_preemptions_total",
    "unknown",
];
const SHAPES: [&str; 20] = [
    "X",
    "-X",
    "1 - X",
    "100 * X",
    "X * X",
    "X / 2",
    "sum(X)",
    "avg(X)",
    "max(X)",
    "count(X)",
    "count(X == 1)",
    "sum(X) / count(X)",
    "abs(X)",
    "clamp_max(X, 0.5)",
    "changes(X[5m])",
    "rate(X[5m])",
    "avg_over_time(X[5m])",
    "quantile(0.5, X)",
    "(sum(X) or vector(0))",
    "absent(X)",
];
const QUANTILES: [&str; 3] = [
    "histogram_quantile(0.9, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[5m])))",
    "histogram_quantile(0.9, rate(vllm:e2e_request_latency_seconds_bucket[5m])) * 1000",
    "histogram_quantile(99, rate(vllm:e2e_request_latency_seconds_bucket[5m]))",
];
const COMPARISONS: [&str; 6] = ["==", "!=", ">", ">=", "<", "<="];
const THRESHOLDS: [&str; 6] = ["-1", "0", "0.5", "1", "95", "8000000"];

/// What the series are at one time: none at all, or each at an edge.
const SCENARIOS: [(&str, &[(&str, &str)]); 6] = [
    ("none", &[]),
    (
        "low",
        &[
            ("bool", "0x20"),
            ("other", "0x20"),
            ("ratio", "0x20"),
            ("counter", "0x20"),
            ("unknown", "-8000001x20"),
            ("fast", "0+6x20"),
            ("slow", "0+6x20"),
        ],
    ),
    (
        "high",
        &[
            ("bool", "1x20"),
            ("other", "1x20"),
            ("ratio", "1x20"),
            ("counter", "0+60000000x20"),
            ("unknown", "8000001x20"),
            ("fast", "0x20"),
            ("slow", "0+6x20"),
        ],
    ),
    (
        "half",
        &[
            ("bool", "1x20"),
            ("other", "0x20"),
            ("ratio", "0.5x20"),
            ("counter", "0+30x20"),
            ("unknown", "0.5x20"),
            ("fast", "0+3x20"),
            ("slow", "0+6x20"),
        ],
    ),
    (
        "still",
        &[
            ("bool", "1x20"),
            ("other", "1x20"),
            ("ratio", "1x20"),
            ("counter", "96x20"),
            ("unknown", "95x20"),
            ("fast", "0x20"),
            ("slow", "0x20"),
        ],
    ),
    (
        "both",
        &[
            ("bool", "1 0 1 0 1 0 1 0 1 0 1 0"),
            ("other", "0 1 0 1 0 1 0 1 0 1 0 1"),
            ("ratio", "0 1 0 1 0 1 0 1 0 1 0 1"),
            ("counter", "0 1 0 1 0 1 0 1 0 1 0 1"),
            ("unknown", "1 -1 1 -1 1 -1 1 -1 1 -1 1 -1"),
            ("fast", "0+6x20"),
            ("slow", "0+12x20"),
        ],
    ),
];

/// The checks that say what an alert will do.
const CHECKS: [&str; 6] = [
    "never-fires",
    "always-fires",
    "percent-of-ratio",
    "threshold-beyond-buckets",
    "quantile-out-of-range",
    "no-comparison",
];

/// Every expression, by the name of its alert.
fn expressions() -> BTreeMap<String, String> {
    let mut all = Vec::new();
    let shapes = SERIES.iter().flat_map(|series| SHAPES.iter().map(|shape| shape.replace('X', series)));
    for value in shapes.chain(QUANTILES.map(str::to_owned)) {
        all.push(value.clone());
        for comparison in COMPARISONS {
            all.extend(THRESHOLDS.map(|threshold| format!("{value} {comparison} {threshold}")));
        }
    }
    // Each with another one.
    let count = all.len();
    let pairs: Vec<String> = (0..count)
        .step_by(5)
        .zip(["and", "or", "unless", "and on ()", "unless on ()"].into_iter().cycle())
        .map(|(at, word)| format!("{} {word} {}", all[at], all[at * 7 % count]))
        .collect();
    all.extend(pairs);
    // Twice about the same.
    for (series, threshold) in
        SERIES.iter().flat_map(|series| THRESHOLDS.map(|threshold| (series, threshold)))
    {
        all.extend(THRESHOLDS.map(|other| format!("{series} > {threshold} and {series} < {other}")));
        all.push(format!("0.5 < {series} < {threshold}"));
    }
    all.into_iter().enumerate().map(|(number, expr)| (format!("Generated{number}"), expr)).collect()
}

/// The expressions of the pages' wrong examples.
fn of_pages() -> BTreeMap<String, String> {
    let wrong = |(number, id): (usize, &str)| {
        let page = checks::page(id).expect("has a page");
        let example = page.split("\n## ").find(|part| part.starts_with("Wrong")).expect("is there");
        let line =
            example.lines().find_map(|line| line.trim().strip_prefix("expr: ")).expect("an expression");
        (format!("OfPage{number}"), line.replace("  # <-", ""))
    };
    CHECKS.into_iter().enumerate().map(wrong).collect()
}

#[derive(Debug, Default)]
struct Claims {
    never: BTreeSet<String>,
    always: BTreeSet<String>,
    /// Something is said of a part of it, and nothing of the whole.
    in_part: BTreeSet<String>,
}

fn rules(expressions: &BTreeMap<String, String>) -> String {
    let mut text = "groups:\n- name: all\n  rules:\n  - {record: 'recorded:kv_cache:max', expr: 'max(vllm:kv_cache_usage_perc)'}\n".to_owned();
    for (alert, expr) in expressions {
        writeln!(text, "  - {{alert: {alert}, expr: '{expr}'}}").expect("writes into memory");
    }
    text
}

/// What the checks say of each alert.
fn claims(text: &str) -> Claims {
    let stack = memory::stack([("rules.yml", text)]);
    let mut claims = Claims::default();
    let reports = CHECKS.map(|id| Check::find(id).expect("is there").findings(&stack));
    for finding in reports.iter().flat_map(Report::iter) {
        let Some(Place::Span { range, .. }) = finding.labels.first().map(|label| &label.place) else {
            continue;
        };
        let (begin, end) = (text[..range.start].rfind('\n'), text[range.start..].find('\n'));
        let line = &text[begin.unwrap_or(0)..range.start + end.expect("lines end")];
        let (_, rest) = line.split_once("alert: ").expect("is an alert");
        let (alert, expr) = rest.split_once(", expr: ").expect("has an expression");
        // The last has two thresholds.
        let is_one = ![" and ", " or ", " unless "].iter().any(|word| expr.contains(word))
            && !expr.starts_with("'0.5 < ");
        let label = finding.labels[0].text.as_str();
        let asks = |operators: &[&str]| operators.iter().any(|operator| expr.contains(operator));
        let kind = match finding.id {
            "never-fires" if finding.message.contains("can never fire") => &mut claims.never,
            "threshold-beyond-buckets" if is_one => &mut claims.never,
            "percent-of-ratio" if is_one && label == "never true" => &mut claims.never,
            // It is infinite.
            "quantile-out-of-range" if is_one && asks(&[" == ", " < ", " <= "]) => &mut claims.never,
            "quantile-out-of-range" if is_one && asks(&[" > ", " >= ", " != "]) => &mut claims.always,
            "always-fires" | "no-comparison" => &mut claims.always,
            "percent-of-ratio" if is_one => &mut claims.always,
            id if CHECKS.contains(&id) => &mut claims.in_part,
            other => panic!("{other} is none of these"),
        };
        kind.insert(alert.to_owned());
    }
    claims
}

/// Which alerts fire in each scenario, as promtool says.
fn fired(rules: &str) -> Vec<(&'static str, BTreeSet<String>)> {
    let mut tests = "rule_files: [rules.yml]\nevaluation_interval: 3m\ntests:\n".to_owned();
    for (name, values) in SCENARIOS {
        let of = |kind: &str| values.iter().find(|(one, _)| *one == kind).map(|(_, values)| *values);
        writeln!(tests, "- name: {name}\n  interval: 1m\n  input_series:").expect("writes into memory");
        let mut series = |name: &str, kind: &str| {
            if let Some(values) = of(kind) {
                writeln!(tests, "  - {{series: '{name}', values: '{values}'}}").expect("writes into memory");
            }
        };
        series("up{job=\"api\"}", "bool");
        series("up{job=\"other\"}", "other");
        series("vllm:kv_cache_usage_perc", "ratio");
        for counter in
            ["vllm:num_requests_waiting", "vllm:num_preemptions_total", "http_requests_total{status=\"500\"}"]
        {
            series(counter, "counter");
        }
        series("unknown", "unknown");
        for histogram in ["vllm:e2e_request_latency_seconds", "http_request_duration_seconds"] {
            for (le, kind) in [("0.3", "fast"), ("7680.0", "fast"), ("+Inf", "slow")] {
                series(&format!("{histogram}_bucket{{le=\"{le}\"}}"), kind);
            }
        }
        // Asked so that promtool tells what there is.
        tests += "  promql_expr_test:\n  - {expr: 'group by (alertname) (ALERTS)', eval_time: 9m, exp_samples: [{labels: '{none=\"\"}', value: 2}]}\n";
    }
    let project = Project::empty();
    project.write("rules.yml", rules);
    project.write("tests.yml", &tests);
    let said = promtool(&["test", "rules", "tests.yml"], &project.path("")).text();
    let answers: Vec<&str> = said.split("got:").skip(1).collect();
    assert_eq!(answers.len(), SCENARIOS.len(), "{}", &said[..said.len().min(4000)]);
    let names = |answer: &str| {
        answer
            .split("alertname=\"")
            .skip(1)
            .filter_map(|rest| rest.split_once('"').map(|(name, _)| name.to_owned()))
            .collect()
    };
    SCENARIOS.iter().zip(answers).map(|((name, _), answer)| (*name, names(answer))).collect()
}

#[test]
fn promtool_agrees_with_every_claim_that_an_alert_never_or_always_fires() {
    let mut all = expressions();
    all.extend(of_pages());
    let text = rules(&all);
    let claims = claims(&text);
    let fired = fired(&text);
    let mut wrong = Vec::new();
    for (scenario, fired) in &fired {
        for alert in claims.never.intersection(fired) {
            wrong.push(format!("`{}` fires at `{scenario}`", all[alert]));
        }
        for alert in claims.always.difference(fired).filter(|_| *scenario != "none") {
            wrong.push(format!("`{}` is silent at `{scenario}`", all[alert]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // There is something to be wrong about, and what nothing is said of does one as well as the other.
    assert!(
        claims.never.len() > 200 && claims.always.len() > 100,
        "{} {}",
        claims.never.len(),
        claims.always.len()
    );
    let pages: BTreeSet<String> = of_pages().into_keys().collect();
    let claimed: BTreeSet<String> =
        claims.never.union(&claims.always).chain(&claims.in_part).cloned().collect();
    assert_eq!(pages.difference(&claimed).collect::<Vec<_>>(), Vec::<&String>::new());
    let open: Vec<&String> = all.keys().filter(|alert| !claimed.contains(*alert)).collect();
    let there: Vec<_> = fired.iter().filter(|(scenario, _)| *scenario != "none").collect();
    let does_both = |alert: &&&String| {
        there.iter().any(|(_, fired)| fired.contains(**alert))
            && !there.iter().all(|(_, fired)| fired.contains(**alert))
    };
    let both = open.iter().filter(does_both).count();
    assert!(both * 2 > open.len(), "{both} of {} that nothing is said of both fire and do not", open.len());
}
