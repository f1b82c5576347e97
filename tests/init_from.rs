//! `skymon init --from service.yaml` as a user meets it: SkyPilot's own examples become stacks that are valid, with and
//! without a terminal, what is taken is said, and nothing secret of the file goes anywhere.
//!
//! What each form of the file is read as is tested beside the code.
#![cfg(unix)]

mod support;

use std::fs;
use std::process::Command;

use rexpect::session::spawn_command;
use support::project::{Project, files_below, fixture};
use support::tools::Output;

const EXAMPLES: [&str; 4] = ["dynamic_on_demand_fallback", "http_server.task", "https.service", "vllm"];

/// A service as people really write it, with a secret in every place that can hold one.
const CHAT: &str = "\
# sky serve up -n chat service.yaml
name: chat
envs:
  MODEL: meta-llama/Llama-3.1-8B-Instruct
  HF_TOKEN: hf_MARKER1
secrets:
  OTHER: MARKER2
service:
  readiness_probe:
    path: /v1/chat/completions
    post_data: {model: $MODEL, key: MARKER3}
    headers:
      Authorization: Bearer MARKER4
  replica_policy:
    min_replicas: 2
    max_replicas: 5
    target_qps_per_replica: 4
resources:
  ports: 8081
  accelerators: {L4:1, A10G:1}
  use_spot: true
  any_of: [{infra: aws}, {infra: gcp}]
setup: |
  pip install vllm --index-url https://user:MARKER5@pypi.example.com
run: |
  HF_TOKEN=hf_MARKER6 \\
    python3 -m vllm.entrypoints.openai.api_server --model $MODEL --api-key MARKER7
";

/// An empty folder but for the service file.
fn folder(service: &str) -> Project {
    let project = Project::empty();
    project.write("service.yaml", service);
    project
}

fn init(project: &Project, flags: &[&str]) -> Output {
    project.skymon(&[&["init", "--yes", "--from", "service.yaml"], flags].concat())
}

fn assert_valid(project: &Project, what: &str) {
    let check = project.skymon(&["render", "--check"]);
    assert_eq!(check.status, 0, "{what}: {}", check.text());
    let validate = project.skymon(&["validate"]);
    assert_eq!(validate.status, 0, "{what}: {}", validate.text());
}

/// The names of the files below that hold what must not leave the service file.
fn holding_a_marker(project: &Project) -> Vec<String> {
    let has_marker = |name: &String| {
        String::from_utf8_lossy(&fs::read(project.path(name)).expect("readable")).contains("MARKER")
    };
    files_below(&project.path("")).iter().map(|path| path.display().to_string()).filter(has_marker).collect()
}

#[test]
fn each_example_of_skypilot_becomes_a_stack_that_is_valid() {
    for example in EXAMPLES {
        for flags in [&[][..], &["--endpoint", "https://chat.example.com:30001"]] {
            let project = folder(&fixture(&format!("skyserve/examples/{example}.yaml")));
            let said = init(&project, &[&["--service", "chat"], flags].concat()).expect_success();
            assert!(said.stdout.contains(" from service.yaml:"), "{example}: {}", said.text());
            assert!(project.read("skymon.yaml").contains("      skyserve: chat\n"), "{example}");
            assert_valid(&project, example);
        }
    }
}

#[test]
fn what_is_taken_is_said_with_its_place_and_what_is_left_with_its_reason() {
    let project = folder(CHAT);
    let said = init(&project, &[]).expect_success();
    let taken = "\
engine vllm, from service.yaml:27 (run: vllm.entrypoints)
name chat, from service.yaml:2 (name)
2 to 5 replicas, from service.yaml:15 (service.replica_policy)
replicas that want a token (it is not copied), from service.yaml:13 (service.readiness_probe.headers.Authorization)
port 8081, from service.yaml:19 (resources.ports)
spot machines, from service.yaml:21 (resources.use_spot)
accelerators L4:1, A10G:1, from service.yaml:20 (resources.accelerators)
wrote skymon.yaml";
    assert!(said.stdout.starts_with(taken), "{}", said.stdout);
    let left = "note: SkyServe knows the service by the name of `sky serve up -n`, which service.yaml does not hold; `chat` is taken \
                for it, and `--service` says another\nnote: service.yaml:10: `service.readiness_probe.path` is asked with \
                headers, which a probe of skymon cannot send; it is left\n";
    assert!(said.stderr.starts_with(left), "{}", said.stderr);
    assert!(said.stdout.contains("fill secrets/replica_token: Bearer token"), "{}", said.stdout);
    let config = project.read("skymon.yaml");
    for lines in [
        "  chat:\n",
        "    engine: vllm\n",
        "    discover:\n      skyserve: chat\n",
        "    auth:\n      bearer_token_file: secrets/replica_token\n",
        "    scale:\n      min: 2\n      max: 5\n",
        "\nskyserve:\n  api_server: http://host.docker.internal:46580\n",
    ] {
        assert!(config.contains(lines), "{lines} in {config}");
    }
    assert_valid(&project, "chat");
}

#[test]
fn nothing_secret_of_the_file_is_copied_or_shown() {
    for endpoint in ["", "https://chat.example.com"] {
        let project = folder(CHAT);
        let said = init(&project, &["--endpoint", endpoint]).expect_success();
        assert_eq!(holding_a_marker(&project), ["service.yaml"]);
        assert!(!said.text().contains("MARKER"), "{}", said.text());
        assert_eq!(project.read("secrets/replica_token"), "");
    }
    // Nor where the file cannot be read.
    for (from, to) in [("secrets:\n", "secrets\n"), ("service:", "services:"), ("  OTHER: ", "  OTHER: '")] {
        let project = folder(&CHAT.replacen(from, to, 1));
        let said = init(&project, &[]);
        assert_eq!(said.status, 2, "{}", said.text());
        assert!(!said.text().contains("MARKER"), "{}", said.text());
    }
}

