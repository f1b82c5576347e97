//! Whether what is written in a file is what runs. A running program shows its whole configuration: with all defaults, times
//! and sizes as it writes them, paths as it opens them, secrets hidden. So each value that is *written* is looked for.

use std::collections::BTreeSet;

use crate::source::{At, Node};
use crate::values::prometheus_duration;

/// A value that does not run.
pub(super) struct Difference {
    pub(super) at: At,
    pub(super) key: String,
    /// What runs in its place, where that may be shown.
    pub(super) running: Option<String>,
}

/// Keys that the program itself rewrites into others.
const REWRITTEN: [&str; 4] =
    ["bearer_token", "bearer_token_file", "scrape_classic_histograms", "convert_classic_histograms_to_nhcb"];
/// Lists of conditions: the program writes them in its own way and order.
const MATCHERS: [&str; 3] = ["matchers", "source_matchers", "target_matchers"];
/// The names by which entries of a list are known.
const NAMES: [&str; 2] = ["job_name", "name"];
/// Keys whose values may be shown. Times and numbers may be under any key.
const SHOWN: [&str; 12] = [
    "action",
    "evaluation_interval",
    "group_by",
    "metrics_path",
    "names",
    "receiver",
    "regex",
    "replacement",
    "rule_files",
    "scheme",
    "target_label",
    "targets",
];

pub(super) fn between(written: &Node, running: Option<&Node>, key: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(written, running, key, &mut found);
    found
}

fn compare(written: &Node, running: Option<&Node>, key: &str, found: &mut Vec<Difference>) {
    if REWRITTEN.contains(&key) {
        return;
    }
    let Some(running) = running else {
        if !is_zero(written) {
            found.push(Difference { at: written.name_at(), key: key.to_owned(), running: None });
        }
        return;
    };
    if MATCHERS.contains(&key) {
        if conditions(written) != conditions(running) {
            found.push(Difference { at: written.name_at(), key: key.to_owned(), running: None });
        }
    } else if written.is_map() {
        for (name, below) in written.entries() {
            compare(&below, entry(running, &name).as_ref(), &name, found);
        }
    } else if written.is_list() {
        list(written, running, key, found);
    } else if let Some(text) = written.text() {
        let runs = running.texts();
        let is_left_out = runs.is_empty() && is_zero(written);
        if !is_left_out && !runs.iter().any(|runs| is_same(text, runs)) {
            let shown = runs.first().map(|runs| runs.value.clone());
            let shown = shown.filter(|text| SHOWN.contains(&key) || is_measure(text));
            found.push(Difference { at: written.at(), key: key.to_owned(), running: shown });
        }
    }
}

fn list(written: &Node, running: &Node, key: &str, found: &mut Vec<Difference>) {
    let (items, others) = (written.items(), running.items());
    for (at, item) in items.iter().enumerate() {
        let other = match name(item) {
            Some(wanted) => others.iter().find(|other| name(other).as_ref() == Some(&wanted)),
            None => others.get(at),
        };
        compare(item, other, key, found);
    }
    if others.len() > items.len() {
        found.push(Difference { at: written.name_at(), key: key.to_owned(), running: None });
    }
}

fn name(item: &Node) -> Option<String> {
    NAMES.iter().find_map(|key| Some(item.get(key)?.text()?.to_owned()))
}

/// Alertmanager writes the names of headers with capitals.
fn entry(running: &Node, name: &str) -> Option<Node> {
    running.get(name).or_else(|| {
        let mut entries = running.entries().into_iter();
        entries.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, node)| node)
    })
}

/// What a program leaves out when it shows its configuration.
fn is_zero(node: &Node) -> bool {
    match node.text() {
        Some(text) => {
            matches!(text.trim(), "" | "false" | "no" | "off")
                || is_variable(text)
                || number(text) == Some(0.0)
        }
        None => node.items().iter().all(is_zero) && node.entries().iter().all(|(_, below)| is_zero(below)),
    }
}

