//! The draft of an engine's file, made of what a page shows. It loads, renders and passes its rule tests as it is; what
//! could not be told stands in it as comments.

use std::collections::BTreeMap;

use super::guess::{self, Guess};
use super::{Exposition, Kind, Shown};
use crate::catalog::alerts::AlertEntry;
use crate::catalog::units;
use crate::catalog::vocabulary::{Shape, WORDS};
use crate::templates::yaml_text;
use crate::values::check_label_name;

/// Where a page is from.
pub struct Origin {
    /// What the server is called, for people.
    pub title: String,
    /// The address, or the file.
    pub place: String,
    pub port: u16,
    pub metrics_path: String,
    /// Labels that skymon gives every series itself.
    pub taken: &'static [&'static str],
}

pub struct Draft {
    pub text: String,
    /// The words that something on the page seems to answer.
    pub words: Vec<&'static str>,
}

/// So much of a help text tells what it is about.
const MAX_HELP: usize = 120;

impl Exposition {
    pub fn draft(&self, origin: &Origin) -> Draft {
        let guesses: Vec<Guess> =
            guess::words(self).into_iter().filter(|guess| is_plain(&guess.metric)).collect();
        let mut text = head(origin);
        text.push_str(&self.metrics_section(&guesses, origin));
        text.push_str(&traffic_section(&guesses));
        text.push_str(&vocabulary_section(&guesses));
        text.push_str(&self.alerts_section(&guesses));
        Draft { text, words: guesses.iter().map(|guess| guess.word).collect() }
    }

    fn metrics_section(&self, guesses: &[Guess], origin: &Origin) -> String {
        let used: BTreeMap<&str, &Guess> =
            guesses.iter().rev().map(|guess| (guess.metric.as_str(), guess)).collect();
        let mut text = String::from("\n# One entry for each metric that is read.\nmetrics:");
        text.push_str(if used.is_empty() { " {}\n" } else { "\n" });
        for (name, guess) in &used {
            text.push_str(&entry(name, &self.metrics[*name], guess, origin));
        }
        let others: Vec<String> = self
            .metrics
            .iter()
            .filter(|(name, _)| {
                !used.contains_key(name.as_str()) && is_plain(name) && !is_of_the_runtime(name)
            })
            .filter_map(|(name, shown)| other(name, shown, origin))
            .collect();
        if !others.is_empty() {
            text.push_str(
                "\n# Shown too, so that `validate` knows them. What answers a word below: move it up, as `NAME: {type: …, unit: …}`.\n\
                 others:\n",
            );
            text.extend(others);
        }
        text
    }

    /// A threshold beyond the largest bucket would never be reached.
    fn alerts_section(&self, guesses: &[Guess]) -> String {
        let mut text = String::new();
        for alert in AlertEntry::all() {
            let Some(guess) = guesses.iter().find(|guess| Some(guess.word) == alert.of.as_deref()) else {
                continue;
            };
            let buckets = &self.metrics[&guess.metric].buckets;
            let seconds = |bound: f64| bound / scale(guess.unit);
            let threshold =
                alert.threshold.as_ref().zip(alert.unit).and_then(|(text, unit)| unit.parse(text).ok());
            let Some(largest) = buckets.last().map(|bound| seconds(*bound)) else { continue };
            if threshold.is_none_or(|threshold| threshold < largest) {
                continue;
            }
            // The last but one is the last that something can be seen to lie beyond.
            let below = buckets.iter().rev().nth(1).map_or(0.0, |bound| seconds(*bound));
            let below = if below < 0.001 { largest / 2.0 } else { below };
            let below = (below * 1000.0).round() / 1000.0;
            text.push_str(&format!("  {}: {{threshold: {below}s}}\n", alert.name));
        }
        if text.is_empty() {
            return text;
        }
        format!("\n# Beyond the largest bucket nothing is measured.\nalerts:\n{text}")
    }
}

fn head(origin: &Origin) -> String {
    format!(
        "# Drafted by `skymon metrics import` from {}.\n\
         # What it says was guessed from names: look at each line. `docs/own-engines.md` tells what each key means.\n\
         title: {}\n\
         about: a server of our own\n\
         source: {}\n\
         # Where a replica shows its metrics.\n\
         port: {}\n\
         metrics_path: {}\n\
         # What answers 200 when it can serve.\n\
         # ready_path: /health\n\
         # What turns the metrics on.\n\
         enable: on by default\n",
        line(&origin.place),
        yaml_text(&line(&origin.title)),
        yaml_text(&line(&origin.place)),
        origin.port,
        yaml_text(&line(&origin.metrics_path)),
    )
}

