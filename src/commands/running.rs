//! Where the programs of the running stack are asked: where the config publishes them, or where a flag says.

use anyhow::Result;

use super::paths::StackPaths;
use super::{apply, load, note};
use crate::catalog::programs::{ALERTMANAGER, Program};
use crate::cli::Paths;
use crate::live::Unreached;
use crate::plan::Plan;
use crate::values::HttpUrl;

pub(super) struct Running {
    pub(super) paths: StackPaths,
    /// `None` where flags say all, and there is no config.
    pub(super) plan: Option<Plan>,
}

impl Running {
    /// `None` where the config has errors, which are then said. Without a config, `flags` must say all.
    pub(super) fn find(paths: &Paths, flags: &[&Option<HttpUrl>]) -> Result<Option<Self>> {
        let is_named = paths.config.is_some();
        let paths = StackPaths::new(paths);
        if !is_named && flags.iter().all(|flag| flag.is_some()) && !paths.config.exists() {
            return Ok(Some(Self { paths, plan: None }));
        }
        let loaded = load(&paths)?;
        if loaded.stack.is_none() {
            loaded.print_report()?;
        }
        Ok(loaded.stack.map(|stack| Self { paths, plan: Some(stack.plan) }))
    }

    /// Where a program is asked. The error is for people: what is missing, and on the second line the help.
    pub(super) fn address(&self, facts: &Program, flag: Option<&HttpUrl>) -> Result<HttpUrl, String> {
        address(self.plan.as_ref(), facts, flag)
    }

    /// Says that a program cannot be asked, and what to do. Of a program that a flag names, nothing is known.
    pub(super) fn note_unreached(&self, facts: &Program, is_flag: bool, why: &Unreached) -> Result<()> {
        let help = reach(facts, is_flag, &self.compose("up -d --wait"));
        note(&format!("error: {}\nhelp: {help}\n", why.message))
    }

    /// `docker compose -f … ARGS`
    pub(super) fn compose(&self, args: &str) -> String {
        compose(&self.paths, args)
    }
}

/// Where a program of the stack is asked.
pub(super) fn address(
    plan: Option<&Plan>,
    facts: &Program,
    flag: Option<&HttpUrl>,
) -> Result<HttpUrl, String> {
    match (flag, plan) {
        (Some(url), _) => Ok(url.clone()),
        (None, Some(plan)) if plan.door.is_none() => plan.external_url(facts).parse(),
        (None, _) => Err(format!(
            "{} is not published: it stands behind the front door of `access`, which wants TLS and a user\n\
             say where it is asked without the door, from where that can be reached: `--{} http://HOST:{}`",
            title(facts),
            facts.name,
            facts.port
        )),
    }
}

/// What to do where a program does not answer.
pub(super) fn reach(facts: &Program, is_flag: bool, start: &str) -> String {
    if is_flag {
        return format!("look at `--{}`", facts.name);
    }
    format!("start the stack: `{start}`; or say where it is: `--{} URL`", facts.name)
}

/// `docker compose -f … ARGS`
pub(super) fn compose(paths: &StackPaths, args: &str) -> String {
    let file = paths.out.join("docker-compose.yml");
    format!("{} {args}", apply::compose(&file.to_string_lossy()))
}

/// A program's name as people write it.
pub(super) fn title(facts: &Program) -> &'static str {
    if facts == &ALERTMANAGER { "Alertmanager" } else { "Prometheus" }
}
