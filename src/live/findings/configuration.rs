//! Whether a program runs the configuration that is in its file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::differences::{self, Difference};
use super::{Expected, section};
use crate::checks::list;
use crate::diagnostics::{Diagnostic, Report};
use crate::live::{Alertmanager, Prometheus};
use crate::source::Node;
use crate::stack;

/// Names the jobs that run otherwise than they are written.
pub(super) fn prometheus<'f>(
    expected: &Expected<'_>,
    file: &'f stack::Prometheus,
    config: &stack::Prometheus,
    running: &Prometheus,
    report: &mut Report,
) -> Result<BTreeSet<&'f str>> {
    let reload = &expected.reload.prometheus;
    let before = report.iter().count();
    let mut differing = BTreeSet::new();
    sections("Prometheus", &file.root, &config.root, &["scrape_configs"], reload, report);
    for job in &file.jobs {
        let Some(other) = config.jobs.iter().find(|other| other.name.value == job.name.value) else {
            differing.insert(job.name.as_str());
            report.push(
                not_loaded(format!("Prometheus does not run the job `{}`", job.name), reload)
                    .at(job.name.place(), "not in the configuration that runs"),
            );
            continue;
        };
        let differences = differences::between(&job.node, Some(&other.node), "");
        if !differences.is_empty() {
            differing.insert(job.name.as_str());
        }
        differ("Prometheus", &format!("the job `{}`", job.name), &differences, reload, report);
    }
    // Those of `scrape_config_files` are not in the file either.
    let is_known = |name: &str| file.jobs.iter().any(|job| job.name.value == name);
    let more: Vec<&str> =
        config.jobs.iter().map(|job| job.name.as_str()).filter(|name| !is_known(name)).collect();
    if !more.is_empty() && file.root.get("scrape_configs").is_some_and(|node| node.is_list()) {
        report.push(
            not_loaded(format!("Prometheus still runs {}, which the file does not have", list(more)), reload)
                .at(section(&file.root, "scrape_configs"), ""),
        );
    }
    if report.iter().count() == before {
        let loaded = running.loaded_at()?;
        newer("Prometheus", &[PathBuf::from(file.document.name())], loaded, running.clock, reload, report);
    }
    Ok(differing)
}

/// One that has none of the file's receivers.
pub(super) fn is_other_alertmanager(file: &stack::Alertmanager, running: &stack::Alertmanager) -> bool {
    !file.receivers.is_empty() && !file.receivers.iter().any(|one| running.receiver(&one.name).is_some())
}

pub(super) fn alertmanager(
    expected: &Expected<'_>,
    file: &stack::Alertmanager,
    running: &Alertmanager,
    report: &mut Report,
) -> Result<()> {
    let reload = &expected.reload.alertmanager;
    let metrics = running.metrics()?;
    if !metrics.has_loaded() {
        refused("Alertmanager", file.document.name(), reload, report);
        // Nothing else is known of what was read.
        return Ok(());
    }
    let has_read = metrics.has_read(&file.document.source.text);
    if has_read != Some(true) {
        let before = report.iter().count();
        let config = &running.config;
        let known = ["receivers", "time_intervals", "mute_time_intervals"];
        sections("Alertmanager", &file.root, &config.root, &known, reload, report);
        for receiver in &file.receivers {
            match config.receiver(&receiver.name) {
                Some(other) => {
                    let differences = differences::between(&receiver.node, Some(&other.node), "");
                    let what = format!("the receiver `{}`", receiver.name);
                    differ("Alertmanager", &what, &differences, reload, report);
                }
                None => report.push(
                    not_loaded(
                        format!("Alertmanager does not know the receiver `{}`", receiver.name),
                        reload,
                    )
                    .at(receiver.name.place(), "not in the configuration that runs"),
                ),
            }
        }
        // Where something fills in variables before Alertmanager reads it, the texts are never the same.
        let is_filled_in = file.document.source.text.contains("${");
        if has_read == Some(false) && report.iter().count() == before && !is_filled_in {
            report.push(
                Diagnostic::warning(
                    "config-changed",
                    "Alertmanager has read another text than this file's, and what it shows of it does not differ",
                )
                .at_file(file.document.name(), "")
                .help(format!("if it is more than a comment: `{reload}`")),
            );
        }
    }
    newer("Alertmanager", &templates(file), metrics.loaded_at(), running.clock, reload, report);
    Ok(())
}

pub(super) fn refused(program: &str, file: &str, reload: &str, report: &mut Report) {
    let message =
        format!("{program} has refused the configuration that it was last given, and runs an older one");
    report.push(
        Diagnostic::error("config-refused", message)
            .at_file(file, "")
            .help(format!("its log says what is wrong; mend it, then `{reload}`")),
    );
}

/// Everything at the top of a configuration but what is looked at by name.
fn sections(program: &str, file: &Node, running: &Node, but: &[&str], reload: &str, report: &mut Report) {
    for (key, node) in file.entries().into_iter().filter(|(key, _)| !but.contains(&key.as_str())) {
        let differences = differences::between(&node, running.get(&key).as_ref(), &key);
        differ(program, &format!("`{key}`"), &differences, reload, report);
    }
}

/// One finding for each section: where it begins to differ, and how often it goes on to.
fn differ(program: &str, what: &str, differences: &[Difference], reload: &str, report: &mut Report) {
    let Some(first) = differences.first() else { return };
    let mut message = format!("{program} runs {what} with another `{}` than the file says", first.key);
    match differences.len() - 1 {
        0 => {}
        1 => message.push_str("; 1 more value differs"),
        more => message.push_str(&format!("; {more} more values differ")),
    }
    let runs =
        first.running.as_ref().map_or_else(|| "does not run".to_owned(), |runs| format!("`{runs}` runs"));
    report.push(not_loaded(message, reload).at(first.at.place(), runs));
}

fn not_loaded(message: String, reload: &str) -> Diagnostic {
    Diagnostic::error("config-not-loaded", message)
        .help(format!("have it read its configuration again: `{reload}`"))
}

/// Files that were written after the program read them, where what is in them cannot be compared.
fn newer(
    program: &str,
    files: &[PathBuf],
    loaded: Option<f64>,
    clock: Option<f64>,
    reload: &str,
    report: &mut Report,
) {
    let (Some(loaded), Some(clock)) = (loaded, clock) else { return };
    // A header is good for a second, and a program takes its time to load.
    let Ok(loaded) = Duration::try_from_secs_f64(loaded - clock + 2.0) else { return };
    let loaded = SystemTime::UNIX_EPOCH + loaded;
    let is_newer = |path: &&PathBuf| {
        path.metadata().and_then(|meta| meta.modified()).is_ok_and(|written| written > loaded)
    };
    for path in files.iter().filter(is_newer) {
        let name = path.display().to_string();
        report.push(
            Diagnostic::note(
                "file-newer",
                format!("`{name}` was written after {program} had read its configuration, and it does not show what it read"),
            )
            .at_file(&name, "")
            .help(format!("if it runs on this machine, have it read the file: `{reload}`")),
        );
    }
}

/// The files of the notification templates, as far as they are known.
fn templates(file: &stack::Alertmanager) -> Vec<PathBuf> {
    let documents = file.templates.iter().filter_map(|one| one.files.as_ref()).flatten();
    documents.map(|document| PathBuf::from(document.name())).collect()
}
