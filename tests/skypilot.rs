//! The exporter against SkyPilot's own API server, from PyPI, on loopback: what a fake cannot prove is that the fake is
//! right. No cloud and no service are there, so this is about the protocol: versions, accounts, and what the server says
//! when no controller runs.
//!
//! Apart from `cargo test`, because the server is some 460 MB: `make skypilot` installs it and runs this.

mod support;

#[path = "exporter/process.rs"]
#[allow(dead_code, reason = "the exporter's own tests use the rest")]
mod process;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use process::Exporter;
use serde_json::{Value, json};
use support::{http, wait_until};

/// Ten times what it takes when the machine has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// The real server; dropping it ends it and all processes that it has started.
struct SkyPilot {
    child: Child,
    dir: tempfile::TempDir,
    addr: String,
}

impl SkyPilot {
    #[track_caller]
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/skypilot/bin/python");
        assert!(python.is_file(), "the real SkyPilot is not in target/skypilot: run `make skypilot`");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let addr = free.expect("a free port").to_string();
        let log = fs::File::create(dir.path().join("log")).expect("a file for what it prints");
        let admin = format!("admin:{}", bcrypt::hash("password", 4).expect("a hash"));
        let child = Command::new(python)
            .args(["-m", "sky.server.server", "--host", "127.0.0.1", "--port"])
            .arg(addr.rsplit(':').next().expect("a port"))
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("NO_PROXY", "127.0.0.1")])
            // It would like to report its use and look for newer versions: all that ends here.
            .envs([("HTTP_PROXY", "http://127.0.0.1:1"), ("HTTPS_PROXY", "http://127.0.0.1:1")])
            .envs([("SKYPILOT_DISABLE_USAGE_COLLECTION", "1"), ("ENABLE_SERVICE_ACCOUNTS", "true")])
            .envs([("ENABLE_BASIC_AUTH", "true"), ("SKYPILOT_INITIAL_BASIC_AUTH", &admin)])
            .envs([("PYTHONDONTWRITEBYTECODE", "1")])
            .env("PYTHONPATH", root.join("tests/skypilot"))
            .env("HOME", dir.path())
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("the environment's python starts");
        let server = Self { child, dir, addr };
        wait_until("the API server is ready", PATIENCE, || {
            http::get(&format!("{}/api/health", server.url())).ok().filter(|(status, _)| *status == 200)
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// One call with these headers besides: the status and the body.
    #[track_caller]
    fn post(&self, path: &str, headers: &str, body: &Value) -> (u16, String) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.addr).expect("the server listens");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len(),
        )
        .expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    /// A new account's token, made as an administrator makes one from another machine.
    #[track_caller]
    fn token(&self, role: &str) -> String {
        let password = BASE64_STANDARD.encode("admin:password");
        // Who comes from loopback needs no password, and then is nobody.
        let headers = format!("{VERSIONS}X-Forwarded-For: 192.0.2.1\r\nAuthorization: Basic {password}\r\n");
        let body = json!({"token_name": format!("exporter{role}"), "expires_in_days": 1, "role": role});
        let (status, answer) = self.post("/users/service-account-tokens", &headers, &body);
        assert_eq!(status, 200, "{answer}; {}", self.log());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn signal(&self, signal: &str) {
        let group = format!("kill -{signal} -{}", self.child.id());
        drop(Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status());
    }
}

impl Drop for SkyPilot {
    fn drop(&mut self) {
        self.signal("KILL");
        drop(self.child.wait());
    }
}

const VERSIONS: &str = "X-SkyPilot-API-Version: 51\r\nX-SkyPilot-Version: skymon\r\n";

/// An exporter that is told this reason.
#[track_caller]
fn fails_with(server: &SkyPilot, reason: &str, token: &Path) {
    let exporter = Exporter::start(&server.url(), &[("SKYPILOT_TOKEN_FILE", token.to_str().expect("plain"))]);
    let series = format!("skyserve_last_poll_failed{{reason=\"{reason}\"}}");
    wait_until(&format!("{reason}; the exporter's log: {}", exporter.log()), PATIENCE, || {
        (exporter.metrics().get(&series) == Some(1.0)).then_some(())
    });
    assert!(!exporter.metrics().knows_services(), "a failure is no zero");
    let token = fs::read_to_string(token).expect("the token's file");
    assert!(!exporter.log().contains(token.trim()), "the token is nobody's business");
}

#[test]
fn the_real_api_server_and_the_exporter_understand_each_other() {
    let server = SkyPilot::start();
    let (_, health) = http::get(&format!("{}/api/health", server.url())).expect("health");
    let health: Value = serde_json::from_str(&health).expect("JSON");
    assert_eq!((&health["status"], &health["version"]), (&json!("healthy"), &json!("0.14.1")));

    // Versions: ours is accepted, an old one is what the exporter calls `version_mismatch`.
    let all = json!({"service_names": null});
    assert_eq!(server.post("/serve/status", VERSIONS, &all).0, 200);
    let old = "X-SkyPilot-API-Version: 5\r\nX-SkyPilot-Version: 0.9.3\r\n";
    let (status, answer) = server.post("/serve/status", old, &all);
    assert_eq!(status, 400, "{answer}");
    assert!(answer.contains(r#""error":"version_mismatch""#), "{answer}");

    // A viewer may look, and there is nothing to see yet; it may not change anything.
    let token = server.token("viewer");
    let file = server.dir.path().join("token");
    fs::write(&file, &token).expect("writes the token");
    fails_with(&server, "no_controller", &file);
    let bearer = format!("{VERSIONS}Authorization: Bearer {token}\r\n");
    let down = json!({"service_names": ["x"], "all": false, "purge": false});
    assert_eq!(server.post("/serve/down", &bearer, &down).0, 403);

    fs::write(&file, "sky_invented").expect("writes the token");
    fails_with(&server, "unauthorized", &file);
}
