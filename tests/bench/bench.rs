//! `make bench`: what skymon takes, as a whole process, beside what anyone can compare it with: copying the same tree, and
//! the checkers that read it. What one table compares is measured in one run, turn by turn, so that a busy machine slows
//! all sides alike.
//!
//! Not a test: nothing fails for being slow. The figures stand in `docs/performance.md`.

mod fleet;
mod measure;
mod prometheus;
mod proof;
mod remote_write;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{Cost, measure, median};

/// Odd, so that the median is one that was measured.
const ROUNDS: usize = 21;
/// Of the long ones.
const FEW_ROUNDS: usize = 3;

fn main() {
    if measure::is_measuring() {
        measure::obey();
        return;
    }
    let parts: [(&str, fn()); 4] =
        [("others", beside_others), ("growth", growths), ("proof", proof::grow), ("fleet", fleet::measure)];
    // A word chooses one part; `cargo bench` adds `--bench` by itself.
    let chosen: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    for (name, run) in parts {
        if chosen.is_empty() || chosen.iter().any(|one| one == name) {
            run();
        }
    }
}

fn growths() {
    growth("replicas of one service", &[10, 100, 1_000, 10_000, 100_000], |count| {
        let replicas: Vec<String> =
            (0..count).map(|n| format!("10.{}.{}.{}:8000", n >> 16, (n >> 8) & 255, n & 255)).collect();
        config(&format!("  api: {{engine: vllm, replicas: [{}]}}\n", replicas.join(", ")))
    });
    growth("services of two replicas", &[1, 10, 100, 1_000], |count| {
        let services: Vec<String> = (0..count)
            .map(|n| {
                format!(
                    "  s{n}: {{engine: vllm, replicas: [10.0.{}.{}:8000, 10.1.{0}.{1}:8000]}}\n",
                    n >> 8,
                    n & 255
                )
            })
            .collect();
        config(&services.concat())
    });
}

fn config(services: &str) -> String {
    format!(
        "version: 1\nname: bench\nservices:\n{services}\
         receivers: {{team: {{slack: {{webhook_url_file: secrets/slack_webhook_url}}}}}}\n\
         routes: {{critical: team, warning: team}}\n"
    )
}

/// The tutorial's stack: `render` beside a copy of what it wrote, `validate` beside the three programs that check it.
fn beside_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text =
        fs::read_to_string(root.join("tests/fixtures/examples/tutorial.yaml")).expect("reads the config");
    let project = Project::new(&text);
    project.render();
    let stack = project.path("monitoring");
    let copy = project.path("copy");
    let list = |folder: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(stack.join(folder)).expect("reads the folder");
        entries.map(|entry| entry.expect("reads the entry").path()).collect()
    };
    let mut rows: [(&str, Vec<Cost>); 8] = [
        ("`cp -r` of the tree", Vec::new()),
        ("`skymon render`, a new tree", Vec::new()),
        ("`skymon render`, nothing to change", Vec::new()),
        ("`promtool check config` and `check rules`", Vec::new()),
        ("`amtool check-config`", Vec::new()),
        ("`docker compose config -q`", Vec::new()),
        ("`skymon validate` of the same folder", Vec::new()),
        ("`skymon validate` of the config and the folder", Vec::new()),
    ];
    for _ in 0..ROUNDS {
        let _ = fs::remove_dir_all(&copy);
        rows[0].1.push(measure(Command::new("cp").arg("-r").args([&stack, &copy])));
        rows[1].1.push(project.render());
        rows[2].1.push(measure(&project.skymon("render")));
        let config = measure(
            tool("promtool")
                .args(["check", "config", "--syntax-only"])
                .arg(stack.join("prometheus/prometheus.yml")),
        );
        let rules = measure(tool("promtool").args(["check", "rules"]).args(list("prometheus/rules")));
        rows[3].1.push(Cost { time: config.time + rules.time, memory: config.memory.max(rules.memory) });
        rows[4].1.push(measure(
            tool("amtool").arg("check-config").arg(stack.join("alertmanager/alertmanager.yml")),
        ));
        rows[5].1.push(measure(
            tool("docker-compose")
                .arg("-f")
                .arg(stack.join("docker-compose.yml"))
                .args(["config", "-q"])
                .current_dir(&stack),
        ));
        // Without its manifest it is anybody's folder.
        fs::remove_dir_all(copy.join(".skymon")).expect("removes the manifest");
        rows[6].1.push(measure(project.skymon("validate").arg("copy")));
        rows[7].1.push(measure(&project.skymon("validate")));
    }
    let medians: Vec<Cost> = rows.iter().map(|(_, costs)| median(costs)).collect();
    let mut table = format!(
        "Medians of {ROUNDS} rounds, one process each:\n\n| process | time | peak memory |\n|---|---|---|\n"
    );
    for ((what, _), cost) in rows.iter().zip(&medians) {
        let _ = writeln!(table, "| {what} | {} |", cost.cells());
    }
    let time = |row: usize| medians[row].time.as_secs_f64();
    let checkers = time(3) + time(4) + time(5);
    let _ = writeln!(table, "\n- `render` takes {:.1} times as long as the copy", time(1) / time(0));
    let _ = writeln!(
        table,
        "- `validate` of the folder is {:.1} times as fast as the three checkers together, with the rendering {:.1} times",
        checkers / time(6),
        checkers / time(7)
    );
    print(&table);
}

/// How `render` and `validate` grow with the config.
fn growth(what: &str, sizes: &[usize], config: impl Fn(usize) -> String) {
    let mut table = format!(
        "By the number of {what}, medians of {FEW_ROUNDS} rounds:\n\n\
         | number | `render` | peak memory | `validate` | peak memory | written |\n|---|---|---|---|---|---|\n"
    );
    for size in sizes {
        let project = Project::new(&config(*size));
        let rendered: Vec<Cost> = (0..FEW_ROUNDS).map(|_| project.render()).collect();
        let validated: Vec<Cost> = (0..FEW_ROUNDS).map(|_| measure(&project.skymon("validate"))).collect();
        let (render, validate) = (median(&rendered).cells(), median(&validated).cells());
        let written = size_of(&project.path("monitoring")) / 1024;
        let _ = writeln!(table, "| {size} | {render} | {validate} | {written} KiB |");
    }
    print(&table);
}

fn tool(name: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(name);
    assert!(path.is_file(), "the real `{name}` is not in target/tools: run `make tools` first");
    Command::new(path)
}

/// A folder with a config in it.
struct Project(tempfile::TempDir);

impl Project {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("skymon.yaml"), config).expect("writes the config");
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn skymon(&self, command: &str) -> Command {
        let mut skymon = Command::new(env!("CARGO_BIN_EXE_skymon"));
        skymon.arg(command).current_dir(self.0.path());
        skymon
    }

    /// Into a folder that is not there yet.
    fn render(&self) -> Cost {
        let _ = fs::remove_dir_all(self.path("monitoring"));
        measure(&self.skymon("render"))
    }
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("reads the folder");
    entries
        .map(|entry| entry.expect("reads the entry"))
        .map(|entry| match entry.metadata().expect("is there") {
            meta if meta.is_dir() => size_of(&entry.path()),
            meta => meta.len(),
        })
        .sum()
}

#[allow(clippy::print_stdout, reason = "the figures are the result")]
fn print(table: &str) {
    println!("{table}");
}
