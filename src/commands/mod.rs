//! One file for each command. Only here is anything printed: results to stdout, the rest to stderr.

mod apply;
mod explain;
mod init;
mod metrics;
mod own;
mod passwd;
mod paths;
mod render;
mod running;
mod secrets;
mod status;
mod templates;
mod test_alert;
mod validate;

use std::io::{Error, ErrorKind, IsTerminal, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use clap::CommandFactory;

use crate::artifacts::{self, Artifacts};
use crate::catalog::engines::{Engine, Engines};
use crate::checks::Allowed;
use crate::cli::{Cli, Command, SchemaOf};
use crate::config::{self, Config};
use crate::diagnostics::{self, Diagnostic, Report};
use crate::output::MANIFEST;
use crate::plan::{self, Plan};
use crate::source::{SourceFile, Sources, SpanIndex};
use paths::StackPaths;

/// How a command ended; the exit codes are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Fine = 0,
    /// Something the user should mend: an error found, or drift.
    Findings = 1,
    /// The command could not do its work.
    CannotRun = 2,
}

pub fn run(cli: Cli) -> Result<Outcome> {
    match cli.command {
        Command::Init(args) => init::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Status(args) => status::run(&args),
        Command::TestAlert(args) => test_alert::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Metrics(args) => metrics::run(&args),
        Command::Passwd(args) => passwd::run(&args),
        Command::Templates(args) => templates::run(&args),
        Command::Schema { of } => {
            let schema = match of {
                SchemaOf::Config => schema(),
                SchemaOf::Engine => schemars::schema_for!(Engine).to_value(),
            };
            print(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
            Ok(Outcome::Fine)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "skymon", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(Outcome::Fine)
        }
    }
}

/// The config's JSON Schema, from the types that read it.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

/// A config with what became of it.
struct Loaded {
    sources: Sources,
    report: Report,
    /// `None` if the config has errors; `report` says which.
    stack: Option<Stack>,
}

struct Stack {
    plan: Plan,
    /// Those that a service may name.
    engines: Engines,
    artifacts: Artifacts,
    /// What the config allows the checks to find.
    allowed: Vec<Allowed>,
}

/// The way from the text to the files in memory. An error is what the world did, or a bug.
fn load(paths: &StackPaths) -> Result<Loaded> {
    let mut report = Report::new();
    let source = match read_config(paths)? {
        Ok(source) => source,
        Err(not_text) => {
            report.push(not_text);
            return Ok(Loaded { sources: Sources::new(), report, stack: None });
        }
    };
    let (index, problems) = SpanIndex::new(&source);
    report.extend(problems);
    let mut files = Vec::new();
    let stack = match config::parse::read::<Config>(&source, &index, &mut report) {
        Some(config) => build(&config, &index, paths, &mut files, &mut report)?,
        None => None,
    };
    let mut sources = Sources::of_config(source, index);
    for file in files {
        sources.add(file);
    }
    Ok(Loaded { sources, report, stack })
}

/// The text of the config. Where there is none, the error says what a new user does.
fn read_config(paths: &StackPaths) -> Result<Result<SourceFile, Diagnostic>> {
    SourceFile::read(&paths.config).map_err(|error| {
        let is_missing = error.downcast_ref().is_some_and(|io: &Error| io.kind() == ErrorKind::NotFound);
        let help = match paths.config_flag().as_str() {
            _ if !is_missing => return error,
            "" if Path::new(MANIFEST).is_file() => "this folder is rendered: go to that of its skymon.yaml, mostly the one above",
            "" => "`skymon init` makes a new stack here; `skymon validate DIR` checks one that skymon did not render",
            _ => "look at `-c`; `skymon init DIR` makes a new stack",
        };
        anyhow!("{error:#}\nhelp: {help}")
    })
}

/// `files` gets the user's own files, which findings may point into.
fn build(
    config: &Config,
    index: &SpanIndex,
    paths: &StackPaths,
    files: &mut Vec<SourceFile>,
    report: &mut Report,
) -> Result<Option<Stack>> {
    let mut found = Report::new();
    let own = own::read(config, paths, &mut found)?;
    *files = own.files;
    let plan = plan::resolve(config, index, &own.engines, &own.templates, &mut found)?;
    // What was refused while reading is not missing: its place has been named once. And what a half-read config seems
    // to lack is worth no warning.
    report.extend_unrelated(found);
    if report.has_errors() {
        report.drop_warnings();
    }
    let Some(plan) = plan.filter(|_| !report.has_errors()) else {
        return Ok(None);
    };
    let config_dir = paths.config_dir_from_out()?;
    let artifacts = artifacts::build(&plan, &own.templates, &own.extra, &config_dir, &schema(), report)?;
    let allowed = own::allowed(config, &paths.out);
    Ok(artifacts.map(|artifacts| Stack { plan, engines: own.engines, artifacts, allowed }))
}

impl Loaded {
    /// Prints what was found to stderr, for commands whose result is something else.
    fn print_report(&self) -> Result<()> {
        if self.report.is_empty() {
            return Ok(());
        }
        note(&diagnostics::text::render(&self.report, &self.sources, colour(&std::io::stderr())))
    }
}

fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Results go to stdout. A reader that has gone away is no error.
fn print(text: &str) -> Result<()> {
    write_to(&mut std::io::stdout().lock(), text)
}

/// Everything else goes to stderr.
fn note(text: &str) -> Result<()> {
    write_to(&mut std::io::stderr().lock(), text)
}

/// Says why a command cannot do its work: what is wrong, and on the second line the help.
fn cannot(message: &str) -> Result<Outcome> {
    note(&format!("error: {}\n", message.replace('\n', "\nhelp: ")))?;
    Ok(Outcome::CannotRun)
}

fn write_to(stream: &mut impl Write, text: &str) -> Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
