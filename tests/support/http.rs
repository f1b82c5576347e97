//! HTTP as small as the tests need it: a server whose answers a test decides, and a client for the programs'
//! own APIs.
//!
//! Apart, and by hand, for one reason: a replica that is stopped must refuse connections at once, and a library's
//! server keeps its open ones. Here every connection carries one request and is closed.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// A peer that says nothing for so long is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// What a server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With the query, as sent.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) at: SystemTime,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` where it is none, so that a predicate can simply look.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What a server answers.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Empty: not said.
    pub(crate) content_type: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) fault: Option<Fault>,
}

/// How an answer goes wrong on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The connection ends in the middle of the body.
    Cut,
    /// Only the body is sent, as if it were HTTP.
    Bare,
    /// One byte at a time, with this pause before each.
    Drip(Duration),
}

impl Reply {
    fn new(status: u16, content_type: &str, body: String) -> Self {
        Self { status, content_type: content_type.to_owned(), headers: Vec::new(), body, fault: None }
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into())
    }

    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// What `/metrics` answers.
    pub(crate) fn metrics(status: u16, body: String) -> Self {
        Self::new(status, "text/plain; version=0.0.4; charset=utf-8", body)
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }
}

/// A server; dropping it closes its port.
pub(crate) struct Server {
    addr: SocketAddr,
    closing: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers on `addr` (port 0: a free one), each connection in a thread of its own, so that an answer may take
    /// its time.
    #[track_caller]
    pub(crate) fn start(
        addr: SocketAddr,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(addr, None, answer)
    }

    /// The same behind TLS.
    #[track_caller]
    pub(crate) fn start_with(
        addr: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener =
            TcpListener::bind(addr).unwrap_or_else(|error| panic!("cannot listen on {addr}: {error}"));
        let addr = listener.local_addr().expect("a bound address");
        let closing = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let accepting = std::thread::spawn({
            let closing = Arc::clone(&closing);
            move || {
                for stream in listener.incoming() {
                    if closing.load(Ordering::SeqCst) {
                        break;
                    }
                    let Ok(stream) = stream else { continue };
                    let (answer, tls) = (Arc::clone(&answer), tls.clone());
                    std::thread::spawn(move || converse(stream, tls, answer.as_ref()));
                }
            }
        });
        Self { addr, closing, accepting: Some(accepting) }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // `accept` has no time limit: one more connection wakes it.
        drop(TcpStream::connect(self.addr));
        if let Some(thread) = self.accepting.take() {
            drop(thread.join());
        }
    }
}

fn converse(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
) {
    // A peer that goes away in the middle is its own affair.
    drop(stream.set_read_timeout(Some(PATIENCE)));
    let _ = match tls {
        None => serve_one(stream, answer),
        Some(config) => rustls::ServerConnection::new(config)
            .map_err(io::Error::other)
            .and_then(|session| serve_one(rustls::StreamOwned::new(session, stream), answer)),
    };
}

fn serve_one(
    stream: impl Read + Write,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let Some(request) = read_request(&mut reader)? else {
        return Ok(());
    };
    let reply = answer(&request);
    let stream = reader.get_mut();
    let body = if request.method == "HEAD" { "" } else { &reply.body };
    match reply.fault {
        None => write!(stream, "{}{body}", head(&reply))?,
        Some(Fault::Cut) => write!(stream, "{}{}", head(&reply), &body[..body.len() / 2])?,
        Some(Fault::Bare) => stream.write_all(body.as_bytes())?,
        Some(Fault::Drip(pause)) => {
            for byte in format!("{}{body}", head(&reply)).bytes() {
                std::thread::sleep(pause);
                stream.write_all(&[byte])?;
                stream.flush()?;
            }
        }
    }
    stream.flush()
}

fn head(reply: &Reply) -> String {
    let mut more = String::new();
    if !reply.content_type.is_empty() {
        more.push_str(&format!("Content-Type: {}\r\n", reply.content_type));
    }
    for (name, value) in &reply.headers {
        more.push_str(&format!("{name}: {value}\r\n"));
    }
    format!(
        "HTTP/1.1 {} {}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n",
        reply.status,
        if reply.status < 400 { "OK" } else { "Not OK" },
        reply.body.len(),
    )
}

/// `None`: the peer closed without asking anything.
fn read_request(reader: &mut impl io::BufRead) -> io::Result<Option<Request>> {
    let at = SystemTime::now();
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let headers = read_headers(reader)?;
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, headers, body: String::from_utf8_lossy(&body).into_owned(), at }))
}

pub(super) fn read_headers(reader: &mut impl io::BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => return Ok(headers),
        }
    }
}

/// `GET http://IP:PORT/path`: the status and the body.
pub(crate) fn get(url: &str) -> io::Result<(u16, String)> {
    call("GET", url, None)
}

/// `POST` with a JSON body.
pub(crate) fn post(url: &str, body: &serde_json::Value) -> io::Result<(u16, String)> {
    call("POST", url, Some(body.to_string()))
}

fn call(method: &str, url: &str, body: Option<String>) -> io::Result<(u16, String)> {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("`{url}` is not an http:// URL"));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let body = body.unwrap_or_default();
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    write!(
        stream,
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )?;
    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    read_headers(&mut reader)?;
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    let status = status.ok_or_else(|| io::Error::other(format!("{host} does not speak HTTP")))?;
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// A query parameter's value, percent-encoded.
pub(crate) fn encode(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
