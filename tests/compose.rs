//! Our view of a compose project against compose itself: the real program resolves projects that use what people use, and
//! says the same images, commands, variables, mounts, ports and networks. And what the checks say of compose files, against
//! the programs that would be started.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use skymon::stack::{Folder, Origin, Service, Stack};
use support::memory;
use support::project::Project;
use support::tools;

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

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
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

/// What is found in some files: `<id>: <message>`.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    memory::found(files, |_, one| format!("{}: {}", one.id, one.message))
}

/// How often a check speaks of one compose file.
#[track_caller]
fn count(id: &str, services: &str) -> usize {
    let files = [("docker-compose.yml", services)];
    found(&files).iter().filter(|said| said.starts_with(&format!("{id}: "))).count()
}

/// A program, its image, and flags of Debian's build alone.
const PROGRAMS: [(&str, &str, &[&str]); 4] = [
    ("prometheus", "prom/prometheus", &["web.local-assets"]),
    ("alertmanager", "prom/alertmanager", &["web.ui-path"]),
    ("blackbox_exporter", "prom/blackbox-exporter", &[]),
    ("node_exporter", "prom/node-exporter", &[]),
];

#[test]
fn every_flag_that_a_program_names_in_its_help_is_taken() {
    for (program, image, own) in PROGRAMS {
        let said = tools::run(Command::new(tools::tool(program)).arg("--help")).text();
        let version = tools::run(Command::new(tools::tool(program)).arg("--version")).text();
        let version = version.split_whitespace().nth(2).expect("says its version").split('+').next();
        let mut words = Vec::new();
        for word in said.lines().flat_map(|line| line.trim_start().split(", ")) {
            let Some(flag) =
                word.strip_prefix("--").map(|flag| flag.split_whitespace().next().unwrap_or_default())
            else {
                continue;
            };
            let (name, value) =
                flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
            let plain = name.strip_prefix("[no-]").unwrap_or(name);
            let is_known = plain.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
            if !is_known
                || plain.ends_with('.')
                || own.contains(&plain)
                || matches!(plain, "help" | "help-long" | "version")
            {
                continue;
            }
            // Where switches are marked, a flag without a mark has its value on the next line.
            let is_switch = plain != name || value.is_none() && !said.contains("[no-]");
            words.push(match value {
                _ if is_switch => format!("--{plain}"),
                Some(value) => format!("--{plain}={}", of_its_kind(plain, value.trim_matches('"'))),
                None => format!("--{plain}=1"),
            });
            if plain != name {
                words.push(format!("--no-{plain}"));
            }
        }
        assert!(words.len() >= 10, "{program}: only {words:?}");
        let image = format!("{image}:v{}", version.expect("has one"));
        let text = format!("services: {{p: {{image: '{image}', command: {words:?}}}}}\n");
        let refused: Vec<String> = found(&[("docker-compose.yml", &text)])
            .into_iter()
            .filter(|said| said.starts_with("flag-refused"))
            .collect();
        assert_eq!(refused, Vec::<String>::new(), "{program}");
    }
}

/// The default as a help says it, or where it stands for one in words, a value that the flag takes.
fn of_its_kind<'v>(flag: &str, value: &'v str) -> &'v str {
    let is_name =
        value.starts_with('<') || value.chars().all(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    match flag {
        _ if !is_name => value,
        _ if flag.ends_with("size") => "1GB",
        _ if flag.contains("time") || flag.contains("deadline") || flag.contains("frequency") => "1h",
        _ => "1",
    }
}

#[test]
fn what_a_program_refuses_is_said_before_it_is_started() {
    let refused: [(&str, &[&str]); 29] = [
        ("prometheus", &["--storage.tsdb.retention.time=30"]),
        ("prometheus", &["--storage.tsdb.retention.time", "30D"]),
        ("prometheus", &["--storage.tsdb.retention.size=512M"]),
        ("prometheus", &["--storage.tsdb.retention.size=1024"]),
        ("prometheus", &["--query.timeout=1"]),
        ("prometheus", &["--query.max-samples=many"]),
        ("prometheus", &["--query.max-samples=0x10"]),
        ("prometheus", &["--query.max-samples=50__000"]),
        ("prometheus", &["--rules.max-concurrent-evals=1.5"]),
        ("prometheus", &["--log.level=WARNING"]),
        ("prometheus", &["--log.level=warning"]),
        ("prometheus", &["--log.format=jsn"]),
        ("alertmanager", &["--data.maintenance-interval=1"]),
        ("alertmanager", &["--data.retention=5 days"]),
        ("alertmanager", &["--log.level=trace"]),
        ("blackbox_exporter", &["--history.limit=all"]),
        ("node_exporter", &["--collector.filesystem.mount-timeout=5"]),
        ("prometheus", &["--storage.tsdb.retention=1d"]),
        ("prometheus", &["--web.enable-lifecycle=true"]),
        ("prometheus", &["-config.file=x"]),
        ("prometheus", &["prometheus"]),
        ("prometheus", &["--config.file"]),
        ("prometheus", &["--no-config.file=x"]),
        ("prometheus", &["--storage.tsdb.path", "--web.enable-lifecycle"]),
        ("prometheus", &["--alertmanager.timeout=1s"]),
        ("alertmanager", &["--web.listen-addres=127.0.0.1:0"]),
        ("alertmanager", &["--cluster.peers=x"]),
        ("blackbox_exporter", &["--config.path=x"]),
        ("node_exporter", &["--no-collector.nosuch"]),
    ];
    for (program, words) in refused {
        let (_, image, _) = PROGRAMS.iter().find(|(name, ..)| *name == program).expect("is listed");
        let said = tools::run(Command::new(tools::tool(program)).args(words));
        assert!(
            said.status != 0 && ["error: ", "Error parsing"].iter().any(|word| said.stderr.contains(word)),
            "{program} takes {words:?}: {}",
            said.stderr
        );
        let tag = match program {
            "prometheus" => "v3.5.0",
            "alertmanager" => "v0.33.1",
            "blackbox_exporter" => "v0.28.0",
            _ => "v1.11.1",
        };
        let text = format!("services: {{p: {{image: '{image}:{tag}', command: {words:?}}}}}\n");
        assert_eq!(count("flag-refused", &text), 1, "{text}");
    }
}

