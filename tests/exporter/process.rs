//! The exporter as a process: started with `python3` on loopback as anyone would, and what it answers and prints.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::tools::{self, Output};
use crate::support::{http, wait_until};

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A running exporter; dropping it ends it.
pub(crate) struct Exporter {
    child: Child,
    dir: TempDir,
    url: String,
}

impl Exporter {
    /// Polls that server five times a second, with these variables besides.
    #[track_caller]
    pub(crate) fn start(api_server: &str, env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let output = |name: &str| fs::File::create(dir.path().join(name)).expect("a file for what it prints");
        let child = command()
            .env("SKYPILOT_API_SERVER_ENDPOINT", api_server)
            .env("POLL_INTERVAL_SECONDS", "0.2")
            .env("STALE_AFTER_SECONDS", "600")
            .env("LISTEN_ADDRESS", "127.0.0.1:0")
            .envs(env.iter().copied())
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", tools::PYTHON));
        let mut exporter = Self { child, dir, url: String::new() };
        let addr = wait_until("the exporter listens", SOON, || {
            let log = exporter.log();
            assert!(exporter.child.try_wait().expect("a child").is_none(), "the exporter has ended: {log}");
            let (_, rest) = log.split_once("listening on ")?;
            Some(rest.split_once(',')?.0.to_owned())
        });
        exporter.url = format!("http://{addr}");
        exporter
    }

    /// The same, and a first poll has succeeded.
    #[track_caller]
    pub(crate) fn ready(api_server: &str, env: &[(&str, &str)]) -> Self {
        let exporter = Self::start(api_server, env);
        exporter.wait_for("skyserve_up", 1.0);
        exporter
    }

    /// Runs it to its end, for an environment that it must refuse.
    #[track_caller]
    pub(crate) fn refuse(env: &[(&str, &str)]) -> Output {
        let mut command = command();
        command.env("LISTEN_ADDRESS", "127.0.0.1:0").envs(env.iter().copied());
        tools::run(command.stdin(Stdio::null()))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.url);
        http::get(&url).unwrap_or_else(|error| panic!("{url}: {error}; its log: {}", self.log()))
    }

    #[track_caller]
    pub(crate) fn metrics(&self) -> Metrics {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200, "{text}");
        Metrics::of(&text)
    }

    /// The list that `/sd` answers.
    #[track_caller]
    pub(crate) fn targets(&self, query: &str) -> Vec<Value> {
        let (status, text) = self.get(&format!("/sd{query}"));
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Waits until a series has this value.
    #[track_caller]
    pub(crate) fn wait_for(&self, series: &str, value: f64) {
        let start = std::time::Instant::now();
        while self.metrics().get(series) != Some(value) {
            assert!(start.elapsed() < SOON, "{series} is not {value}: {:#?}; {}", self.metrics(), self.log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Everything it printed so far.
    pub(crate) fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
        format!("{}{}", read("stdout"), read("stderr"))
    }

    /// The most memory that it ever used, in MiB.
    #[track_caller]
    pub(crate) fn peak_memory(&self) -> u64 {
        self.usage("VmHWM:") / 1024
    }

    #[track_caller]
    pub(crate) fn threads(&self) -> u64 {
        self.usage("Threads:")
    }

    #[track_caller]
    fn usage(&self, name: &str) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux, and it runs");
        let value = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux says so");
        value.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Sends SIGTERM, as `docker stop` does, and gives the exit code.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        tools::run(Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]))
            .expect_success();
        let mut ended = None;
        wait_until("the exporter ends", SOON, || {
            ended = self.child.try_wait().expect("a child");
            ended.map(|_| ())
        });
        ended.and_then(|status| status.code())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command() -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/exporter/skyserve_exporter.py");
    let mut command = Command::new("python3");
    command.arg("-X").arg("dev").arg("-W").arg("error").arg(script);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command
}

/// An exposition, each series once.
#[derive(Debug)]
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    #[track_caller]
    pub(crate) fn of(text: &str) -> Self {
        let mut series = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("`{line}` is no sample"));
            let value = value.parse().unwrap_or_else(|_| panic!("`{line}` has no value"));
            assert_eq!(series.insert(name.to_owned(), value), None, "`{name}` is there twice");
        }
        Self(series)
    }

    /// `name{label="value"}`, as written.
    pub(crate) fn get(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// All series of one name: labels as written, and value.
    pub(crate) fn all(&self, name: &str) -> BTreeMap<String, f64> {
        let labels =
            |series: &str| series.strip_prefix(name)?.strip_prefix('{')?.strip_suffix('}').map(str::to_owned);
        self.0.iter().filter_map(|(series, value)| Some((labels(series)?, *value))).collect()
    }

    /// The same without the zeros.
    pub(crate) fn counted(&self, name: &str) -> BTreeMap<String, f64> {
        self.all(name).into_iter().filter(|(_, value)| *value != 0.0).collect()
    }

    /// Whether anything is told of services.
    pub(crate) fn knows_services(&self) -> bool {
        self.0
            .keys()
            .any(|series| series.starts_with("skyserve_service_") || series.starts_with("skyserve_replica"))
    }
}
