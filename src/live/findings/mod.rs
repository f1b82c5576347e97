//! What the running programs say, held against the files of the stack. Apart from the checks, which see the files alone: here
//! every finding is about this moment, and may be gone in the next.

mod clocks;
mod configuration;
mod differences;
mod evaluation;
mod metrics;
mod pages;
mod receivers;
mod rules;
mod targets;

use anyhow::Result;

pub use self::clocks::clocks;
pub use self::pages::{ids, page};
use super::{Alertmanager, Prometheus, Unreached};
use crate::diagnostics::{Diagnostic, Place, Report};
use crate::plan::Plan;
use crate::source::Node;
use crate::stack::{self, Stack};
use crate::values::HttpUrl;

/// What the answers are held against.
pub struct Expected<'a> {
    pub stack: &'a Stack,
    /// Of a stack that skymon renders: it knows the engines behind the targets.
    pub plan: Option<&'a Plan>,
    pub reload: Reload,
}

/// The commands that have the programs take up their files.
pub struct Reload {
    pub prometheus: String,
    pub alertmanager: String,
}

/// Where a program cannot be asked, and why.
pub fn unreached(why: &Unreached, help: String) -> Diagnostic {
    if why.is_other {
        Diagnostic::error("not-the-program", &*why.message).help(help)
    } else {
        Diagnostic::error("not-reached", &*why.message).help(help)
    }
}

/// Where nobody knows whom to ask: why, and on the second line what to do.
pub fn unknown_address(why: &str) -> Diagnostic {
    Diagnostic::from_words("no-address", why)
}

/// Whether a finding says that somebody could not be asked: of what they would have said nothing is known.
pub fn is_unasked(finding: &Diagnostic) -> bool {
    matches!(finding.id, "another-stack" | "no-address" | "no-answer" | "not-reached" | "not-the-program")
}

/// Everything that a Prometheus says of itself and of what it watches.
pub fn prometheus(
    expected: &Expected<'_>,
    file: &stack::Prometheus,
    url: &HttpUrl,
    running: &Prometheus,
    report: &mut Report,
) {
    let asked = ask_prometheus(expected, file, url, running, report);
    no_answer("Prometheus", url, asked, report);
}

fn ask_prometheus(
    expected: &Expected<'_>,
    file: &stack::Prometheus,
    url: &HttpUrl,
    running: &Prometheus,
    report: &mut Report,
) -> Result<()> {
    let config = running.configuration()?;
    if let Some(message) = another(file, &config, url) {
        let help = format!(
            "name this stack's Prometheus with `--prometheus URL`; if it is this one, it runs without these files: `{}`",
            expected.reload.prometheus
        );
        let at = section(&file.root, "scrape_configs");
        report.push(Diagnostic::error("another-stack", message).at(at, "").help(help));
        return Ok(());
    }
    let is_refused = !running.has_loaded()?;
    let groups = running.groups()?;
    let targets = running.targets()?;
    if is_refused {
        // That an older one runs is why all else differs.
        configuration::refused("Prometheus", file.document.name(), &expected.reload.prometheus, report);
    } else {
        let differing = configuration::prometheus(expected, file, &config, running, report)?;
        rules::compare(expected, file, &groups, report);
        targets::follows(file, &targets, &differing, report);
    }
    targets::down(file, &targets, report);
    targets::probes(file, running, report)?;
    metrics::compare(expected, file, &targets, running, report)?;
    evaluation::compare(expected, file, &groups, running, report)
}

/// What an Alertmanager says of itself, and what Prometheus has seen of its integrations, where that one could be asked.
pub fn alertmanager(
    expected: &Expected<'_>,
    file: &stack::Alertmanager,
    url: &HttpUrl,
    running: &Alertmanager,
    history: Option<&(HttpUrl, Prometheus)>,
    report: &mut Report,
) {
    if configuration::is_other_alertmanager(file, &running.config) {
        let message = format!(
            "the Alertmanager at `{url}` is another than this stack's: it knows none of its receivers"
        );
        let help = format!(
            "name this stack's Alertmanager with `--alertmanager URL`; if it is this one, it runs without this file: `{}`",
            expected.reload.alertmanager
        );
        let at = section(&file.root, "receivers");
        report.push(Diagnostic::error("another-stack", message).at(at, "").help(help));
        return;
    }
    let asked = configuration::alertmanager(expected, file, running, report);
    no_answer("Alertmanager", url, asked, report);
    if let Some((url, prometheus)) = history {
        let asked = receivers::compare(file, prometheus, report);
        no_answer("Prometheus", url, asked, report);
    }
}

/// A program that was proven and then does not answer as one. What it said until then stands.
fn no_answer(program: &str, url: &HttpUrl, asked: Result<()>, report: &mut Report) {
    if let Err(error) = asked {
        report.push(
            Diagnostic::error("no-answer", format!("{program} at `{url}` cannot be asked on: {error:#}"))
                .help("look at its log, and run the command again"),
        );
    }
}

/// Whose Prometheus it is, if it is not this stack's: by the label that skymon gives each stack, or else by having none of
/// the file's jobs.
fn another(file: &stack::Prometheus, running: &stack::Prometheus, url: &HttpUrl) -> Option<String> {
    let own = file.external_label("stack");
    let other = running.external_label("stack");
    match (own, other) {
        (Some(own), Some(other)) if own == other => None,
        (Some(own), Some(other)) => {
            Some(format!("the Prometheus at `{url}` is of the stack `{other}`, not of `{own}`"))
        }
        _ => {
            let shares =
                file.jobs.iter().any(|job| running.jobs.iter().any(|one| one.name.value == job.name.value));
            (!shares && !file.jobs.is_empty()).then(|| {
                format!(
                    "the Prometheus at `{url}` is another than this stack's: it has none of its scrape jobs"
                )
            })
        }
    }
}

/// Where a section of a configuration stands, or else the whole of it.
fn section(root: &Node, key: &str) -> Place {
    root.get(key).as_ref().unwrap_or(root).name_at().place()
}

/// What a program says, on one line. Longer than a word of the user's may be: it is all that there is.
fn said(text: &str) -> String {
    const MAX: usize = 300;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
