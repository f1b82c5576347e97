//! An engine that is scraped, and was started without its metrics.

use super::Check;
use super::engines::{Scraped, scraped};
use crate::diagnostics::{Report, Severity};
use crate::source::Spanned;
use crate::stack::{Service, Stack};

pub(super) const CHECK: Check = Check { id: "metrics-switched-off", severity: Severity::Error, run };

fn run(stack: &Stack, report: &mut Report) {
    for Scraped { engine, service, .. } in scraped(stack) {
        let place = service.image.as_ref().map_or(service.name.place(), Spanned::place);
        let title = &engine.title;
        let name = &service.name.value;
        if let Some(option) = engine.disabled_by.as_deref()
            && let Some(word) = service.words.iter().find(|word| says(word, option))
        {
            report.push(
                CHECK
                    .finding(format!("`{name}` is scraped, and `{option}` takes away its metrics"))
                    .at(word.at.part(option).place(), "no metrics with it")
                    .help("take it out"),
            );
        } else if let Some(option) = engine.enabled_by.as_deref()
            && is_started_here(service)
            && !service.words.iter().any(|word| says(word, option))
        {
            report.push(
                CHECK
                    .finding(format!("`{name}` is scraped, and {title} shows no metrics without `{option}`"))
                    .at(place, "started without it")
                    .help(format!("add `{option}` to its `command`")),
            );
        }
    }
}

/// Whether a word of the command, or a line of a script in it, has the option.
fn says(word: &str, option: &str) -> bool {
    word.split_whitespace()
        .any(|part| part == option || part.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')))
}

/// Whether all options of the server can be seen: none comes from a script, a file or the environment.
fn is_started_here(service: &Service) -> bool {
    let is_elsewhere = |word: &str| {
        word.contains(".sh")
            || word.contains("router")
            || word.contains('$')
            || word.starts_with('@')
            || word.contains("--config")
    };
    let sets_metrics = |name: &str| name.to_uppercase().contains("METRICS");
    service.words.iter().any(|word| word.contains("--"))
        && !service.words.iter().any(|word| is_elsewhere(word))
        && !service.has_env_file
        && !service.is_built
        && !service.environment.iter().any(|variable| sets_metrics(&variable.name))
}
