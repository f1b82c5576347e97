//! What the metrics of an unknown server might say, guessed from their names and labels. A guess is a proposal: a person
//! reads it before anything is made of it.

use std::collections::BTreeSet;

use super::{Exposition, Kind, Shown};
use crate::catalog::units;

/// A word with where it seems to be read.
#[derive(Debug)]
pub(super) struct Guess {
    pub(super) word: &'static str,
    pub(super) metric: String,
    pub(super) unit: &'static str,
    pub(super) matchers: Option<String>,
    /// Of a counter of answers: the labels by which they are told apart.
    pub(super) endpoint: Option<&'static str>,
    pub(super) status: Option<Status>,
}

/// How a label says that an answer was an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) label: String,
    pub(super) good: String,
    pub(super) bad: String,
    pub(super) matcher: String,
}

/// The parts that the name of a metric for a word has.
struct Rule {
    word: &'static str,
    kind: Kind,
    unit: &'static str,
    /// One part of each of these.
    all: &'static [&'static [&'static str]],
    /// None of these.
    none: &'static [&'static str],
    /// The more of these the better.
    rather: &'static [&'static str],
}

const ENDS_BADLY: &[&str] = &["error", "errors", "failed", "failure", "failures", "exceptions"];
const GIVEN_UP: &[&str] = &["aborted", "aborts", "cancelled", "canceled", "disconnected", "disconnects"];
const REQUESTS: &[&str] = &["request", "requests", "reqs", "queries", "calls", "inferences", "predictions"];
const TOKENS: &[&str] = &["token", "tokens"];
const TIME: &[&str] = &["seconds", "duration", "latency", "time", "ms", "milliseconds", "us", "microseconds"];

const RULES: &[Rule] = &[
    Rule {
        word: "requests",
        kind: Kind::Counter,
        unit: "requests",
        all: &[REQUESTS],
        none: &[
            "error",
            "errors",
            "failed",
            "failure",
            "failures",
            "exceptions",
            "aborted",
            "aborts",
            "cancelled",
            "canceled",
            "rejected",
            "rejections",
            "timeout",
            "timeouts",
            "retry",
            "retries",
            "token",
            "tokens",
            "bytes",
            "size",
            "seconds",
            "ms",
            "us",
            "duration",
            "latency",
            "time",
            "cache",
            "prefix",
            "preemptions",
            "preempted",
            "scrape",
            "scrapes",
            "corrupted",
            "watermark",
            "queue",
        ],
        rather: &["requests", "total", "http"],
    },
    Rule {
        word: "errors",
        kind: Kind::Counter,
        unit: "requests",
        all: &[ENDS_BADLY],
        none: &["bytes", "cache", "retry", "retries", "callback", "load"],
        rather: &["request", "requests", "total"],
    },
    Rule {
        word: "aborted",
        kind: Kind::Counter,
        unit: "requests",
        all: &[GIVEN_UP],
        none: &["bytes"],
        rather: REQUESTS,
    },
    Rule {
        word: "latency_seconds",
        kind: Kind::Histogram,
        unit: "seconds",
        all: &[TIME],
        none: &[
            "first", "ttft", "token", "tpot", "itl", "inter", "queue", "queued", "wait", "waiting",
            "prefill", "decode", "gc", "scrape", "load", "batch", "connect", "tokenize", "embed",
        ],
        rather: &["request", "requests", "e2e", "latency", "duration", "total"],
    },
    Rule {
        word: "time_to_first_token_seconds",
        kind: Kind::Histogram,
        unit: "seconds",
        all: &[&["ttft", "first"]],
        none: &["bytes"],
        rather: &["ttft", "token", "seconds"],
    },
    Rule {
        word: "time_per_output_token_seconds",
        kind: Kind::Histogram,
        unit: "seconds",
        all: &[&["tpot", "itl", "inter", "per", "between"]],
        none: &["first", "ttft", "bytes"],
        rather: &["token", "tokens", "output", "seconds"],
    },
    Rule {
        word: "queue_time_seconds",
        kind: Kind::Histogram,
        unit: "seconds",
        all: &[&["queue", "queued", "queueing", "waiting", "wait"], TIME],
        none: &["bytes"],
        rather: &["request", "queue"],
    },
    Rule {
        word: "running",
        kind: Kind::Gauge,
        unit: "requests",
        all: &[&[
            "running",
            "active",
            "inflight",
            "inprogress",
            "flight",
            "progress",
            "processing",
            "ongoing",
        ]],
        none: &["threads", "connections", "workers", "replicas", "lora", "bytes", "seconds", "time", "batch"],
        rather: REQUESTS,
    },
    Rule {
        word: "queued",
        kind: Kind::Gauge,
        unit: "requests",
        all: &[&["waiting", "queued", "queue", "pending", "backlog"]],
        none: &[
            "seconds", "time", "latency", "duration", "bytes", "limit", "max", "capacity", "reason", "by",
        ],
        rather: REQUESTS,
    },
    Rule {
        word: "tokens_in",
        kind: Kind::Counter,
        unit: "tokens",
        all: &[TOKENS, &["prompt", "input", "in", "prefill"]],
        none: &["cached", "cache", "seconds", "source"],
        rather: &["prompt", "total"],
    },
    Rule {
        word: "tokens_out",
        kind: Kind::Counter,
        unit: "tokens",
        all: &[TOKENS, &["generation", "generated", "output", "completion", "out", "predicted"]],
        none: &["cached", "cache", "seconds", "reasoning"],
        rather: &["generated", "generation", "total"],
    },
    Rule {
        word: "kv_cache_usage",
        kind: Kind::Gauge,
        unit: "ratio",
        all: &[&["kv", "kvcache", "cache"], &["usage", "used", "utilization", "perc", "percent", "ratio"]],
        none: &["bytes", "blocks", "tokens", "hit", "cpu"],
        rather: &["kv"],
    },
    Rule {
        word: "prefix_cache_queries",
        kind: Kind::Counter,
        unit: "tokens",
        all: &[&["prefix"], &["queries"]],
        none: &["external"],
        rather: &[],
    },
    Rule {
        word: "prefix_cache_hits",
        kind: Kind::Counter,
        unit: "tokens",
        all: &[&["prefix"], &["hits"]],
        none: &["external"],
        rather: &[],
    },
    Rule {
        word: "preemptions",
        kind: Kind::Counter,
        unit: "requests",
        all: &[&["preemption", "preemptions", "preempted"]],
        none: &["bytes"],
        rather: &[],
    },
    Rule {
        word: "model_ready",
        kind: Kind::Gauge,
        unit: "bool",
        all: &[&["ready", "loaded"]],
        none: &["count", "seconds", "replicas", "bytes"],
        rather: &["model"],
    },
];

