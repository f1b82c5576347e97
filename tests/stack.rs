//! The view of a stack is whole, and no folder can harm it: whatever lies there, it ends, says what it could not read, and
//! goes on.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skymon::checks;
use skymon::stack::{Folder, Program, Stack};
use support::memory;
use support::project::files_below;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn on_disk(path: &Path) -> Stack {
    Stack::read(Folder::Disk { root: path.to_owned() })
}

/// The same folder, as if it had just been rendered.
fn as_rendered(path: &Path) -> Stack {
    let text = |file: &PathBuf| {
        (file.to_string_lossy().into_owned(), fs::read_to_string(path.join(file)).expect("reads the file"))
    };
    let files = files_below(path).iter().map(text).collect();
    Stack::read(Folder::Memory { root: path.to_owned(), files: Arc::new(files) })
}

#[test]
fn every_file_of_a_rendered_stack_is_in_the_view() {
    let everything = root().join("snapshots/everything");
    for stack in [on_disk(&everything), as_rendered(&everything)] {
        let read: BTreeSet<String> = stack
            .documents
            .iter()
            .map(|document| document.name().replace(&format!("{}/", everything.display()), ""))
            .collect();
        // What programs read that the view does not know is beside these, and so is what is for people.
        let known = ["docker-compose.yml", "prometheus/", "alertmanager/alertmanager.yml", "grafana/"];
        for file in files_below(&everything).iter().map(|path| path.display().to_string()) {
            let is_known = known.iter().any(|known| file.starts_with(known));
            assert!(!is_known || read.contains(&file), "{file} was not read");
        }
        assert!(stack.notes.is_empty(), "{:?}", stack.notes);
        assert!(stack.rule_files.len() >= 8 && stack.rule_files.iter().all(|file| file.is_loaded));
        assert!(stack.dashboards.len() >= 5 && stack.dashboards.iter().all(|dashboard| dashboard.is_loaded));
        assert_eq!(stack.running(Program::Prometheus).count(), 1);
        let api = stack.prometheuses[0].jobs.iter().find(|job| job.name.value == "api").expect("is scraped");
        let targets: Vec<&str> = api.addresses().map(|address| address.as_str()).collect();
        assert_eq!(targets, ["10.0.4.10:8000", "[fd00::10]:8000", "gpu-3.internal:8000"]);
        for rule in stack.rules() {
            assert!(rule.expr.tree().is_some(), "`{}` was not understood", rule.expr.text);
        }
        let panels = stack.dashboards.iter().flat_map(|one| &one.panels);
        for query in panels.flat_map(|panel| &panel.queries).filter_map(|query| query.expr.as_ref()) {
            assert!(query.tree().is_some(), "`{}` was not understood", query.text);
        }
    }
}

#[test]
fn the_files_of_a_program_are_found_through_its_flags_and_mounts() {
    let stack = memory::stack([
        (
            "deploy/compose.yaml",
            "services:\n  p:\n    image: registry.example.com/prom/prometheus:${TAG:-v3}\n    command: --config.file=/conf/main.yml\n    volumes:\n      - {type: bind, source: ../metrics, target: /conf, read_only: true}\n      - ../rules/one.yml:/conf/rules/one.yml\n",
        ),
        ("deploy/compose.override.yaml", "services:\n  p:\n    volumes: [../targets:/conf/sd]\n"),
        (
            "metrics/main.yml",
            "rule_files: ['rules/*.yml']\nscrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [sd/*.json]}]\n",
        ),
        ("rules/one.yml", "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n"),
        ("targets/a.json", "[{\"targets\": [\"10.0.0.1:80\"], \"labels\": {\"x\": \"y\"}}]"),
    ]);
    assert_eq!(stack.notes, []);
    let prometheus = &stack.prometheuses[0];
    assert_eq!(prometheus.rule_files[0].files.as_deref(), Some(&["rules/one.yml".to_owned()][..]));
    assert!(stack.rule_files[0].is_loaded);
    let target = &prometheus.jobs[0].targets[0];
    assert_eq!((target.address.as_str(), target.labels[0].1.as_str()), ("10.0.0.1:80", "y"));
    assert!(!prometheus.jobs[0].discovers);
}

#[test]
fn two_ways_to_run_a_stack_are_two_projects_and_what_adds_to_one_is_one() {
    let service =
        |tag: &str| format!("services:\n  p: {{image: \"prom/prometheus:{tag}\", ports: ['9090:9090']}}\n");
    let stack = memory::stack([
        ("docker-compose.yml", service("v1").as_str()),
        ("docker-compose.prod.yml", service("v2").as_str()),
        ("docker-compose.alerts.yml", "services:\n  a: {image: prom/alertmanager}\n"),
    ]);
    let mut services: Vec<Vec<&str>> = Vec::new();
    for compose in &stack.composes {
        services.push(compose.services.iter().map(|service| service.name.as_str()).collect());
    }
    assert_eq!(services, [vec!["p", "a"], vec!["p"]]);
}