#[test]
fn a_feature_that_a_program_does_not_know_is_told_where_it_is_nearly_one() {
    let features = |image: &str, value: &str| {
        let text = format!("services: {{p: {{image: '{image}', command: ['--enable-feature={value}']}}}}\n");
        found(&[("docker-compose.yml", &text)])
            .into_iter()
            .filter(|said| said.starts_with("flag-refused"))
            .collect::<Vec<_>>()
    };
    let unknown = |program: &str, value: &str| {
        let flag = format!("--enable-feature={value}");
        let words = [flag.as_str(), "--config.file=/nowhere"];
        let said = tools::run(Command::new(tools::tool(program)).args(words)).text().to_lowercase();
        said.matches("unknown option").count()
    };
    for (program, image, value, count) in [
        ("prometheus", "prom/prometheus:v3.5.0", "extra-scrape-metric", 1),
        ("prometheus", "prom/prometheus:v3.5.0", "extra_scrape_metrics,concurrent-rule-evl", 2),
        ("prometheus", "prom/prometheus:v3.5.0", "exemplar-storage, promql-experimental-functions", 1),
        ("prometheus", "prom/prometheus:v3.5.0", "exemplar-storage,native-histograms,delayed-compaction", 0),
        ("alertmanager", "prom/alertmanager:v0.33.1", "receiver-names-in-metrics", 1),
        ("alertmanager", "prom/alertmanager:v0.33.1", "utf8_strict_mode", 1),
        ("alertmanager", "prom/alertmanager:v0.33.1", "receiver-name-in-metrics,utf8-strict-mode", 0),
    ] {
        assert_eq!(unknown(program, value), count, "{program} {value}");
        assert_eq!(features(image, value).len(), count, "{value}");
    }
    // One of a newer release, one of an older, and one of which nobody knows.
    for fine in ["promql-everything-faster", "promql-at-modifier", "xor2-encoding", "${FEATURES}", ""] {
        assert_eq!(features("prom/prometheus:v3.5.0", fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn flags_are_judged_only_by_a_version_and_a_start_that_are_known() {
    let of = |service: &str| count("flag-refused", &format!("services: {{p: {{{service}}}}}\n"));
    let old = "command: [--storage.tsdb.retention=1d]";
    assert_eq!(of(&format!("image: 'prom/prometheus:v3.0.1', {old}")), 1);
    for fine in [
        format!("image: 'prom/prometheus:v2.55.1', {old}"),
        format!("image: prom/prometheus, {old}"),
        format!("image: 'prom/prometheus:latest', {old}"),
        format!("image: 'prom/prometheus:v9.9.9', {old}"),
        format!("image: 'mine/prometheus:v3.5.0', {old}"),
        format!("image: 'prom/prometheus:v3.5.0', entrypoint: [/start], {old}"),
        "image: 'prom/prometheus:v3.5.0', command: ['--config.file', /etc/prometheus/prometheus.yml]"
            .to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: [--version, what, ever]".to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: ['--query.timeout=1m30s', --storage.tsdb.retention.size=1.5GiB, '--log.level=${L}']".to_owned(),
        "image: 'prom/alertmanager:v0.33.1', command: [--data.retention=1h30m, --data.maintenance-interval=1.5h]".to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: ['${FLAGS}', --nosuch]".to_owned(),
        "image: 'prom/prometheus:v3.5.0', command: [--log.level=INFO, --query.max-samples=50_000_000]".to_owned(),
        "image: 'prom/blackbox-exporter:v0.28.0', command: [--history.limit=0x10]".to_owned(),
    ] {
        assert_eq!(of(&fine), 0, "{fine}");
    }
}

#[test]
fn ports_are_taken_twice_only_where_both_can_be_there() {
    let of = |services: &str| count("port-taken-twice", &format!("services: {{{services}}}\n"));
    assert_eq!(of("a: {image: 'x:1', ports: ['80:1']}, b: {image: 'x:1', ports: ['127.0.0.1:80:1']}"), 1);
    assert_eq!(of("a: {image: 'x:1', ports: ['80-82:1-3']}, b: {image: 'x:1', ports: ['81:1', '83:1']}"), 1);
    assert_eq!(of("a: {image: 'x:1', ports: ['80:1', '0.0.0.0:80:2']}"), 1);
    for fine in [
        "a: {image: 'x:1', ports: ['80:1']}, b: {image: 'x:1', ports: ['80:1/udp']}",
        "a: {image: 'x:1', ports: ['127.0.0.1:80:1']}, b: {image: 'x:1', ports: ['127.0.0.2:80:1']}",
        "a: {image: 'x:1', ports: ['127.0.0.1:80:1', '[::1]:80:1']}",
        "a: {image: 'x:1', profiles: [cpu], ports: ['80:1']}, b: {image: 'x:1', profiles: [gpu], ports: ['80:1']}",
        "a: {image: 'x:1', ports: ['80-90:1']}, b: {image: 'x:1', ports: ['80-90:1']}",
        "a: {image: 'x:1', ports: ['80']}, b: {image: 'x:1', ports: ['80']}",
        "a: {image: 'x:1', ports: ['${A}:1']}, b: {image: 'x:1', ports: ['${A}:1']}",
    ] {
        assert_eq!(of(fine), 0, "{fine}");
    }
}

#[test]
fn a_dollar_is_eaten_in_a_hash_and_in_a_shells_own_variable_only() {
    let of =
        |service: &str| count("dollar-eaten", &format!("services: {{a: {{image: 'x:1', {service}}}}}\n"));
    for wrong in [
        "environment: {H: $2y$10$Abcdef.GhIj}",
        "environment: ['H=$2b$12$abcdefghijkl']",
        "labels: ['auth=admin:$apr1$abcdefgh$ijkl']",
        "command: [sh, -c, 'for i in 1 2; do echo $i; done']",
        "healthcheck: {test: 'x=1; test $x = 1'}",
    ] {
        assert_eq!(of(wrong), 1, "{wrong}");
    }
    for fine in [
        "environment: {H: $$2y$$10$$Abcdef.GhIj}",
        "environment: {H: $HASH}",
        "environment: ['NAME=$NAME']",
        "command: [sh, -c, 'for i in 1 2; do echo $$i; done']",
        "command: [sh, -c, 'echo $HOME ${x:-1}']",
        "environment: {PRICE: 'a $5 note', H: '$2y$10$1bc'}",
    ] {
        assert_eq!(of(fine), 0, "{fine}");
    }
}

#[test]
fn names_are_missing_only_where_no_other_file_can_have_them() {
    let add_on = (
        "docker-compose.extra.yml",
        "services: {a: {image: 'x:1', depends_on: [kafka], volumes: ['data:/d']}}\n",
    );
    let base = ("docker-compose.yml", "services: {b: {image: 'x:1'}}\n");
    let is_said = |files: &[(&str, &str)]| found(files).iter().any(|said| said.starts_with("not-declared"));
    assert!(is_said(&[("docker-compose.yml", add_on.1)]) && is_said(&[add_on]));
    assert!(!is_said(&[base, add_on]) && !is_said(&[("docker-compose.other.yml", base.1), add_on]));
    assert!(!is_said(&[(
        "docker-compose.yml",
        "include: ['https://github.com/a/b.git']\nservices: {a: {image: 'x:1', depends_on: [kafka]}}\n"
    )]));
    let fine = "services: {a: {image: 'x:1', networks: [default], volumes: ['data:/d'], depends_on: {no: {condition: service_started, required: false}}}}\nvolumes: {data: {external: true}}\n";
    assert!(!is_said(&[("docker-compose.yml", fine)]));
}

#[test]
fn a_file_that_everybody_makes_for_himself_is_not_missed() {
    let compose = ("docker-compose.yml", "services: {a: {image: 'x:1', env_file: conf/a.env}}\n");
    let is_said =
        |files: &[(&str, &str)]| found(files).iter().any(|said| said.starts_with("compose-file-missing"));
    assert!(is_said(&[compose]));
    for other in ["conf/a.env.example", "conf/example.a.env", "conf/a.env"] {
        assert!(!is_said(&[compose, (other, "A=1\n")]), "{other}");
    }
    for line in ["conf/a.env", "*.env", "/conf/", "**/a.env"] {
        assert!(!is_said(&[compose, (".gitignore", &format!("# x\n{line}\n"))]), "{line}");
    }
    assert!(is_said(&[compose, (".gitignore", "b.env\n")]));
}

#[test]
fn a_configuration_inside_of_the_compose_file_is_read_with_its_places() {
    let project = Project::empty();
    let compose = "services:\n  prometheus:\n    image: prom/prometheus:v3.5.0\n    configs: [{source: c, target: /etc/prometheus/prometheus.yml}]\nconfigs:\n  c:\n    content: |\n      scrape_configs:\n        - job_name: a\n          static_configs: [{targets: ['localhost:9100']}]\n";
    project.write("stack/compose.yaml", compose);
    let said = project.skymon(&["validate", "stack"]).stdout;
    assert!(said.contains("error[localhost-in-container]"), "{said}");
    assert!(said.contains("--> stack/compose.yaml:10:39"), "{said}");
}

#[test]
fn a_password_in_a_file_of_variables_is_found_and_not_shown() {
    let project = Project::empty();
    let compose = "services:\n  grafana:\n    image: grafana/grafana:13.2.3\n    env_file: grafana.env\n";
    project.write("stack/compose.yaml", compose);
    project.write("stack/grafana.env", "# of Grafana\nexport GF_SECURITY_ADMIN_PASSWORD=prom-operator\n");
    let said = project.skymon(&["validate", "stack"]).stdout;
    assert!(said.contains("warning[default-password]") && said.contains("stack/grafana.env:2:8"), "{said}");
    assert!(!said.contains("prom-operator"), "{said}");
    project.write("stack/grafana.env", "GF_SECURITY_ADMIN_PASSWORD=long-and-of-ones-own\n");
    let said = project.skymon(&["validate", "stack"]).stdout;
    assert!(!said.contains("password") && !said.contains("secret-in-file"), "{said}");
}

#[cfg(unix)]
#[test]
fn owners_and_modes_of_a_folder_are_those_on_the_disk() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::empty();
    let compose = "services:\n  grafana:\n    image: grafana/grafana:13.2.3\n    volumes: [./data:/var/lib/grafana]\n  a:\n    image: x:1\n    entrypoint: [/s/run.sh]\n    volumes: [./s:/s]\n";
    project.write("stack/compose.yaml", compose);
    project.write("stack/s/run.sh", "true\n");
    project.write("stack/data/x", "");
    let ids = || project.skymon(&["validate", "stack"]).stdout;
    let (data, script) = (project.path("stack/data"), project.path("stack/s/run.sh"));
    let set = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("is ours");
    };
    set(&data, 0o755);
    set(&script, 0o644);
    let said = ids();
    assert!(said.contains("folder-not-writable") && said.contains("script-not-executable"), "{said}");
    set(&data, 0o777);
    set(&script, 0o755);
    let said = ids();
    assert!(!said.contains("folder-not-writable") && !said.contains("script-not-executable"), "{said}");
}

#[test]
fn a_program_that_only_forgets_without_its_folder_is_not_said_to_fail() {
    let project = Project::empty();
    for (image, folder, starts) in [
        ("prom/alertmanager:v0.33.1", "/alertmanager", true),
        ("prom/prometheus:v3.5.3", "/prometheus", false),
    ] {
        let text = format!(
            "services: {{a: {{image: '{image}', volumes: ['data:{folder}:ro']}}}}\nvolumes: {{data: {{}}}}\n"
        );
        project.write("docker-compose.yml", &text);
        let said = project.skymon(&["validate", "."]).stdout;
        let words = if starts { "it starts, and forgets its silences" } else { "it does not start" };
        assert!(said.contains("folder-not-writable") && said.contains(words), "{said}");
    }
}

/// Whether compose itself takes a file.
fn compose_takes(text: &str) -> bool {
    let project = Project::empty();
    project.write("docker-compose.yml", text);
    tools::compose(&["config", "-q"], &project.path(""), &[]).status == 0
}

#[test]
fn a_value_is_refused_where_compose_says_so_and_where_only_the_engine_does() {
    let text = |service: &str| format!("services: {{a: {{image: x:1, {service}}}}}\n");
    for service in [
        "ports: ['127.0.0.1x:80:80']",
        "ports: ['localhost:80:80']",
        "ports: ['256.0.0.1:80:80']",
        "ports: [{target: 80, host_ip: 127.0.0.1x}]",
        "ports: ['80:80/tp']",
        "ports: ['99999:80']",
        "ports: ['80:99999']",
        "ports: ['90-80:80']",
        "ports: ['a:80']",
        "healthcheck: {test: [CD, wget, x]}",
        "healthcheck: {test: [wget, x]}",
    ] {
        assert!(!compose_takes(&text(service)), "compose takes {service}");
        assert_eq!(count("value-refused", &text(service)), 1, "{service}");
    }
    // What follows is for the engine to refuse: compose passes it on.
    for service in [
        "ports: [{target: 80, protocol: tp}]",
        "ports: [{target: 80, published: 80x}]",
        "ports: [{target: 99999}]",
        "extra_hosts: ['a:host-gatway']",
        "extra_hosts: {a: host-gatway}",
        "extra_hosts: ['a:localhost']",
        "restart: alway",
        "restart: on-failur:3",
    ] {
        assert!(compose_takes(&text(service)), "compose refuses {service}");
        assert_eq!(count("value-refused", &text(service)), 1, "{service}");
    }
    for service in [
        "ports: ['80', '127.0.0.1::81', '8000-8002:8000-8002', '82:82/UDP', '[::1]:83:83', ':84']",
        "ports: [{target: 80, published: '8000-8010', host_ip: '::1', protocol: TCP}]",
        "ports: ['${PORT:-80}:80', '127.0.0.1:${OTHER:-81}:81']",
        "extra_hosts: ['a:host-gateway', 'b=1.2.3.4', 'c:[::1]', 'd:::1']",
        "healthcheck: {test: [CMD, x]}",
        "healthcheck: {test: [CMD-SHELL, x y]}",
        "healthcheck: {test: [NONE]}",
        "healthcheck: {test: x y}",
        "restart: 'no'",
        "restart: on-failure:3",
    ] {
        assert!(compose_takes(&text(service)), "compose refuses {service}");
        assert_eq!(count("value-refused", &text(service)), 0, "{service}");
    }
}

#[test]
fn a_health_check_fails_only_where_nobody_could_answer_it() {
    let of = |image: &str, test: &str| {
        count(
            "health-check-fails",
            &format!("services: {{a: {{image: '{image}', healthcheck: {{test: {test}}}}}}}\n"),
        )
    };
    let prometheus = "prom/prometheus:v3.5.3";
    for test in [
        "[CMD, wgt, -qO-, 'http://localhost:9090/-/healthy']",
        "[CMD, -qO-, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, -q-, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, -qO-]",
        "[CMD, wget, -q, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, -qO-, 'http://localhost:9091/-/healthy']",
        "[CMD, wget, -qO-, 'http://localhost:9090/-/heathy']",
        "[CMD]",
        "curl -f http://127.0.0.1:9090/-/redy || exit 1",
        "[CMD-SHELL, 'promtool check heathy --url=http://localhost:9090']",
        "[CMD, promtool, check, '--url=http://localhost:9090']",
    ] {
        assert_eq!(of(prometheus, test), 1, "{test}");
    }
    for test in [
        "[CMD, wget, --spider, -q, 'http://localhost:9090/-/healthy']",
        "[CMD, wget, --no-verbose, --tries=1, --spider, 'http://localhost:9090/']",
        "[CMD, wget, -q, -O, /dev/null, 'http://localhost:9090/graph']",
        "[CMD-SHELL, 'wget -qO- http://localhost:9090/-/ready || exit 1']",
        "[CMD, promtool, check, healthy]",
        "[CMD-SHELL, 'nc -z localhost 9091']",
        "[CMD, curl, -f, 'http://other:1/x']",
        "[CMD-SHELL, '[ -f /tmp/x ] && wget -qO- http://localhost:9090/api/v1/status/config']",
        "[NONE]",
        "'mysqladmin ping -p$$PASSWORD'",
    ] {
        assert_eq!(of(prometheus, test), 0, "{test}");
    }
    // Of what is in another image nothing is known but the names of the tools.
    assert_eq!(of("mine/prometheus:v3.5.3", "[CMD, wget, -qO-, 'http://localhost:1/-/heathy']"), 0);
    // Only busybox refuses to write the page a second time.
    let kept = "[CMD, wget, -q, 'http://localhost:8080/health']";
    assert_eq!((of("node:24", kept), of("node:24-alpine", kept)), (0, 1));
    assert_eq!(of("node:24-alpine", "wget -q http://localhost:8080/health && rm health"), 0);
    // There is a program `hurl`, but not in this image.
    assert_eq!(of("mine/app:1", "[CMD, crl, 'http://localhost:1/x']"), 1);
    let hurl = "[CMD, hurl, --test, /x.hurl]";
    assert_eq!((of("mine/app:1", hurl), of(prometheus, hurl)), (0, 1));
    let spider = |word: &str| of("mine/app:1", &format!("[CMD, wget, --spider, {word}]"));
    assert_eq!((spider("gateway/health"), spider("-q")), (0, 1));
    let moved = |page: &str| {
        let test = format!("[CMD, wget, -qO-, 'http://localhost:9100/{page}']");
        let service = format!(
            "{{image: 'prom/node-exporter:v1.9.1', command: [--web.telemetry-path=/metric], healthcheck: {{test: {test}}}}}"
        );
        count("health-check-fails", &format!("services: {{a: {service}}}\n"))
    };
    assert_eq!((moved("metric"), moved("metrics")), (0, 1));
    let empty = |image: &str| {
        count(
            "health-check-fails",
            &format!("services: {{a: {{image: {image}, healthcheck: {{interval: 5s}}}}}}\n"),
        )
    };
    assert_eq!((empty("prom/prometheus:v3.5.3"), empty("mine/app:1")), (1, 0));
    // Where Grafana listens, a configuration or a command may say.
    let grafana = |more: &str| {
        let service = format!(
            "image: 'grafana/grafana:13.2.3', healthcheck: {{test: [CMD, curl, -f, 'http://localhost:3001/api/health']}}{more}"
        );
        count("health-check-fails", &format!("services: {{a: {{{service}}}}}\n"))
    };
    assert_eq!(grafana(""), 1);
    for more in [
        ", environment: {GF_SERVER_HTTP_PORT: 3001}",
        ", environment: {GF_PATHS_CONFIG: /cfg/my.ini}",
        ", command: ['cfg:server.http_port=3001']",
    ] {
        assert_eq!(grafana(more), 0, "{more}");
    }
}

#[test]
fn a_tag_is_missed_only_where_its_project_has_none_like_it() {
    let of = |image: &str| count("no-such-tag", &format!("services: {{a: {{image: '{image}'}}}}\n"));
    for image in [
        "prom/prometheus:v3.5.3x",
        "prom/prometheus:3.5.3",
        "quay.io/prometheus/alertmanager:0.33.1",
        "docker.io/grafana/grafana:v13.2.3",
        "grafana/grafana-oss:13.2.3x",
    ] {
        assert_eq!(of(image), 1, "{image}");
    }
    for image in [
        "prom/prometheus:v3.5.3",
        "prom/prometheus:v3.0.0-rc.1",
        "prom/prometheus:v3.5.3-distroless",
        "prom/prometheus:v3.5",
        "prom/prometheus:main",
        "prom/prometheus:0.15.1",
        "prom/prometheus:${VERSION}",
        "grafana/grafana:13.2.3-ubuntu",
        "grafana/grafana:13.2.3-security-01",
        "bitnami/prometheus:3.5.3",
        "registry.example.com/prom/prometheus:3.5.3",
        "prom/prometheus:3.5.3@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        assert_eq!(of(image), 0, "{image}");
    }
}

#[test]
fn an_address_of_this_machine_is_missed_only_where_nothing_can_be_published_there() {
    let of = |grafana: &str, more: &str| {
        count(
            "links-not-reachable",
            &format!("services:\n  a: {{image: 'grafana/grafana:13.2.3', {grafana}}}\n{more}"),
        )
    };
    let url = |url: &str| format!("environment: {{GF_SERVER_ROOT_URL: '{url}'}}");
    let here = url("http://localhost:3000/");
    assert_eq!(of(&here, ""), 1);
    let project = Project::empty();
    // What runs on the machine itself is not known: that is all that can be said.
    project.write("docker-compose.yml", &format!("services: {{a: {{image: grafana/grafana, {here}}}}}\n"));
    let said = project.skymon(&["validate", "."]).stdout;
    assert!(said.contains("nothing of this project is at port 3000") && !said.contains("nowhere"), "{said}");
    for path in ["/", "/grafana/"] {
        let told = url(&format!("http://localhost:3000{path}"));
        let text = format!("services: {{a: {{image: grafana/grafana, {told}, ports: ['3001:3000']}}}}\n");
        project.write("docker-compose.yml", &text);
        let said = project.skymon(&["validate", "."]).stdout;
        assert!(said.contains(&format!("write `http://localhost:3001{path}`")), "{said}");
    }
    assert_eq!(of(&format!("{here}, ports: ['3001:3000']"), ""), 1);
    assert_eq!(of(&url("http://127.0.0.1/"), "  b: {image: nginx:1, ports: ['8080:80']}\n"), 1);
    for (grafana, more) in [
        (format!("{here}, ports: ['3000:3000']"), ""),
        (format!("{here}, ports: ['${{PORT}}:3000']"), ""),
        (format!("{here}, ports: ['2990-3010:2990-3010']"), ""),
        (here.clone(), "  b: {image: nginx:1, ports: ['3000:80']}\n"),
        (here.clone(), "  b: {image: nginx:1, network_mode: host}\n"),
        (here, "include: ['https://example.com/more.yml']\n"),
        (url("http://grafana.example.com:3000/"), ""),
        (url("%(protocol)s://localhost:%(http_port)s/"), ""),
    ] {
        assert_eq!(of(&grafana, more), 0, "{grafana} {more}");
    }
}

#[test]
fn a_setting_of_grafana_is_missed_only_where_one_letter_makes_it_one() {
    let of = |variable: &str| {
        count(
            "setting-not-read",
            &format!("services: {{a: {{image: grafana/grafana, environment: ['{variable}']}}}}\n"),
        )
    };
    for variable in [
        "GF_USERS_ALLOW_SIGN_U=true",
        "GF_USER_ALLOW_SIGN_UP=true",
        "GF_SECURITY_ADMIN_PASWORD__FILE=/x",
        "GF_AUTH_ANONYMOUS_ENABLED=tre",
        "GF_AUTH_ANONYMOUS_ENABLED=enabled",
        "GF_AUTH_ANONYMOUS_ENABLED=tRUE",
        "GF_AUTH_ANONYMOUS_ENABLED=N",
    ] {
        assert_eq!(of(variable), 1, "{variable}");
    }
    for variable in [
        "GF_AUTH_ANONYMOUS_ENABLED=True",
        "GF_AUTH_ANONYMOUS_ENABLED=y",
        "GF_AUTH_ANONYMOUS_ENABLED=n",
        "GF_AUTH_ANONYMOUS_ENABLED=1",
        "GF_AUTH_ANONYMOUS_ENABLED=on",
        "GF_AUTH_ANONYMOUS_ENABLED=${ANONYMOUS}",
        "GF_AUTH_ANONYMOUS_ENABLED=",
        "GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/x",
        "GF_FEATURE_TOGGLES_ENABEL=x",
        "GF_PLUGIN_MINE_TOKEN=x",
        "GF_SOMETHING_ELSE=x",
        "GF_INSTALL_PLUGINS=x",
        "OTHER=tre",
    ] {
        assert_eq!(of(variable), 0, "{variable}");
    }
}

/// The ids of everything that is found in a project with these files beside its compose file.
fn ids(compose: &str, others: &[(&str, &str)]) -> Vec<String> {
    let mut files = vec![("docker-compose.yml", compose)];
    files.extend(others);
    let id = |said: &String| said.split([' ', ':']).next().unwrap_or_default().to_owned();
    sorted(found(&files).iter().map(id).collect())
}

/// How many of a finding there are in such a project.
fn count_in(id: &str, compose: &str, others: &[(&str, &str)]) -> usize {
    ids(compose, others).iter().filter(|one| one.as_str() == id).count()
}

#[test]
fn two_mounts_in_each_others_place_are_told_from_two_that_are_right() {
    let configs = [("p/prometheus.yml", "scrape_configs: []\n")];
    let prometheus = |volumes: &str| {
        let text = format!(
            "services: {{p: {{image: 'prom/prometheus:v3.5.3', volumes: [{volumes}]}}}}\nvolumes: {{data: {{}}}}\n"
        );
        count_in("config-not-mounted", &text, &configs)
    };
    assert_eq!(prometheus("'./p:/prometheus', 'data:/etc/prometheus'"), 1);
    assert_eq!(prometheus("'./p:/etc/prometheus', 'data:/prometheus'"), 0);
    // A volume may have been filled before.
    assert_eq!(prometheus("'data:/etc/prometheus'"), 0);
    let files = [
        ("g/p/datasources/a.yml", "apiVersion: 1\ndatasources: []\n"),
        ("g/p/dashboards/a.yml", "apiVersion: 1\nproviders: [{name: a, options: {path: /etc/pages}}]\n"),
        ("g/d/a.json", "{\"title\": \"A\", \"uid\": \"a\", \"schemaVersion\": 42, \"panels\": []}\n"),
    ];
    let grafana = |id: &str, volumes: &str| {
        let text = format!(
            "services: {{g: {{image: 'grafana/grafana:13.2.3', volumes: [{volumes}]}}}}\nvolumes: {{data: {{}}}}\n"
        );
        count_in(id, &text, &files)
    };
    let (config, pages) = ("config-not-mounted", "dashboards-not-loaded");
    let provisioning = "./g/p:/etc/grafana/provisioning";
    assert_eq!(grafana(config, "'./g/d:/etc/grafana/provisioning', './g/p:/etc/pages'"), 1);
    assert_eq!(grafana(pages, &format!("'{provisioning}', './g/d:/var/lib/grafana', 'data:/etc/pages'")), 1);
    let right = format!("'{provisioning}', './g/d:/etc/pages', 'data:/var/lib/grafana'");
    assert_eq!((grafana(config, &right), grafana(pages, &right)), (0, 0));
    // What an init container writes into a volume is not known.
    let beside = |own: &str, mount: &str| {
        format!(
            "services: {{{own}, i: {{image: 'busybox:1.37', volumes: [{mount}]}}}}\nvolumes: {{data: {{}}}}\n"
        )
    };
    let own = "p: {image: 'prom/prometheus:v3.5.3', volumes: ['data:/etc/prometheus', './p:/rules']}";
    assert_eq!(count_in(config, &beside(own, "'./p:/p', 'data:/out'"), &configs), 0);
    assert_eq!(count_in(config, &beside(own, "'./p:/p', 'data:/out:ro'"), &configs), 1);
    let own = "g: {image: 'grafana/grafana:13.2.3', volumes: ['data:/etc/grafana/provisioning', './g/d:/d']}";
    assert_eq!(count_in(pages, &beside(own, "'./g/p:/p', 'data:/out'"), &files), 0);
    assert_eq!(count_in(pages, &beside(own, "'./g/p:/p'"), &files), 1);
    // Nor what somebody brings there, and the home page needs no provider.
    let own = format!(
        "g: {{image: 'grafana/grafana:13.2.3', volumes: ['{provisioning}', './g/d:/home', 'data:/etc/pages']}}"
    );
    assert_eq!(count_in(pages, &beside(&own, "'data:/git'"), &files), 0);
    assert_eq!(count_in(pages, &beside(&own, "'./g:/git'"), &files), 1);
    let home = own.replace(
        "volumes:",
        "environment: {GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: /home/a.json}, volumes:",
    );
    assert_eq!(count_in(pages, &beside(&home, "'./g:/git'"), &files), 0);
    // One page below a volume is where it belongs.
    let below = format!("'{provisioning}', 'data:/etc/pages', './g/d/a.json:/etc/pages/a.json'");
    assert_eq!(grafana(pages, &below), 0);
}

#[test]
fn a_provisioning_elsewhere_is_missed_only_where_grafana_is_told_of_no_other_place() {
    let files = [(
        "prov/datasources/a.yml",
        "apiVersion: 1\ndatasources: [{name: a, type: prometheus, url: 'http://x'}]\n",
    )];
    let of =
        |service: &str| count_in("config-not-mounted", &format!("services: {{g: {{{service}}}}}\n"), &files);
    assert_eq!(of("image: 'grafana/grafana:13.2.3', volumes: ['./prov:/prov']"), 1);
    for service in [
        "image: 'bitnami/grafana:11.1.0', volumes: ['./prov:/opt/bitnami/grafana/conf/provisioning']",
        "image: 'grafana/grafana:13.2.3', command: ['cfg:default.paths.provisioning=/prov'], volumes: ['./prov:/prov']",
        "image: 'grafana/grafana:13.2.3', environment: {GF_PATHS_PROVISIONING: /prov}, volumes: ['./prov:/prov']",
    ] {
        assert_eq!(of(service), 0, "{service}");
    }
}

#[test]
fn a_configuration_of_another_name_is_found_and_one_that_is_made_later_is_not_missed() {
    let of = |files: &[(&str, &str)]| {
        let text = "services: {a: {image: 'prom/alertmanager:v0.33.1', volumes: ['./a:/etc/alertmanager', 'data:/alertmanager']}}\nvolumes: {data: {}}\n";
        count_in("config-not-mounted", text, files)
    };
    let config = "route: {receiver: a}\nreceivers: [{name: a}]\n";
    assert_eq!(of(&[("a/alertmanager.yaml", config)]), 1);
    assert_eq!(of(&[("a/alertmanager.yml", config)]), 0);
    assert_eq!(of(&[("a/alertmanager.yaml", config), ("a/alertmanager.yml.tmpl", config)]), 0);
    assert_eq!(of(&[("a/templates.yml", "a: b\n")]), 0);
}

#[test]
fn a_program_that_nobody_runs_is_missed_only_in_a_whole_project() {
    let config = "scrape_configs: [{job_name: a, static_configs: [{targets: ['cadvisor:8080', 'gpu1:9400']}]}]\n\
                  alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}\n";
    let with = |own: &str, services: &str, more: &str| {
        let own = format!(
            "p: {{image: 'prom/prometheus:v3.5.3', {own}volumes: ['./p:/etc/prometheus', 'data:/prometheus']}}"
        );
        let text = format!("services:\n  {own}\n{services}volumes: {{data: {{}}}}\n{more}");
        let found = ids(&text, &[("p/prometheus.yml", config)]);
        ["alertmanager-address", "target-address"]
            .map(|id| found.iter().filter(|one| one.as_str() == id).count())
    };
    let of = |services: &str, more: &str| with("", services, more);
    let other = "  b: {image: 'nginx:1'}\n";
    assert_eq!(of(other, ""), [1, 1]);
    for own in ["dns_search: [corp.example.org], ", "dns: 10.0.0.2, "] {
        assert_eq!(with(own, other, ""), [0, 0], "{own}");
    }
    assert_eq!(of(other, "networks: {default: {attachable: false}}\n"), [1, 1]);
    for (services, more) in [
        // A service that is alone is a piece of something.
        ("", ""),
        (other, "networks: {default: {name: shared}}\n"),
        (other, "networks: {default: {external: true}}\n"),
        (other, "networks: {default: {driver: overlay, attachable: true}}\n"),
        (other, "include: ['https://example.com/more.yml']\n"),
        (
            "  b: {image: 'nginx:1', container_name: cadvisor}\n  c: {image: 'nginx:1', hostname: alertmanager}\n",
            "",
        ),
    ] {
        assert_eq!(of(services, more), [0, 0], "{services} {more}");
    }
}

#[test]
fn a_folder_with_another_name_is_missed_where_one_letter_makes_it_the_one_that_is_there() {
    let of = |volumes: &str, files: &[(&str, &str)]| {
        count_in(
            "mount-source-missing",
            &format!("services: {{a: {{image: 'x:1', volumes: [{volumes}]}}}}\n"),
            files,
        )
    };
    let files =
        ["scripts/a.sh", "gpu1/a.sh", "backups/a.sh", "my-data/a.sh"].map(|path| (path, "#!/bin/sh\n"));
    assert_eq!(of("'./scipts:/scripts'", &files), 1);
    for volumes in [
        "'./scripts:/scripts'",
        "'./data:/data'",
        "'./gpu2:/x'",
        "'./scipts:/a', './scripts:/b'",
        // Docker makes them.
        "'./backup:/backup'",
        "'./mydata:/data'",
        "'./my_data:/data'",
    ] {
        assert_eq!(of(volumes, &files), 0, "{volumes}");
    }
}

#[test]
fn a_script_is_missed_only_in_an_image_that_has_none() {
    let of = |service: &str| count("file-not-mounted", &format!("services: {{a: {{{service}}}}}\n"));
    assert_eq!(of("image: 'python:3.13-alpine', command: [python3, /app/run.py]"), 1);
    assert_eq!(of("image: 'alpine:3', command: sh /run.sh, volumes: ['./rnu:/rnu']"), 1);
    assert_eq!(of("image: 'node:24', command: [/app/run.js]"), 1);
    assert_eq!(of("image: 'python:3.13', entrypoint: [/usr/local/bin/python3, -u], command: /app/run.py"), 1);
    let project = Project::empty();
    project.write(
        "docker-compose.yml",
        "services: {a: {image: 'alpine:3', command: sh /run.sh}, g: {image: grafana/grafana}}\n",
    );
    let said = project.skymon(&["validate", "."]).stdout;
    assert!(said.contains("mount its folder at `/scripts`, and write `/scripts/run.sh`"), "{said}");
    for service in [
        "image: 'python:3.13-alpine', command: [python3, /app/run.py], volumes: ['./app:/app']",
        "image: 'python:3.13-alpine', command: [python3, run.py]",
        // What another program makes, and what a script may.
        "image: 'node:24', command: [npx, esbuild, src/a.ts, -o, /dist/b.js]",
        "image: 'node:24', command: [node, build.js, -o, /dist/b.js]",
        "image: 'python:3.13-alpine', command: [python3, /usr/local/bin/x.py]",
        "image: 'mine/app:1', command: [python3, /app/run.py]",
        "image: 'python:3.13-alpine', build: ., command: [python3, /app/run.py]",
        "image: 'alpine:3', command: [sh, -c, 'echo true > /run.sh; sh /run.sh']",
    ] {
        assert_eq!(of(service), 0, "{service}");
    }
}

#[test]
fn a_retention_is_too_small_below_a_block_and_a_port_is_free_only_where_none_is_said() {
    let kept = |flags: &str| {
        count(
            "retention-too-small",
            &format!("services: {{p: {{image: prom/prometheus, command: [{flags}]}}}}\n"),
        )
    };
    for flags in [
        "--storage.tsdb.retention.time=30m",
        "--storage.tsdb.retention.size=10B",
        "--storage.tsdb.retention.size=512KB",
    ] {
        assert_eq!(kept(flags), 1, "{flags}");
    }
    for flags in [
        "--storage.tsdb.retention.time=2h",
        "--storage.tsdb.retention.time=0",
        "--storage.tsdb.retention.size=10GB",
        "--storage.tsdb.retention.size=1000000KB",
        "'--storage.tsdb.retention.time=${KEPT}'",
    ] {
        assert_eq!(kept(flags), 0, "{flags}");
    }
    // What is passed on at once need not stay.
    let compose = "services: {p: {image: prom/prometheus, command: [--config.file=/p/prometheus.yml, --storage.tsdb.retention.time=1h], volumes: ['./p:/p']}}\n";
    for (config, expected) in
        [("scrape_configs: []\n", 1), ("remote_write: [{url: 'https://example.com/w'}]\n", 0)]
    {
        let files = [("p/prometheus.yml", config)];
        assert_eq!(count_in("retention-too-small", compose, &files), expected, "{config}");
    }
    let free = |service: &str| {
        count("port-not-fixed", &format!("services: {{g: {{image: grafana/grafana, {service}}}}}\n"))
    };
    assert_eq!((free("ports: ['3000']"), free("ports: [{target: 3000}]")), (1, 1));
    for service in [
        "ports: ['3000:3000']",
        "ports: ['3000', '3001:3000']",
        "ports: ['3000'], deploy: {replicas: 2}",
        "expose: ['3000']",
    ] {
        assert_eq!(free(service), 0, "{service}");
    }
}

#[test]
fn a_file_for_compose_without_services_starts_nothing() {
    let of = |name: &str, text: &str| {
        let files = [(name, text), ("rules.yml", "groups: [{name: g, rules: [{record: a:b, expr: x}]}]\n")];
        found(&files).iter().filter(|said| said.starts_with("missing-key")).count()
    };
    assert_eq!(of("docker-compose.yml", "name: x\nvolumes: {data: {}}\n"), 1);
    assert_eq!(of("compose.yaml", "include: [other.yml]\n"), 0);
    assert_eq!(of("docker-compose.base.yml", "volumes: {data: {}}\n"), 0);
}
