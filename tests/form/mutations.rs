//! Slips of the hand in files that are valid: a letter too many, a line that is gone, an indentation that is off. Made of each
//! line in its turn, not chosen.

use std::ops::RangeInclusive;

use skymon::checks;
use skymon::diagnostics::{Place, Severity};
use skymon::forms::Form;

use crate::support::memory;

/// The form, the file of the corpus, and what it is called in a stack.
pub(crate) const CORPUS: [(Form, &str, &str); 6] = [
    (Form::Prometheus, "prometheus.yml", "prometheus.yml"),
    (Form::Alertmanager, "alertmanager.yml", "alertmanager.yml"),
    (Form::Rules, "rules.yml", "rules/a.yml"),
    (Form::RuleTests, "rule-tests.yml", "rule-tests.yml"),
    (Form::Blackbox, "blackbox.yml", "blackbox.yml"),
    (Form::Compose, "compose.yml", "compose.yml"),
];

/// What says that a file does not have its form.
pub(crate) const OF_FORM: [&str; 10] = [
    "alias-loop",
    "duplicate-key",
    "given-twice",
    "key-not-text",
    "missing-key",
    "more-than-one-document",
    "too-deep",
    "unknown-key",
    "wrong-type",
    "yaml-syntax",
];

/// The programs that read the files, where the file itself is no compose file.
const AROUND: &str = "services:
  prometheus: {image: \"prom/prometheus:v3.5.0\", volumes: [\"./:/etc/prometheus:ro\"]}
  alertmanager: {image: \"prom/alertmanager:v0.28.1\", volumes: [\"./:/etc/alertmanager:ro\"]}
  blackbox:
    image: prom/blackbox-exporter:v0.27.0
    command: [--config.file=/etc/blackbox/blackbox.yml]
    volumes: [\"./:/etc/blackbox:ro\"]
";

pub(crate) struct Slip {
    pub(crate) what: String,
    pub(crate) text: String,
    /// The line it happened on, from 1.
    pub(crate) line: usize,
}

/// Two slips for each line that says something, other ones with the next line.
pub(crate) fn of(text: &str) -> Vec<Slip> {
    let lines: Vec<&str> = text.lines().collect();
    let mut slips = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let said = line.trim_start();
        if said.is_empty() || said.starts_with(['#', '%']) || said.starts_with("---") || said == "..." {
            continue;
        }
        for turn in [at * 2, at * 2 + 1, at * 2 + 5] {
            if let Some((what, changed)) = slip(line, turn) {
                let with: Vec<&str> = lines[..at]
                    .iter()
                    .copied()
                    .chain(changed.lines())
                    .chain(lines[at + 1..].iter().copied())
                    .collect();
                slips.push(Slip { what: what.to_owned(), text: with.join("\n") + "\n", line: at + 1 });
            }
        }
    }
    slips
}

/// What people write where something else is wanted.
const VALUES: [&str; 37] = [
    "\"\"",
    "-1",
    "0",
    "1h30",
    "5 m",
    "1.5h",
    "5",
    "-5m",
    "0s",
    "abc",
    "[]",
    "{}",
    "{a: b}",
    "~",
    "true",
    "\"(\"",
    "\"a b\"",
    "http://",
    "\"://x\"",
    "1e3",
    "99999999999999999999",
    "café",
    "\":80\"",
    "a:b:c",
    "1.5",
    "\"a=~(\"",
    "\"a-b\"",
    "\"1a\"",
    "\"*a\"",
    "host:99999",
    "1d",
    "5x",
    "/x",
    "\"=\"",
    "a=b",
    "\"up ==\"",
    "\"rate(up)\"",
];

/// Other values for each that stands alone on its line, in turns: what no key wants, and what some keys want.
pub(crate) fn values_of(text: &str) -> Vec<Slip> {
    let lines: Vec<&str> = text.lines().collect();
    let mut slips = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let said = line.trim_start();
        let before = match (line.split_once(": "), said.strip_prefix("- ")) {
            (Some((key, value)), _) if !said.starts_with('#') && !value.is_empty() => &line[..key.len() + 2],
            (None, Some(item)) => &line[..line.len() - item.len()],
            _ => continue,
        };
        // A text of several lines goes on below, and an anchor is asked for further down.
        if before.contains(['{', '['])
            || line.ends_with(['|', '>', '-'])
            || line[before.len()..].starts_with('&')
        {
            continue;
        }
        for turn in 0..6 {
            let value = VALUES[(at * 7 + turn * 11) % VALUES.len()];
            let mut with: Vec<&str> = lines.clone();
            let changed = format!("{before}{value}");
            with[at] = &changed;
            slips.push(Slip { what: format!("`{value}`"), text: with.join("\n") + "\n", line: at + 1 });
        }
    }
    slips
}

fn slip(line: &str, turn: usize) -> Option<(&'static str, String)> {
    let key = line.find(": ").or_else(|| line.ends_with(':').then(|| line.len() - 1));
    let value = || {
        let (before, after) = line.split_once(": ")?;
        (!after.is_empty()).then_some((before, after))
    };
    Some(match turn % 11 {
        0 => ("a letter too many", format!("{}x{}", &line[..key?], &line[key?..])),
        1 => ("gone", String::new()),
        2 => ("a space too many", format!(" {line}")),
        3 => ("twice", format!("{line}\n{line}")),
        4 => ("in brackets", format!("{}: [{}]", value()?.0, value()?.1)),
        5 => ("a map", format!("{}: {{nosuch: 1}}", value()?.0)),
        6 => ("a word", format!("{}: no such word", value()?.0)),
        7 => ("an open quote", format!("{}: \"{}", value()?.0, value()?.1)),
        8 => ("no colon", line.replacen(": ", " ", 1)),
        9 => ("a tab", format!("\t{line}")),
        _ => ("nothing", format!("{}:", value()?.0)),
    })
}

/// Line and id of each error that `validate` shows in a file of a stack.
pub(crate) fn errors_in(file: &str, text: &str) -> Vec<(usize, String)> {
    let mut files = vec![(file, text)];
    if file != "compose.yml" {
        files.push(("docker-compose.yml", AROUND));
    }
    if file.starts_with("rules/") {
        files.push(("prometheus.yml", "rule_files: [rules/*.yml]\n"));
    }
    let report = checks::run(&memory::stack(files), &[]);
    let errors = report.iter().filter(|finding| finding.severity == Severity::Error);
    errors
        .filter_map(|finding| match &finding.labels.first()?.place {
            Place::Span { file: name, range } if name == file => {
                let line = text[..range.start.min(text.len())].matches('\n').count() + 1;
                Some((line, finding.id.to_owned()))
            }
            _ => None,
        })
        .collect()
}

/// The lines that a reader looks at with one of them: what it stands in, from its head to where the next one begins.
pub(crate) fn block(text: &str, line: usize) -> RangeInclusive<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let own = lines.get(line - 1).map_or(0, |line| indent(line));
    let is_less = |line: &&str| !line.trim().is_empty() && indent(line) < own;
    let start = lines[..line.min(lines.len())].iter().rposition(is_less).map_or(1, |at| at + 1);
    let end = lines.iter().skip(line).position(is_less).map_or(lines.len() + 1, |at| line + at + 1);
    start..=end
}