/// What client libraries call alike everywhere.
const PROCESS: [(&str, &str, &str, Kind); 3] = [
    ("memory_bytes", "process_resident_memory_bytes", "bytes", Kind::Gauge),
    ("cpu_seconds", "process_cpu_seconds_total", "seconds", Kind::Counter),
    ("start_time_seconds", "process_start_time_seconds", "seconds", Kind::Gauge),
];

/// Labels that say how an answer ended, and those that say where to it was asked.
const STATUS: [&str; 8] =
    ["status", "code", "status_code", "http_status", "response_code", "http_code", "outcome", "result"];
const ENDPOINT: [&str; 6] = ["endpoint", "handler", "path", "route", "url", "uri"];

/// Requests of probes and scrapes are nobody's traffic.
const NOT_USERS: &str =
    "/metrics/?|/-?/?(health|healthz|healthy|live|livez|ready|readyz|readiness|ping)(/.*)?";

/// One guess for each word that something on the page seems to answer.
pub(super) fn words(page: &Exposition) -> Vec<Guess> {
    let mut guesses: Vec<Guess> = RULES.iter().filter_map(|rule| guess(page, rule)).collect();
    let status = guesses.iter().find(|one| one.word == "requests").and_then(|requests| {
        Some((requests.metric.clone(), requests.matchers.clone(), requests.status.clone()?))
    });
    if let Some((metric, users, status)) = status {
        // The same counter says it by its label, which fits better than another one.
        guesses.retain(|guess| guess.word != "errors");
        let parts: Vec<String> = [Some(status.matcher.clone()), users].into_iter().flatten().collect();
        let matchers = Some(parts.join(", "));
        guesses.insert(
            1,
            Guess { word: "errors", metric, unit: "requests", matchers, endpoint: None, status: None },
        );
    }
    for (word, metric, unit, kind) in PROCESS {
        if page.metrics.get(metric).is_some_and(|shown| is_of(shown.kind, kind) && !shown.series.is_empty()) {
            let metric = metric.to_owned();
            guesses.push(Guess { word, metric, unit, matchers: None, endpoint: None, status: None });
        }
    }
    guesses
}