#[test]
fn without_a_compose_file_files_are_known_by_their_shape() {
    let stack = memory::stack([
        ("prom/prometheus.yaml", "rule_files: [/etc/prometheus/alerts/*.rules]\nscrape_configs: []\n"),
        ("prom/alerts/a.rules", "groups:\n- name: g\n  rules: [{record: 'a:b', expr: up}]\n"),
        ("am/config.yml", "route: {receiver: x}\nreceivers: [{name: x}]\n"),
        ("other.yml", "a: 1\n"),
        ("broken.yml", "a: [\n"),
        ("promtail.yml", "clients: [{url: http://loki}]\nscrape_configs: []\n"),
        (
            "alerting.yml",
            "apiVersion: 1\ngroups:\n- name: g\n  rules: [{data: [{model: {expr: up}}]}]\n# expr: x\n",
        ),
    ]);
    assert_eq!((stack.prometheuses.len(), stack.alertmanagers.len(), stack.rules().count()), (1, 1, 1));
    assert!(stack.rule_files[0].is_loaded);
    for text in
        ["global: {}\nrule_files: []\n", "alerting: {}\nrule_files: []\n", "global: {}\nremote_write: []\n"]
    {
        assert_eq!(memory::stack([("prometheus.yml", text)]).prometheuses.len(), 1, "{text}");
    }
    // Of what is no file of a stack nothing is said.
    assert_eq!(stack.notes, []);
}

#[test]
fn a_file_is_known_by_its_shape_with_its_keys_in_quotes_too() {
    let files = [
        ("a.yaml", "groups:\n- name: a\n  rules:\n  - record: a:b\n    expr: up\n"),
        ("tests.yaml", "tests:\n- input_series: []\n"),
        ("b.yaml", "modules:\n  web:\n    prober: http\n"),
        ("t.yaml", "- targets: ['a:1']\n"),
        ("l.yaml", "- labels: {a: b}\n  targets: ['a:1']\n"),
    ];
    for quote in ["", "\"", "'"] {
        let quoted = files.map(|(path, text)| {
            let keys =
                ["groups", "name", "rules", "record", "expr", "tests", "input_series", "modules", "prober"];
            let keys = keys.iter().chain(&["targets", "labels"]);
            let text = keys.fold(text.to_owned(), |text, key| {
                text.replace(&format!("{key}:"), &format!("{quote}{key}{quote}:"))
            });
            (path, text)
        });
        let stack = memory::stack(quoted);
        let read: BTreeSet<&str> = stack.documents.iter().map(|document| document.name()).collect();
        assert_eq!(read, files.iter().map(|(path, _)| *path).collect(), "{quote}");
        assert_eq!((stack.rules().count(), stack.unread_targets.len()), (1, 2), "{quote}");
    }
    // A word of a text is no key.
    let text = "groups: []\nabout: an expression, expr and others\n";
    assert!(memory::stack([("a.yaml", text)]).is_empty());
}

#[test]
fn what_cannot_be_read_is_a_note_and_the_rest_is_read() {
    let stack = memory::stack([
        (
            "docker-compose.yml",
            "services:\n  p:\n    image: prom/prometheus:v3.5.3\n    volumes: [\"./p:/etc/prometheus\"]\n  a:\n    image: prom/alertmanager:v0.33.1\n    volumes: [\"./a:/etc/alertmanager\"]\n",
        ),
        ("p/prometheus.yml", "rule_files: [rules/*.yml]\n"),
        (
            "p/rules/good.yml",
            "groups: [{name: g, rules: [{alert: A, expr: up == 0}, {alert: B, expr: 'up ==='}, {record: c}, 7, null]}]\n",
        ),
        ("p/rules/bad.yml", "groups: [\n"),
        ("a/alertmanager.yml", "route: [1, 2]\nreceivers: {a: b}\n"),
    ]);
    let notes: Vec<&str> = stack.notes.iter().map(|note| note.id).collect();
    assert_eq!(notes, ["yaml-syntax"]);
    assert_eq!(stack.alerts().count(), 2);
    let _ = checks::run(&stack, &[]);
}

#[test]
fn maps_that_take_over_one_another_do_not_grow_without_end() {
    let mut text = "x0: &x0 {a: 1}\n".to_owned();
    for level in 1..16 {
        let below = format!("*x{}, ", level - 1).repeat(12);
        text.push_str(&format!("x{level}: &x{level} {{<<: [{below}]}}\n"));
    }
    text.push_str("services: {<<: *x15, p: {<<: *x15, image: prom/prometheus}}\n");
    let stack = memory::stack([("docker-compose.yml", &text)]);
    let _ = checks::run(&stack, &[]);
    assert!(stack.notes.iter().any(|note| note.id == "too-many-aliases"), "{:?}", stack.notes);
}

#[test]
fn a_deep_expression_is_left_alone_and_ends() {
    for expr in [
        "(".repeat(5000) + &")".repeat(5000),
        "-".repeat(5000) + "up",
        "up+".repeat(5000) + "up",
        "up or ".repeat(5000) + "up",
    ] {
        let text = format!("groups:\n- name: g\n  rules:\n  - {{alert: A, expr: '{expr}'}}\n");
        let stack = memory::stack([("rules.yml", &text)]);
        assert_eq!(stack.alerts().count(), 1);
        let _ = checks::run(&stack, &[]);
    }
}

#[test]
fn a_folder_that_is_too_large_is_said_and_what_was_just_rendered_never_is() {
    let names: Vec<String> = (0..10_001).map(|n| format!("{n}.yml")).collect();
    let rendered = memory::stack(names.iter().map(|name| (name.as_str(), "")));
    assert_eq!(rendered.notes, []);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in &names {
        fs::write(folder.path().join(name), "").expect("writes the file");
    }
    let read = Stack::read(Folder::Disk { root: folder.path().to_owned() });
    let said: Vec<&str> = read.notes.iter().map(|note| note.message.as_str()).collect();
    assert!(
        matches!(said[..], [one] if one.ends_with("holds more than 10000 files: not all were looked into")),
        "{said:?}"
    );
}
