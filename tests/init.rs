//! `skymon init` as a user meets it: the real binary in an empty folder, with flags and at a real terminal.
//!
//! What each answer becomes is tested beside the code, with scripted answers; here it is about what is left on disk, what
//! is printed, and what a terminal shows.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rexpect::session::{PtySession, spawn_command};
use tempfile::TempDir;

const MARKER: &str = "https://hooks.example.com/MARKER-9f31";

/// The binary, or a shell, with nothing of this machine's environment but what it needs.
fn clean(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("TERM", "xterm")
        .env("LANG", "C.UTF-8")
        .current_dir(dir);
    command
}

fn skymon(dir: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = clean(env!("CARGO_BIN_EXE_skymon"), dir)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("skymon starts");
    // A command that reads no input may be gone before it is written.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    child.wait_with_output().expect("skymon ends")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal")
}

/// All that was printed.
fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The files below `dir` that hold `needle`.
fn holding(dir: &Path, needle: &str) -> BTreeSet<String> {
    files(dir)
        .into_iter()
        .filter(|file| String::from_utf8_lossy(&fs::read(file).expect("readable")).contains(needle))
        .map(|file| file.strip_prefix(dir).expect("below").display().to_string())
        .collect()
}

fn mode(path: PathBuf) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).expect("a folder").next().is_none()
}

fn temp() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn of_an_engine_without_metrics_only_the_endpoint_is_watched() {
    let dir = tempfile::tempdir().expect("a folder");
    let said = skymon(dir.path(), &["init", "--yes", "--engine=ollama"], "");
    assert_eq!(code(&said), 0, "{}", text(&said));
    let config = fs::read_to_string(dir.path().join("skymon.yaml")).expect("is written");
    assert!(config.contains("endpoint: http://host.docker.internal:11434"), "{config}");
    assert!(!config.contains("replicas:"), "{config}");
    let other = tempfile::tempdir().expect("a folder");
    let said = skymon(other.path(), &["init", "--yes", "--engine=ollama", "--replica=a:1"], "");
    assert!(text(&said).contains("no replica of it can be scraped"), "{}", text(&said));
}

#[test]
fn what_init_writes_with_defaults_is_rendered_and_valid() {
    let dir = temp();
    let init = skymon(dir.path(), &["init", "--yes"], "");
    assert_eq!(code(&init), 0, "{}", text(&init));
    for command in
        ["docker compose -f monitoring/docker-compose.yml up -d --wait", "fill secrets/slack_webhook_url"]
    {
        assert!(text(&init).contains(command), "{}", text(&init));
    }
    let config = fs::read_to_string(dir.path().join("skymon.yaml")).unwrap();
    assert!(
        config.starts_with("# yaml-language-server: $schema=monitoring/skymon.schema.json\n"),
        "{config}"
    );
    assert!(dir.path().join("monitoring/skymon.schema.json").is_file());
    let check = skymon(dir.path(), &["render", "--check"], "");
    assert_eq!(code(&check), 0, "{}", text(&check));
    let validate = skymon(dir.path(), &["validate"], "");
    assert_eq!(code(&validate), 0, "{}", text(&validate));
}

#[test]
fn every_kind_of_receiver_gives_a_stack_that_validate_accepts() {
    for kind in ["slack", "pagerduty", "email", "webhook"] {
        let dir = temp();
        let secret = format!("{kind}=-");
        let mut args = vec!["init", "--yes", "--critical", kind, "--secret-file", &secret];
        if kind == "email" {
            for setting in ["email.to=a@example.com", "email.from=b@example.com", "email.username=b"] {
                args.extend(["--set", setting]);
            }
        }
        let init = skymon(dir.path(), &args, MARKER);
        assert_eq!(code(&init), 0, "{kind}: {}", text(&init));
        let validate = skymon(dir.path(), &["validate", "--deny", "warnings"], "");
        assert_eq!(code(&validate), 0, "{kind}: {}", text(&validate));
    }
}

