//! A rendered folder brought to life **as it is**: the real programs, started the way `docker-compose.yml` says, with
//! the real compose resolving it, and each in a root of its own (`container`) where its mounts are.
//!
//! Every service answers on the test's own loopback address and its usual port, and `/etc/hosts` of each says so:
//! `prometheus`, `alertmanager:9093`, `host.docker.internal` all lead there, and no other name leads anywhere. Not
//! started are Grafana, which cannot be had as a program here, and the gate, which has tests of its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::api::Api;
use super::compose::{IMAGES, Image, Project};
use super::container::Container;
use super::{http, wait_until};

/// How long a program may take to say that it is ready.
const READY: Duration = Duration::from_secs(30);

/// The running programs; dropping it ends them all.
pub(crate) struct Stack {
    ip: IpAddr,
    api: Api,
    // Before `scratch`, so that the programs end before their folders go.
    containers: BTreeMap<&'static str, Container>,
    scratch: TempDir,
}

impl Stack {
    /// Starts what `dir/docker-compose.yml` describes on `ip`, and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(dir: &Path, ip: &str) -> Self {
        Self::start_with_env(dir, ip, &[])
    }

    /// The same, with variables for compose (interpolation, and secrets from the environment).
    #[track_caller]
    pub(crate) fn start_with_env(dir: &Path, ip: &str, env: &[(&str, &str)]) -> Self {
        let ip: IpAddr = ip.parse().expect("an IP address");
        assert!(ip.is_loopback(), "{ip} is not a loopback address: a test stack stays on this machine");
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let project = Project::resolve(dir, env, ip, scratch.path());
        let mut containers = BTreeMap::new();
        for image in &IMAGES {
            if let Some(spec) = project.spec(image) {
                let folder = scratch.path().join(image.service);
                fs::create_dir(&folder).expect("a folder per service");
                containers.insert(image.service, Container::start(&spec, &folder));
            }
        }
        assert!(!containers.is_empty(), "no service in {} that can be started", dir.display());
        let files: Vec<_> = containers.values().map(Container::log_file).collect();
        let logs = move || files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
        let api = Api::new(format!("http://{ip}:9090"), format!("http://{ip}:9093"), logs);
        let mut stack = Self { ip, api, containers, scratch };
        for image in &IMAGES {
            stack.wait_ready(image);
        }
        stack
    }

    /// `http://IP:9115`
    pub(crate) fn blackbox_url(&self) -> String {
        format!("http://{}:9115", self.ip)
    }

    /// What a service printed so far.
    pub(crate) fn logs(&self, service: &str) -> String {
        self.containers.get(service).map(Container::log).unwrap_or_default()
    }

    /// Makes a service read its files again, as a SIGHUP does.
    #[track_caller]
    pub(crate) fn reload(&mut self, service: &str) {
        let container = self.containers.get_mut(service);
        container.unwrap_or_else(|| panic!("no service `{service}` is running")).signal("HUP");
    }

    /// Ends one service, for tests of the monitoring of the monitoring.
    pub(crate) fn stop(&mut self, service: &str) {
        self.containers.remove(service);
    }

    #[track_caller]
    fn wait_ready(&mut self, image: &Image) {
        let url = format!("http://{}:{}{}", self.ip, image.port, image.ready);
        let Some(container) = self.containers.get_mut(image.service) else {
            return;
        };
        let start = std::time::Instant::now();
        wait_until(&format!("`{}` is ready", image.service), READY + Duration::from_secs(1), || {
            let ready = http::get(&url).is_ok_and(|(status, _)| status == 200);
            let ended = container.has_ended();
            let trouble = if ended { "ended" } else { "is not ready in time" };
            assert!(
                !ended && (ready || start.elapsed() < READY),
                "`{}` {trouble}; its log:\n{}",
                image.service,
                container.log()
            );
            ready.then_some(())
        });
    }
}

impl Deref for Stack {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

/// Whether a series is only recorded when its service has been seen for minutes, hours or days.
pub(crate) fn needs_a_past(name: &str) -> bool {
    [":growth", ":since5m", ":ratio1d", ":ratio1w"].iter().any(|operation| name.contains(operation))
}
