//! `skymon init`: the wizard's answers become files, the files become a stack, and the person is told what is next.
//!
//! Here is what all of that has to say; what is asked and what is written stands in `wizard`, what is rendered and
//! checked in `render` and `validate`.

mod machine;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Result, anyhow};

use super::apply::shell_word;
use super::paths::StackPaths;
use super::{Outcome, Stack, load, note, print, render, validate};
use crate::catalog::programs::GRAFANA;
use crate::cli;
use crate::diagnostics::{Report, Severity};
use crate::plan::GRAFANA_PASSWORD_FILE;
use crate::templates::Templates;
use crate::wizard::{self, Answers, Fault, Flags, Given, SecretState, Stop, Terminal, Written};

pub(super) fn run(args: &cli::Init) -> Result<Outcome> {
    if let Some(refusal) = refuse_existing(args) {
        return cannot_run(&refusal);
    }
    let mut flags = match read_flags(args) {
        Ok(flags) => flags,
        Err(faults) => return cannot_run(&list(&faults)),
    };
    let has_person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !args.yes && !has_person {
        return cannot_run(
            "error: there is no terminal to ask the questions on\n\
             help: answer them with flags, and add `--yes` to take the defaults for the rest\n",
        );
    }
    let looked = args.look.then(|| wizard::look(&mut flags));
    for told in wizard::tell(&flags).into_iter().chain(looked) {
        for line in told.taken {
            print(&format!("{line}\n"))?;
        }
        for line in told.left {
            note(&format!("note: {line}\n"))?;
        }
    }
    let answers = match ask(args, flags) {
        Ok(answers) => answers,
        // The cursor may stand behind a question.
        Err(Stop::Cancelled) => return cannot_run("\ncancelled; nothing was written\n"),
        Err(Stop::Failed(error)) => return Err(error),
    };
    for kind in &answers.unused {
        note(&format!("note: what flags say of `{kind}` is not used: nobody is notified by it\n"))?;
    }
    // Before the first file: a template that does not render must leave nothing behind.
    let config = answers.config(&Templates::new())?;
    let mut written = Written::default();
    if let Err(error) = wizard::write(&answers, &config, &args.dir, args.force, &mut written) {
        return Err(half_way(&error, &written, &args.dir));
    }
    print_written(&written, &args.dir)?;
    finish(&args.dir, &answers, &written)
}

fn cannot_run(why: &str) -> Result<Outcome> {
    note(why)?;
    Ok(Outcome::CannotRun)
}

fn refuse_existing(args: &cli::Init) -> Option<String> {
    let config = args.dir.join("skymon.yaml");
    if args.force || config.symlink_metadata().is_err() {
        return None;
    }
    Some(format!(
        "error: `{}` is there already, and is left as it is\n\
         help: change it and run `skymon render`, or begin anew with `skymon init --force`\n",
        config.display()
    ))
}

/// The flags as answers, or all that is wrong with them.
fn read_flags(args: &cli::Init) -> Result<Flags, Vec<Fault>> {
    let flags = wizard::read(&Given {
        name: args.name.clone(),
        service: args.service.clone(),
        engine: args.engine.clone(),
        instrumentation: args.instrumentation,
        replicas: args.replicas.clone(),
        from: args.from.clone(),
        api_server: args.api_server.clone(),
        api_token: args.api_token,
        endpoint: args.endpoint.clone(),
        probe: args.probe,
        critical: args.critical.clone(),
        warning: args.warning.clone(),
        info: args.info,
        heartbeat: args.heartbeat,
        settings: args.settings.clone(),
        secret_files: args.secret_files.clone(),
    })?;
    let missing = if args.yes { wizard::missing(&flags) } else { Vec::new() };
    if missing.is_empty() { Ok(flags) } else { Err(missing) }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().fold(String::new(), |mut text, Fault { flag, message }| {
        let message = message.replace('\n', "\nhelp: ");
        let _ = writeln!(text, "error: `{flag}`: {message}");
        text
    })
}

fn ask(args: &cli::Init, flags: Flags) -> Result<Answers, Stop> {
    let name = wizard::name_of(&args.dir);
    let is_kept = |path: &str| !args.force && wizard::holds_secret(&args.dir, path);
    if args.yes {
        wizard::ask(flags, &name, &is_kept, &mut wizard::Defaults)
    } else {
        let mut terminal = Terminal::new().map_err(Stop::Failed)?;
        wizard::ask(flags, &name, &is_kept, &mut terminal)
    }
}

fn half_way(error: &anyhow::Error, written: &Written, dir: &Path) -> anyhow::Error {
    if written.files.is_empty() {
        return anyhow!("{error:#}\nnothing was written");
    }
    let files: Vec<String> = written.files.iter().map(|file| dir.join(file).display().to_string()).collect();
    anyhow!("{error:#}\nwritten before that: {}\nhelp: mend it and run `skymon init` again", files.join(", "))
}

