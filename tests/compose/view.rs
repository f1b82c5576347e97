//! Our view of a project against compose itself: the real program resolves projects that use what people use, and says the same
//! images, commands, variables, mounts, ports and networks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use skymon::stack::{Folder, Origin, Service, Stack};

use crate::sorted;
use crate::support::tools;

/// Each folder is a project.
fn projects() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compose")
}

#[test]
fn what_compose_makes_of_a_project_is_what_the_view_says() {
    let mut seen = 0;
    let mut wrong: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(projects()).expect("reads the folder") {
        let folder = entry.expect("reads the entry").path();
        let said =
            tools::compose(&["--profile", "*", "config", "--format", "json"], &folder, &[]).expect_success();
        let resolved: Value = serde_json::from_str(&said.stdout).expect("compose prints JSON");
        let stack = Stack::read(Folder::Disk { root: folder.clone() });
        assert!(stack.notes.is_empty(), "{}: {:?}", folder.display(), stack.notes);
        assert_eq!(stack.composes.len(), 1, "{}", folder.display());
        let services = resolved["services"].as_object().expect("has services");
        let names: Vec<&str> = stack.composes[0].services.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            sorted(names),
            sorted(services.keys().map(String::as_str).collect()),
            "{}",
            folder.display()
        );
        for service in &stack.composes[0].services {
            let theirs = of_compose(&services[&service.name.value]);
            let ours = of_view(service, &stack.folder);
            for (what, ours) in ours {
                if ours != theirs[what] {
                    let said = format!("we say {ours:?}, compose says {:?}", theirs[what]);
                    wrong.push(format!("{}: {what} of `{}`: {said}", folder.display(), service.name));
                }
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 24, "only {seen} services were compared");
}

/// What is compared, as lines.
type View = BTreeMap<&'static str, Vec<String>>;

fn of_view(service: &Service, folder: &Folder) -> View {
    let image = service.image.as_ref().map(|image| image.at.text().to_owned()).unwrap_or_default();
    // What is written may hold variables: what was read of it is put together again.
    let image = match service.image.as_ref() {
        Some(read) if image.contains('$') => {
            let tag = read.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = read.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
            format!("{}{tag}{digest}", read.repository)
        }
        _ => image.trim_matches(['"', '\'']).to_owned(),
    };
    let value = |value: Option<&str>| value.map_or("(unset)".to_owned(), |value| format!("{value:?}"));
    let mount = |origin: &Origin| match origin {
        Origin::Host(path) => format!("bind {}", folder.root().join(path).display()),
        Origin::Machine(path) => format!("bind {path}"),
        Origin::Volume(name) => format!("volume {}", name.as_deref().unwrap_or_default()),
        Origin::Memory => "tmpfs".to_owned(),
        Origin::Inline(_) => "inline".to_owned(),
    };
    let mounts = service.mounts.iter().filter(|one| !one.is_secret);
    let networks = match service.networks.as_slice() {
        [] if service.network_mode.is_none() => vec!["default".to_owned()],
        named => named.iter().map(|name| name.value.clone()).collect(),
    };
    BTreeMap::from([
        ("image", vec![image]),
        ("words", service.words.iter().map(|word| word.value.clone()).collect()),
        (
            "environment",
            sorted(
                service
                    .environment
                    .iter()
                    .map(|one| {
                        format!("{}={}", one.name, value(one.value.as_ref().map(|value| value.as_str())))
                    })
                    .collect(),
            ),
        ),
        (
            "mounts",
            sorted(
                mounts
                    .map(|one| {
                        let ro = if one.read_only { " ro" } else { "" };
                        format!("{} {}{ro}", mount(&one.origin), one.target)
                    })
                    .collect(),
            ),
        ),
        (
            "granted",
            sorted(service.mounts.iter().filter(|one| one.is_secret).map(|one| one.target.clone()).collect()),
        ),
        (
            "ports",
            sorted(
                service
                    .ports
                    .iter()
                    .map(|one| {
                        let ip = one.host_ip.as_deref().unwrap_or_default();
                        format!("{ip} {} {} {}", one.published, one.target, one.protocol)
                    })
                    .collect(),
            ),
        ),
        ("networks", sorted(networks)),
        ("aliases", sorted(service.aliases.clone())),
        ("network_mode", service.network_mode.iter().map(|mode| mode.value.clone()).collect()),
        ("profiles", service.profiles.iter().map(|one| one.value.clone()).collect()),
        ("user", service.user.iter().map(|one| one.value.clone()).collect()),
        ("restart", service.restart.iter().map(|one| one.value.clone()).collect()),
        (
            "extra_hosts",
            sorted(service.extra_hosts.iter().map(|one| one.value.replace(['[', ']'], "")).collect()),
        ),
        ("health", service.healthcheck.iter().flat_map(|one| health(one.is_disabled, &one.test)).collect()),
        (
            "depends_on",
            sorted(
                service
                    .depends_on
                    .iter()
                    .map(|one| {
                        let condition = one.condition.as_ref().map_or("service_started", |one| one.as_str());
                        format!("{} {condition}", one.service)
                    })
                    .collect(),
            ),
        ),
    ])
}

fn health(is_disabled: bool, test: &[skymon::source::Spanned<String>]) -> Vec<String> {
    if is_disabled {
        return vec!["disabled".to_owned()];
    }
    test.iter().map(|word| word.value.clone()).collect()
}

/// A value as it was written: compose doubles every `$` that it prints.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace("$$", "$"),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Where compose brings a secret or a config.
fn granted(service: &Value, key: &str) -> Vec<String> {
    let place = |one: &Value| match (key, text(&one["target"])) {
        ("secrets", target) if !target.starts_with('/') => {
            let name = if target.is_empty() { text(&one["source"]) } else { target };
            format!("/run/secrets/{name}")
        }
        (_, target) if target.is_empty() => format!("/{}", text(&one["source"])),
        (_, target) => target,
    };
    service[key].as_array().into_iter().flatten().map(place).collect()
}

fn of_compose(service: &Value) -> View {
    let list = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<String>>();
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let mut mounts: Vec<String> = service["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let ro = if one["read_only"].as_bool().unwrap_or(false) { " ro" } else { "" };
            let target = text(&one["target"]);
            match one["type"].as_str() {
                Some("tmpfs") => format!("tmpfs {target}{ro}"),
                kind => format!("{} {} {target}{ro}", kind.unwrap_or_default(), text(&one["source"])),
            }
        })
        .collect();
    let memory = |target: String| format!("tmpfs {}", target.split(':').next().unwrap_or_default());
    mounts.extend(list(&service["tmpfs"]).into_iter().map(memory));
    let networks = map(&service["networks"]);
    let aliases = networks.values().flat_map(|one| list(&one["aliases"])).collect();
    let value =
        |value: &Value| if value.is_null() { "(unset)".to_owned() } else { format!("{:?}", text(value)) };
    let check = &service["healthcheck"];
    let health = if check["disable"].as_bool() == Some(true) || check["test"][0] == "NONE" {
        vec!["disabled".to_owned()]
    } else {
        let words = list(&check["test"]);
        // A line is printed with the shell that runs it.
        if words.len() == 2 && words[0] == "CMD-SHELL" { vec![words[1].clone()] } else { words }
    };
    BTreeMap::from([
        ("image", vec![text(&service["image"])]),
        ("words", [list(&service["entrypoint"]), list(&service["command"])].concat()),
        (
            "environment",
            sorted(
                map(&service["environment"])
                    .iter()
                    .map(|(name, one)| format!("{name}={}", value(one)))
                    .collect(),
            ),
        ),
        ("mounts", sorted(mounts)),
        ("granted", sorted([granted(service, "secrets"), granted(service, "configs")].concat())),
        (
            "ports",
            sorted(
                service["ports"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|one| {
                        let of = |key: &str| text(&one[key]);
                        format!("{} {} {} {}", of("host_ip"), of("published"), of("target"), of("protocol"))
                    })
                    .collect(),
            ),
        ),
        ("networks", sorted(networks.keys().cloned().collect())),
        ("aliases", sorted(aliases)),
        (
            "network_mode",
            [text(&service["network_mode"])].into_iter().filter(|one| !one.is_empty()).collect(),
        ),
        ("profiles", list(&service["profiles"])),
        ("user", [text(&service["user"])].into_iter().filter(|one| !one.is_empty()).collect()),
        ("restart", [text(&service["restart"])].into_iter().filter(|one| !one.is_empty()).collect()),
        (
            "extra_hosts",
            sorted(list(&service["extra_hosts"]).into_iter().map(|one| one.replacen('=', ":", 1)).collect()),
        ),
        ("health", health),
        (
            "depends_on",
            sorted(
                map(&service["depends_on"])
                    .iter()
                    .map(|(name, one)| format!("{name} {}", text(&one["condition"])))
                    .collect(),
            ),
        ),
    ])
}