#[test]
fn a_secret_stands_in_its_own_file_and_nowhere_else() {
    let dir = temp();
    fs::write(dir.path().join("url"), "https://hc.example.com/HEARTBEAT-77aa\n").unwrap();
    let args = ["init", "acme", "--yes", "--secret-file", "slack=-", "--secret-file", "heartbeat=url"];
    let init = skymon(dir.path(), &args, &format!("{MARKER}\n"));
    assert_eq!(code(&init), 0, "{}", text(&init));
    let acme = dir.path().join("acme");
    assert_eq!(holding(&acme, "MARKER"), BTreeSet::from(["secrets/slack_webhook_url".to_owned()]));
    assert_eq!(holding(&acme, "HEARTBEAT-77aa"), BTreeSet::from(["secrets/heartbeat_url".to_owned()]));
    let password = fs::read_to_string(acme.join("secrets/grafana_admin_password")).unwrap();
    assert_eq!(holding(&acme, password.trim()).len(), 1);
    for secret in ["MARKER", "HEARTBEAT-77aa", password.trim()] {
        assert!(!text(&init).contains(secret), "{}", text(&init));
    }
}

#[test]
fn secrets_are_readable_in_a_folder_that_only_the_owner_enters() {
    let dir = temp();
    // Under a narrow umask the containers' users still must read them.
    let script = format!("umask 077; exec {} init --yes", env!("CARGO_BIN_EXE_skymon"));
    assert!(clean("sh", dir.path()).args(["-c", &script]).output().unwrap().status.success());
    assert_eq!(mode(dir.path().join("secrets")), 0o700);
    for file in ["slack_webhook_url", "grafana_admin_password"] {
        assert_eq!(mode(dir.path().join("secrets").join(file)), 0o644, "{file}");
    }
    assert_eq!(mode(dir.path().join("skymon.yaml")), 0o644);
    assert_eq!(fs::read(dir.path().join("secrets/slack_webhook_url")).unwrap(), b"");
}

#[test]
fn an_open_secrets_folder_is_closed_and_that_is_said() {
    let dir = temp();
    let secrets = dir.path().join("secrets");
    fs::create_dir(&secrets).unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o755)).unwrap();
    let init = skymon(dir.path(), &["init", "--yes"], "");
    assert_eq!(mode(secrets), 0o700);
    assert!(text(&init).contains("it is closed now"), "{}", text(&init));
}

#[test]
fn an_existing_config_is_left_alone_without_force() {
    let dir = temp();
    fs::write(dir.path().join("skymon.yaml"), "mine").unwrap();
    let init = skymon(dir.path(), &["init", "--yes"], "");
    assert_eq!(code(&init), 2);
    assert!(text(&init).contains("help: change it"), "{}", text(&init));
    assert_eq!(fs::read_to_string(dir.path().join("skymon.yaml")).unwrap(), "mine");
    assert_eq!(files(dir.path()).len(), 1);
    assert_eq!(code(&skymon(dir.path(), &["init", "--yes", "--force"], "")), 0);
    assert!(fs::read_to_string(dir.path().join("skymon.yaml")).unwrap().contains("version: 1"));
}

#[test]
fn a_secret_that_is_there_is_only_replaced_by_a_new_one_and_with_force() {
    let dir = temp();
    let secret = dir.path().join("secrets/slack_webhook_url");
    let with_secret = ["init", "--yes", "--secret-file", "slack=-"];
    assert_eq!(code(&skymon(dir.path(), &with_secret, "https://first.example")), 0);
    let password = fs::read(dir.path().join("secrets/grafana_admin_password")).unwrap();

    fs::remove_file(dir.path().join("skymon.yaml")).unwrap();
    let kept = skymon(dir.path(), &with_secret, "https://second.example");
    assert!(text(&kept).contains("yours is not written"), "{}", text(&kept));
    assert_eq!(fs::read_to_string(&secret).unwrap(), "https://first.example\n");

    let kept = skymon(dir.path(), &["init", "--yes", "--force"], "");
    assert!(text(&kept).contains("`secrets/slack_webhook_url` is kept"), "{}", text(&kept));
    assert_eq!(fs::read_to_string(&secret).unwrap(), "https://first.example\n");

    let forced = skymon(dir.path(), &[&with_secret[..], &["--force"]].concat(), "https://second.example");
    assert_eq!(code(&forced), 0, "{}", text(&forced));
    assert_eq!(fs::read_to_string(&secret).unwrap(), "https://second.example\n");
    assert_eq!(fs::read(dir.path().join("secrets/grafana_admin_password")).unwrap(), password);
}

