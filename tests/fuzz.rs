//! Whatever stands in a file: no panic, an end, bounded memory, and findings that point into the file. Four targets: the
//! config, the files of a foreign stack, expressions, dashboards. Each begins with real files and damages them by a seed.
//!
//! A case that fails prints its seed; `SKYMON_FUZZ_SEED=… cargo test --test fuzz` begins there, and
//! `SKYMON_FUZZ_CASES=100000` makes a long run of it.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use skymon::catalog::engines::Engines;
use skymon::checks;
use skymon::config::{self, Config};
use skymon::diagnostics::{self, Report};
use skymon::plan;
use skymon::source::{SourceFile, Sources, SpanIndex};
use skymon::templates::Templates;
use support::memory;
use support::pages::Example;
use support::project::{Project, files_below};
use support::say;
use support::tools;
use support::values::Random;

/// A case that takes longer hangs: most take some milliseconds.
const AN_END: Duration = Duration::from_secs(60);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Runs a target with many seeds, on all cores.
fn fuzz(cases: u64, target: impl Fn(&mut Random) + Sync) {
    let first = setting("SKYMON_FUZZ_SEED", 0);
    let end = first + setting("SKYMON_FUZZ_CASES", cases);
    let next = AtomicU64::new(first);
    let (done, finished) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (next, target, done) = (&next, &target, done.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let case = Case(seed);
                    target(&mut Random::new(seed));
                    done.send(case.0).expect("somebody counts");
                }
            });
        }
        drop(done);
        loop {
            match finished.recv_timeout(AN_END) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    say(&format!(
                        "a case hangs: one of the last before SKYMON_FUZZ_SEED={}",
                        next.load(Ordering::Relaxed)
                    ));
                    // The thread that hangs cannot be ended by itself.
                    std::process::abort();
                }
            }
        }
    });
}

/// Says with which seed a case failed.
struct Case(u64);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("the case that failed: SKYMON_FUZZ_SEED={} SKYMON_FUZZ_CASES=1", self.0));
        }
    }
}

fn pick<'a>(texts: &[&'a str], random: &mut Random) -> &'a str {
    texts[random.below(texts.len())]
}

/// What goes wrong with a text on its way, or in somebody's hands.
fn damaged(text: &str, others: &[&str], random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(4) {
        let (at, end) = range(&text, random);
        match random.below(9) {
            0 => text.truncate(at),
            1 => drop(text.drain(at..end)),
            2 => text.insert_str(at, &random.hostile()),
            3 => text.replace_range(at..end, &random.hostile()),
            4 => text = text.replacen(&text[at..end].to_owned(), &random.hostile_line(), 5),
            5 => text.insert_str(at, &text[at..end].repeat(1 + random.below(40))),
            6 => swap_lines(&mut text, random),
            7 => {
                let other = pick(others, random);
                let (from, to) = range(other, random);
                text.insert_str(at, &other[from..to]);
            }
            _ => text.insert_str(at, pick(&SYNTAX, random)),
        }
    }
    text
}

/// What means something to a reader of YAML, JSON, PromQL or a template.
const SYNTAX: [&str; 40] = [
    "&a ",
    "*a",
    "<<: *a",
    "<<: {}",
    "- ",
    "? ",
    ": ",
    ":",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "{{",
    "}}",
    "|",
    ">-",
    "!!binary ",
    "!x ",
    "%YAML 1.1\n",
    "---\n",
    "...\n",
    "\t",
    "#",
    "\"",
    "'",
    "\\",
    "\\u12",
    "$",
    "${",
    "$$",
    "null",
    "1e999",
    "-0x1",
    "(",
    ")",
    " by () ",
    "[5m:]",
    " offset -1d",
    "@ end()",
];

