//! `skymon passwd`: who may come in through the front door.

use std::fs;
use std::io::{ErrorKind, IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::paths::StackPaths;
use super::{Outcome, Stack, apply, load, note, print};
use crate::catalog::programs::GATE;
use crate::cli;
use crate::mounts::{FileKind, SecretSource};
use crate::private_files;
use crate::users::{self, Users};
use crate::wizard::{Secret, Stop, Terminal};

pub(super) fn run(args: &cli::Passwd) -> Result<Outcome> {
    let paths = StackPaths::new(&args.paths);
    let loaded = load(&paths)?;
    let Some(stack) = &loaded.stack else {
        loaded.print_report()?;
        return Ok(Outcome::CannotRun);
    };
    let Some(file) = users_file(stack) else {
        bail!(
            "`{}` has no `access`, so there is no door to go through\nhelp: write \
             `access: {{host: monitoring.example.com, tls: {{acme: {{email: ops@example.com}}}}, \
             users_file: secrets/web_users}}`",
            paths.config.display()
        );
    };
    let place = paths.beside_config(file);
    let is_first = !place.exists();
    let mut users = read(&place)?;
    let name = args.name.as_str();
    let done = if args.remove {
        if !users.remove(name) {
            bail!("`{}` has no user `{}`", place.display(), name.escape_debug());
        }
        "may no longer come in"
    } else {
        users::check_name(name).map_err(|text| with_help(&text))?;
        let Some(password) = password(name)? else {
            note("cancelled, nothing was written\n")?;
            return Ok(Outcome::CannotRun);
        };
        users::check_password(password.as_typed()).map_err(|text| with_help(&text))?;
        let was_there = users.set(name, &users::hash(password.as_typed())?);
        if was_there { "has a new password" } else { "may come in" }
    };
    let folder = private_files::parent(&place);
    private_files::make_folder(&folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    private_files::put(&place, &users.text())?;
    print(&format!("{}: `{name}` {done}\n", place.display()))?;
    if users.is_empty() {
        note("note: nobody may come in now\n")?;
    }
    let compose = paths.out.join("docker-compose.yml");
    if compose.is_file() {
        // Without the file the door cannot have been started, so there is nothing to start again.
        let compose = compose.to_string_lossy();
        let command = if is_first { apply::start(&compose) } else { apply::restart(GATE.name, &compose) };
        print(&format!("apply it with:\n  {command}\n"))?;
    }
    Ok(Outcome::Fine)
}

/// As the config names it.
fn users_file(stack: &Stack) -> Option<&str> {
    let secrets = &stack.plan.mounts.secrets;
    secrets.iter().find(|secret| secret.kind == FileKind::Users).and_then(|secret| match &secret.source {
        SecretSource::File(path) => Some(path.as_str()),
        SecretSource::Env(_) => None,
    })
}

fn read(place: &Path) -> Result<Users> {
    let text = match fs::read_to_string(place) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", place.display())),
    };
    Users::parse(&text).map_err(|faults| {
        let lines: Vec<String> =
            faults.iter().map(|(line, fault)| format!("{}:{line}: {fault}", place.display())).collect();
        anyhow::anyhow!("{}\nnothing was written", lines.join("\n"))
    })
}

/// `None` if the person left.
fn password(name: &str) -> Result<Option<Secret>> {
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the password from standard input")?;
        return Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))));
    }
    match Terminal::new()?.password(&format!("password of {name}")) {
        Ok(password) => Ok(Some(password)),
        Err(Stop::Cancelled) => Ok(None),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn with_help(text: &str) -> anyhow::Error {
    anyhow::Error::msg(text.replacen('\n', "\nhelp: ", 1))
}