#[test]
fn wrong_flags_are_all_named_and_nothing_is_written() {
    let dir = temp();
    let args = ["init", "new", "--yes", "--name", "No Name", "--replica", "10.0.0.1", "--critical", "pigeon"];
    let init = skymon(dir.path(), &args, "");
    assert_eq!(code(&init), 2);
    for flag in
        ["error: `--name`", "error: `--replica`", "error: `--critical`", "help: write `10.0.0.1:8000`"]
    {
        assert!(text(&init).contains(flag), "{flag} in {}", text(&init));
    }
    assert!(is_empty(dir.path()));
}

#[test]
fn mail_without_a_person_names_the_flags_it_needs() {
    let dir = temp();
    let init = skymon(dir.path(), &["init", "--yes", "--warning", "email"], "");
    assert_eq!(code(&init), 2);
    for key in ["to", "from", "username"] {
        assert!(text(&init).contains(&format!("help: write `--set email.{key}=…`")), "{}", text(&init));
    }
    assert!(is_empty(dir.path()));
}

#[test]
fn without_a_terminal_there_must_be_yes() {
    let dir = temp();
    let init = skymon(dir.path(), &["init"], "");
    assert_eq!(code(&init), 2);
    assert!(text(&init).contains("add `--yes`"), "{}", text(&init));
    assert!(is_empty(dir.path()));
}

#[test]
fn a_gitignore_that_is_there_is_kept_and_added_to() {
    let dir = temp();
    let place = dir.path().join(".gitignore");
    fs::write(&place, "target\n/secrets/").unwrap();
    assert_eq!(code(&skymon(dir.path(), &["init", "--yes"], "")), 0);
    let expected = "target\n/secrets/\n/certs/\n/monitoring/.skymon/lock\n/monitoring/.skymon/tmp/\n";
    assert_eq!(fs::read_to_string(&place).unwrap(), expected);
    assert_eq!(code(&skymon(dir.path(), &["init", "--yes", "--force"], "")), 0);
    assert_eq!(fs::read_to_string(&place).unwrap(), expected);
}

#[test]
fn in_another_folder_the_first_step_is_to_go_there() {
    let dir = temp();
    let init = skymon(dir.path(), &["init", "new/a stack", "--yes"], "");
    assert_eq!(code(&init), 0, "{}", text(&init));
    assert!(text(&init).contains("1. cd 'new/a stack'\n"), "{}", text(&init));
    assert!(
        fs::read_to_string(dir.path().join("new/a stack/skymon.yaml")).unwrap().contains("name: a-stack\n")
    );
}

#[test]
fn a_port_that_is_taken_is_noted_with_the_line_that_helps() {
    let dir = temp();
    // Taken by us, or by somebody else already: either way it is taken.
    let _listener = std::net::TcpListener::bind("127.0.0.1:9093");
    let init = skymon(dir.path(), &["init", "--yes"], "");
    assert_eq!(code(&init), 0);
    assert!(text(&init).contains("note: port 9093 of 127.0.0.1 is taken"), "{}", text(&init));
    assert!(text(&init).contains("`ports: {alertmanager: "), "{}", text(&init));
}

/// The wizard at a terminal that echoes, as terminals do (rexpect turns that off). Its exit code and the terminal's mode
/// afterwards are shown last.
fn wizard(dir: &Path) -> PtySession {
    let mut command = clean("sh", dir);
    command.args(["-c", "stty echo; \"$0\" init; echo code=$?; stty -a", env!("CARGO_BIN_EXE_skymon")]);
    spawn_command(command, Some(20_000)).expect("a terminal")
}

