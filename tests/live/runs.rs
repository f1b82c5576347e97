//! Whether the programs run what is in the files.

use std::fs;
use std::path::Path;

use crate::support::fakes::Receiver;
use crate::support::lab::{Lab, wait_for_replicas};
use crate::support::replicas::Replica;
use crate::support::stack::Stack;
use crate::{LIVE, expect, findings, findings_of, lab, wait_for};

const SERVICES: &str = "  chat: {engine: custom, replicas: ['IP:8001', 'IP:8002']}\n";

/// A stack that is well, with what plays the rest of the world.
struct Well {
    lab: Lab,
    running: Stack,
    _world: (Vec<Receiver>, [Replica; 2]),
}

impl Well {
    fn start(ip: &'static str) -> Self {
        let lab = lab(ip, SERVICES);
        let receivers = vec![lab.slack(), lab.pagerduty(), lab.grafana()];
        let replicas = [lab.replica(8001), lab.replica(8002)];
        lab.render();
        let running = lab.start();
        wait_for_replicas(&running, "chat", 2.0);
        Self { lab, running, _world: (receivers, replicas) }
    }
}

#[test]
fn what_has_changed_and_was_not_taken_up_is_named_with_its_place_and_the_command() {
    let Well { lab, mut running, _world } = Well::start("127.84.40.1");
    // As it is written.
    let (status, found) = findings(&lab);
    assert_eq!((status, found), (0, Vec::new()));
    let said = lab.skymon(LIVE);
    assert!(said.stdout.starts_with("skymon.yaml is fine: "), "{}", said.text());

    // Changed, rendered, and not reloaded.
    lab.edit("skymon.yaml", "scrape_interval: 1s", "scrape_interval: 2s");
    lab.edit(
        "skymon.yaml",
        "routes:",
        "alerts: {HighErrorRate: {threshold: 2%}, ReplicaDown: {for: 7m}}\nroutes:",
    );
    lab.edit("skymon.yaml", "  team: {", "  spare: {slack: {webhook_url_file: secrets/slack}}\n  team: {");
    lab.edit("skymon.yaml", "warning: team}", "warning: team, info: spare}");
    lab.render();
    let (status, found) = findings(&lab);
    assert_eq!(status, 1);
    let reload = "docker compose -f monitoring/docker-compose.yml exec prometheus kill -HUP 1";
    expect(
        &found,
        &[
            "error config-not-loaded monitoring/prometheus/prometheus.yml:3",
            "another `scrape_interval`",
            "`1s` runs",
            reload,
        ],
    );
    expect(
        &found,
        &[
            "error rule-differs monitoring/prometheus/rules/chat.yml:",
            "alert `HighErrorRate`",
            "`expr`",
            "> 0.05",
        ],
    );
    expect(&found, &["error rule-differs", "alert `ReplicaDown`", "another `for`", "`120s` runs"]);
    expect(
        &found,
        &[
            "error config-not-loaded monitoring/alertmanager/alertmanager.yml:",
            "receiver `spare`",
            "exec alertmanager kill -HUP 1",
        ],
    );
    assert!(found.iter().all(|line| line.starts_with("error ")), "{found:#?}");

    let said = lab.skymon(LIVE);
    // As the page shows it.
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/live.md")).expect("is there");
    let (_, shown) = page.split_once("```text\n").expect("shows a finding");
    let (shown, _) = shown.split_once("```").expect("ends");
    assert!(said.stdout.contains(shown.trim_end()), "{shown}\nis not in\n{}", said.stdout);

    // What the help says is what mends it.
    running.reload("prometheus");
    running.reload("alertmanager");
    crate::wait_until_fine(&lab);

    // What it refuses, it does not run.
    lab.edit("monitoring/prometheus/prometheus.yml", "rule_files:", "rule_fils:");
    running.reload("prometheus");
    wait_for(
        &lab,
        &["error config-refused monitoring/prometheus/prometheus.yml", "its log says what is wrong"],
    );
}