#[test]
fn flags_win_over_the_file() {
    let project = folder(CHAT);
    project.write("token", "sky_FROM_FLAG\n");
    let flags = [
        "--service=talk",
        "--engine=custom",
        "--api-server=https://sky.example.com",
        "--secret-file=skypilot=token",
        "--endpoint=https://chat.example.com",
        "--probe=false",
    ];
    let said = init(&project, &flags).expect_success();
    assert!(!said.stdout.contains("engine vllm") && !said.stdout.contains("name chat"), "{}", said.stdout);
    let config = project.read("skymon.yaml");
    for lines in [
        "  talk:\n    engine: custom\n",
        "      skyserve: talk\n",
        "    probe:\n      enabled: false\n",
        "  api_server: https://sky.example.com\n",
        "  token_file: secrets/skypilot_token\n",
    ] {
        assert!(config.contains(lines), "{lines} in {config}");
    }
    assert_eq!(project.read("secrets/skypilot_token"), "sky_FROM_FLAG\n");
    assert_valid(&project, "flags");

    let listed = folder(CHAT);
    init(&listed, &["--replica=10.0.0.1:8081", "--endpoint=https://chat.example.com"]).expect_success();
    assert!(!listed.read("skymon.yaml").contains("skyserve"), "{}", listed.read("skymon.yaml"));
    assert_valid(&listed, "listed");
}

#[test]
fn a_service_that_may_scale_to_zero_is_not_probed() {
    let probed = |min: &str| {
        let project = folder(&CHAT.replace("min_replicas: 2", min));
        init(&project, &["--endpoint=https://chat.example.com"]).expect_success();
        assert_valid(&project, min);
        project.read("monitoring/prometheus/prometheus.yml").contains("https://chat.example.com")
    };
    assert!(probed("min_replicas: 2"));
    assert!(!probed("min_replicas: 0"));
    assert!(!probed("min_replicas: $MIN"));
}

#[test]
fn another_engine_is_known_by_its_command_and_the_stack_is_valid() {
    let project = folder(&CHAT.replace("vllm.entrypoints.openai.api_server", "sglang.launch_server"));
    init(&project, &[]).expect_success();
    assert!(project.read("skymon.yaml").contains("engine: sglang\n"));
    assert_valid(&project, "sglang");
}

#[test]
fn an_engine_without_metrics_has_no_replicas_that_could_be_scraped() {
    let project = folder(&CHAT.replace("python3 -m vllm.entrypoints.openai.api_server", "ollama serve"));
    let said = init(&project, &[]);
    assert_eq!(said.status, 2, "{}", said.text());
    assert!(said.stderr.contains("Ollama exposes no metrics"), "{}", said.stderr);
}

#[test]
fn what_is_no_service_file_is_refused_together_with_wrong_flags_and_nothing_is_written() {
    let project = folder("resources: {cpus: 2}\nrun: python3 train.py\n");
    let said = init(&project, &["--name=No Name"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("error: `--name`: "), "{}", said.stderr);
    let fault = "error: `--from`: `service.yaml` has no `service`: it is a task that SkyPilot runs, and no service of \
                 SkyServe\nhelp: a service file has a section such as `service: {readiness_probe: /health, replicas: 2}`\n";
    assert!(said.stderr.contains(fault), "{}", said.stderr);
    let missing = project.skymon(&["init", "--yes", "--from", "nowhere.yaml"]);
    assert_eq!(missing.status, 2);
    assert!(missing.stderr.starts_with("error: `--from`: cannot read nowhere.yaml: "), "{}", missing.stderr);
    assert_eq!(files_below(&project.path("")).len(), 1);
}

#[test]
fn flags_of_skyserve_without_a_file_are_refused() {
    let project = Project::empty();
    for flag in ["--api-server=https://sky.example.com", "--api-token"] {
        let said = project.skymon(&["init", "--yes", flag]);
        assert_eq!(said.status, 2, "{}", said.text());
        assert!(said.stderr.contains("--from"), "{}", said.stderr);
    }
}

#[test]
fn at_a_terminal_only_what_the_file_does_not_say_is_asked() {
    let project = folder(CHAT);
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$0\" init --from service.yaml; echo code=$?", env!("CARGO_BIN_EXE_skymon")])
        .current_dir(project.path(""))
        .env("TERM", "xterm");
    let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
    let mut shown = String::new();
    for (question, keys) in [
        ("engine vllm, from service.yaml:27", ""),
        ("Name of the stack", "acme\r"),
        ("Name of the service in SkyServe", "\r"),
        ("API server", "\r"),
        ("want a token", "y\r"),
        ("SkyPilot service account", "sky_MARKER8\r"),
        ("token that the replicas want", "\r"),
        ("URL that users call", "https://chat.example.com\r"),
        ("Probe that URL", "\r"),
        ("critical alerts", "\r"),
        ("Slack webhook URL", "\r"),
        ("warnings", "\r"),
        ("info", "\r"),
        ("complain when", "\r"),
    ] {
        shown += &session.exp_string(question).unwrap_or_else(|error| panic!("{question}: {error}\n{shown}"));
        session.send(keys).expect("typed");
        session.flush().expect("typed");
    }
    shown += &session.exp_eof().expect("the end");
    assert!(shown.contains("code=0"), "{shown}");
    assert!(!shown.contains("MARKER"), "{shown}");
    assert_eq!(holding_a_marker(&project), ["secrets/skypilot_token", "service.yaml"]);
    assert!(project.read("skymon.yaml").contains("  chat:\n    engine: vllm\n"));
    assert_valid(&project, "terminal");
}
