//! A model replica, played in this process: the `custom` engine's metrics under a load that the test sets.
//!
//! The counters are moved on whenever someone looks, by exactly what the load made of the time in between: the same
//! numbers as a thread that ticks, without its jitter.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::http::{Reply, Request, Server};

const BUCKETS: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What the replica lives through, and how it answers.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Requests that its counters show, as if users had sent them.
    pub(crate) requests_per_second: f64,
    /// The share of them that ends with status 500, 0 to 1.
    pub(crate) error_share: f64,
    /// Seconds that each of them takes.
    pub(crate) latency: f64,
    pub(crate) tokens_per_second: f64,
    pub(crate) active_requests: f64,
    pub(crate) model_loaded: bool,
    pub(crate) memory_bytes: f64,
    /// Cores in use.
    pub(crate) cpu: f64,
    /// Status of a real answer (not of `/metrics`) …
    pub(crate) answer: u16,
    /// … and how long it takes; real requests are counted too.
    pub(crate) answer_after: Duration,
    /// Status of `/metrics`.
    pub(crate) metrics_answer: u16,
    /// The path in the `endpoint` label of the requests of the load.
    pub(crate) endpoint: &'static str,
    /// Served in place of the replica's own metrics: another engine's exposition.
    pub(crate) exposition: Option<String>,
}

impl Default for Load {
    /// Loaded, idle, well.
    fn default() -> Self {
        Self {
            requests_per_second: 0.0,
            error_share: 0.0,
            latency: 0.2,
            tokens_per_second: 0.0,
            active_requests: 0.0,
            model_loaded: true,
            memory_bytes: 2e9,
            cpu: 0.5,
            answer: 200,
            answer_after: Duration::ZERO,
            metrics_answer: 200,
            endpoint: "/v1/completions",
            exposition: None,
        }
    }
}

/// What one life of the process has counted. Counters are floats, so that slow loads need no carry.
struct Process {
    started: SystemTime,
    seen: Instant,
    requests: BTreeMap<(String, u16), f64>,
    latency: BTreeMap<String, Histogram>,
    tokens: f64,
    cpu_seconds: f64,
}

#[derive(Default)]
struct Histogram {
    buckets: [f64; BUCKETS.len()],
    count: f64,
    sum: f64,
}

struct State {
    load: Load,
    process: Process,
}

/// A replica on its address.
pub(crate) struct Replica {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    server: Option<Server>,
}

impl Replica {
    /// Serves on `addr` (port 0: a free one), idle and well.
    #[track_caller]
    pub(crate) fn start(addr: SocketAddr) -> Self {
        let load = Load::default();
        let process = Process::new(&load);
        let state = Arc::new(Mutex::new(State { load, process }));
        let mut replica = Self { addr, state, server: None };
        replica.listen();
        replica
    }

    /// `host:port`, the way targets are written.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Changes the load from now on: `replica.load(|l| l.error_share = 0.5)`.
    pub(crate) fn load(&self, change: impl FnOnce(&mut Load)) {
        let mut state = lock(&self.state);
        state.advance();
        change(&mut state.load);
        // Counters that exist are there with 0 before the first event, as client libraries are told to do.
        let State { load, process } = &mut *state;
        process.touch(load);
    }

    /// Closes the port: connections are refused from here on.
    pub(crate) fn stop(&mut self) {
        self.server = None;
    }

    /// Comes back on the same address as a new process: counters at zero, a new start time, the same load.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.stop();
        {
            let mut state = lock(&self.state);
            state.process = Process::new(&state.load);
        }
        self.listen();
    }

    /// Its exposition, as `/metrics` shows it now.
    pub(crate) fn metrics(&self) -> String {
        let mut state = lock(&self.state);
        state.advance();
        state.expose()
    }

    #[track_caller]
    fn listen(&mut self) {
        let state = Arc::clone(&self.state);
        let server = Server::start(self.addr, move |request| answer(&state, request));
        self.addr = server.addr();
        self.server = Some(server);
    }
}

