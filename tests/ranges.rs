//! What the checks of values and of times say of many expressions, and of which they say nothing: beside the pages' examples,
//! the ways in which the same thing is written.

mod support;

use skymon::checks::Check;
use support::memory;

const CHECKS: [&str; 17] = [
    "always-fires",
    "bucket-not-there",
    "burn-factor-one",
    "clamped-traffic",
    "for-too-short",
    "interval-longer-than-range",
    "irate-in-alert",
    "load-without-cores",
    "never-fires",
    "no-comparison",
    "one-lost-scrape",
    "percent-of-ratio",
    "quantile-out-of-range",
    "range-too-short",
    "range-without-slack",
    "rate-of-aggregate",
    "threshold-beyond-buckets",
];

/// Two targets of one job, asked each 15 seconds, and a slow one.
const PROMETHEUS: &str = "\
global: {scrape_interval: 15s, evaluation_interval: 15s}
rule_files: [rules.yml]
scrape_configs:
- job_name: api
  static_configs: [{targets: ['10.0.0.1:8000', '10.0.0.2:8000'], labels: {team: ml}}]
- job_name: slow
  scrape_interval: 2m
  static_configs: [{targets: ['10.0.0.3:8000'], labels: {team: web}}]
";

/// What is found in rules beside a Prometheus.
fn found(prometheus: &str, rules: &str) -> Vec<&'static str> {
    let stack = memory::stack([("prometheus.yml", prometheus), ("rules.yml", rules)]);
    let findings = |id: &&'static str| {
        let report = Check::find(id).expect("is there").findings(&stack);
        report.iter().map(|finding| finding.id).collect::<Vec<_>>()
    };
    CHECKS.iter().flat_map(findings).collect()
}

/// What is said of one alert, with `for: 5m`.
fn said(expr: &str) -> Vec<&'static str> {
    let rules = format!("groups:\n- name: a\n  rules:\n  - alert: Some\n    expr: '{expr}'\n    for: 5m\n");
    found(PROMETHEUS, &rules)
}

#[track_caller]
fn is_said_of_each(ids: &[&str], expressions: &[&str]) {
    for expr in expressions {
        assert_eq!(said(expr), ids, "{expr}");
    }
}

#[test]
fn what_works_is_not_blamed() {
    is_said_of_each(
        &[],
        &[
            "up == 0",
            "up < 1",
            "vector(1)",
            "absent(up{job=\"api\"})",
            "absent(up{job=\"api\"} == 1)",
            "ALERTS{alertstate=\"firing\"}",
            "failed_job",
            "count(failed_job) > 0",
            "count(up{job=\"api\"} == 1) < 2",
            "count by (version) (build_info) > 1",
            "sum(up{job=\"api\"}) < 2",
            "(count(up{job=\"api\"} == 1) or vector(0)) == 0",
            "count(x) == 0 or absent(x)",
            // Switched off, and only in the daytime.
            "x > 5 and on () vector(0) == 1",
            "x > 5 and on () (hour() > 8 < 18)",
            "x > 5 unless on () up == 2",
            // Differences may be negative, percentages above 100, and a share above 1 times 100.
            "node_timex_offset_seconds < -0.05",
            "go_gc_gogc_percent > 100",
            "100 * vllm:kv_cache_usage_perc > 95",
            "vllm:kv_cache_usage_perc > 0.95",
            "temperature < 0",
            "a / b > 95",
            "1 - a / b > 95",
            "sum(rate(a_total{code=\"500\"}[5m])) / sum(rate(b_total[5m])) > 2",
            "sum by (x) (rate(a_total{code=\"500\"}[5m])) / ignoring (x) sum by (x, y) (rate(a_total[5m])) > 2",
            "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 100000",
            "histogram_quantile(0.9, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))) >= 7680",
            "label_replace(up == 0, \"a\", \"$1\", \"job\", \"(.*)\")",
            "max_over_time(up[5m]) == 0",
            "changes(process_start_time_seconds[1h]) > 3",
            "predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0",
            "delta(vllm:num_requests_waiting[10m]) < 0",
        ],
    );
}

#[test]
fn what_no_value_can_pass_is_found_however_it_is_written() {
    is_said_of_each(
        &["never-fires"],
        &[
            "up > 1",
            "1 < up",
            "up == 0.5",
            "sum(rate(a_total[5m])) < 0",
            "count(a) == 0",
            "count(a > 5) < 1",
            "count_over_time(a[5m]) == 0",
            "absent(a) == 0",
            "present_over_time(a[5m]) == 0",
            "(a > 5 < 3)",
            "a > 5 and a < 3",
            "a > 5 and b > 1 and a < 3",
            "sum(up{job=\"api\"}) > 2",
            "clamp_max(a, 5) > 5",
            "abs(a) < 0",
            "hour() > 23",
            "(up == 2) + a > 1",
            "(up >= bool 0) == 0",
            "(up > bool 1) == 1",
            "a > 5 or up > 1",
            "sum(a) or vector(0) > 5",
            "vllm:num_requests_waiting < 0",
            "avg(up) > 1",
            "max_over_time(up[5m]) > 1",
        ],
    );
}

