//! The front door: what is published and linked with it, who may come in, what Caddy says of its file, and what brings a
//! change to it. `tests/docker` walks through it.

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use support::project::{Project, fixture};
use support::tls::Authority;
use support::tools::{self, Output};

const DOOR: &str = "access: {host: monitoring.example.com, tls: {cert_file: certs/web.pem, key_file: secrets/web.key}, users_file: secrets/web_users}";
/// Also where the stack was never started: then there is nothing to restart.
const UP: &str = "up -d --wait --remove-orphans";
const PASSWORD: &str = "correct horse battery";

fn with(access: &str) -> Project {
    Project::new(&format!("{}\n{access}\n", fixture("examples/minimal.yaml")))
}

/// What `skymon validate` says of such a door.
fn said_of(access: &str) -> String {
    with(access).skymon(&["validate"]).text()
}

/// `skymon passwd ARGS` with that on its standard input.
fn passwd(project: &Project, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_skymon"))
        .arg("passwd")
        .args(args)
        .current_dir(project.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("skymon starts");
    // It may have said no before it has read anything.
    let _ = child.stdin.take().expect("is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("skymon ends");
    Output {
        status: output.status.code().unwrap_or(128),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Has Caddy read the rendered Caddyfile, with the user's files where the container has them.
fn check_with_caddy(project: &Project) {
    passwd(project, &["ops"], PASSWORD).expect_success();
    let secrets = project.path("inside");
    fs::create_dir(&secrets).expect("makes the folder");
    let authority = Authority::new();
    authority.write_client(&secrets.join("access.tls.cert"), &secrets.join("access.tls.key"));
    authority.write(&secrets.join("access.tls.acme.ca"));
    fs::copy(project.path("secrets/web_users"), secrets.join("access.users")).expect("copies the users");
    let caddyfile = project.read("monitoring/gate/Caddyfile");
    project.write("Caddyfile", &caddyfile.replace("/run/secrets", &secrets.to_string_lossy()));
    let mut caddy = Command::new(tools::tool("caddy"));
    caddy.args(["validate", "--adapter", "caddyfile", "--config"]).arg(project.path("Caddyfile"));
    let said = tools::run(caddy.env("XDG_DATA_HOME", project.path("data"))).expect_success();
    assert!(!said.text().contains("not formatted"), "as Caddy itself would write it\n{}", said.text());
}

#[test]
fn caddy_accepts_every_kind_of_door() {
    let own = Project::new(&fixture("examples/tls.yaml"));
    own.render();
    check_with_caddy(&own);
    let host_and_users = "host: 10.0.0.5, users_file: secrets/web_users";
    for acme in [
        "email: ops@example.com",
        "email: ops@example.com, server: 'https://ca.internal:9443/acme/local/directory', ca_file: certs/ca.pem",
    ] {
        let project =
            with(&format!("access: {{bind: 0.0.0.0, tls: {{acme: {{{acme}}}}}, {host_and_users}}}"));
        project.render();
        check_with_caddy(&project);
    }
}

#[test]
fn with_a_door_nothing_else_is_published_and_every_link_goes_through_it() {
    let project = with(&DOOR.replace("access: {", "access: {bind: 0.0.0.0, port: 8443, "));
    project.render();
    let args = ["-f", "docker-compose.yml", "config", "--format", "json"];
    let compose = tools::compose(&args, &project.path("monitoring"), &[]).expect_success();
    let compose: serde_json::Value = serde_json::from_str(&compose.stdout).expect("compose prints JSON");
    let services = compose["services"].as_object().expect("has services");
    let published: Vec<(&str, &serde_json::Value)> = services
        .iter()
        .filter(|(_, service)| service["ports"].is_array())
        .map(|(name, service)| (name.as_str(), &service["ports"][0]))
        .collect();
    assert_eq!(published.len(), 1, "{published:?}");
    assert_eq!(published[0].0, "gate");
    assert_eq!(
        (&published[0].1["host_ip"], &published[0].1["published"]),
        (&"0.0.0.0".into(), &"8443".into())
    );

    let url = "https://monitoring.example.com:8443";
    let flag = |name: &str| services[name]["command"].to_string();
    for name in ["prometheus", "alertmanager"] {
        assert!(flag(name).contains(&format!("--web.external-url={url}/{name}/")), "{}", flag(name));
        assert!(flag(name).contains("--web.route-prefix=/\""), "{}", flag(name));
    }
    assert_eq!(services["grafana"]["environment"]["GF_SERVER_ROOT_URL"], format!("{url}/grafana/"));
    let rules = project.read("monitoring/prometheus/rules/demo.yml");
    assert!(rules.contains(&format!("runbook_url: \"{url}/grafana/d/")), "{rules}");
    assert!(rules.contains(&format!("dashboard_url: \"{url}/grafana/d/")), "{rules}");
    let runbook = project.read("monitoring/RUNBOOK.md");
    assert!(runbook.contains(&format!("{url}/alertmanager/")) && !runbook.contains("127.0.0.1"), "{runbook}");
}

#[test]
fn without_a_door_only_this_machine_is_answered() {
    let project = with("");
    project.render();
    let compose = project.read("monitoring/docker-compose.yml");
    let bound: Vec<&str> = compose.lines().filter(|line| line.contains("host_ip")).collect();
    assert_eq!(bound.len(), 3);
    assert!(bound.iter().all(|line| line.contains("\"127.0.0.1\"")), "{bound:?}");
}

#[test]
fn a_door_without_a_lock_is_refused_with_its_place_and_the_line_to_write() {
    for (access, id, help) in [
        (
            "access: {host: box.example, tls: {acme: {email: a@b.example}}, bind: 0.0.0.0}",
            "missing-key",
            "users_file",
        ),
        ("access: {host: box.example, users_file: secrets/web_users}", "missing-key", "tls"),
        ("access: {tls: {acme: {email: a@b.example}}, users_file: u, bind: 0.0.0.0}", "missing-key", "host"),
        ("access: {host: box.example, tls: {}, users_file: u}", "one-of", "cert_file: certs/web.pem"),
        (
            "access: {host: box.example, tls: {cert_file: c}, users_file: u}",
            "one-of",
            "key_file: secrets/web.key",
        ),
        (
            "access: {host: box.example, tls: {cert_file: c, key_file: k, acme: {email: a@b.example}}, users_file: u}",
            "one-of",
            "acme: {email",
        ),
        (
            "access: {host: box.example, tls: {acme: {email: a@b.example}}, users_file: u}",
            "bad-value",
            "bind: 0.0.0.0",
        ),
        (
            "access: {host: box.example, bind: '::', port: 8443, tls: {acme: {email: a@b.example}}, users_file: u}",
            "bad-value",
            "port: 443",
        ),
        (
            "access: {host: box.example, bind: '::', tls: {acme: {email: 'a{b}@b.example'}}, users_file: u}",
            "bad-value",
            "oncall@example.com",
        ),
        (
            "access: {host: box.example, bind: '::', tls: {acme: {email: 'a#b@b.example'}}, users_file: u}",
            "bad-value",
            "letters, digits",
        ),
        (
            &DOOR.replace("monitoring.example.com", "'https://box.example/'"),
            "bad-value",
            "write `box.example`",
        ),
        (&DOOR.replace("access: {", "access: {bind: example.com, "), "bad-value", "write `0.0.0.0`"),
    ] {
        let said = said_of(access);
        assert!(said.contains(&format!("error[{id}]")), "{access}\n{said}");
        assert!(said.contains("--> skymon.yaml:") && said.contains(help), "{access}\n{said}");
    }
}

#[test]
fn somebody_is_let_in_given_another_password_and_shut_out() {
    let project = with(DOOR);
    let users = || project.read("secrets/web_users");
    let said = passwd(&project, &["ops"], &format!("{PASSWORD}\n")).expect_success();
    assert_eq!(said.stdout, "secrets/web_users: `ops` may come in\n");
    let first = users();
    passwd(&project, &["sre"], PASSWORD).expect_success();
    let said = passwd(&project, &["ops"], "another password").expect_success();
    assert_eq!(said.stdout, "secrets/web_users: `ops` has a new password\n");
    assert!(users().starts_with("ops $2b$12$") && users().contains("\nsre $2b$12$"), "{}", users());
    assert!(!users().contains(first.trim()), "the old password is still good");
    passwd(&project, &["--remove", "ops"], "").expect_success();
    assert!(users().starts_with("sre ") && users().lines().count() == 1, "{}", users());

    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(project.path(path)).expect("is there").permissions().mode() & 0o777
    };
    assert_eq!(
        (mode("secrets"), mode("secrets/web_users")),
        (0o700, 0o644),
        "the door's user reads it, no other"
    );
}

#[test]
fn the_first_user_comes_with_the_command_that_starts_the_stack_wherever_the_users_file_lies() {
    let project = with(&DOOR.replace("secrets/web_users", "secrets/door/users"));
    project.render();
    let compose = "docker compose -f monitoring/docker-compose.yml";
    let said = passwd(&project, &["ops"], PASSWORD).expect_success();
    assert_eq!(command_of(&said), Some(format!("{compose} up -d --wait --remove-orphans").as_str()));
    assert!(project.read("secrets/door/users").starts_with("ops $2b$12$"));
    let said = passwd(&project, &["sre"], PASSWORD).expect_success();
    assert_eq!(command_of(&said), Some(format!("{compose} restart gate").as_str()));
}

#[test]
fn what_cannot_be_a_user_or_a_password_changes_nothing() {
    let project = with(DOOR);
    passwd(&project, &["ops"], PASSWORD).expect_success();
    let before = project.read("secrets/web_users");
    let long = "x".repeat(73);
    for (args, input, message) in [
        (vec!["o ps"], PASSWORD, "cannot name a user"),
        (vec!["{env.HOME}"], PASSWORD, "cannot name a user"),
        (vec!["ops"], "pw12345", "too short"),
        (vec!["ops"], "", "too short"),
        (vec!["ops"], &long, "too long"),
        (vec!["ops"], "correct horse\nbattery staple\n", "on one line"),
        (vec!["--remove", "nobody"], "", "has no user `nobody`"),
    ] {
        let said = passwd(&project, &args, input);
        assert_eq!(said.status, 2, "{}", said.text());
        assert!(said.stderr.contains(message), "{}", said.stderr);
        assert!(input.is_empty() || !said.text().contains(input), "the password is shown");
    }
    assert_eq!(project.read("secrets/web_users"), before);

    let said = passwd(&with(""), &["ops"], PASSWORD);
    assert_eq!(said.status, 2);
    assert!(
        said.stderr.contains("no `access`") && said.stderr.contains("help: write `access:"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_users_file_that_caddy_would_not_take_is_found_before_the_deploy() {
    let project = with(DOOR);
    passwd(&project, &["ops"], PASSWORD).expect_success();
    project.write("secrets/web_users", &format!("{}ann hunter22\n", project.read("secrets/web_users")));
    let said = project.skymon(&["validate"]);
    assert_eq!(said.status, 1);
    assert!(said.stdout.contains("error[bad-users]: `secrets/web_users`, line 2"), "{}", said.stdout);
    assert!(!said.text().contains("hunter22"), "what may be a password is shown");
    let refused = passwd(&project, &["bob"], PASSWORD);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("secrets/web_users:2:") && !refused.stderr.contains("hunter22"),
        "{}",
        refused.stderr
    );
}

/// The command that `render` prints, if it prints one.
fn command_of(said: &Output) -> Option<&str> {
    said.stdout.split_once("apply it with:\n  ").map(|(_, command)| command.trim_end())
}

#[test]
fn a_replaced_secret_certificate_or_user_is_noticed_once_with_the_command_that_applies_it() {
    let project = with(DOOR);
    let write = |path: &str, text: &str| project.write(path, text);
    for path in
        ["secrets/slack_webhook_url", "certs/web.pem", "secrets/web.key", "secrets/grafana_admin_password"]
    {
        write(path, "the first");
    }
    passwd(&project, &["ops"], PASSWORD).expect_success();
    project.render();
    assert_eq!(command_of(&project.render()), None, "nothing has changed");

    let compose = "docker compose -f monitoring/docker-compose.yml";
    let replace = |path: &str| {
        // As an editor does, and as a renewal does.
        write(&format!("{path}.new"), "the second");
        fs::rename(project.path(&format!("{path}.new")), project.path(path)).expect("replaces the file");
    };
    for (path, program) in [
        ("secrets/slack_webhook_url", "alertmanager"),
        ("certs/web.pem", "gate"),
        ("secrets/web.key", "gate"),
    ] {
        replace(path);
        let said = project.render();
        assert!(said.stdout.contains(&format!("replaced {path}\n")), "{}", said.stdout);
        assert_eq!(
            command_of(&said),
            Some(format!("{compose} {UP} && {compose} restart {program}").as_str())
        );
        assert_eq!(command_of(&project.render()), None, "it was said once");
    }

    let said = passwd(&project, &["sre"], PASSWORD).expect_success();
    assert_eq!(command_of(&said), Some(format!("{compose} restart gate").as_str()));
    let again = format!("{compose} {UP} && {compose} restart gate");
    assert_eq!(command_of(&project.render()), Some(again.as_str()));

    replace("secrets/slack_webhook_url");
    replace("certs/web.pem");
    let config = project.read("skymon.yaml");
    write("skymon.yaml", &format!("{config}alerts: {{HighErrorRate: {{threshold: 9%}}}}\n"));
    let both = format!(
        "{compose} {UP} && {compose} exec prometheus kill -HUP 1 && {compose} restart alertmanager gate"
    );
    assert_eq!(command_of(&project.render()), Some(both.as_str()), "one command for all of it");

    replace("secrets/grafana_admin_password");
    assert_eq!(
        command_of(&project.render()),
        None,
        "Grafana reads it when it starts for the first time only"
    );
}

#[test]
fn the_doors_users_are_not_read_by_render() {
    let project = with(DOOR);
    project.render();
    let before = project.read("monitoring/.skymon/manifest.json");
    passwd(&project, &["ops"], PASSWORD).expect_success();
    project.render();
    assert_eq!(project.read("monitoring/.skymon/manifest.json"), before);
    assert!(!Path::new(&project.path("monitoring/gate/web_users")).exists());
}