fn answer(state: &Mutex<State>, request: &Request) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    if path == "/metrics" {
        let mut state = lock(state);
        state.advance();
        return Reply::metrics(state.load.metrics_answer, state.expose());
    }
    let (status, delay) = {
        let load = &lock(state).load;
        (load.answer, load.answer_after)
    };
    let start = Instant::now();
    std::thread::sleep(delay);
    // Readiness checks are not traffic: a probe would keep "no requests" from ever being true.
    if !["/health", "/ready"].iter().any(|check| path.starts_with(check)) {
        lock(state).process.observe(path, status, 1.0, start.elapsed().as_secs_f64());
    }
    Reply::text(status, "{}\n")
}

impl Process {
    fn new(load: &Load) -> Self {
        let mut process = Self {
            started: SystemTime::now(),
            seen: Instant::now(),
            requests: BTreeMap::new(),
            latency: BTreeMap::new(),
            tokens: 0.0,
            cpu_seconds: 0.0,
        };
        process.touch(load);
        process
    }

    fn touch(&mut self, load: &Load) {
        self.observe(load.endpoint, 200, 0.0, load.latency);
        self.observe(load.endpoint, 500, 0.0, load.latency);
    }

    fn observe(&mut self, endpoint: &str, status: u16, requests: f64, seconds: f64) {
        // As in a real client library: no series before the first event.
        if requests == 0.0 {
            return;
        }
        *self.requests.entry((endpoint.to_owned(), status)).or_default() += requests;
        let histogram = self.latency.entry(endpoint.to_owned()).or_default();
        for (count, bound) in histogram.buckets.iter_mut().zip(BUCKETS) {
            if seconds <= bound {
                *count += requests;
            }
        }
        histogram.count += requests;
        histogram.sum += requests * seconds;
    }
}

impl State {
    fn advance(&mut self) {
        let Self { load, process } = self;
        let passed = process.seen.elapsed().as_secs_f64();
        process.seen = Instant::now();
        let requests = load.requests_per_second * passed;
        process.observe(load.endpoint, 200, requests * (1.0 - load.error_share), load.latency);
        process.observe(load.endpoint, 500, requests * load.error_share, load.latency);
        process.tokens += load.tokens_per_second * passed;
        process.cpu_seconds += load.cpu * passed;
    }

    fn expose(&self) -> String {
        let Self { load, process } = self;
        if let Some(text) = &load.exposition {
            return text.clone();
        }
        let mut out = String::new();
        head(&mut out, "inference_requests_total", "counter", "Total inference requests");
        for ((endpoint, status), count) in &process.requests {
            let labels = format!("{{endpoint=\"{endpoint}\",status=\"{status}\"}}");
            line(&mut out, "inference_requests_total", &labels, *count);
        }
        let name = "inference_request_duration_seconds";
        head(&mut out, name, "histogram", "Request latency");
        for (endpoint, histogram) in &process.latency {
            let bounds = BUCKETS.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(histogram.buckets.iter().chain([&histogram.count])) {
                let labels = format!("{{endpoint=\"{endpoint}\",le=\"{bound}\"}}");
                line(&mut out, &format!("{name}_bucket"), &labels, *count);
            }
            let labels = format!("{{endpoint=\"{endpoint}\"}}");
            line(&mut out, &format!("{name}_sum"), &labels, histogram.sum);
            line(&mut out, &format!("{name}_count"), &labels, histogram.count);
        }
        let started =
            process.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let single: [(&str, &str, &str, f64); 6] = [
            ("inference_tokens_generated_total", "counter", "Tokens generated", process.tokens),
            ("inference_model_loaded", "gauge", "1 when the model is loaded", f64::from(load.model_loaded)),
            ("inference_active_requests", "gauge", "Requests in progress", load.active_requests),
            ("process_resident_memory_bytes", "gauge", "Resident memory in bytes", load.memory_bytes),
            ("process_start_time_seconds", "gauge", "Start of the process since the epoch", started),
            ("process_cpu_seconds_total", "counter", "CPU time spent in seconds", process.cpu_seconds),
        ];
        for (name, kind, help, value) in single {
            head(&mut out, name, kind, help);
            line(&mut out, name, "", value);
        }
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(out, "{name}{labels} {value}");
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