fn print_written(written: &Written, dir: &Path) -> Result<()> {
    let files: Vec<String> = written.files.iter().rev().map(|file| shown(dir, file)).collect();
    print(&format!("wrote {}\n", files.join(", ")))?;
    if written.closed_folder {
        note(&format!("note: `{}` was open to others; it is closed now (0700)\n", shown(dir, "secrets")))?;
    }
    if let Some(path) = &written.kept_engine {
        note(&format!("note: `{}` is kept: it was there already\n", shown(dir, path)))?;
    }
    for (path, state) in &written.secrets {
        let path = shown(dir, path);
        match state {
            SecretState::Kept => note(&format!("note: `{path}` is kept: it holds a secret already\n"))?,
            SecretState::KeptInSpite => note(&format!(
                "note: `{path}` is kept: it holds a secret already, and yours is not written\n\
                 help: `skymon init --force` replaces it\n"
            ))?,
            SecretState::Filled | SecretState::Empty => {}
        }
    }
    Ok(())
}

/// As a path is said of a file in the folder: without a leading `./`.
fn shown(dir: &Path, file: &str) -> String {
    if dir == Path::new(".") { file.to_owned() } else { dir.join(file).display().to_string() }
}

/// Renders and validates what was written, and says what is next.
fn finish(dir: &Path, answers: &Answers, written: &Written) -> Result<Outcome> {
    let here = dir == Path::new(".");
    let config = if here { "skymon.yaml".into() } else { dir.join("skymon.yaml") };
    let paths = StackPaths::new(&cli::Paths { config: Some(config), out: None });
    let mut loaded = load(&paths)?;
    let Some(stack) = &loaded.stack else {
        loaded.print_report()?;
        return Ok(Outcome::CannotRun);
    };
    if render::put(&paths, stack, false)?.is_none() {
        return Ok(Outcome::CannotRun);
    }
    validate::check(stack, &paths, &mut loaded.report, &mut loaded.sources)?;
    let has_errors = loaded.report.has_errors();
    let empty = empty_secrets(answers, written);
    print(&format!("{}\n", verdict(stack, &loaded.report, &empty)))?;
    // The empty secrets are in the next steps, one line for each; the rest is printed in full.
    if loaded.report.iter().any(|found| found.id != "secret-empty") {
        loaded.print_report()?;
    }
    if has_errors {
        return Ok(Outcome::CannotRun);
    }
    for text in machine::look(stack, answers) {
        note(&format!("note: {text}\n"))?;
    }
    print(&next_steps(dir, stack, answers, &empty))?;
    Ok(Outcome::Fine)
}

/// The files to fill, what belongs into each, and where one gets it.
fn empty_secrets(answers: &Answers, written: &Written) -> Vec<(&'static str, &'static str, &'static str)> {
    answers
        .secrets()
        .into_iter()
        .filter(|secret| written.secrets.contains(&(secret.path, SecretState::Empty)))
        .map(|secret| (secret.path, secret.what, secret.link))
        .collect()
}

fn verdict(stack: &Stack, report: &Report, empty: &[(&str, &str, &str)]) -> String {
    let errors = report.iter().filter(|found| found.severity == Severity::Error).count();
    let alerts = stack.plan.all_alerts().count();
    let found = match (errors, empty.len()) {
        (0, 0) => "no errors".to_owned(),
        (0, 1) => "no errors, 1 warning (a secret is still empty)".to_owned(),
        (0, count) => format!("no errors, {count} warnings (secrets still empty)"),
        (1, _) => "1 error".to_owned(),
        (count, _) => format!("{count} errors"),
    };
    format!("checked {alerts} alerts and their ways to {}: {found}", receivers(stack))
}

fn receivers(stack: &Stack) -> String {
    let names: Vec<&str> = stack
        .plan
        .receivers
        .iter()
        .filter(|receiver| !receiver.integrations.is_empty())
        .map(|receiver| receiver.name.as_str())
        .collect();
    names.join(", ")
}