#[test]
fn rules_and_templates_that_are_not_those_of_the_files_are_named() {
    let Well { lab, running: _running, _world } = Well::start("127.84.47.1");
    // A file of rules that is gone, and one that came.
    fs::rename(
        lab.path("monitoring/prometheus/rules/chat.yml"),
        lab.path("monitoring/prometheus/rules/other.yml"),
    )
    .expect("is there");
    lab.edit("monitoring/prometheus/rules/other.yml", "name: \"chat\"", "name: \"talk\"");
    lab.edit(
        "monitoring/prometheus/rules/stack.yml",
        "alert: \"AlertmanagerConfigNotLoaded\"",
        "alert: \"ReloadFailed\"",
    );
    let (status, found) = findings(&lab);
    assert_eq!(status, 1);
    expect(
        &found,
        &["error rule-not-loaded monitoring/prometheus/rules/other.yml:", "has not loaded this file"],
    );
    expect(&found, &["warning rule-left-over", "the groups `chat`, which no file has"]);
    expect(&found, &["error rule-not-loaded monitoring/prometheus/rules/stack.yml:", "alert `ReloadFailed`"]);
    expect(&found, &["warning rule-left-over", "still evaluates `AlertmanagerConfigNotLoaded`"]);

    // Names that nobody has. A counter may be there from its first event on.
    lab.write_rules(&[
        "record: 'a:b', expr: sum(queue_lenght)",
        "record: 'a:c', expr: 'sum(rate(lost_total[5m]))'",
        "record: 'a:d', expr: 'sum(rate(process_open_fds[5m]))'",
        "record: 'a:e', expr: 'sum(idelta(process_max_fds[5m]))'",
    ]);
    // Whoever has not been scraped yet may be the one that has it.
    let (_, found) = wait_for(
        &lab,
        &[
            "warning metric-nowhere monitoring/prometheus/rules/own.yml:4",
            "shows `queue_lenght`",
            "recording `a:b` reads it",
        ],
    );
    expect(&found, &["note metric-not-yet monitoring/prometheus/rules/own.yml:5", "shows `lost_total`"]);
    expect(&found, &["warning metric-type", "own.yml:6", "`process_open_fds` is shown as a gauge"]);
    assert!(!found.iter().any(|line| line.contains("process_max_fds")), "{found:#?}");

    // Alertmanager shows nothing of templates and comments.
    lab.edit("monitoring/alertmanager/alertmanager.yml", "\nroute:", "\n# changed\nroute:");
    let template = lab.path("monitoring/alertmanager/templates/skymon.tmpl");
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    fs::File::options().write(true).open(&template).and_then(|file| file.set_modified(later)).expect("ours");
    let (_, found) = findings(&lab);
    expect(&found, &["warning config-changed monitoring/alertmanager/alertmanager.yml", "another text"]);
    expect(&found, &["note file-newer", "skymon.tmpl"]);
}

/// Copies a folder, with addresses of this machine in the place of others.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a temporary folder");
    for entry in fs::read_dir(from).expect("a folder of the snapshots") {
        let path = entry.expect("reads the entry").path();
        let to = to.join(path.file_name().expect("has a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            let text = fs::read_to_string(&path).expect("a text");
            fs::write(to, text.replace("\"10.0.", "\"127.84.").replace("[fd00::", "[::"))
                .expect("a temporary file");
        }
    }
}

#[test]
fn however_a_program_writes_its_configuration_it_is_the_same() {
    let lab = lab("127.84.50.1", SERVICES);
    fs::create_dir(lab.path("theirs")).expect("a temporary folder");
    // Every key of the config, every integration, every way to find targets, and all rules.
    let everything = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/everything");
    for folder in ["prometheus", "alertmanager"] {
        copy(&everything.join(folder), &lab.path("theirs").join(folder));
    }
    lab.write(
        "theirs/docker-compose.yml",
        "services:
  prometheus:
    image: prom/prometheus:v3.5.0
    volumes: ['./prometheus:/etc/prometheus:ro']
  alertmanager:
    image: prom/alertmanager:v0.28.0
    volumes: ['./alertmanager:/etc/alertmanager:ro']
",
    );
    let live = LIVE.replace("--live", "theirs --live");
    let _running = Stack::start(&lab.path("theirs"), "127.84.50.1");
    let of_the_configuration = |found: Vec<String>| -> Vec<String> {
        let starts =
            ["config-not-loaded", "config-changed", "rule-", "target-left", "another-", "not-r", "no-answer"];
        let id = |line: &str| line.split(' ').nth(1).unwrap_or_default().to_owned();
        found.into_iter().filter(|line| starts.iter().any(|start| id(line).starts_with(start))).collect()
    };
    let (_, found) = findings_of(&lab, &live);
    assert_eq!(of_the_configuration(found), Vec::<String>::new());
    // By its hash Alertmanager's text is another one now; each value of it must still be found.
    lab.edit("theirs/alertmanager/alertmanager.yml", "\nroute:", "\n# changed\nroute:");
    let (_, found) = findings_of(&lab, &live);
    let found = of_the_configuration(found);
    assert!(
        found.len() == 1 && found[0].starts_with("warning config-changed theirs/alertmanager/"),
        "{found:#?}"
    );
}