/// Something puts another value in its place before the program reads it.
fn is_variable(text: &str) -> bool {
    let is_name = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase());
    text.contains("${") || text.contains("$(") || text.split('$').skip(1).any(is_name)
}

fn is_same(written: &str, running: &str) -> bool {
    let (written, running) = (written.trim(), running.trim());
    let is_hidden = || running.contains("<secret>") || running.contains(":xxxxx@");
    // A path is written from the file's folder, and runs from the top.
    let is_path = || running.ends_with(&format!("/{}", written.trim_start_matches("./")));
    let is_measured = || {
        let length = (prometheus_duration(written), prometheus_duration(running));
        let size = (size(written), size(running));
        matches!(length, (Some(a), Some(b)) if a == b)
            || matches!(size, (Some(a), Some(b)) if (a - b).abs() < f64::EPSILON)
    };
    let is_url = || matches!((url::Url::parse(written), url::Url::parse(running)), (Ok(a), Ok(b)) if a == b);
    written.eq_ignore_ascii_case(running)
        || is_variable(written)
        || is_hidden()
        || is_truth(written).is_some_and(|truth| Some(truth) == is_truth(running))
        || is_path()
        || is_measured()
        || is_url()
}

fn is_truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn is_measure(text: &str) -> bool {
    prometheus_duration(text).is_some() || size(text).is_some()
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// `50MB` and `50MiB` are the same to Prometheus.
fn size(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let times = match text[digits..].trim_end_matches('B').trim_end_matches('i') {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    Some(number(&text[..digits])? * 1024f64.powi(times))
}

/// Each condition without what it may be written with.
fn conditions(node: &Node) -> BTreeSet<String> {
    let plain =
        |text: &str| text.chars().filter(|c| !c.is_whitespace() && !"\"{}".contains(*c)).collect::<String>();
    node.texts()
        .iter()
        .map(|text| plain(text))
        .flat_map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Document, SourceFile};

    fn keys(written: &str, running: &str) -> Vec<String> {
        let root = |text: &str| Document::yaml(SourceFile::new("x.yml", text)).0.root();
        between(&root(written), Some(&root(running)), "").into_iter().map(|one| one.key).collect()
    }

    #[test]
    fn what_a_program_writes_otherwise_is_the_same() {
        let written = "{a: 90m, b: 50MB, c: rules/*.yml, d: yes, e: hunter2, f: '${HOST}', k: $HOST, g: http://x, h: false, i: Replace, \
                       j: [], password: x, matchers: ['b = \"2\"', 'a=1'], bearer_token: x, subject: s}";
        let running = "{a: 1h30m, b: 50MiB, c: /etc/prometheus/rules/*.yml, d: true, e: <secret>, f: h, k: h, g: 'http://x/', \
                       i: replace, password: <secret>, matchers: ['a=\"1\"', 'b=\"2\"'], Subject: s, more: 1}";
        assert_eq!(keys(written, running), Vec::<String>::new());
    }

    #[test]
    fn what_is_written_and_does_not_run_is_found() {
        assert_eq!(keys("{a: 15s, b: {c: x}, d: 1}", "{a: 1m, b: {c: y}}"), ["a", "c", "d"]);
        assert_eq!(keys("{l: [1, 2]}", "{l: [1, 3]}"), ["l"]);
        assert_eq!(keys("{l: [1]}", "{l: [1, 3]}"), ["l"]);
        let named = "{r: [{name: b, x: 1}, {name: a, x: 2}]}";
        assert_eq!(keys(named, "{r: [{name: a, x: 2}, {name: b, x: 1}]}"), Vec::<String>::new());
        assert_eq!(keys(named, "{r: [{name: a, x: 3}, {name: c, x: 1}]}"), ["r", "x"]);
        assert_eq!(keys("{matchers: [a=1]}", "{matchers: ['a=\"2\"']}"), ["matchers"]);
    }
}