/// Questions as they are shown, what is typed, and what stands there once it is answered.
const CONVERSATION: &[(&str, &str, &str)] = &[
    ("Name of the stack", "acme\r", "acme"),
    ("Name of the service", "\r", "acme"),
    ("What serves the model", "\u{1b}[B\r", "vllm"),
    ("replicas", "10.0.0.1:8000, 10.0.0.2:8000\r", "10.0.0.2:8000"),
    ("URL that users call", "\r", "none"),
    ("critical alerts", "\r", "Slack"),
    ("Slack webhook URL", "https://hooks.example.com/MARKER-9f31\r", "[hidden]"),
    ("warnings", "\u{1b}[B\r", "PagerDuty"),
    ("integration key", "\r", "later"),
    ("info", "y\r", "yes"),
    ("complain when", "\r", "no"),
];

/// Answers the first `count` questions and returns all that the terminal showed, up to the next question.
fn converse(session: &mut PtySession, count: usize) -> String {
    let mut shown = String::new();
    for (question, keys, answer) in &CONVERSATION[..count] {
        shown += &session.exp_string(question).unwrap_or_else(|error| panic!("{question}: {error}"));
        session.send(keys).expect("typed");
        session.flush().expect("typed");
        shown += &session.exp_string(answer).unwrap_or_else(|error| panic!("{question}: {error}"));
        shown.push_str(answer);
    }
    shown
}

#[test]
fn at_a_terminal_all_questions_are_answered_and_the_secret_is_never_shown() {
    let dir = temp();
    let mut session = wizard(dir.path());
    let mut shown = converse(&mut session, CONVERSATION.len());
    shown += &session.exp_eof().expect("the end");
    assert!(shown.contains("code=0"), "{shown}");
    // What is not hidden is shown, so this terminal would have shown the secret.
    assert!(shown.contains("10.0.0.1:8000"), "{shown}");
    assert!(!shown.contains("MARKER") && !shown.contains("hooks.example"), "{shown}");
    assert!(shown.contains("up -d --wait"), "{shown}");
    assert!(shown.contains("fill secrets/pagerduty_routing_key"), "{shown}");
    assert_eq!(
        fs::read_to_string(dir.path().join("secrets/slack_webhook_url")).unwrap(),
        format!("{MARKER}\n")
    );
    assert_eq!(holding(dir.path(), "MARKER").len(), 1);
    let config = fs::read_to_string(dir.path().join("skymon.yaml")).unwrap();
    for line in ["name: acme", "engine: vllm", "critical: oncall", "warning: team", "info: team"] {
        assert!(config.contains(line), "{line} in {config}");
    }
    assert_eq!(code(&skymon(dir.path(), &["render", "--check"], "")), 0);
}

/// Presses a key at the question after the first `answered`, and looks at what is left.
fn leave(answered: usize, key: &str) {
    let dir = temp();
    let mut session = wizard(dir.path());
    converse(&mut session, answered);
    session.exp_string(CONVERSATION[answered].0).expect("the question");
    session.send(key).expect("typed");
    session.flush().expect("typed");
    let shown = session.exp_eof().expect("the end");
    let told = format!("{key:?} at question {answered}: {shown}");
    assert!(shown.contains("\r\ncancelled; nothing was written\r\ncode=2"), "{told}");
    assert!(shown.contains("\u{1b}[?25h"), "the cursor is hidden; {told}");
    for mode in [" echo ", " icanon ", "isig "] {
        assert!(shown.contains(mode), "{mode} is off; {told}");
    }
    assert!(is_empty(dir.path()), "{told}");
}

#[test]
fn ctrl_c_at_any_question_leaves_nothing_behind_and_the_terminal_as_it_was() {
    (0..CONVERSATION.len()).for_each(|answered| leave(answered, "\u{3}"));
}

#[test]
fn ctrl_c_in_the_midst_of_an_answer_leaves_nothing_behind() {
    for answered in [0, 6] {
        leave(answered, "https://half\u{3}");
    }
}

#[test]
fn ctrl_d_and_escape_leave_where_text_is_asked_for() {
    for answered in [0, 6] {
        leave(answered, "\u{4}");
        leave(answered, "\u{1b}");
    }
}

#[test]
fn escape_leaves_a_choice() {
    leave(2, "\u{1b}");
}