#[test]
fn what_every_value_passes_is_found_however_it_is_written() {
    is_said_of_each(
        &["always-fires"],
        &[
            "up >= 0",
            "0 <= up",
            "up != 2",
            "sum(rate(a_total[5m])) >= 0",
            "increase(a_total[5m]) > -1",
            "count(up{job=\"api\"}) < 40",
            "sum(up{job=\"api\"}) <= 2",
            "a > 5 or up >= 0",
            "(up >= bool 0) == 1",
            "(up > bool 1) == 0",
        ],
    );
    is_said_of_each(
        &["no-comparison"],
        &[
            "up",
            "sum(up)",
            "rate(a_total[5m])",
            "a / b",
            "errors_total",
            "up == bool 0",
            "histogram_quantile(0.9, rate(a_bucket[5m]))",
            "time() - a",
        ],
    );
}

#[test]
fn a_percentage_beside_a_ratio_is_found_however_the_ratio_is_made() {
    is_said_of_each(
        &["percent-of-ratio"],
        &[
            "vllm:kv_cache_usage_perc > 95",
            "max by (instance) (vllm:kv_cache_usage_perc) > 95",
            "avg_over_time(vllm:kv_cache_usage_perc[5m]) >= 90",
            "avg(up) < 50",
            "sum(up) / count(up) < 50",
            "count(a == 1) / count(a) < 50",
            "1 - vllm:kv_cache_usage_perc < 10",
            "sum(rate(a_total{code=\"500\"}[5m])) / sum(rate(a_total[5m])) > 5",
            "sum by (x) (increase(a_total{code=~\"5..\", y=\"z\"}[5m])) / (sum by (x) (increase(a_total{y=\"z\"}[5m])) > 0) > 5",
            "sum(rate(a_total{code=\"500\"}[5m])) / clamp_min(sum(rate(a_total[5m])), 0.1) > 5",
            "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 10",
            "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 90",
            "(node_filesystem_size_bytes - node_filesystem_avail_bytes) / node_filesystem_size_bytes > 90",
            "node_filesystem_avail_bytes / node_filesystem_size_bytes < 10 and node_filesystem_readonly == 0",
        ],
    );
}

#[test]
fn quantiles_are_held_against_their_buckets() {
    is_said_of_each(
        &["threshold-beyond-buckets"],
        &[
            "histogram_quantile(0.9, sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))) > 7680",
            "histogram_quantile(0.9, rate(vllm:time_to_first_token_seconds_bucket[5m])) * 1000 > 3e6",
            "histogram_quantile(0.9, rate(vllm:e2e_request_latency_seconds_bucket[5m])) > 10000 or up == 0",
        ],
    );
    is_said_of_each(
        &["quantile-out-of-range"],
        &[
            "histogram_quantile(95, rate(a_bucket[5m])) > 2",
            "histogram_quantile(-0.5, rate(a_bucket[5m])) > 2",
            "quantile(95, a) > 2",
            "quantile_over_time(99, a[5m]) > 2",
        ],
    );
    is_said_of_each(
        &["bucket-not-there"],
        &[
            "sum(rate(vllm:e2e_request_latency_seconds_bucket{le=\"3\"}[5m])) > 2",
            "rate(vllm:time_to_first_token_seconds_bucket{le=\"0.3\"}[5m]) > 2",
        ],
    );
    is_said_of_each(
        &[],
        &[
            "rate(vllm:e2e_request_latency_seconds_bucket{le=\"+Inf\"}[5m]) > 2",
            "rate(vllm:e2e_request_latency_seconds_bucket{le=\"2.5\"}[5m]) > 2",
            "rate(vllm:e2e_request_latency_seconds_bucket{le=\"1.0\"}[5m]) > 2",
            "rate(a_bucket{le=\"3\"}[5m]) > 2",
        ],
    );
}

