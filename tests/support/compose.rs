//! What compose and the image together say about a service: from the resolved compose file to a `container::Spec`.
//!
//! Apart from `stack`, which starts these and talks to them.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::container::{Mount, Spec};
use super::tools;

/// What the image of a service has built in.
pub(super) struct Image {
    pub(super) service: &'static str,
    program: Program,
    /// `CMD`, used where compose gives no command.
    command: &'static [&'static str],
    user: &'static str,
    volume: Option<&'static str>,
    /// A folder of target/tools that this build of the program reads, and where; upstream's has it inside.
    built_in: Option<(&'static str, &'static str)>,
    pub(super) port: u16,
    pub(super) ready: &'static str,
    /// Flags that keep a program alone on its address; only given where compose says nothing about them.
    alone: &'static [&'static str],
}

/// What runs in a container, and what says where it listens.
enum Program {
    /// A program of target/tools at its place in the image; a flag says so.
    Tool(&'static str, &'static str),
    /// The machine's `python3`, where the machine has it; a variable says so.
    Python,
}

pub(super) const IMAGES: [Image; 4] = [
    Image {
        service: "prometheus",
        program: Program::Tool("prometheus", "/bin/prometheus"),
        command: &["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
        user: "65534:65534",
        volume: Some("/prometheus"),
        built_in: None,
        port: 9090,
        ready: "/-/ready",
        alone: &[],
    },
    Image {
        service: "alertmanager",
        program: Program::Tool("alertmanager", "/bin/alertmanager"),
        command: &["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"],
        user: "65534:65534",
        volume: Some("/alertmanager"),
        built_in: Some(("share/alertmanager", "/usr/share/prometheus/alertmanager")),
        port: 9093,
        ready: "/-/ready",
        // In a container its cluster port is its own; here two tests would meet on it.
        alone: &["--cluster.listen-address="],
    },
    Image {
        service: "blackbox",
        program: Program::Tool("blackbox_exporter", "/bin/blackbox_exporter"),
        command: &["--config.file=/etc/blackbox_exporter/config.yml"],
        user: "0:0",
        volume: None,
        built_in: None,
        port: 9115,
        ready: "/-/healthy",
        alone: &[],
    },
    Image {
        service: "exporter",
        program: Program::Python,
        command: &["python3"],
        user: "0:0",
        volume: None,
        built_in: None,
        port: 9477,
        ready: "/healthz",
        alone: &[],
    },
];

/// The resolved compose file, and where its services are to run.
pub(super) struct Project<'a> {
    compose: Value,
    env: &'a [(&'a str, &'a str)],
    ip: IpAddr,
    /// Holds volumes and written secrets.
    scratch: &'a Path,
}

impl<'a> Project<'a> {
    /// Reads `dir/docker-compose.yml` the way compose itself does: interpolated, absolute paths, long syntax.
    #[track_caller]
    pub(super) fn resolve(dir: &Path, env: &'a [(&'a str, &'a str)], ip: IpAddr, scratch: &'a Path) -> Self {
        let args = ["-f", "docker-compose.yml", "config", "--format", "json"];
        let output = tools::compose(&args, dir, env).expect_success();
        let compose = serde_json::from_str(&output.stdout).expect("compose prints JSON");
        Self { compose, env, ip, scratch }
    }

    /// How to run a service; `None` where the compose file has no such service.
    #[track_caller]
    pub(super) fn spec(&self, image: &Image) -> Option<Spec> {
        let service = &self.compose["services"][image.service];
        if service.is_null() {
            return None;
        }
        // Not needed so far, and better said than silently left out.
        for key in ["entrypoint", "configs", "volumes_from"] {
            assert!(service[key].is_null(), "the test harness does not know `{key}` of `{}`", image.service);
        }
        let env = service["environment"].as_object().into_iter().flatten();
        let mut spec = Spec {
            name: image.service.to_owned(),
            args: command(image, service),
            env: env.map(|(name, value)| (name.clone(), unescape(&text(value)))).collect(),
            user: user(service["user"].as_str().unwrap_or(image.user)),
            read_only: service["read_only"].as_bool().unwrap_or(false),
            hosts: self.hosts(),
            ..Spec::default()
        };
        self.place_program(image, &mut spec);
        if let Some(target) = image.volume {
            spec.mounts.push(self.volume(&format!("anonymous-{}", image.service), target, false));
        }
        if let Some((source, target)) = image.built_in {
            let source = tools::folder().join(source);
            spec.mounts.push(Mount { source, target: target.to_owned(), read_only: true });
        }
        self.mount_volumes(service, &mut spec);
        self.mount_secrets(service, &mut spec);
        Some(spec)
    }