fn guess(page: &Exposition, rule: &Rule) -> Option<Guess> {
    let (metric, shown) = page
        .metrics
        .iter()
        .filter(|(name, shown)| fits(name, shown, rule))
        .max_by_key(|(name, shown)| (likeness(name, shown, rule), std::cmp::Reverse(name.len())))?;
    let status = (rule.word == "requests").then(|| status(shown)).flatten();
    let users = ENDPOINT.iter().find(|label| rule.word == "requests" && shown.labels.contains(**label));
    Some(Guess {
        word: rule.word,
        metric: metric.clone(),
        unit: unit(metric, shown, rule.unit),
        endpoint: users.copied(),
        matchers: users.map(|label| format!("{label}!~\"{NOT_USERS}\"")),
        status,
    })
}

fn fits(name: &str, shown: &Shown, rule: &Rule) -> bool {
    let parts = parts(name);
    let has = |words: &[&str]| words.iter().any(|word| parts.contains(*word));
    is_of(shown.kind, rule.kind)
        && (rule.kind != Kind::Histogram || measures_time(shown, unit(name, shown, rule.unit)))
        && rule.all.iter().all(|words| has(words))
        && !has(rule.none)
}

/// Whether the bounds can be those of times, which are neither negative nor all nearly nothing, and can be written in
/// another unit: the point is moved in their text.
fn measures_time(shown: &Shown, unit: &str) -> bool {
    let [first, .., last] = shown.buckets[..] else { return false };
    let has_points = shown.buckets.iter().all(|bound| !units::le(*bound).contains('e'));
    first > 0.0 && (0.01..1e9).contains(&last) && (unit == "seconds" || has_points)
}

/// What has no type is taken for the gauge that it may be.
fn is_of(kind: Kind, wanted: Kind) -> bool {
    kind == wanted || (kind == Kind::Unknown && wanted == Kind::Gauge)
}

fn likeness(name: &str, shown: &Shown, rule: &Rule) -> usize {
    let parts = parts(name);
    let told = if rule.word == "requests" && status(shown).is_some() { 3 } else { 0 };
    let seen = usize::from(!shown.series.is_empty());
    told + seen + rule.rather.iter().filter(|word| parts.contains(**word)).count()
}

fn parts(name: &str) -> BTreeSet<String> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_lowercase).collect()
}

/// The unit of a metric that answers a word in `base`.
fn unit(name: &str, shown: &Shown, base: &'static str) -> &'static str {
    let parts = parts(name);
    let has = |words: &[&str]| words.iter().any(|word| parts.contains(*word));
    match base {
        "seconds" if has(&["ms", "milliseconds", "millis"]) => "milliseconds",
        "seconds" if has(&["us", "microseconds", "micros"]) => "microseconds",
        // Nobody waits for hours: these are milliseconds, whatever the name leaves out.
        "seconds" if !has(&["seconds"]) && shown.buckets.last().is_some_and(|last| *last >= 10_000.0) => {
            "milliseconds"
        }
        "ratio" if shown.series.iter().any(|(_, value)| *value > 1.0) => "percent",
        _ => base,
    }
}

/// How the metric's labels tell errors from the rest, as far as the values on the page show it.
fn status(shown: &Shown) -> Option<Status> {
    STATUS.into_iter().filter(|label| shown.labels.contains(*label)).find_map(|label| {
        let values: BTreeSet<&str> =
            shown.series.iter().filter_map(|(labels, _)| labels.get(label)).map(String::as_str).collect();
        let any = |is: &dyn Fn(&str) -> bool| values.iter().copied().find(|value| is(value));
        let of = |good: &str, bad: &str, matcher: String| {
            Some(Status { label: label.to_owned(), good: good.to_owned(), bad: bad.to_owned(), matcher })
        };
        if any(&|value| value.len() == 3 && value.bytes().all(|b| b.is_ascii_digit())).is_some() {
            return of("200", "500", format!("{label}=~\"5..\""));
        }
        if any(&|value| ["2xx", "4xx", "5xx"].contains(&value)).is_some() {
            return of("2xx", "5xx", format!("{label}=\"5xx\""));
        }
        let bad = any(&|value| ["error", "failure", "failed"].contains(&value.to_lowercase().as_str()))?;
        of("success", bad, format!("{label}=\"{bad}\""))
    })
}
