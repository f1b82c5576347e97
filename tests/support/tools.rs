//! Where the real programs are, and how a test calls one and reads what it said.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Output {
    /// The exit code; 128 + n where it does not apply (killed by a signal).
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Panics with everything the program said unless it exited with 0.
    #[track_caller]
    pub(crate) fn expect_success(self) -> Self {
        assert_eq!(self.status, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    /// Both streams, for programs that are not strict about which one they use.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// The folder that `tests/tools/get` fills.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools")
}

/// One of `prometheus`, `promtool`, `alertmanager`, `amtool`, `blackbox_exporter`, `node_exporter`, `caddy`, `docker-compose`.
#[track_caller]
pub(crate) fn tool(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(path.is_file(), "the real `{name}` is not in target/tools: run `make tools` first");
    path
}

/// The `python3` of the machine: the program itself, no link to it, and the folder that it has its library in.
#[track_caller]
pub(crate) fn python() -> (PathBuf, PathBuf) {
    let mut command = Command::new("python3");
    command.args(["-c", "import sys; print(sys.executable); print(sys.base_prefix)"]);
    let found = command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").output();
    let found = found.ok().filter(|output| output.status.success());
    let said = found.unwrap_or_else(|| panic!("{PYTHON}")).stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let (program, prefix) = said.trim().split_once('\n').expect("two lines");
    (Path::new(program).canonicalize().expect("it has just run"), prefix.into())
}

pub(crate) const PYTHON: &str =
    "SkyServe's exporter needs `python3`, 3.10 or newer: install it, such as with `apt-get install python3`";

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output {
        status: output.status.code().unwrap_or(128),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// `promtool ARGS` in a folder.
#[track_caller]
pub(crate) fn promtool<A: AsRef<OsStr>>(args: &[A], cwd: &Path) -> Output {
    run(Command::new(tool("promtool")).args(args).current_dir(cwd))
}

/// `amtool ARGS` in a folder.
#[track_caller]
pub(crate) fn amtool<A: AsRef<OsStr>>(args: &[A], cwd: &Path) -> Output {
    run(Command::new(tool("amtool")).args(args).current_dir(cwd))
}

/// `docker compose ARGS` in a folder. Variables of the test's own environment are passed on, as Docker does.
#[track_caller]
pub(crate) fn compose<A: AsRef<OsStr>>(args: &[A], cwd: &Path, env: &[(&str, &str)]) -> Output {
    run(Command::new(tool("docker-compose")).args(args).current_dir(cwd).envs(env.iter().copied()))
}

/// A program that says nothing, and ends with its test.
pub(crate) struct Running(Child);

impl Running {
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Running {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Running(quiet.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