    #[track_caller]
    fn mount_volumes(&self, service: &Value, spec: &mut Spec) {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let (source, target) = (text(&volume["source"]), text(&volume["target"]));
            let read_only = volume["read_only"].as_bool().unwrap_or(false);
            spec.mounts.retain(|mount| mount.target != target);
            match volume["type"].as_str() {
                Some("bind") => {
                    assert!(
                        Path::new(&source).exists(),
                        "`{}` mounts {source}, which is not there",
                        spec.name
                    );
                    spec.mounts.push(Mount { source: source.into(), target, read_only });
                }
                Some("volume") => spec.mounts.push(self.volume(&source, &target, read_only)),
                Some("tmpfs") => spec.tmpfs.push((target, "mode=1777".to_owned())),
                other => panic!("the test harness does not know volumes of type {other:?}"),
            }
        }
        for entry in service["tmpfs"].as_array().into_iter().flatten().map(text) {
            let (target, options) = entry.split_once(':').unwrap_or((&entry, "mode=1777"));
            spec.tmpfs.push((target.to_owned(), options.to_owned()));
        }
    }

    #[track_caller]
    fn mount_secrets(&self, service: &Value, spec: &mut Spec) {
        for secret in service["secrets"].as_array().into_iter().flatten() {
            let name = text(&secret["source"]);
            let target = secret["target"].as_str().unwrap_or(&name);
            let target =
                if target.starts_with('/') { target.to_owned() } else { format!("/run/secrets/{target}") };
            let source = self.secret(&spec.name, &name);
            spec.mounts.push(Mount { source, target, read_only: true });
        }
    }

    /// The program where the image has it, told to listen on the test's own address.
    #[track_caller]
    fn place_program(&self, image: &Image, spec: &mut Spec) {
        let address = format!("{}:{}", self.ip, image.port);
        match image.program {
            Program::Tool(tool, path) => {
                spec.program = tools::tool(tool);
                path.clone_into(&mut spec.entrypoint);
                spec.args.retain(|arg| !arg.starts_with("--web.listen-address"));
                spec.args.push(format!("--web.listen-address={address}"));
            }
            Program::Python => {
                assert_eq!(spec.args.remove(0), "python3", "the first word is the program");
                let (program, prefix) = tools::python();
                spec.entrypoint = program.to_string_lossy().into_owned();
                spec.program = program;
                // The machine's /usr/lib is in every container here anyway.
                if prefix != Path::new("/usr") {
                    let target = prefix.to_string_lossy().into_owned();
                    spec.mounts.push(Mount { source: prefix, target, read_only: true });
                }
                spec.env.insert("LISTEN_ADDRESS".to_owned(), address);
            }
        }
        for flag in image.alone {
            let name = flag.split('=').next().unwrap_or(flag);
            if !spec.args.iter().any(|arg| arg.starts_with(name)) {
                spec.args.push((*flag).to_owned());
            }
        }
    }

    /// One address for every name: services, their aliases and extra hosts, the host, and `localhost`, since each
    /// program listens on this address only.
    fn hosts(&self) -> String {
        let mut names: BTreeSet<String> = ["localhost", "host.docker.internal"].map(str::to_owned).into();
        for (name, service) in self.compose["services"].as_object().into_iter().flatten() {
            names.insert(name.clone());
            names.extend(service["container_name"].as_str().map(str::to_owned));
            let networks = service["networks"].as_object().into_iter().flatten();
            let aliases = networks.filter_map(|(_, network)| network["aliases"].as_array()).flatten();
            names.extend(aliases.map(text));
            let extra = service["extra_hosts"].as_array().into_iter().flatten().map(text);
            names.extend(extra.filter_map(|line| line.split(['=', ':']).next().map(str::to_owned)));
        }
        let names: Vec<String> = names.into_iter().collect();
        format!("{} {}\n", self.ip, names.join(" "))
    }

    /// A folder that anyone may write, as the images leave theirs to their own users.
    fn volume(&self, name: &str, target: &str, read_only: bool) -> Mount {
        let source = self.scratch.join("volumes").join(name);
        fs::create_dir_all(&source).expect("a folder per volume");
        fs::set_permissions(&source, fs::Permissions::from_mode(0o777)).expect("our own folder");
        Mount { source, target: target.to_owned(), read_only }
    }

    /// The file behind a secret. One from the environment is written out, readable by all, as compose does.
    #[track_caller]
    fn secret(&self, service: &str, name: &str) -> PathBuf {
        let secret = &self.compose["secrets"][name];
        if let Some(file) = secret["file"].as_str() {
            assert!(
                Path::new(file).exists(),
                "the secret `{name}` of `{service}` is {file}, which is not there"
            );
            return file.into();
        }
        let variable = secret["environment"].as_str();
        let variable =
            variable.unwrap_or_else(|| panic!("the secret `{name}` has neither file nor environment"));
        let given = self.env.iter().find(|(key, _)| *key == variable).map(|(_, value)| (*value).to_owned());
        let value = given.or_else(|| std::env::var(variable).ok());
        let value = value.unwrap_or_else(|| panic!("the secret `{name}` wants the variable {variable}"));
        let path = self.scratch.join(format!("{service}-secret-{name}"));
        fs::write(&path, value).expect("the scratch folder can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("our own file");
        path
    }
}

/// The command as it stands.
fn command(image: &Image, service: &Value) -> Vec<String> {
    match service["command"].as_array() {
        Some(command) => command.iter().map(|arg| unescape(&text(arg))).collect(),
        None => image.command.iter().map(ToString::to_string).collect(),
    }
}

/// `config` prints a file that could be read again, so a `$` is doubled there.
fn unescape(value: &str) -> String {
    value.replace("$$", "$")
}

/// `uid` alone means group 0 to Docker; names are those the images know.
fn user(user: &str) -> String {
    match (user, user.split_once(':')) {
        ("root", _) => "0:0".to_owned(),
        ("nobody", _) => "65534:65534".to_owned(),
        (_, Some(_)) => user.to_owned(),
        (_, None) => format!("{user}:0"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
