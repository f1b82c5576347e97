//! The clients: what each asks for, what it must count as, and how long it waited. By hand and over HTTP/1.0, since what
//! is compared is when the first byte came and when the last.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::server::Exposition;

const PATIENCE: Duration = Duration::from_secs(20);

/// A request, and what is known of it beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    method: &'static str,
    path: String,
    /// What the module must call it; empty: nothing.
    endpoint: String,
    /// What the client reads, and what it must count as.
    status: u16,
    counted_as: u16,
    /// What the server sleeps until the end, and until its first byte.
    least: Duration,
    least_first: Option<Duration>,
    leaves: bool,
}

impl Asked {
    pub(crate) fn method(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            endpoint: String::new(),
            status: 0,
            counted_as: 0,
            least: Duration::ZERO,
            least_first: None,
            leaves: false,
        }
    }

    pub(crate) fn get(path: &str, endpoint: &str, status: u16) -> Self {
        Self { endpoint: endpoint.to_owned(), status, counted_as: status, ..Self::method("GET", path) }
    }

    pub(crate) fn post(path: &str, endpoint: &str, status: u16) -> Self {
        Self { method: "POST", ..Self::get(path, endpoint, status) }
    }

    pub(crate) fn taking(self, millis: u64) -> Self {
        Self { least: Duration::from_millis(millis), ..self }
    }

    pub(crate) fn streamed_after(self, millis: u64) -> Self {
        Self { least_first: Some(Duration::from_millis(millis)), ..self }
    }

    pub(crate) fn ending_as(self, status: u16) -> Self {
        Self { counted_as: status, ..self }
    }

    /// The client goes after the first byte.
    pub(crate) fn left(self) -> Self {
        Self { leaves: true, counted_as: 499, ..self.streamed_after(0) }
    }

    pub(crate) fn uncounted(self) -> Self {
        Self { endpoint: String::new(), ..self }
    }
}

/// What all clients of an endpoint saw together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) total: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) least: Duration,
    pub(crate) least_first: Duration,
    pub(crate) is_stream: bool,
}

#[derive(Default)]
pub(crate) struct Load {
    asked: Vec<Asked>,
    seen: BTreeMap<String, Seen>,
}

impl Load {
    pub(crate) fn add(&mut self, times: usize, asked: Asked) {
        self.asked.extend(std::iter::repeat_n(asked, times));
    }

    /// Eight clients at once, each with what is next: all kinds mixed.
    pub(crate) fn run(&mut self, addr: SocketAddr) {
        let step = 7919; // A prime that does not divide the number of requests.
        let count = self.asked.len();
        assert_ne!(count % step, 0);
        let queue: VecDeque<&Asked> = (0..count).map(|at| &self.asked[at * step % count]).collect();
        let queue = Mutex::new(queue);
        let seen = Mutex::new(&mut self.seen);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Some(asked) = { queue.lock().expect("no panic").pop_front() } {
                        let answer = exchange(addr, asked.method, &asked.path, asked.leaves);
                        let answer = answer.unwrap_or_else(|error| panic!("{asked:?}: {error}"));
                        assert!(asked.status == 0 || asked.status == answer.status, "{asked:?}: {answer:?}");
                        let mut seen = seen.lock().expect("no panic");
                        let seen = seen.entry(asked.endpoint.clone()).or_default();
                        seen.total += answer.total;
                        seen.first_byte += answer.first_byte;
                        seen.least += asked.least;
                        seen.least_first += asked.least_first.unwrap_or_default();
                        seen.is_stream = asked.least_first.is_some();
                    }
                });
            }
        });
    }

    /// The series of `inference_requests_total`, as one run must have counted.
    pub(crate) fn counted(&self) -> BTreeMap<String, f64> {
        let mut counted = BTreeMap::new();
        for asked in self.asked.iter().filter(|asked| !asked.endpoint.is_empty()) {
            let series = format!("endpoint=\"{}\",status=\"{}\"", asked.endpoint, asked.counted_as);
            *counted.entry(series).or_default() += 1.0;
        }
        counted
    }

    /// How many requests an endpoint must have had in one run.
    pub(crate) fn count(&self, endpoint: &str) -> f64 {
        let count = self.asked.iter().filter(|asked| asked.endpoint == endpoint).count();
        f64::from(u32::try_from(count).expect("not so many"))
    }

    /// What the clients of each endpoint saw; how long one that leaves took is nothing that it could know.
    pub(crate) fn seen(&self) -> BTreeMap<String, Seen> {
        let left = |endpoint: &str| self.asked.iter().any(|asked| asked.leaves && asked.endpoint == endpoint);
        let counted = self.seen.iter().filter(|(endpoint, _)| !endpoint.is_empty());
        let patient = |(endpoint, seen): (&String, &Seen)| {
            let total = if left(endpoint) { seen.total + PATIENCE } else { seen.total };
            (endpoint.clone(), Seen { total, ..seen.clone() })
        };
        counted.map(patient).collect()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    first_byte: Duration,
    total: Duration,
}

#[track_caller]
pub(crate) fn ask(addr: SocketAddr, method: &str, path: &str) -> Answer {
    exchange(addr, method, path, false).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// Asks for what ends the worker: whatever comes of it is fine.
pub(crate) fn ask_in_vain(addr: SocketAddr, path: &str) {
    drop(exchange(addr, "GET", path, false));
}

/// What it says, if it is there to say something.
pub(crate) fn try_metrics(addr: SocketAddr) -> Option<Exposition> {
    let answer = exchange(addr, "GET", "/metrics", false).ok()?;
    (answer.status == 200).then(|| Exposition::of(&answer.body))
}

/// A request that is open as long as the connection is.
#[track_caller]
pub(crate) fn begin(addr: SocketAddr, path: &str) -> TcpStream {
    send(addr, "GET", path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn send(addr: SocketAddr, method: &str, path: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {addr}\r\nContent-Length: 0\r\n\r\n")?;
    Ok(stream)
}

fn exchange(addr: SocketAddr, method: &str, path: &str, leaves: bool) -> std::io::Result<Answer> {
    let began = Instant::now();
    let mut stream = send(addr, method, path)?;
    let mut text = Vec::new();
    let mut first_byte = None;
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk)?;
        text.extend_from_slice(&chunk[..read]);
        let head = text.windows(4).position(|end| end == b"\r\n\r\n");
        let has_body = head.is_some_and(|end| text.len() > end + 4);
        if has_body {
            first_byte.get_or_insert_with(|| began.elapsed());
        }
        if read == 0 || (leaves && has_body) {
            let total = began.elapsed();
            let text = String::from_utf8_lossy(&text).into_owned();
            let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
            let status = status.ok_or_else(|| std::io::Error::other(format!("no answer: `{text}`")))?;
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
            return Ok(Answer { status, body, first_byte: first_byte.unwrap_or(total), total });
        }
    }
}
