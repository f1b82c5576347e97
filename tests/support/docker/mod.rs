//! A Docker engine for the tests: the real one, started by hand in namespaces of its own, with images that are built
//! here because no registry is asked.
//!
//! It serves the whole test binary, and ends with it. What it publishes on 127.0.0.1 is the loopback of its own network
//! namespace: a test that wants to see it `enter`s there, and so do the servers that it starts afterwards. Nothing that
//! runs on the machine, another Docker engine included, meets it.

mod images;

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::tools::{self, Output};
use super::wait_until;

/// Where containers find this process: `host.docker.internal`.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 31, 255, 1);

/// The running engine.
pub(crate) struct Engine {
    /// Its socket, its log, and what the `docker` command wants to know. The engine removes it when it ends.
    home: PathBuf,
    /// A handle of its network, which is there as long as somebody is in it.
    network: fs::File,
    /// Lines here are signals for processes; the end of it ends the engine.
    orders: Mutex<ChildStdin>,
    /// The images that were built, one at a time.
    built: Mutex<Vec<String>>,
}

/// The engine of this test binary. Never dropped: it notices that the binary has ended.
static ENGINE: OnceLock<Engine> = OnceLock::new();

impl Engine {
    /// The engine, started at the first call; from here on, this thread and those it starts live in its network.
    #[track_caller]
    pub(crate) fn enter() -> &'static Self {
        let engine = ENGINE.get_or_init(Self::start);
        move_into_link_name_space(engine.network.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("who started the engine may enter its network");
        engine
    }

    #[track_caller]
    fn start() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "a Docker engine can only be started by root: run the tests as root, in CI in a privileged container"
        );
        let packages = tools::folder().join("engine");
        assert!(packages.is_dir(), "the Docker engine is not in target/tools: run `make tools` first");
        let shared = std::env::temp_dir();
        let home = tempfile::Builder::new().prefix("skymon-docker-").tempdir_in(&shared);
        let home = home.expect("a temporary folder").keep();
        let log = fs::File::create(home.join("log")).expect("our own folder");

        let mut engine = Command::new("unshare")
            .args([
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                include_str!("engine.sh"),
                "engine.sh",
            ])
            .args([&packages, &home, &shared])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("`unshare` of util-linux can be started");
        let orders = engine.stdin.take().expect("a pipe");
        make_config(&home);
        wait_for_answer(&mut engine, &home);
        let network = fs::File::open(format!("/proc/{}/ns/net", engine.id())).expect("the engine is running");
        Self { home, network, orders: Mutex::new(orders), built: Mutex::default() }
    }

    /// The address on which a server of the test is `host.docker.internal` to containers.
    pub(crate) fn host(port: u16) -> SocketAddr {
        SocketAddr::new(GATEWAY.into(), port)
    }

    /// A command that finds `skymon`, the `docker` of the tests with its `compose`, and this engine.
    pub(crate) fn command(&self, program: &str) -> Command {
        client(&self.home, program)
    }

    /// `docker ARGS`.
    #[track_caller]
    pub(crate) fn docker<A: AsRef<OsStr>>(&self, args: &[A]) -> Output {
        tools::run(self.command("docker").args(args))
    }

    /// Builds the image of that name, if this was not done yet.
    #[track_caller]
    pub(crate) fn provide(&self, image: &str) {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if !built.iter().any(|done| done == image) {
            images::build(self, image);
            built.push(image.to_owned());
        }
    }

    /// Sends a signal past the engine: `KILL` as the kernel does when memory is short. `pid` is what `docker inspect` says.
    pub(crate) fn signal(&self, pid: u64, signal: &str) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(orders, "{signal} {pid}").expect("the engine is running");
    }
}

fn client(home: &Path, program: &str) -> Command {
    let skymon = Path::new(env!("CARGO_BIN_EXE_skymon")).parent().expect("lies in a folder");
    let mut command = Command::new(program);
    command
        .env_clear()
        .env(
            "PATH",
            format!("{}:{}:/usr/sbin:/usr/bin:/sbin:/bin", tools::folder().display(), skymon.display()),
        )
        .env("DOCKER_HOST", format!("unix://{}/docker.sock", home.display()))
        .env("DOCKER_CONFIG", home.join("config"));
    command
}

/// Where `docker` looks for `docker compose`.
fn make_config(home: &Path) {
    let plugins = home.join("config/cli-plugins");
    fs::create_dir_all(&plugins).expect("our own folder");
    std::os::unix::fs::symlink(tools::tool("docker-compose"), plugins.join("docker-compose"))
        .expect("our own folder");
}

#[track_caller]
fn wait_for_answer(engine: &mut Child, home: &Path) {
    wait_until("the Docker engine answers", Duration::from_secs(60), || {
        let ended = engine.try_wait().expect("our own process");
        let log = || fs::read_to_string(home.join("log")).unwrap_or_default();
        assert!(ended.is_none(), "the Docker engine ended; its log:\n{}", log());
        (tools::run(client(home, "docker").arg("version")).status == 0).then_some(())
    });
}
