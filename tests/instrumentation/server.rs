//! A Python server with the rendered module around it, and what it exposes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::client;
use crate::support::project::Project;
use crate::support::wait_until;

const READY: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// gunicorn, three workers with threads.
    Flask,
    /// The same, and the workers are forked from a process that has imported the application.
    Preloaded,
    /// uvicorn, three workers.
    FastApi,
    /// uvicorn as most run it.
    OneProcess,
}

impl Kind {
    /// A route's template as the framework writes it.
    pub(crate) fn route(self, template: &'static str) -> &'static str {
        match (self, template) {
            (Self::Flask | Self::Preloaded, "/v1/items/{name}") => "/v1/items/<name>",
            _ => template,
        }
    }

    fn arguments(self, addr: SocketAddr) -> Vec<String> {
        let threads =
            "gunicorn --worker-class gthread --workers 3 --threads 8 --graceful-timeout 1 flask_server:app";
        let text = match self {
            Self::Flask => format!("{threads} --bind {addr}"),
            Self::Preloaded => format!("{threads} --preload --bind {addr}"),
            Self::FastApi => {
                format!("uvicorn --workers 3 --host {} --port {} fastapi_server:app", addr.ip(), addr.port())
            }
            Self::OneProcess => {
                format!("uvicorn --host {} --port {} fastapi_server:app", addr.ip(), addr.port())
            }
        };
        text.split(' ').map(str::to_owned).collect()
    }
}

/// A running server; dropping it ends all its processes.
pub(crate) struct Server {
    child: Child,
    addr: SocketAddr,
    log: PathBuf,
    _folder: TempDir,
}

impl Server {
    #[track_caller]
    pub(crate) fn start(kind: Kind, project: &Project, addr: &str) -> Self {
        let addr: SocketAddr = addr.parse().expect("an address");
        assert!(addr.ip().is_loopback(), "{addr} is not of this machine alone");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("log");
        let output = fs::File::create(&log).expect("a file for what it prints");
        let mut command = python(project);
        command.arg("-m").args(kind.arguments(addr)).process_group(0).stdin(Stdio::null());
        command.stdout(output.try_clone().expect("the same file")).stderr(output);
        if kind != Kind::OneProcess {
            command.env("PROMETHEUS_MULTIPROC_DIR", folder.path().join("counts"));
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self { child, addr, log, _folder: folder };
        wait_until("the server answers", READY, || {
            let ended = server.child.try_wait().expect("a child");
            assert!(ended.is_none(), "the server has ended: {}", server.log());
            client::try_metrics(addr).map(|_| ())
        });
        server
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    #[track_caller]
    pub(crate) fn metrics(&self) -> Exposition {
        let answer = client::ask(self.addr, "GET", "/metrics");
        assert_eq!(answer.status, 200, "{}{}", answer.body, self.log());
        Exposition::of(&answer.body)
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The workers too, which are of its group.
        let group = format!("-{}", self.child.id());
        drop(Command::new("kill").args(["-KILL", "--", &group]).status());
        drop(self.child.wait());
    }
}

/// The Python that `tests/instrumentation/get` made, where the rendered module and the servers are found.
#[track_caller]
pub(crate) fn python(project: &Project) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/instrumentation/bin/python");
    assert!(program.exists(), "Flask and FastAPI are not in target/instrumentation: run `make tools` first");
    let module = project.path("monitoring/instrumentation/chat");
    let path = std::env::join_paths([module, root.join("tests/instrumentation")]).expect("plain paths");
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.env("PYTHONPATH", path).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// What `/metrics` says: each series once, and the type of each metric.
#[derive(Debug)]
pub(crate) struct Exposition {
    pub(crate) types: BTreeMap<String, String>,
    series: BTreeMap<String, f64>,
}

impl Exposition {
    #[track_caller]
    pub(crate) fn of(text: &str) -> Self {
        let mut exposition = Self { types: BTreeMap::new(), series: BTreeMap::new() };
        for line in text.lines() {
            if let Some(said) = line.strip_prefix("# TYPE ") {
                let (name, kind) = said.split_once(' ').expect("a name and a type");
                exposition.types.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (series, value) =
                    line.rsplit_once(' ').unwrap_or_else(|| panic!("`{line}` is no sample"));
                let value = value.parse().unwrap_or_else(|_| panic!("`{line}` has no value"));
                let before = exposition.series.insert(series.to_owned(), value);
                assert_eq!(before, None, "`{series}` is there twice");
            }
        }
        exposition
    }

    /// `name{label="value"}`, as written.
    pub(crate) fn get(&self, series: &str) -> Option<f64> {
        self.series.get(series).copied()
    }

    /// All series of one name: labels as written, and value.
    pub(crate) fn all(&self, name: &str) -> BTreeMap<String, f64> {
        let labels = |series: &str| {
            let rest = series.strip_prefix(name)?;
            if rest.is_empty() {
                Some(String::new())
            } else {
                Some(rest.strip_prefix('{')?.strip_suffix('}')?.to_owned())
            }
        };
        self.series.iter().filter_map(|(series, value)| Some((labels(series)?, *value))).collect()
    }

    /// The names of the labels of one name's series.
    #[track_caller]
    pub(crate) fn labels(&self, name: &str) -> BTreeSet<String> {
        let all = self.all(name);
        assert!(!all.is_empty(), "there is no `{name}`");
        all.keys().flat_map(|labels| pairs(labels)).map(|(label, _)| label.to_owned()).collect()
    }

    /// The values of a label.
    pub(crate) fn values(&self, name: &str, label: &str) -> BTreeSet<String> {
        let all = self.all(name);
        let found = all.keys().flat_map(|labels| pairs(labels)).filter(|(found, _)| *found == label);
        found.map(|(_, value)| value.to_owned()).collect()
    }
}

/// No value of these has a comma in it.
fn pairs(labels: &str) -> impl Iterator<Item = (&str, &str)> {
    labels.split(',').filter_map(|pair| pair.strip_suffix('"')?.split_once("=\""))
}
