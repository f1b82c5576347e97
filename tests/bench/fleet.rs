//! What the rendered rules and pages cost a Prometheus: a thousand vLLM replicas in ten services, an hour of their series
//! every 15 seconds, then the rules evaluated as rendered, and the queries of the overview beside those of the tutorial's
//! dashboard, which ask the raw series.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use skymon::catalog::engines::{Engine, Engines};

use crate::prometheus::Prometheus;
use crate::remote_write::{self, Series};
use crate::{Project, config, print};

const SERVICES: usize = 10;
const REPLICAS: usize = 100;
const STEP: i64 = 15_000;
const HOUR: i64 = 3_600_000;
/// The raw series go on into the future, so that the rules find fresh ones while they are measured.
const AHEAD: i64 = 600_000;
/// Sent at once: so many samples of so many series. Prometheus takes what is at most an hour older than the newest.
const SLICE: i64 = 40 * STEP;
const BATCH: usize = 2_000;
/// How often the rules are evaluated, and each query is asked, before the median is taken.
const EVALUATIONS: usize = 5;
const ROUNDS: usize = 5;

/// The tutorial's dashboard with vLLM's names for its own: Grafana asks all of its panels for the whole time range.
const TUTORIAL: [&str; 6] = [
    "rate(http_requests_total[1m])",
    "histogram_quantile(0.99, rate(vllm:e2e_request_latency_seconds_bucket[5m]))",
    "sum(vllm:num_requests_running)",
    "sum(rate(http_requests_total{status=\"5xx\"}[5m])) / sum(rate(http_requests_total[5m])) * 100",
    "sum(increase(vllm:generation_tokens_total[1h]))",
    "up",
];

/// What the graphs of the overview show, asked of the raw series the way a careful person would.
const BY_SERVICE: [&str; 9] = [
    "sum by (service) (rate(http_requests_total{status=~\"2xx|5xx\"}[5m]))",
    "sum by (service) (rate(http_requests_total{status=\"5xx\"}[5m])) \
     / sum by (service) (rate(http_requests_total{status=~\"2xx|5xx\"}[5m]))",
    "sum by (service) (rate(vllm:generation_tokens_total[5m]))",
    "histogram_quantile(0.99, sum by (service, le) (rate(vllm:e2e_request_latency_seconds_bucket[5m])))",
    "histogram_quantile(0.99, sum by (service, le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
    "sum by (service) (vllm:num_requests_waiting)",
    "max by (service) (vllm:kv_cache_usage_perc)",
    "sum by (service) (up)",
    "sum by (service) (changes(process_start_time_seconds[1h]))",
];

pub(crate) fn measure() {
    let project = Project::new(&fleet());
    project.render();
    let rules = project.path("monitoring/prometheus/rules");
    let prometheus = Prometheus::start(&project.path("prometheus"));
    let now = i64::try_from(since_epoch().as_millis()).expect("in this age") / STEP * STEP;
    let raw = raw_series();
    let recorded = recorded_series(&rules);
    fill(&prometheus, &[(&raw, now + AHEAD), (&recorded, now)], now - HOUR);
    let evaluated = evaluate(&prometheus, &rules);

    let mut text = format!(
        "{} replicas of vLLM in {SERVICES} services: {} series of theirs that a rule or a query reads, {} recorded ones. \
         Medians of {ROUNDS} rounds, the last hour in steps of 15 s:\n\n",
        SERVICES * REPLICAS,
        raw.len(),
        recorded.len(),
    );
    text.push_str("| page | queries | time | answers |\n|---|---|---|---|\n");
    let ranges = |exprs: &[&str]| exprs.iter().map(|expr| ((*expr).to_owned(), false)).collect();
    let page = fs::read_to_string(project.path("monitoring/grafana/dashboards/overview.json"));
    let overview = queries(&serde_json::from_str(&page.expect("reads the page")).expect("it is JSON"));
    let pages: [(&str, Vec<(String, bool)>); 4] = [
        ("the tutorial's dashboard", ranges(&TUTORIAL)),
        ("the overview's graphs, asked of the raw series", ranges(&BY_SERVICE)),
        ("the overview's graphs", overview.iter().filter(|(_, instant)| !instant).cloned().collect()),
        ("the whole overview", overview),
    ];
    let mut times = Vec::new();
    for (what, queries) in pages {
        let answers: Vec<(Duration, usize)> =
            queries.iter().map(|(expr, instant)| time(&prometheus, expr, *instant, now)).collect();
        let millis = answers.iter().map(|(time, _)| time).sum::<Duration>().as_secs_f64() * 1e3;
        let size: usize = answers.iter().map(|(_, size)| size).sum();
        let _ =
            writeln!(text, "| {what} | {} | {millis:.0} ms | {} KiB |", queries.len(), size.div_ceil(1024));
        times.push(millis);
    }
    let share = |part: f64, whole: f64| part / whole * 100.0;
    let _ = writeln!(
        text,
        "\n- the overview takes {:.1} % of the tutorial's dashboard",
        share(times[3], times[0])
    );
    let _ = writeln!(
        text,
        "- its graphs take {:.1} % of the same asked of the raw series",
        share(times[2], times[1])
    );
    print(&text);
    print(&evaluated);
}

