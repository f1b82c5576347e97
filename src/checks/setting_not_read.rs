//! A variable for Grafana that is none of its settings, or has a value that it cannot read: Grafana passes over it.

use super::Check;
use crate::diagnostics::{Report, Severity, misspelt, nearest};
use crate::stack::{Program, Stack, Variable};

pub(super) const CHECK: Check = Check { id: "setting-not-read", severity: Severity::Warning, run };

/// Whatever follows is somebody else's to know: features, plugins, profiles.
const FREE: [&str; 6] = [
    "GF_AWS_",
    "GF_FEATURE_TOGGLES_",
    "GF_NAVIGATION_",
    "GF_PLUGIN_",
    "GF_SERVER_CUSTOM_RESPONSE_HEADERS_",
    "GF_SMTP_STATIC_HEADERS_",
];
/// What the image reads, and no section has.
const OF_IMAGE: [&str; 8] = [
    "GF_APP_MODE",
    "GF_DEFAULT_APP_MODE",
    "GF_DEFAULT_INSTANCE_NAME",
    "GF_INSTALL_IMAGE_RENDERER_PLUGIN",
    "GF_INSTALL_PLUGINS",
    "GF_INSTANCE_NAME",
    "GF_PATHS_CONFIG",
    "GF_PATHS_HOME",
];
/// What is on or off, in the spellings of Grafana's reader of its settings: it takes no other, not even `tRUE` or `Y`.
const BOOLS: [&str; 26] = [
    "1", "t", "T", "TRUE", "true", "True", "YES", "yes", "Yes", "y", "ON", "on", "On", "0", "f", "F",
    "FALSE", "false", "False", "NO", "no", "No", "n", "OFF", "off", "Off",
];

fn run(stack: &Stack, report: &mut Report) {
    for grafana in stack.running(Program::Grafana) {
        for variable in &grafana.environment {
            check(variable, report);
        }
    }
}

fn check(variable: &Variable, report: &mut Report) {
    let name = variable.name.strip_suffix("__FILE").unwrap_or(&variable.name);
    if !name.starts_with("GF_") || FREE.iter().any(|free| name.starts_with(free)) {
        return;
    }
    let Some(is_bool) = is_bool(name) else {
        let settings: Vec<String> = settings().collect();
        let known = settings.iter().map(String::as_str).chain(OF_IMAGE);
        if let Some(near) = misspelt(name, known) {
            report.push(
                CHECK
                    .finding(format!("Grafana has no setting `{}`", variable.name.value))
                    .at(variable.name.place(), "it is passed over")
                    .help(format!("did you mean `{near}`?")),
            );
        }
        return;
    };
    let Some(value) = variable.value.as_ref().filter(|_| is_bool && name == variable.name.value) else {
        return;
    };
    let word = value.trim();
    if word.is_empty() || word.contains('$') || BOOLS.contains(&word) {
        return;
    }
    let help = match nearest(word, ["true", "false"]) {
        Some(near) => format!("write `{near}`"),
        None => "write `true` or `false`".to_owned(),
    };
    report.push(
        CHECK
            .finding(format!("`{name}` is on or off, and Grafana cannot read `{word}`"))
            .at(value.place(), "its default is taken")
            .help(help),
    );
}

/// The settings of Grafana: each section with its keys, of which those with a `?` are on or off.
fn sections() -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'static str>)> {
    let lines = include_str!("setting_not_read/grafana.txt").lines().filter(|line| !line.starts_with("//!"));
    lines.map(|line| {
        let (section, keys) = line.split_once(' ').unwrap_or((line, ""));
        (section, keys.split(' '))
    })
}

/// The names of the variables of all settings.
fn settings() -> impl Iterator<Item = String> {
    sections()
        .flat_map(|(section, keys)| keys.map(move |key| format!("GF_{}_{}", upper(section), upper(key))))
}

/// Whether the setting of a variable is on or off. `None` where there is no such setting.
fn is_bool(variable: &str) -> Option<bool> {
    let name = variable.strip_prefix("GF_")?;
    sections().find_map(|(section, mut keys)| {
        let key = name.strip_prefix(&upper(section))?.strip_prefix('_')?;
        keys.find(|one| upper(one) == key).map(|one| one.ends_with('?'))
    })
}

/// A word as the name of a variable says it.
fn upper(word: &str) -> String {
    word.trim_end_matches('?').replace(['.', '-'], "_").to_ascii_uppercase()
}
