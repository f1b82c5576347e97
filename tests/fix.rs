//! `validate --fix`: what it writes means the same to the real programs, it is shown first, and nothing else is touched.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use support::project::Project;
use support::tools::{run, tool};

/// Every form that a cure is known for, and some beside which something else stands.
const ALERTMANAGER: &str = r#"# ours
route:
  receiver: root
  routes:
    - match:
        severity: critical
        team: "a \"b\" \\ c"
      receiver: oncall
      continue: true
    - {match_re: {severity: critical|warning}, receiver: team}   # short
    - match: {team: it's}
      receiver: quoted
      match_re:
        service: api-.+
    - receiver: kept
      match:
        # what this says would be lost
        team: x
inhibit_rules:
  - source_match: {severity: critical}
    target_match_re: {severity: warning|info}
    equal: [service]
receivers: [{name: root}, {name: oncall}, {name: team}, {name: quoted}, {name: kept}]
"#;

const COMPOSE: &str = "# the stack\nversion: '3.8'   # old\n\nservices:\n  alertmanager:\n    image: prom/alertmanager:v0.33.1\n    volumes: [./alertmanager.yml:/etc/alertmanager/alertmanager.yml]\n";

fn project() -> Project {
    let project = Project::empty();
    project.write("stack/alertmanager.yml", ALERTMANAGER);
    project.write("stack/docker-compose.yml", COMPOSE);
    project
}

/// Where the real Alertmanager sends alerts with these labels.
fn journeys(config: &Path) -> Vec<String> {
    let teams = ["a \"b\" \\ c", "it's", "x", ""];
    let mut journeys = Vec::new();
    for severity in ["critical", "warning", "info"] {
        for (team, service) in teams.iter().flat_map(|team| [(team, "api-1"), (team, "api-")]) {
            let labels = [("severity", severity), ("team", team), ("service", service)];
            let mut command = Command::new(tool("amtool"));
            command.args(["config", "routes", "test", "--config.file"]).arg(config);
            command.args(labels.map(|(name, value)| format!("{name}={value:?}")));
            journeys.push(run(&mut command).expect_success().stdout);
        }
    }
    journeys
}

#[test]
fn cures_are_shown_as_a_diff_and_written_only_when_told() {
    let project = project();
    let said = project.skymon(&["validate", "stack", "--fix"]);
    assert_eq!(said.status, 1, "what is wrong is still wrong: {}", said.text());
    assert!(
        said.stdout.starts_with("--- stack/alertmanager.yml\n+++ stack/alertmanager.yml (mended)\n"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("\n-version: '3.8'   # old\n"), "{}", said.stdout);
    assert!(said.stderr.contains("nothing is written yet; `--fix --yes` changes 2 files"), "{}", said.stderr);
    assert_eq!(project.read("stack/alertmanager.yml"), ALERTMANAGER);
    assert_eq!(project.read("stack/docker-compose.yml"), COMPOSE);
}

#[test]
fn what_is_written_means_the_same_to_the_real_programs() {
    let project = project();
    let config = project.path("stack/alertmanager.yml");
    let before = journeys(&config);
    assert!(
        before.iter().any(|one| one.contains("quoted")) && before.iter().any(|one| one.contains("oncall"))
    );
    let said = project.skymon(&["validate", "stack", "--fix", "--yes"]);
    assert!(said.stderr.contains("mended: 2 files"), "{}", said.text());
    let mended = project.read("stack/alertmanager.yml");
    assert_eq!(mended.matches("match:").count() + mended.matches("match_re:").count(), 1, "{mended}");
    assert!(
        mended.contains("    - {matchers: ['severity=~\"critical|warning\"'], receiver: team}   # short\n"),
        "{mended}"
    );
    assert_eq!(journeys(&config), before, "{mended}");
    run(Command::new(tool("amtool")).arg("check-config").arg(&config)).expect_success();
    assert_eq!(project.read("stack/docker-compose.yml"), COMPOSE.replace("version: '3.8'   # old\n", ""));
    run(Command::new(tool("docker-compose"))
        .args(["-f", "docker-compose.yml", "config", "-q"])
        .current_dir(project.path("stack")))
    .expect_success();
    // What cannot be mended so is said, and the second time there is nothing to do.
    let again = project.skymon(&["validate", "stack", "--fix", "--yes"]);
    assert!(
        again.stderr.contains("nothing here can be mended without changing what it means"),
        "{}",
        again.stderr
    );
    assert!(again.stdout.contains("note[deprecated-match]"), "{}", again.stdout);
    assert_eq!(project.read("stack/alertmanager.yml"), mended);
}

#[test]
fn a_file_keeps_its_mode_and_a_link_stays_one() {
    let project = project();
    fs::rename(project.path("stack/alertmanager.yml"), project.path("kept.yml")).expect("moves the file");
    symlink("../kept.yml", project.path("stack/alertmanager.yml")).expect("makes the link");
    let mode = |name: &str| fs::metadata(project.path(name)).expect("is there").permissions().mode() & 0o777;
    fs::set_permissions(project.path("kept.yml"), fs::Permissions::from_mode(0o640)).expect("sets the mode");
    project.skymon(&["validate", "stack", "--fix", "--yes"]);
    assert!(project.read("kept.yml").contains("matchers: ["));
    assert!(project.path("stack/alertmanager.yml").symlink_metadata().expect("is there").is_symlink());
    assert_eq!(mode("kept.yml"), 0o640);
    let names: Vec<_> = support::project::files_below(&project.path("stack"));
    assert_eq!(names.len(), 2, "nothing is left beside the files: {names:?}");
}

#[test]
fn what_skymon_rendered_is_mended_in_its_config() {
    let project = Project::of_example("minimal");
    project.render();
    let said = project.skymon(&["validate", "--fix", "--yes"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("what is wrong in it is mended in `skymon.yaml`"), "{}", said.stderr);
    assert_eq!(project.skymon(&["validate", "x", "--yes"]).status, 2);
}
