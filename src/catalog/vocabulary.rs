//! The vocabulary that all engines share: the words that alerts, SLOs and dashboards are written in.
//!
//! An engine's file says where each word is read; `plan::recordings` makes the recorded series from it, named
//! `level:word:operation` where the level is `service` or `service_replica`.

/// One word: what it counts or measures, and how it is recorded.
pub struct Word {
    pub name: &'static str,
    pub shape: Shape,
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
    /// Recorded as quantiles, and its buckets as rates.
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

/// In the order of recording: what fills zeros stands before what it fills.
pub const WORDS: &[Word] = &[
    Word { name: "requests", shape: REQUESTS, about: "requests of users, without probes and scrapes" },
    Word { name: "errors", shape: PART_OF_REQUESTS, about: "requests that ended in a server error" },
    Word { name: "aborted", shape: PART_OF_REQUESTS, about: "requests that the client gave up" },
    Word {
        name: "latency_seconds",
        shape: Shape::Histogram,
        about: "time from request to the end of the answer, in seconds",
    },
    Word {
        name: "time_to_first_token_seconds",
        shape: Shape::Histogram,
        about: "time from request to the first token, in seconds",
    },
    Word {
        name: "time_per_output_token_seconds",
        shape: Shape::Histogram,
        about: "time between two tokens of an answer, in seconds",
    },
    Word { name: "running", shape: Shape::Gauge(Fold::Sum), about: "requests in progress" },
    Word { name: "queued", shape: Shape::Gauge(Fold::Sum), about: "requests that wait to be run" },
    Word { name: "tokens_in", shape: COUNTER, about: "prompt tokens read" },
    Word { name: "tokens_out", shape: COUNTER, about: "tokens generated" },
    Word {
        name: "kv_cache_usage",
        shape: Shape::Gauge(Fold::Max),
        about: "share of the KV cache in use, 0 to 1",
    },
    Word {
        name: "prefix_cache_queries",
        shape: COUNTER,
        about: "prompt tokens looked up in the prefix cache",
    },
    Word { name: "prefix_cache_hits", shape: COUNTER, about: "prompt tokens found in the prefix cache" },
    Word { name: "preemptions", shape: COUNTER, about: "requests put back because the KV cache was full" },
    Word {
        name: "model_ready",
        shape: Shape::Gauge(Fold::Min),
        about: "1 where the model is loaded, else 0",
    },
    Word {
        name: "memory_bytes",
        shape: Shape::Gauge(Fold::Max),
        about: "resident memory of the process, in bytes",
    },
    Word { name: "cpu_seconds", shape: COUNTER, about: "processor time of the process, in seconds" },
    Word { name: "start_time_seconds", shape: Shape::StartTime, about: "when the process started" },
];

pub fn word(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}
