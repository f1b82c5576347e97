//! The vocabulary that all engines share: the words that alerts, SLOs and dashboards are written in.
//!
//! An engine's file says where each word is read; `plan::recordings` makes the recorded series from it, named
//! `level:word:operation` where the level is `service` or `service_replica`.

use super::units::Unit;

/// One word: what it counts or measures, and how it is recorded.
pub struct Word {
    pub name: &'static str,
    pub shape: Shape,
    /// What it is recorded in, whatever the engine counts in.
    pub unit: Unit,
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Recorded as a rate. A counter that has no series before its first event is filled with zeros of something that is
    /// there, which keeps the labels that a bare zero would lose.
    Counter {
        zeros: Option<Zeros>,
    },
    Gauge(Fold),
    /// Recorded as quantiles, and its buckets as rates; of an engine that has only a sum and a count, the mean.
    Histogram,
    /// The start of a process, recorded as it is and as its changes.
    StartTime,
}

/// How several series become one: those of a replica, then those of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    Sum,
    Max,
    Min,
}

impl Fold {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
        }
    }

    pub fn of(self, values: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::Sum => values.sum(),
            Self::Max => values.fold(f64::NEG_INFINITY, f64::max),
            Self::Min => values.fold(f64::INFINITY, f64::min),
        }
    }
}

/// Where a counter without series is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// On every replica that is up.
    Replicas,
    /// On every replica whose requests are known.
    Requests,
}

const COUNTER: Shape = Shape::Counter { zeros: None };
const REQUESTS: Shape = Shape::Counter { zeros: Some(Zeros::Replicas) };
const PART_OF_REQUESTS: Shape = Shape::Counter { zeros: Some(Zeros::Requests) };

const fn word_of(name: &'static str, shape: Shape, unit: Unit, about: &'static str) -> Word {
    Word { name, shape, unit, about }
}

/// In the order of recording: what fills zeros stands before what it fills.
pub const WORDS: &[Word] = &[
    word_of("requests", REQUESTS, Unit::Requests, "requests of users, without probes and scrapes"),
    word_of("errors", PART_OF_REQUESTS, Unit::Requests, "requests that ended in a server error"),
    word_of("aborted", PART_OF_REQUESTS, Unit::Requests, "requests that the client gave up"),
    word_of(
        "latency_seconds",
        Shape::Histogram,
        Unit::Seconds,
        "time from request to the end of the answer, in seconds",
    ),
    word_of(
        "time_to_first_token_seconds",
        Shape::Histogram,
        Unit::Seconds,
        "time from request to the first token, in seconds",
    ),
    word_of(
        "time_per_output_token_seconds",
        Shape::Histogram,
        Unit::Seconds,
        "time between two tokens of an answer, in seconds",
    ),
    word_of(
        "queue_time_seconds",
        Shape::Histogram,
        Unit::Seconds,
        "time that a request waited to be run, in seconds",
    ),
    word_of("running", Shape::Gauge(Fold::Sum), Unit::Requests, "requests in progress"),
    word_of("queued", Shape::Gauge(Fold::Sum), Unit::Requests, "requests that wait to be run"),
    word_of("tokens_in", COUNTER, Unit::Tokens, "prompt tokens read"),
    word_of("tokens_out", COUNTER, Unit::Tokens, "tokens generated"),
    word_of("kv_cache_usage", Shape::Gauge(Fold::Max), Unit::Ratio, "share of the KV cache in use, 0 to 1"),
    word_of("prefix_cache_queries", COUNTER, Unit::Tokens, "prompt tokens looked up in the prefix cache"),
    word_of("prefix_cache_hits", COUNTER, Unit::Tokens, "prompt tokens found in the prefix cache"),
    word_of("preemptions", COUNTER, Unit::Requests, "requests put back because the KV cache was full"),
    word_of("model_ready", Shape::Gauge(Fold::Min), Unit::Bool, "1 where the model is loaded, else 0"),
    word_of(
        "awake",
        Shape::Gauge(Fold::Min),
        Unit::Bool,
        "1 where the engine takes requests, 0 where it sleeps or drains",
    ),
    word_of("memory_bytes", Shape::Gauge(Fold::Max), Unit::Bytes, "resident memory of the process, in bytes"),
    word_of("cpu_seconds", COUNTER, Unit::Seconds, "processor time of the process, in seconds"),
    word_of("start_time_seconds", Shape::StartTime, Unit::Seconds, "when the process started"),
];

pub fn word(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}