fn next_steps(dir: &Path, stack: &Stack, answers: &Answers, empty: &[(&str, &str, &str)]) -> String {
    let mut steps = Vec::new();
    if dir != Path::new(".") {
        steps.push(format!("cd {}", shell_word(&dir.to_string_lossy())));
    }
    if let Some(own) = &answers.own_engine {
        steps.push(format!("look at each line of {}: it was guessed from names", own.path()));
    }
    for (path, what, link) in empty {
        steps.push(format!("fill {path}: {what}\n     {link}"));
    }
    if answers.instrumentation {
        steps.push(format!(
            "copy monitoring/instrumentation/{}/skymon_metrics.py beside the server's code, and put it around the server:\n     \
             its first lines say how, for Flask, FastAPI and others",
            answers.service
        ));
    }
    steps.push("docker compose -f monitoring/docker-compose.yml up -d --wait".to_owned());
    steps.push(format!(
        "open {}, user admin, password in {GRAFANA_PASSWORD_FILE}",
        stack.plan.external_url(&GRAFANA)
    ));
    let mut text = String::from("\nnext:\n");
    for (position, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "  {}. {step}", position + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::catalog::receivers::{KINDS, Kind};
    use crate::wizard::{Reply, Scripted};

    const SECRET: &str = "https://secret.example/MARKER";

    /// What a person says who has everything at hand.
    fn replies(kind: &Kind) -> Vec<(&'static str, Reply)> {
        let mut replies = vec![
            ("Name of the stack", Reply::Text("acme")),
            ("Name of the service", Reply::Text("chat")),
            ("What serves", Reply::Pick("vllm")),
            ("replicas", Reply::Text("10.0.0.1:8000, [fd00::10]:8000")),
            ("URL that users call", Reply::Text("https://api.example.com")),
            ("critical", Reply::Pick(kind.title)),
        ];
        for question in kind.questions {
            let answer =
                if question.default.is_empty() { Reply::Text("me@example.com") } else { Reply::Default };
            replies.push((question.prompt, answer));
        }
        let other = if kind.name == "slack" { "Webhook" } else { "Slack" };
        replies.extend([
            (kind.secret_prompt, Reply::Secret(SECRET)),
            ("warnings", Reply::Pick(other)),
            (if other == "Slack" { "Slack webhook URL" } else { "URL that takes" }, Reply::Secret(SECRET)),
            ("info", Reply::Confirm(true)),
            ("complain when", Reply::Confirm(true)),
            ("every minute", Reply::Secret(SECRET)),
        ]);
        replies
    }

    fn answer(replies: &[(&'static str, Reply)]) -> Answers {
        let flags = wizard::read(&Given::default()).unwrap();
        wizard::ask(flags, "demo", &|_| false, &mut Scripted::new(replies)).unwrap()
    }

    /// The report of a folder that is rendered and validated as `init` does it, without its words.
    fn validate(dir: &Path) -> (Report, String) {
        let config = dir.join("skymon.yaml");
        let paths = StackPaths::new(&cli::Paths { config: Some(config), out: None });
        let mut loaded = load(&paths).unwrap();
        if let Some(stack) = &loaded.stack {
            crate::output::apply(stack.artifacts.read_back().unwrap(), &paths.out, false).unwrap();
            validate::check(stack, &paths, &mut loaded.report, &mut loaded.sources).unwrap();
        }
        let text = crate::diagnostics::text::render(&loaded.report, &loaded.sources, false);
        (loaded.report, text)
    }

    #[test]
    fn what_is_answered_becomes_a_stack_without_a_finding_for_each_kind_of_receiver() {
        for kind in KINDS {
            let dir = tempfile::tempdir().unwrap();
            let answers = answer(&replies(kind));
            let config = answers.config(&Templates::new()).unwrap();
            let mut written = Written::default();
            wizard::write(&answers, &config, dir.path(), false, &mut written).unwrap();
            let (report, text) = validate(dir.path());
            assert!(report.is_empty(), "{}: {text}\n{config}", kind.name);
            assert!(config.contains(&format!("{}_file: {}", kind.secret, kind.secret_file)), "{config}");
            assert_eq!(fs::read_to_string(dir.path().join(kind.secret_file)).unwrap(), format!("{SECRET}\n"));
            assert!(!config.contains("MARKER"));
        }
    }

    #[test]
    fn two_kinds_never_share_a_secret_file() {
        let mut files: Vec<&str> = KINDS.iter().map(|kind| kind.secret_file).collect();
        files.extend([GRAFANA_PASSWORD_FILE, "secrets/heartbeat_url", "secrets/skypilot_token"]);
        files.push("secrets/replica_token");
        files.sort_unstable();
        assert!(files.windows(2).all(|pair| pair[0] != pair[1]), "{files:?}");
        assert!(files.iter().all(|file| file.starts_with("secrets/")));
    }

    #[test]
    fn every_example_in_the_comments_is_one_that_works() {
        // Where nothing is answered, there are most comments.
        let mut shortest: Vec<_> = replies(KINDS[0])
            .into_iter()
            .map(|(question, _)| (question, Reply::Default))
            .filter(|(question, _)| !["URL that takes", "every minute"].contains(question))
            .collect();
        shortest.insert(3, ("Python module", Reply::Default));
        let config = answer(&shortest).config(&Templates::new()).unwrap();
        let is_example = |line: &str| {
            let code = line.trim_start().strip_prefix("# ").unwrap_or_default();
            let key = code.trim_start().split(':').next().unwrap_or_default();
            code.contains(':')
                && !key.is_empty()
                && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let examples = config.lines().filter(|line| is_example(line)).count();
        let all: String = config
            .lines()
            .map(|line| if is_example(line) { line.replacen("# ", "", 1) } else { line.to_owned() } + "\n")
            .collect();
        assert!(examples >= 9, "{config}");
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("skymon.yaml"), &all).unwrap();
        let (report, text) = validate(dir.path());
        assert!(!report.has_errors(), "{text}\n{all}");
    }

    #[test]
    fn a_failure_half_way_says_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".gitignore")).unwrap();
        let answers = answer(&replies(KINDS[0]));
        let mut written = Written::default();
        let error = wizard::write(&answers, "", dir.path(), false, &mut written).unwrap_err();
        let text = half_way(&error, &written, dir.path()).to_string();
        assert!(text.contains(".gitignore") && text.contains("secrets/slack_webhook_url"), "{text}");
        assert!(!dir.path().join("skymon.yaml").exists());
    }
}