/// A metric that is read.
fn entry(name: &str, shown: &Shown, guess: &Guess, origin: &Origin) -> String {
    let mut text = String::new();
    if !shown.help.is_empty() {
        text.push_str(&format!("  # {}\n", line(&shown.help)));
    }
    let kind = type_of(shown.kind).unwrap_or("gauge");
    text.push_str(&format!("  {name}:\n    type: {kind}\n    unit: {}\n", guess.unit));
    let labels = labels(shown, origin);
    if !labels.is_empty() {
        text.push_str(&format!("    labels: [{}]\n", labels.join(", ")));
    }
    if shown.kind == Kind::Histogram {
        let bounds: Vec<String> =
            shown.buckets.iter().map(|bound| format!("'{}'", units::le(*bound))).collect();
        text.push_str(&format!("    buckets: [{}]\n", bounds.join(", ")));
    }
    if let Some(status) = &guess.status {
        let (label, good, bad) = (&status.label, yaml_text(&status.good), yaml_text(&status.bad));
        text.push_str(&format!(
            "    # One series of each kind: what the rule tests feed.\n    series: [{{{label}: {good}}}, {{{label}: {bad}}}]\n"
        ));
    }
    text
}

/// A metric that nothing is known of, as a comment.
fn other(name: &str, shown: &Shown, origin: &Origin) -> Option<String> {
    let kind = type_of(shown.kind)?;
    let labels = labels(shown, origin);
    let labels = if labels.is_empty() { String::new() } else { format!(" labels: [{}]", labels.join(", ")) };
    let help = if shown.help.is_empty() { String::new() } else { format!(" {}", line(&shown.help)) };
    let comment = if labels.is_empty() && help.is_empty() { "" } else { "  #" };
    Some(format!("  {name}: {kind}{comment}{labels}{help}\n"))
}

fn labels<'a>(shown: &'a Shown, origin: &Origin) -> Vec<&'a str> {
    let is_own = |label: &&str| check_label_name(label).is_ok() && !origin.taken.contains(label);
    shown.labels.iter().map(String::as_str).filter(is_own).collect()
}

fn traffic_section(guesses: &[Guess]) -> String {
    let requests = guesses.iter().find(|guess| guess.word == "requests");
    let Some((requests, status)) = requests.and_then(|it| Some((it, it.status.as_ref()?))) else {
        return String::new();
    };
    let endpoint = requests.endpoint.map(|label| format!(", endpoint: {label}")).unwrap_or_default();
    format!(
        "\n# Whose labels tell its answers apart; drawn on the service's page.\n\
         traffic: {{metric: {}{endpoint}, status: {}}}\n",
        flow(&requests.metric),
        status.label
    )
}

fn vocabulary_section(guesses: &[Guess]) -> String {
    let mut text = String::from("\n# Where each word is read.\nvocabulary:");
    text.push_str(if guesses.is_empty() { " {}\n" } else { "\n" });
    for guess in guesses {
        let matchers = guess.matchers.as_ref();
        let matchers =
            matchers.map(|it| format!(", where: '{}'", it.replace('\'', "''"))).unwrap_or_default();
        text.push_str(&format!("  {}: {{metric: {}{matchers}}}\n", guess.word, flow(&guess.metric)));
    }
    let missing = WORDS.iter().filter(|word| !guesses.iter().any(|guess| guess.word == word.name));
    for (position, word) in missing.enumerate() {
        if position == 0 {
            text.push_str("  # Nothing on the page seemed to say these.\n");
        }
        let kind = match word.shape {
            Shape::Counter { .. } => "counter",
            Shape::Histogram => "histogram",
            Shape::Gauge(_) | Shape::StartTime => "gauge",
        };
        text.push_str(&format!("  # {}: {{metric: …}}  # {}; a {kind}\n", word.name, word.about));
    }
    text
}

fn type_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Counter => Some("counter"),
        Kind::Gauge | Kind::Unknown => Some("gauge"),
        Kind::Histogram => Some("histogram"),
        // Its quantiles cannot be added up.
        Kind::Summary => None,
    }
}

/// By how much a number in this unit is larger than one in seconds.
fn scale(unit: &str) -> f64 {
    match unit {
        "milliseconds" => 1e3,
        "microseconds" => 1e6,
        _ => 1.0,
    }
}

/// A name that can stand in PromQL without quotes.
fn is_plain(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':');
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// What a client library says of the process and its language.
fn is_of_the_runtime(name: &str) -> bool {
    ["process_", "python_", "go_", "promhttp_", "jvm_", "nodejs_"].iter().any(|start| name.starts_with(start))
}

/// Within braces a colon may be taken for the end of a key.
fn flow(name: &str) -> String {
    if name.contains(':') { format!("'{name}'") } else { name.to_owned() }
}

/// Text of somebody else's as one line, which can neither end a comment nor hold a control character.
fn line(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}') {
                ' '
            } else {
                c
            }
        })
        .take(MAX_HELP)
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
