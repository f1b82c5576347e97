//! The setting of a test: a config with its secrets in a folder, rendered by the real binary, and brought to containers by
//! the commands that a user is told.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use crate::support::api::Api;
use crate::support::docker::Engine;
use crate::support::fakes::Receiver;
use crate::support::http;
use crate::support::project::Project;
use crate::support::replicas::Replica;
use crate::support::tools::{self, Output};
use crate::support::wait_until;

/// What must come comes well within this, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// The registry of the tests' images: no image of the machine has such a name.
pub(crate) const REGISTRY: &str = "skymon.invalid";

/// So that no two of the usual ports, moved by multiples of it, meet.
const BLOCK: u16 = 7000;

pub(crate) const PASSWORD: &str = "the $password of Grafana";

/// A folder with a `skymon.yaml`; the containers that come of it go when this is dropped.
pub(crate) struct Lab {
    home: Project,
    /// Moves all ports of a test: each has its own, since all share one network.
    block: u16,
    api: Api,
    engine: &'static Engine,
    /// For the commands that a user runs.
    environment: Mutex<BTreeMap<String, String>>,
}

impl Lab {
    /// `config` is a skymon.yaml without what is the same in all tests; `HOST:8001` in it is the test's own port 8001.
    pub(crate) fn new(block: u16, config: &str) -> Self {
        let engine = Engine::enter();
        let port = |port: u16| block * BLOCK + port;
        let name = format!("lab-{block}");
        let head = format!(
            "version: 1\nname: {name}\nimages: {{registry: {REGISTRY}}}\nports: {{prometheus: {}, alertmanager: {}, \
             grafana: {}}}\n",
            port(9090),
            port(9093),
            port(3000)
        );
        let logs = {
            let name = name.clone();
            move || engine.docker(&["compose", "-p", &name, "logs", "--no-color", "--tail", "50"]).text()
        };
        let url = |program: u16| format!("http://127.0.0.1:{}", port(program));
        let lab = Self {
            home: Project::new(""),
            block,
            api: Api::new(url(9090), url(9093), logs),
            engine,
            environment: Mutex::default(),
        };
        for (folder, mode) in [("secrets", 0o700), ("certs", 0o755)] {
            fs::create_dir(lab.path(folder)).expect("a temporary folder");
            fs::set_permissions(lab.path(folder), fs::Permissions::from_mode(mode)).expect("our own folder");
        }
        lab.write("secrets/grafana_admin_password", PASSWORD);
        lab.write("skymon.yaml", &format!("{head}{config}"));
        lab
    }

    /// The name of the stack, and so of compose's project.
    pub(crate) fn name(&self) -> String {
        format!("lab-{}", self.block)
    }

