//! A flag that this version of a program does not take: it ends at once, and is started again, for ever.

use super::Check;
use super::shared::flags::{Flag, Flags, Version, misspelt_feature};
use crate::diagnostics::{Diagnostic, Report, Severity, nearest, shortened};
use crate::source::Spanned;
use crate::stack::{Program, Service, Stack};

pub(super) const CHECK: Check = Check { id: "flag-refused", severity: Severity::Error, run };

/// The flag that takes a list of words.
const FEATURES: &str = "enable-feature";

/// What took the place of a flag that is gone.
const REPLACED: [(&str, &str); 5] = [
    ("storage.tsdb.retention", "storage.tsdb.retention.time"),
    ("collector.netdev.ignored-devices", "collector.netdev.device-exclude"),
    ("collector.netdev.device-blacklist", "collector.netdev.device-exclude"),
    ("collector.netdev.device-whitelist", "collector.netdev.device-include"),
    ("web.config", "web.config.file"),
];

fn run(stack: &Stack, report: &mut Report) {
    for (_, service) in stack.services() {
        // Another start may do with its words what it likes.
        let Some(program) = service.program.filter(|_| service.is_upstream()) else { continue };
        let Some(version) = service.image.as_ref().and_then(|image| image.version()) else { continue };
        if service.get("entrypoint").is_none()
            && let Some(flags) = Flags::of(program, version)
        {
            check(service, program, version, &flags, report);
        }
    }
}

fn check(service: &Service, program: Program, version: Version, flags: &Flags, report: &mut Report) {
    let mut words = service.words.iter().peekable();
    while let Some(word) = words.next() {
        let refused = |what: String, help: String| {
            CHECK.finding(what).at(word.place(), "the program ends, and is started again").help(help)
        };
        let called = format!("{} {}.{}", program.name(), version.0, version.1);
        let Some(flag) = word.strip_prefix("--") else {
            // What compose or the program puts in its place is not known.
            if word.contains("${") || word.starts_with('@') || word.value == "-h" {
                return;
            }
            let help = match word.strip_prefix('-') {
                Some(name) => format!("write it with two dashes: `--{name}`"),
                None if word.trim() != word.value => {
                    "a `\\` at the end of a line is for a shell: without it the lines are words of their own"
                        .to_owned()
                }
                None => "remove it, or write it as the value of a flag: `--flag=value`".to_owned(),
            };
            report.push(refused(format!("{called} refuses `{}`: it is no flag", word.trim()), help));
            continue;
        };
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        if name.is_empty() || name.contains("${") || is_question(name) {
            return;
        }
        match flags.get(name) {
            Some(known) if !known.is_in(version) => {
                let (what, help) = outdated(name, value, known, version, &called);
                report.push(refused(what, help));
                skip_value(known, value, &mut words);
            }
            Some(known) if known.is_switch && value.is_some() => report.push(refused(
                format!("{called} refuses `--{name}` with a value: it is on or off"),
                match value {
                    Some("false" | "0" | "no") => format!("write `--no-{name}`"),
                    _ => format!("write `--{name}`"),
                },
            )),
            Some(known) if !known.is_switch && value.is_none() => {
                match words.peek() {
                    Some(next) if name == FEATURES => features(program, &called, next, next, report),
                    Some(next) if !next.starts_with('-') => report.extend(
                        wrong_value(known, name, next)
                            .map(|(what, help)| refused(format!("{called} {what}"), help)),
                    ),
                    _ => {
                        let what = format!("{called} wants a value after `--{name}`");
                        report.push(refused(what, format!("write `--{name}=<value>`")));
                    }
                }
                skip_value(known, value, &mut words);
            }
            Some(_) if name == FEATURES => {
                features(program, &called, word, value.unwrap_or_default(), report);
            }
            Some(known) => report.extend(
                wrong_value(known, name, value.unwrap_or_default())
                    .map(|(what, help)| refused(format!("{called} {what}"), help)),
            ),
            None => {
                let known = flags.0.iter().filter(|(_, flag)| flag.is_in(version)).map(|(name, _)| *name);
                let help = match nearest(name, known) {
                    Some(near) => format!("did you mean `--{near}`?"),
                    None => "remove it".to_owned(),
                };
                report.push(refused(format!("{called} has no flag `--{name}`"), help));
                // Its value, if it has one, is part of the same fault.
                words.next_if(|next| value.is_none() && !next.starts_with('-'));
            }
        }
    }
}

/// Words of `--enable-feature` that are nearly features: Alertmanager ends, Prometheus says so in its log and goes on.
fn features(program: Program, called: &str, at: &Spanned<String>, value: &str, report: &mut Report) {
    for feature in value.split(',').filter(|one| !one.contains('$')) {
        let Some(meant) = misspelt_feature(program, feature) else { continue };
        let (severity, outcome) = match program {
            Program::Alertmanager => (Severity::Error, "the program ends, and is started again"),
            _ => (Severity::Warning, "it stays off, and only the log says so"),
        };
        report.push(
            Diagnostic::new(CHECK.id, severity, format!("{called} has no feature `{feature}`"))
                .at(at.at.part(feature).place(), outcome)
                .help(format!("write `--{FEATURES}={meant}`")),
        );
    }
}

/// A value that is nothing of what the flag wants.
fn wrong_value(flag: Flag, name: &str, value: &str) -> Option<(String, String)> {
    let kind = flag.kind.filter(|kind| !flag.is_switch && !value.contains('$') && !kind.takes(value))?;
    let what = format!("refuses `--{name}={}`", shortened(value));
    Some((what, format!("write {}", kind.example())))
}

fn skip_value<'w>(
    flag: Flag,
    value: Option<&str>,
    words: &mut std::iter::Peekable<impl Iterator<Item = &'w Spanned<String>>>,
) {
    if !flag.is_switch && value.is_none() {
        words.next_if(|next| !next.starts_with('-'));
    }
}

fn outdated(name: &str, value: Option<&str>, flag: Flag, version: Version, called: &str) -> (String, String) {
    let Some((major, minor)) = flag.until.filter(|until| *until <= version) else {
        let what = format!("{called} has no flag `--{name}` yet");
        return (what, "take a newer version of the image, or remove the flag".to_owned());
    };
    let what = format!("{called} has no flag `--{name}` any more: it went with {major}.{minor}");
    let help = match REPLACED.iter().find(|(old, _)| *old == name) {
        Some((_, new)) => format!("write `--{new}={}`", value.unwrap_or("<value>")),
        None => "remove it".to_owned(),
    };
    (what, help)
}

/// Flags after which a program says something and ends.
fn is_question(name: &str) -> bool {
    matches!(name, "help" | "help-long" | "help-man" | "version") || name.starts_with("completion-")
}
