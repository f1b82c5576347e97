//! A real Prometheus without any target, told by the benchmark what it is to know.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// Dropping it ends it.
pub(crate) struct Prometheus {
    address: String,
    process: Child,
    config: PathBuf,
}

impl Prometheus {
    /// Keeps all that is its own in `folder`, which is made.
    pub(crate) fn start(folder: &Path) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/prometheus");
        assert!(program.is_file(), "the real `prometheus` is not in target/tools: run `make tools` first");
        fs::create_dir(folder).expect("a folder of its own");
        let config = folder.join("prometheus.yml");
        fs::write(&config, "global: {}\n").expect("writes the config");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address").to_string();
        drop(free);
        let process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--web.enable-remote-write-receiver", "--web.enable-lifecycle", "--log.level=error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("Prometheus starts");
        let prometheus = Self { address, process, config };
        while TcpStream::connect(&prometheus.address).is_err() {
            sleep(Duration::from_millis(50));
        }
        while prometheus.call("GET", "/-/ready", &[]).0 != 200 {
            sleep(Duration::from_millis(50));
        }
        prometheus
    }

    /// Gives it another configuration.
    pub(crate) fn configure(&self, config: &str) {
        fs::write(&self.config, config).expect("writes the config");
        let (status, answer) = self.call("POST", "/-/reload", &[]);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }

    /// One request: the status and the body.
    pub(crate) fn call(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).expect("Prometheus listens");
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it takes the request");
        stream.write_all(body).expect("it takes the request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let status = answer.get(9..12).and_then(|code| std::str::from_utf8(code).ok());
        let status = status.and_then(|code| code.parse().ok()).expect("a status");
        let start = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
        (status, answer.split_off(start + 4))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
