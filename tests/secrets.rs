//! No secret gets anywhere: every secret that a config can name holds a marker, and the marker is in no rendered byte,
//! no message and no file that skymon leaves behind; neither where all is well nor where something is wrong.
//!
//! The programs of the stack are given paths, never a value: what they print is not skymon's.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use support::project::{Project, files_below};
use support::tools;

const MARKER: &str = "MARKER5ECRET";

/// Every way to name a secret: a file and a variable of each.
const CONFIG: &str = "
version: 1
name: secrets
services:
  a: {engine: custom, replicas: ['127.87.1.1:1'], auth: {bearer_token_file: secrets/token}}
  b: {engine: custom, replicas: ['127.87.1.1:2'], auth: {bearer_token_env: MARKED_1}}
  c: {engine: custom, replicas: ['127.87.1.1:3'], auth: {username: u, password_file: secrets/password}}
  d: {engine: custom, replicas: ['127.87.1.1:4'], auth: {username: u, password_env: MARKED_2}}
  e: {engine: custom, replicas: ['127.87.1.1:5'], tls: {cert_file: certs/c.pem, key_file: secrets/key}}
receivers:
  files:
    slack: {webhook_url_file: secrets/slack}
    pagerduty: {routing_key_file: secrets/pagerduty}
    email: {to: [a@x.invalid], from: b@x.invalid, smarthost: 'm.invalid:25', username: u, password_file: secrets/mail}
    webhook: {url_file: secrets/webhook}
  variables:
    slack: {webhook_url_env: MARKED_3}
    pagerduty: {routing_key_env: MARKED_4}
    email: {to: [a@x.invalid], from: b@x.invalid, smarthost: 'm.invalid:25', username: u, password_env: MARKED_5}
    webhook: {url_env: MARKED_6}
routes: {critical: files, warning: variables}
heartbeat: {url_file: secrets/heartbeat}
";

const FILES: [&str; 9] = [
    "token",
    "password",
    "key",
    "slack",
    "pagerduty",
    "mail",
    "webhook",
    "heartbeat",
    "grafana_admin_password",
];

const COMMANDS: [&[&str]; 9] = [
    &["validate"],
    &["validate", "--format", "json"],
    &["render", "--diff"],
    &["render"],
    &["render", "--check"],
    &["render", "--force"],
    &["validate", "--deny", "warnings"],
    &["explain", "ServiceDown"],
    &["schema"],
];

fn project(config: &str) -> Project {
    let project = Project::new(config);
    for file in FILES {
        project.write(&format!("secrets/{file}"), &format!("https://{file}.invalid/{MARKER}\n"));
    }
    project.write("certs/c.pem", "x");
    project
}

/// Runs everything, with a marker in every variable, and looks for it in all that is said and left behind.
#[track_caller]
fn expect_no_marker(project: &Project, case: &str) {
    for args in COMMANDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skymon"));
        command.args(args).current_dir(project.path("")).env_clear().env("RUST_BACKTRACE", "1");
        command.envs((1..=6).map(|number| (format!("MARKED_{number}"), format!("{MARKER}{number}"))));
        let said = tools::run(&mut command);
        assert!(!said.text().contains(MARKER), "{case}: `{}` says it: {}", args.join(" "), said.text());
        assert!((0..=2).contains(&said.status), "{case}: {}", said.text());
    }
    let folder = project.path("monitoring");
    for file in if folder.exists() { files_below(&folder) } else { Vec::new() } {
        assert_unmarked(&folder.join(&file), case);
    }
}

#[track_caller]
fn assert_unmarked(file: &Path, case: &str) {
    let bytes = fs::read(file).expect("can be read");
    let found = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
    assert!(!found, "{case}: it is in {}", file.display());
}

#[test]
fn no_secret_is_rendered_or_said_where_all_is_well() {
    let project = project(CONFIG);
    expect_no_marker(&project, "all in place");
    assert!(project.path("monitoring/.skymon/manifest.json").exists(), "there was something to look through");
    // Every secret of the config is one of those with a marker.
    let compose = project.read("monitoring/docker-compose.yml");
    let (files, variables) =
        (compose.matches("    file: ").count(), compose.matches("    environment: \"").count());
    assert_eq!((files, variables), (FILES.len(), 6), "{compose}");
}

/// What somebody did to a secret's file.
type Change = fn(&Path);

#[test]
fn no_secret_is_said_where_its_file_is_wrong() {
    let changes: [(&str, Change); 4] = [
        ("for nobody", |path| set_mode(path, 0o000)),
        ("for all", |path| set_mode(path, 0o777)),
        ("a folder", |path| {
            let text = fs::read_to_string(path).expect("is there");
            fs::remove_file(path).expect("our own");
            fs::create_dir(path).expect("our own");
            fs::write(path.join("inside"), text).expect("our own");
        }),
        ("no text", |path| {
            fs::write(path, [b"\xff\xfe\0".as_slice(), MARKER.as_bytes()].concat()).expect("our own");
        }),
    ];
    for (case, change) in changes {
        let project = project(CONFIG);
        for file in FILES {
            change(&project.path(&format!("secrets/{file}")));
        }
        expect_no_marker(&project, case);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own file");
}

/// In place of where it is, as itself, under a mistyped key, in a file that is not YAML, beside another fault.
#[test]
fn a_secret_that_was_written_into_the_config_is_never_said() {
    let url = format!("https://hooks.invalid/{MARKER}");
    let words =
        [url.as_str(), &format!("{MARKER} with $pace"), &format!("{MARKER}-5ecret"), &format!("'{MARKER}")];
    for (from, to) in [
        ("bearer_token_file: secrets/token", "bearer_token: VALUE"),
        ("bearer_token_file: secrets/token", "bearer_tokn: VALUE"),
        ("bearer_token_env: MARKED_1", "bearer_token_env: VALUE"),
        ("password_file: secrets/password", "password: VALUE"),
        ("password_file: secrets/password", "pasword: VALUE"),
        ("password_env: MARKED_2", "password_env: VALUE, oops: 1"),
        ("webhook_url_file: secrets/slack", "webhook_url: VALUE, chanel: x"),
        ("webhook_url_file: secrets/slack", "webhok_url: VALUE"),
        ("webhook_url_env: MARKED_3", "webhook_url_env: VALUE"),
        ("routing_key_file: secrets/pagerduty", "routing_key: VALUE"),
        ("routing_key_file: secrets/pagerduty", "routingkey: VALUE"),
        ("password_file: secrets/mail", "password: [VALUE]"),
        ("password_file: secrets/mail", "password: {is: VALUE}"),
        ("url_file: secrets/webhook", "url: VALUE"),
        ("url_file: secrets/heartbeat", "url: VALUE"),
        ("key_file: secrets/key", "key: VALUE"),
        ("url_env: MARKED_6", "url_env: VALUE"),
    ] {
        assert!(CONFIG.contains(from), "{from}");
        for word in words {
            let value = format!("\"{}\"", word.replace('"', "\\\""));
            let config = CONFIG.replacen(from, &to.replace("VALUE", &value), 1);
            for (how, config) in [("", config.clone()), (", not YAML", format!("{config}broken: [\n"))] {
                let project = project(&config);
                for args in &COMMANDS[..2] {
                    let said = project.skymon(args);
                    let case = format!("{to}{how}");
                    assert_ne!(said.status, 0, "{case} is taken for what it is not");
                    assert!(
                        !said.text().contains(MARKER),
                        "{case}: `{}` says it: {}",
                        args.join(" "),
                        said.text()
                    );
                }
            }
        }
    }
}