fn fleet() -> String {
    let services: Vec<String> = (0..SERVICES)
        .map(|service| {
            let replicas: Vec<String> = (0..REPLICAS).map(|replica| address(service, replica)).collect();
            format!("  s{service}: {{engine: vllm, replicas: [{}]}}\n", replicas.join(", "))
        })
        .collect();
    config(&services.concat())
}

fn address(service: usize, replica: usize) -> String {
    format!("10.0.{service}.{replica}:8000")
}

fn vllm() -> &'static Engine {
    Engines::built_in().get("vllm").expect("is built in")
}

/// Labels of a series, and whether it counts.
type Shown = (Vec<(String, String)>, bool);

/// What the replicas show and a rule or a query may read.
fn raw_series() -> Vec<Shown> {
    let known = &vllm().metrics;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/engines/vllm.generated.prom");
    let text = fs::read_to_string(path).expect("reads the exposition");
    let mut shown = vec![("up".to_owned(), Vec::new(), false)];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a series and a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        if known.contains_key(name) || family.is_some_and(|family| known.contains_key(family)) {
            let labels =
                labels.trim_end_matches('}').split("\",").filter_map(|label| label.split_once("=\""));
            let labels =
                labels.map(|(label, value)| (label.to_owned(), value.trim_end_matches('"').to_owned()));
            let counts = family.is_some() || name.ends_with("_total");
            shown.push((name.to_owned(), labels.collect(), counts));
        }
    }
    let mut all = Vec::new();
    for service in 0..SERVICES {
        for replica in 0..REPLICAS {
            let address = address(service, replica);
            for (name, labels, counts) in &shown {
                let service = format!("s{service}");
                let target =
                    [("job", &service), ("service", &service), ("instance", &address), ("replica", &address)];
                let target = target.map(|(label, value)| (label.to_owned(), value.clone()));
                all.push((sorted(name, labels.iter().cloned().chain(target)), *counts));
            }
        }
    }
    all
}

/// What the rules have recorded by then. The values do not matter, how many there are does.
fn recorded_series(rules: &Path) -> Vec<Shown> {
    let bounds: BTreeSet<&str> = vllm().metrics["vllm:time_to_first_token_seconds"]
        .buckets
        .iter()
        .map(String::as_str)
        .chain(["+Inf"])
        .collect();
    let mut all = Vec::new();
    for service in 0..SERVICES {
        let key = format!("s{service}");
        let text = fs::read_to_string(rules.join(format!("{key}.yml"))).expect("reads the rules");
        let names =
            text.lines().filter_map(|line| line.trim().strip_prefix("- record: \"")?.strip_suffix('"'));
        for name in names {
            let own = ("service".to_owned(), key.clone());
            if name.starts_with("service_replica:") {
                for replica in 0..REPLICAS {
                    let replica = ("replica".to_owned(), address(service, replica));
                    all.push((sorted(name, [own.clone(), replica].into_iter()), false));
                }
            } else if name.contains("_bucket:") {
                for bound in &bounds {
                    let bound = ("le".to_owned(), (*bound).to_owned());
                    all.push((sorted(name, [own.clone(), bound].into_iter()), false));
                }
            } else {
                all.push((sorted(name, [own].into_iter()), false));
            }
        }
    }
    all
}

fn sorted(name: &str, labels: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut labels: Vec<_> = labels.chain([("__name__".to_owned(), name.to_owned())]).collect();
    labels.sort();
    labels
}