fn range(text: &str, random: &mut Random) -> (usize, usize) {
    let at = floor(text, random.below(text.len() + 1));
    let longest = *random.one_of(&[2, 12, 200]);
    (at, floor(text, (at + random.below(longest)).min(text.len())))
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

fn swap_lines(text: &mut String, random: &mut Random) {
    let mut lines: Vec<&str> = text.lines().collect();
    if lines.len() > 1 {
        let (one, other) = (random.below(lines.len()), random.below(lines.len()));
        lines.swap(one, other);
        *text = lines.join("\n");
    }
}

/// All that is found in these files, printed in every format: a place that is none would end it.
fn prove(files: BTreeMap<String, String>) {
    let stack = memory::stack(files);
    let report = checks::run(&stack, &[]);
    let mut sources = Sources::new();
    for document in &stack.documents {
        sources.add(document.shown());
    }
    print_all(&report, &sources);
}

fn print_all(report: &Report, sources: &Sources) {
    assert!(report.is_empty() || !diagnostics::text::render(report, sources, false).is_empty());
    for value in [diagnostics::json::render(report, sources), diagnostics::sarif::render(report, sources)] {
        assert!(value.is_object());
    }
    for text in [diagnostics::github::render(report, sources), diagnostics::junit::render(report, sources)] {
        assert!(report.is_empty() || !text.is_empty());
    }
}

fn read_all(folder: &str, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let folder = root().join(folder);
    let names =
        files_below(&folder).into_iter().map(|path| path.display().to_string()).filter(|path| wanted(path));
    names.map(|path| (path.clone(), fs::read_to_string(folder.join(path)).expect("reads the file"))).collect()
}

#[test]
fn whatever_stands_in_the_config_it_is_read_to_an_end() {
    let configs: Vec<String> =
        read_all("tests/fixtures", |path| path.ends_with(".yaml") && !path.contains("engines"))
            .into_values()
            .collect();
    let texts: Vec<&str> = configs.iter().map(String::as_str).collect();
    let templates = Templates::new();
    fuzz(300, |random| {
        let text = damaged(pick(&texts, random), &texts, random);
        let source = SourceFile::new("skymon.yaml", text);
        let mut report = Report::new();
        let (index, problems) = SpanIndex::new(&source);
        report.extend(problems);
        if let Some(config) = config::parse::read::<Config>(&source, &index, &mut report) {
            let plan = plan::resolve(&config, &index, Engines::built_in(), &templates, &mut report);
            assert!(plan.is_ok(), "{:?}", plan.err());
        }
        print_all(&report, &Sources::of_config(source, index));
    });
}

#[test]
fn whatever_stands_in_the_files_of_a_foreign_stack_they_are_read_to_an_end() {
    let is_text = |path: &str| {
        path.ends_with(".yml")
            || path.ends_with(".yaml")
            || path.ends_with(".json")
            || path.ends_with(".tmpl")
    };
    let mut stacks = vec![
        read_all("tests/fixtures/tutorial-stack", is_text),
        read_all("snapshots/minimal", |path| {
            is_text(path) && !path.contains("dashboards/") && !path.contains("tests/")
        }),
    ];
    // The wrong examples of the checks' pages ask each of them.
    stacks.extend(checks::ALL.iter().map(|check| Example::wrong(check).files));
    let all: Vec<&str> = stacks.iter().flat_map(BTreeMap::values).map(String::as_str).collect();
    fuzz(800, |random| {
        let mut files = random.one_of(&stacks).clone();
        let names: Vec<String> = files.keys().cloned().collect();
        for _ in 0..=random.below(2) {
            let name = random.one_of(&names);
            let text = damaged(&files[name], &all, random);
            files.insert(name.clone(), text);
        }
        prove(files);
    });
}

/// The expressions of what is rendered.
fn expressions() -> Vec<String> {
    let files = read_all("snapshots/everything", |path| path.contains("prometheus/rules/"));
    let stack = memory::stack(files);
    stack.rules().map(|rule| rule.expr.text.value.clone()).collect()
}

#[test]
fn whatever_is_asked_for_in_an_expression_it_is_read_to_an_end() {
    let expressions = expressions();
    let texts: Vec<&str> = expressions.iter().map(String::as_str).collect();
    fuzz(1500, |random| {
        let rules: Vec<serde_json::Value> = (0..6)
            .map(|at| {
                let expr = damaged(pick(&texts, random), &texts, random);
                let kind = if random.once_in(2) { "alert" } else { "record" };
                serde_json::json!({kind: format!("x:y:{at}"), "expr": expr, "annotations": {"summary": "{{ $labels.service }}"}})
            })
            .collect();
        let file = serde_json::json!({"groups": [{"name": "g", "rules": rules}]}).to_string();
        prove([("rules.yml".to_owned(), file)].into());
    });
}

#[test]
fn whatever_stands_in_a_dashboard_it_is_read_to_an_end() {
    let dashboards = read_all("snapshots/minimal/grafana/dashboards", |_| true);
    let others =
        read_all("snapshots/minimal", |path| !path.contains("dashboards/") && path.ends_with(".yml"));
    let texts: Vec<&str> = dashboards.values().map(String::as_str).collect();
    fuzz(300, |random| {
        let mut files = others.clone();
        files.insert("grafana/dashboards/x.json".to_owned(), damaged(pick(&texts, random), &texts, random));
        prove(files);
    });
}

/// `skymon validate` of a folder, with no more memory than that, and what it said.
fn validate(project: &Project, folder: &str) -> tools::Output {
    const KILOBYTES: usize = 1_500_000;
    let mut command = Command::new("sh");
    let script =
        format!("ulimit -v {KILOBYTES}; exec timeout 60 {} validate {folder}", env!("CARGO_BIN_EXE_skymon"));
    let said = tools::run(
        command.args(["-c", &script]).current_dir(project.path("")).env_clear().env("PATH", "/usr/bin:/bin"),
    );
    assert!((0..=2).contains(&said.status), "{}: {}", said.status, said.text());
    assert!(!said.text().contains("panicked") && !said.text().contains("bug:"), "{}", said.text());
    said
}

/// Lists of lists of lists, each nine times the one before.
fn many_aliases() -> String {
    let mut text = String::from("x0: &x0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n");
    for level in 1..12 {
        let below = format!("*x{}, ", level - 1).repeat(9);
        text.push_str(&format!("x{level}: &x{level} [{below}]\n"));
    }
    text
}

/// A good Alertmanager configuration beside a bad file, so that the folder is a stack.
const GOOD: &str = "route: {receiver: team}\nreceivers: [{name: team}]\n";

#[test]
fn a_file_of_any_size_and_depth_is_read_within_bounds() {
    let deep = |open: &str, count: usize| open.repeat(count);
    let texts = [
        deep("[", 2_000_000),
        deep("{a: ", 300_000),
        deep("- ", 500_000),
        many_aliases(),
        format!("groups:\n- name: g\n  rules:\n{}", "  - {alert: A, expr: up == 0}\n".repeat(60_000)),
        format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {}\n", "up + ".repeat(1_000_000)),
        format!("groups: [{{name: {}}}]", "x".repeat(30_000_000)),
        "# a comment\n".repeat(2_000_000),
        "\0".repeat(1_000_000),
    ];
    for text in &texts {
        for name in
            ["docker-compose.yml", "prometheus.yml", "rules.yml", "alertmanager.yml", "dashboards/x.json"]
        {
            let project = Project::empty();
            project.write("stack/other/alertmanager.yml", GOOD);
            project.write(&format!("stack/{name}"), text);
            validate(&project, "stack");
        }
    }
}

#[test]
fn what_is_no_file_is_named_and_the_rest_is_read() {
    let project = Project::empty();
    project.write("stack/alertmanager.yml", GOOD);
    fs::write(project.path("stack/prometheus.yml"), [0xff, 0xfe, 0, b'a']).expect("writes the file");
    fs::create_dir(project.path("stack/docker-compose.yml")).expect("makes the folder");
    fs::create_dir(project.path("stack/rules")).expect("makes the folder");
    symlink("loop.yml", project.path("stack/rules/loop.yml")).expect("makes the link");
    symlink("..", project.path("stack/rules/up")).expect("makes the link");
    symlink("/nowhere", project.path("stack/rules/dangling.yml")).expect("makes the link");
    tools::run(Command::new("mkfifo").arg(project.path("stack/rules/pipe.yml"))).expect_success();
    let said = validate(&project, "stack");
    assert_eq!(said.status, 1, "{}", said.text());
    assert!(said.stdout.contains("error[receiver-without-integration]"), "{}", said.text());
    assert!(said.stdout.contains("stack/prometheus.yml"), "{}", said.text());
}