#[test]
fn recordings_are_followed_to_what_they_record() {
    let with = |recorded: &str, alert: &str| {
        found(
            PROMETHEUS,
            &format!(
                "groups:\n- name: a\n  rules:\n  - {{record: 'a:b', expr: '{recorded}'}}\n  - {{record: 'a:c', expr: 'max(a:b)'}}\n  - {{alert: Some, expr: '{alert}', for: 5m}}\n"
            ),
        )
    };
    assert_eq!(with("vllm:kv_cache_usage_perc", "a:c > 95"), ["percent-of-ratio"]);
    assert_eq!(with("up", "a:c > 1"), ["never-fires"]);
    assert_eq!(with("up", "a:c"), ["no-comparison"]);
    // What is only recorded while it is wrong may stand alone.
    assert_eq!(with("up == 0", "a:c"), Vec::<&str>::new());
    let latency = "sum by (le) (rate(vllm:e2e_request_latency_seconds_bucket[5m]))";
    assert_eq!(with(latency, "histogram_quantile(0.9, a:b) > 10000"), ["threshold-beyond-buckets"]);
    // It is said where it stands, and not of who reads it.
    assert_eq!(with("up > 1", "a:c > 0"), ["never-fires"]);
    assert_eq!(with("histogram_quantile(99, rate(a_bucket[5m]))", "a:c > 1"), ["quantile-out-of-range"]);
    // One that reads itself.
    assert_eq!(with("a:c + 1", "a:b > 95"), Vec::<&str>::new());
    // Sums of counters.
    assert_eq!(with("sum(a_total)", "rate(a:b[5m]) > 1"), ["rate-of-aggregate"]);
    assert_eq!(with("sum(rate(a_total[5m]))", "a:b > 1"), Vec::<&str>::new());
}

#[test]
fn a_range_is_held_against_the_jobs_that_can_have_its_series() {
    // Any job may have it: the fastest counts.
    is_said_of_each(&[], &["rate(a_total[1m]) > 1", "rate(a_total{team=~\"ml|web\"}[1m]) > 1"]);
    is_said_of_each(
        &["range-too-short"],
        &[
            "rate(a_total[20s]) > 1",
            "rate(a_total{job=\"slow\"}[2m]) > 1",
            "increase(a_total{job=~\"sl.*\"}[3m]) > 1",
            "deriv(a{team=\"web\"}[1m]) > 1",
        ],
    );
    is_said_of_each(&["range-without-slack"], &["rate(a_total{job=\"slow\"}[4m]) > 1"]);
    is_said_of_each(&[], &["rate(a_total{job=\"slow\"}[8m]) > 1", "max_over_time(a{job=\"slow\"}[1m]) > 1"]);
    let rules = "groups:\n- name: a\n  rules:\n  - {alert: Some, expr: 'rate(a_total[20s]) > 1'}\n";
    assert_eq!(found(PROMETHEUS, rules), ["range-too-short"]);
    // What comes from elsewhere may come as often as it likes.
    for line in ["remote_read: [{url: 'http://x'}]\n", "- {job_name: f, metrics_path: /federate}\n"] {
        assert_eq!(found(&format!("{PROMETHEUS}{line}"), rules), Vec::<&str>::new(), "{line}");
    }
    // Without the configuration nothing is known.
    assert_eq!(found("", rules), Vec::<&str>::new());
    // What is recorded has a new value as often as its group is evaluated.
    let recorded = "groups:\n- name: a\n  interval: 5m\n  rules:\n  - {record: 'a:b', expr: a}\n- name: b\n  rules:\n  - {alert: Some, expr: 'delta(a:b[5m]) > 1'}\n";
    assert_eq!(found(PROMETHEUS, recorded), ["range-too-short"]);
}

#[test]
fn a_hold_is_held_against_the_time_between_two_samples() {
    let with = |rule: &str| {
        found(PROMETHEUS, &format!("groups:\n- name: a\n  rules:\n  - {{alert: Some, {rule}}}\n"))
    };
    assert_eq!(with("expr: 'a{job=\"slow\"} > 1', for: 1m"), ["for-too-short"]);
    assert_eq!(with("expr: 'a{job=\"slow\"} > 1', for: 2m"), Vec::<&str>::new());
    assert_eq!(with("expr: 'a > 1', for: 1m"), Vec::<&str>::new());
    // A range has several samples in it.
    assert_eq!(with("expr: 'max_over_time(a{job=\"slow\"}[10m]) > 1', for: 1m"), Vec::<&str>::new());
    assert_eq!(with("expr: 'up == 0'"), ["one-lost-scrape"]);
    assert_eq!(with("expr: 'probe_success != 1'"), ["one-lost-scrape"]);
    // It is said that it is meant so, or something else is asked too.
    for rule in ["expr: 'up == 0', for: 0s", "expr: 'a == 0'", "expr: 'sum(up) == 0'"] {
        assert_eq!(with(rule), Vec::<&str>::new(), "{rule}");
    }
}

#[test]
fn who_fires_on_purpose_is_left_alone() {
    for name in ["Watchdog", "DeadMansSwitch", "dead_man_switch", "Heartbeat", "AlwaysFiring"] {
        let rules = format!(
            "groups:\n- name: a\n  rules:\n  - {{alert: {name}, expr: 'up >= 0'}}\n  - {{alert: {name}2, expr: up}}\n"
        );
        assert_eq!(found(PROMETHEUS, &rules), Vec::<&str>::new(), "{name}");
    }
}