/// The queries of a page, and which of them ask for one moment.
fn queries(page: &Value) -> Vec<(String, bool)> {
    let panels = page["panels"].as_array().expect("panels").iter();
    let inside = panels.clone().filter_map(|panel| panel["panels"].as_array()).flatten();
    let targets = panels.chain(inside).filter_map(|panel| panel["targets"].as_array()).flatten();
    targets
        .map(|target| {
            let expr = target["expr"].as_str().expect("a query");
            (expr.to_owned(), target["instant"] == true)
        })
        .collect()
}

/// Counters count the seconds, gauges stand still.
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn played((labels, counts): &Shown, n: usize, from: i64, times: &[i64]) -> Series {
    let value = |at: i64| if *counts { ((at - from) / 1000) as f64 } else { (n % 7) as f64 };
    Series { labels: labels.clone(), samples: times.iter().map(|at| (*at, value(*at))).collect() }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// Gives Prometheus the samples of series from one time to that which stands beside them, all that is older first.
fn fill(prometheus: &Prometheus, all: &[(&Vec<Shown>, i64)], from: i64) {
    let last = all.iter().map(|(_, to)| *to).max().expect("some series");
    for begin in (from..=last).step_by(usize::try_from(SLICE).expect("positive")) {
        for (shown, to) in all {
            let times: Vec<i64> =
                (0..SLICE / STEP).map(|step| begin + step * STEP).take_while(|at| at <= to).collect();
            for batch in shown.chunks(BATCH).filter(|_| !times.is_empty()) {
                let series: Vec<Series> =
                    batch.iter().enumerate().map(|(n, one)| played(one, n, from, &times)).collect();
                let (status, answer) = prometheus.call("POST", "/api/v1/write", &remote_write::body(&series));
                assert_eq!(status, 204, "{}", String::from_utf8_lossy(&answer));
            }
        }
    }
}

/// How long the answer to a query takes, in the middle, and its size.
fn time(prometheus: &Prometheus, expr: &str, instant: bool, now: i64) -> (Duration, usize) {
    let query = url::form_urlencoded::byte_serialize(expr.as_bytes()).collect::<String>();
    let seconds = now / 1000;
    let path = if instant {
        format!("/api/v1/query?query={query}&time={seconds}")
    } else {
        format!("/api/v1/query_range?query={query}&start={}&end={seconds}&step=15", seconds - HOUR / 1000)
    };
    let mut answers: Vec<(Duration, usize)> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            let (status, answer) = prometheus.call("GET", &path, &[]);
            assert_eq!(status, 200, "{expr}: {}", String::from_utf8_lossy(&answer));
            (begin.elapsed(), answer.len())
        })
        .collect();
    answers.sort();
    answers[ROUNDS / 2]
}

/// Lets Prometheus evaluate the rendered rules, and says how long that takes.
fn evaluate(prometheus: &Prometheus, rules: &Path) -> String {
    prometheus.configure(&format!(
        "global: {{evaluation_interval: 15s}}\nrule_files: ['{}/*.yml']\n",
        rules.display()
    ));
    let mut rounds: Vec<(f64, f64)> = Vec::new();
    let mut count = 0;
    while rounds.len() < EVALUATIONS {
        sleep(Duration::from_secs(15));
        let (_, answer) = prometheus.call("GET", "/api/v1/rules", &[]);
        let answer: Value = serde_json::from_slice(&answer).expect("it is JSON");
        let groups = answer["data"]["groups"].as_array().expect("groups");
        let rules: Vec<&Value> =
            groups.iter().filter_map(|group| group["rules"].as_array()).flatten().collect();
        if rules.iter().any(|rule| rule["health"] == "unknown") {
            continue;
        }
        for rule in &rules {
            assert_eq!(rule["health"], "ok", "{rule}");
        }
        count = rules.len();
        let times = groups.iter().map(|group| group["evaluationTime"].as_f64().expect("a time"));
        rounds.push((times.clone().sum(), times.fold(0.0, f64::max)));
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (all, longest) = rounds[EVALUATIONS / 2];
    format!(
        "Once every 15 seconds the {count} rules of {} groups are evaluated. That takes {all:.2} s of one core, {:.0} % of the \
         interval; the groups run beside each other, and the longest takes {longest:.2} s.\n",
        SERVICES + 1,
        all / 15.0 * 100.0
    )
}
