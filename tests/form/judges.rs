//! The real programs, asked about many files at once: who takes a file, and what is said of one that is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use skymon::forms::Form;

use crate::support::tools;

/// What a program said of a file.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) is_taken: bool,
    pub(crate) said: String,
}

/// So many files in one call: a line of arguments has an end.
const BATCH: usize = 200;

/// What the program of a form says of each text.
pub(crate) fn judge(form: Form, texts: &[String]) -> Vec<Verdict> {
    let folder = tempfile::tempdir().expect("makes a folder");
    for (number, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(file(form, number)), text).expect("writes");
    }
    let names: Vec<String> = (0..texts.len()).map(|number| file(form, number)).collect();
    assert!(!names.is_empty(), "nothing to judge");
    match form {
        Form::Prometheus => batched(&names, folder.path(), "promtool", &["check", "config", "--syntax-only"]),
        Form::Rules => batched(&names, folder.path(), "promtool", &["check", "rules", "--lint=none"]),
        Form::Alertmanager => batched(&names, folder.path(), "amtool", &["check-config"]),
        Form::RuleTests => one_by_one(&names, |name| {
            let mut command = Command::new(tools::tool("promtool"));
            command.args(["test", "rules", name]).current_dir(folder.path());
            command
        }),
        Form::Blackbox => one_by_one(&names, |name| {
            let mut command = Command::new(tools::tool("blackbox_exporter"));
            command.args(["--config.check", "--config.file", name]).current_dir(folder.path());
            command
        }),
        Form::Compose => one_by_one(&names, |name| {
            let mut command = Command::new(tools::tool("docker-compose"));
            command.args(["-p", "x", "-f", name, "config", "-q"]).current_dir(folder.path());
            command
        }),
        // What `file_sd_configs` names is read by the check of the whole configuration.
        Form::Targets => {
            for (number, name) in names.iter().enumerate() {
                let config =
                    format!("scrape_configs: [{{job_name: x, file_sd_configs: [{{files: [{name}]}}]}}]\n");
                fs::write(folder.path().join(format!("config-{number}.yml")), config).expect("writes");
            }
            let configs: Vec<String> =
                (0..texts.len()).map(|number| format!("config-{number}.yml")).collect();
            batched(&configs, folder.path(), "promtool", &["check", "config"])
        }
        Form::ScrapeConfigs | Form::Dashboard | Form::Dashboards | Form::Datasources => {
            panic!("nobody judges {form:?} alone")
        }
    }
}

fn file(form: Form, number: usize) -> String {
    format!("{}-{number}.yml", form.file().trim_end_matches(".yml"))
}

/// `promtool` and `amtool` say `Checking NAME`, and `SUCCESS` where they take it.
fn batched(names: &[String], folder: &Path, tool: &str, args: &[&str]) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    while verdicts.len() < names.len() {
        let batch = &names[verdicts.len()..names.len().min(verdicts.len() + BATCH)];
        let mut command = Command::new(tools::tool(tool));
        let said = tools::run(command.args(args).args(batch).current_dir(folder));
        let parts: BTreeMap<&str, &str> = said
            .stdout
            .split("Checking ")
            .skip(1)
            .map(|part| (part.split(['\n', ' ']).next().unwrap_or_default().trim_matches('\''), part))
            .collect();
        for name in batch {
            let why = said.about(name);
            // A file that the program falls over is not taken, and those after it are not looked at.
            let Some(part) = parts.get(name.as_str()) else {
                verdicts.push(Verdict { is_taken: false, said: said.stderr.clone() });
                break;
            };
            let is_taken = part.contains("SUCCESS") && !part.contains("FAILED") && why.is_empty();
            verdicts.push(Verdict { is_taken, said: format!("{part}{why}") });
        }
    }
    verdicts
}

impl tools::Output {
    /// The part of what was said that is about a file: from its name to where the next one begins.
    fn about(&self, name: &str) -> String {
        let Some(at) = self.stderr.find(name) else { return String::new() };
        let rest = &self.stderr[at..];
        let end = rest.find("  FAILED").unwrap_or(rest.len());
        rest[..end].to_owned()
    }
}

/// On two threads: each call waits for a program to start.
fn one_by_one(names: &[String], command: impl Fn(&str) -> Command + Sync) -> Vec<Verdict> {
    let ask = |names: &[String]| -> Vec<Verdict> {
        names
            .iter()
            .map(|name| {
                let said = tools::run(&mut command(name));
                Verdict { is_taken: said.status == 0, said: said.text() }
            })
            .collect()
    };
    let (left, right) = names.split_at(names.len() / 2);
    std::thread::scope(|scope| {
        let right = scope.spawn(|| ask(right));
        let mut all = ask(left);
        all.extend(right.join().expect("does not panic"));
        all
    })
}