    pub(crate) fn engine(&self) -> &'static Engine {
        self.engine
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.home.path(path)
    }

    /// `http://127.0.0.1:PORT/path` as a person on the machine opens it.
    pub(crate) fn url(&self, port: u16, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port(port))
    }

    pub(crate) fn port(&self, port: u16) -> u16 {
        self.block * BLOCK + port
    }

    /// A file beside the config, readable by the containers' users as the documentation says. One that is there is
    /// replaced by a rename, as editors and renewals do it.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let content = self.at_own_ports(content);
        let beside = self.path(&format!("{path}.new"));
        fs::write(&beside, content).expect("a temporary file");
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).expect("our own file");
        fs::rename(beside, self.path(path)).expect("the same folder");
    }

    /// `HOST:8001` as containers reach it.
    fn at_own_ports(&self, text: &str) -> String {
        let mut parts = text.split("HOST:");
        let head = parts.next().unwrap_or_default().to_owned();
        parts.fold(head, |text, part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let port = self.port(part[..end].parse().expect("a port"));
            format!("{text}host.docker.internal:{port}{}", &part[end..])
        })
    }

    pub(crate) fn read(&self, path: &str) -> String {
        self.home.read(path)
    }

    /// Changes the config: one text for another.
    #[track_caller]
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let before = self.read("skymon.yaml");
        let count = before.matches(from).count();
        assert_eq!(count, 1, "`{from}` is {count} times in skymon.yaml:\n{before}");
        self.write("skymon.yaml", &before.replace(from, to));
    }

    /// A variable of the shell that the user works in.
    pub(crate) fn export(&self, name: &str, value: &str) {
        let mut environment = self.environment.lock().expect("no test panics here");
        environment.insert(name.to_owned(), value.to_owned());
    }

    /// Renders, runs the command that `render` prints, if it prints one, and gives it.
    #[track_caller]
    pub(crate) fn apply(&self) -> String {
        let said = self.home.render().stdout;
        let command = said.split_once("apply it with:\n").map(|(_, command)| command.trim().to_owned());
        let command = command.unwrap_or_default();
        for image in self.images() {
            self.engine.provide(&image);
        }
        self.shell(".", &command).expect_success();
        command
    }

    /// The images that the rendered stack asks for.
    #[track_caller]
    fn images(&self) -> Vec<String> {
        let said = self.shell("monitoring", "docker compose config --images").expect_success();
        said.stdout.lines().map(str::to_owned).collect()
    }

    /// Runs a line in a folder, as a user with a shell would.
    #[track_caller]
    pub(crate) fn shell(&self, folder: &str, line: &str) -> Output {
        let environment = self.environment.lock().expect("no test panics here").clone();
        let mut shell = self.engine.command("sh");
        tools::run(shell.args(["-ec", line]).current_dir(self.path(folder)).envs(environment))
    }

    /// `docker compose ARGS` beside the compose file.
    #[track_caller]
    pub(crate) fn compose(&self, args: &str) -> Output {
        self.shell("monitoring", &format!("docker compose {args}"))
    }

    /// The programs whose containers are there.
    #[track_caller]
    pub(crate) fn programs(&self) -> Vec<String> {
        let said = self.compose("ps --all --services").expect_success().stdout;
        let mut programs: Vec<String> =
            said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        programs.sort();
        programs
    }

    /// All that the engine says of a program's container.
    #[track_caller]
    pub(crate) fn inspect(&self, program: &str) -> Value {
        let container = self.compose(&format!("ps --all --quiet {program}")).expect_success().stdout;
        let said = self.engine.docker(&["inspect", container.trim()]).expect_success().stdout;
        let mut found: Value = serde_json::from_str(&said).expect("docker prints JSON");
        found[0].take()
    }

    /// Runs a line in a program's container.
    #[track_caller]
    pub(crate) fn inside(&self, program: &str, line: &str) -> Output {
        let container = self.compose(&format!("ps --quiet {program}")).expect_success().stdout;
        self.engine.docker(&["exec", container.trim(), "sh", "-c", line])
    }

    /// Sends a program a signal that the engine knows nothing of.
    #[track_caller]
    pub(crate) fn signal(&self, program: &str, signal: &str) {
        let pid = self.inspect(program)["State"]["Pid"].as_u64().expect("it runs");
        self.engine.signal(pid, signal);
    }

    #[track_caller]
    pub(crate) fn wait_until_healthy(&self, program: &str) {
        self.wait_for_state(program, "healthy", |container| {
            container["State"]["Health"]["Status"] == "healthy"
        });
    }

    /// Waits until the engine says this of a program's container.
    #[track_caller]
    pub(crate) fn wait_for_state(&self, program: &str, state: &str, is: impl Fn(&Value) -> bool) {
        wait_until(&format!("{program} is {state}"), SOON * 2, || {
            let reached = is(&self.inspect(program));
            // Asking costs two processes.
            std::thread::sleep(Duration::from_millis(if reached { 0 } else { 500 }));
            reached.then_some(())
        });
    }

    /// A Slack whose address is the secret in `secrets/slack`.
    #[track_caller]
    pub(crate) fn slack(&self) -> Receiver {
        self.write("secrets/slack", "http://HOST:7001/services/T0/B0/x\n");
        Receiver::slack(Engine::host(self.port(7001)))
    }

    #[track_caller]
    pub(crate) fn webhook(&self, port: u16) -> Receiver {
        Receiver::webhook(Engine::host(self.port(port)))
    }

    #[track_caller]
    pub(crate) fn replica(&self, port: u16) -> Replica {
        Replica::start(Engine::host(self.port(port)))
    }

    /// Waits until so many replicas of a service are up.
    #[track_caller]
    pub(crate) fn wait_for_replicas(&self, service: &str, count: usize) {
        wait_until(&format!("{count} replicas of {service} are up"), SOON, || {
            let up =
                self.targets().into_iter().filter(|target| target.job == service && target.health == "up");
            (up.count() == count).then_some(())
        });
    }

    /// Sends an alert as Prometheus would.
    #[track_caller]
    pub(crate) fn send_alert(&self, name: &str, severity: &str) {
        let labels = serde_json::json!({"alertname": name, "severity": severity, "service": "chat"});
        let annotations = serde_json::json!({"summary": "a test", "description": "nothing is wrong"});
        let alert = serde_json::json!([{"labels": labels, "annotations": annotations}]);
        let url = format!("{}/api/v2/alerts", self.alertmanager_url());
        // A program that was just started again needs a moment.
        let (status, said) = wait_until("Alertmanager answers", SOON, || http::post(&url, &alert).ok());
        assert_eq!(status, 200, "{said}");
    }
}

impl Deref for Lab {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Drop for Lab {
    /// Without a word: where a test has failed, what it says must be heard.
    fn drop(&mut self) {
        let name = format!("lab-{}", self.block);
        drop(
            self.engine
                .command("docker")
                .args(["compose", "-p", &name, "down", "--volumes", "--timeout", "0"])
                .output(),
        );
    }
}
