//! A mail server that keeps what it is given, with a login and with TLS in both of its ways.
//!
//! Apart from `fakes` because SMTP is a conversation, and because what must be proven here is the conversation: that
//! the password only ever travelled inside TLS.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailparse::{MailHeaderMap as _, ParsedMail};

use super::fakes::Inbox;

/// How a connection comes to be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Plain until the client says `STARTTLS` (port 587).
    StartTls,
    /// From the first byte (port 465).
    Implicit,
}

/// A mail as it came.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Of the envelope, as are the recipients.
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Decoded.
    pub(crate) subject: String,
    /// The parts, decoded; empty where there is none.
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) tls: bool,
    /// The login, where there was one.
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// The server; dropping it closes its port.
pub(crate) struct MailServer {
    addr: SocketAddr,
    inbox: Arc<Inbox<Mail>>,
    closing: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl MailServer {
    /// `config` comes from `Authority::server`.
    #[track_caller]
    pub(crate) fn start(addr: SocketAddr, tls: Tls, config: Arc<rustls::ServerConfig>) -> Self {
        let listener =
            TcpListener::bind(addr).unwrap_or_else(|error| panic!("cannot listen on {addr}: {error}"));
        let addr = listener.local_addr().expect("a bound address");
        let inbox: Arc<Inbox<Mail>> = Arc::default();
        let closing = Arc::new(AtomicBool::new(false));
        let accepting = std::thread::spawn({
            let (inbox, closing) = (Arc::clone(&inbox), Arc::clone(&closing));
            move || {
                for stream in listener.incoming() {
                    if closing.load(Ordering::SeqCst) {
                        break;
                    }
                    let Ok(stream) = stream else { continue };
                    let (inbox, config) = (Arc::clone(&inbox), Arc::clone(&config));
                    // A client that breaks off (a refused certificate, say) reports it itself.
                    std::thread::spawn(move || drop(converse(stream, tls, &config, &inbox)));
                }
            }
        });
        Self { addr, inbox, closing, accepting: Some(accepting) }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every mail that came, in order.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.inbox.all()
    }

    /// The first mail that fits, already there or yet to come. Panics with all that came when none does in time.
    #[track_caller]
    pub(crate) fn wait_for(&self, fits: impl Fn(&Mail) -> bool, timeout: Duration) -> Mail {
        self.inbox.wait_for(fits, timeout)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.addr));
        if let Some(thread) = self.accepting.take() {
            drop(thread.join());
        }
    }
}

/// A connection, encrypted or not.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// How a stretch of conversation ended.
enum End {
    Closed,
    StartTls,
}

fn converse(
    mut stream: TcpStream,
    tls: Tls,
    config: &Arc<rustls::ServerConfig>,
    inbox: &Inbox<Mail>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    if tls == Tls::StartTls {
        stream.write_all(b"220 fake ESMTP\r\n")?;
        let plain: &mut dyn Stream = &mut stream;
        if let End::Closed =
            (Session { reader: BufReader::new(plain), tls: false, login: None, inbox }).run()?
        {
            return Ok(());
        }
    }
    let session = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = rustls::StreamOwned::new(session, stream);
    if tls == Tls::Implicit {
        stream.write_all(b"220 fake ESMTP\r\n")?;
    }
    let encrypted: &mut dyn Stream = &mut stream;
    Session { reader: BufReader::new(encrypted), tls: true, login: None, inbox }.run()?;
    Ok(())
}

struct Session<'a> {
    reader: BufReader<&'a mut dyn Stream>,
    tls: bool,
    login: Option<(String, String)>,
    inbox: &'a Inbox<Mail>,
}

impl Session<'_> {
    fn run(mut self) -> io::Result<End> {
        let (mut from, mut to) = (String::new(), Vec::new());
        while let Some(line) = self.line()? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" if self.tls => self.say("250-fake\r\n250 AUTH PLAIN LOGIN")?,
                "EHLO" => self.say("250-fake\r\n250 STARTTLS")?,
                "STARTTLS" if !self.tls => {
                    self.say("220 go ahead")?;
                    return Ok(End::StartTls);
                }
                "AUTH" if !self.tls => self.say("538 encryption required")?,
                "AUTH" => self.authenticate(rest)?,
                "MAIL" => {
                    from = address(rest);
                    self.say("250 ok")?;
                }
                "RCPT" => {
                    to.push(address(rest));
                    self.say("250 ok")?;
                }
                "DATA" => {
                    self.say("354 go ahead")?;
                    let body = self.body()?;
                    self.keep(std::mem::take(&mut from), std::mem::take(&mut to), &body);
                    self.say("250 ok")?;
                }
                "HELO" | "NOOP" | "RSET" => self.say("250 ok")?,
                "QUIT" => {
                    self.say("221 bye")?;
                    return Ok(End::Closed);
                }
                _ => self.say("502 not known here")?,
            }
        }
        Ok(End::Closed)
    }

    fn authenticate(&mut self, rest: &str) -> io::Result<()> {
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        let login = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = if first.is_empty() { self.ask("")? } else { decode(first) };
                let mut parts = answer.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => {
                let user = if first.is_empty() { self.ask("Username:")? } else { decode(first) };
                (user, self.ask("Password:")?)
            }
            _ => return self.say("504 PLAIN or LOGIN"),
        };
        self.login = Some(login);
        self.say("235 welcome")
    }

    fn ask(&mut self, prompt: &str) -> io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(prompt)))?;
        Ok(decode(&self.line()?.unwrap_or_default()))
    }

    /// Up to the lone dot, with the doubled dots made single again.
    fn body(&mut self) -> io::Result<String> {
        let mut body = String::new();
        while let Some(line) = self.line()? {
            if line == "." {
                break;
            }
            body.push_str(line.strip_prefix('.').unwrap_or(&line));
            body.push_str("\r\n");
        }
        Ok(body)
    }

    fn keep(&self, from: String, to: Vec<String>, body: &str) {
        let Ok(parsed) = mailparse::parse_mail(body.as_bytes()) else {
            return;
        };
        let (user, password) = self.login.clone().unzip();
        self.inbox.put(Mail {
            from,
            to,
            subject: parsed.headers.get_first_value("Subject").unwrap_or_default(),
            text: part(&parsed, "text/plain"),
            html: part(&parsed, "text/html"),
            tls: self.tls,
            user,
            password,
        });
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        write!(self.reader.get_mut(), "{line}\r\n")?;
        self.reader.get_mut().flush()
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// `FROM:<a@b.c> BODY=8BITMIME` → `a@b.c`
fn address(rest: &str) -> String {
    let inside = rest.split_once('<').and_then(|(_, tail)| tail.split_once('>'));
    inside.map_or(rest, |(address, _)| address).to_owned()
}

fn decode(text: &str) -> String {
    String::from_utf8_lossy(&STANDARD.decode(text.trim()).unwrap_or_default()).into_owned()
}

/// The first part of a type, decoded, however deep it lies.
fn part(mail: &ParsedMail<'_>, mimetype: &str) -> String {
    let mut parts = mail.parts();
    let found = parts.find(|part| part.subparts.is_empty() && part.ctype.mimetype == mimetype);
    found.and_then(|part| part.get_body().ok()).unwrap_or_default()
}
