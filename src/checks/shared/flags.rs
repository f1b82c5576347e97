//! The flags of the programs, release by release. The tables are data: one file for each program.

use std::collections::BTreeMap;

use crate::diagnostics::misspelt;
use crate::stack::Program;
use crate::values::prometheus_duration;

pub(crate) type Version = (u32, u32);

/// One flag of a program.
#[derive(Clone, Copy)]
pub(crate) struct Flag {
    /// It takes no value, and may be negated with `no-`.
    pub(crate) is_switch: bool,
    /// What its value is, where not everything is taken.
    pub(crate) kind: Option<Kind>,
    since: Option<Version>,
    /// The first release without it.
    pub(crate) until: Option<Version>,
}

/// What the value of a flag is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Duration,
    Format,
    Level,
    Number,
    Size,
    /// A number that is no fraction, also written as `0x10`.
    Whole,
}

impl Kind {
    fn named(word: &str) -> Option<Kind> {
        Some(match word {
            "duration" => Kind::Duration,
            "format" => Kind::Format,
            "level" => Kind::Level,
            "number" => Kind::Number,
            "size" => Kind::Size,
            "whole" => Kind::Whole,
            _ => return None,
        })
    }

    /// Whether any release takes a value: some have Go's durations, some those of Prometheus.
    pub(crate) fn takes(self, value: &str) -> bool {
        match self {
            Kind::Duration => {
                value == "0"
                    || prometheus_duration(value).is_some()
                    || is_made_of(value, |unit| GO_UNITS.contains(&unit))
            }
            // In old releases with where the log goes.
            Kind::Format => ["json", "logfmt"].contains(&value) || value.starts_with("logger:"),
            Kind::Level => {
                ["debug", "error", "fatal", "info", "warn"].contains(&value.to_lowercase().as_str())
            }
            // A fraction in Go's hexadecimal notation has its exponent behind a `p`.
            Kind::Number => {
                together(value).is_some_and(|number| number.parse::<f64>().is_ok())
                    || value.starts_with("0x") && value.contains('p')
            }
            Kind::Whole => {
                let has_base = ["0b", "0o", "0x"].iter().any(|base| value.starts_with(base));
                has_base || together(value).is_some_and(|number| number.parse::<i64>().is_ok())
            }
            Kind::Size => value == "0" || is_made_of(value, is_bytes),
        }
    }

    /// What to write.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Kind::Duration => "a duration with its unit, such as `15m`",
            Kind::Format => "`logfmt` or `json`",
            Kind::Level => "`debug`, `info`, `warn` or `error`",
            Kind::Number => "a number without a unit",
            Kind::Whole => "a whole number without a unit",
            Kind::Size => "a size with its unit, such as `512MB`",
        }
    }
}

/// A number without the `_` that may stand between two of its digits; `None` where one stands elsewhere.
fn together(number: &str) -> Option<String> {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let mut parts = number.split('_');
    let mut whole = parts.next()?.to_owned();
    for part in parts {
        if !digit(whole.chars().last()) || !digit(part.chars().next()) {
            return None;
        }
        whole += part;
    }
    Some(whole)
}

const GO_UNITS: [&str; 10] = ["ns", "us", "µs", "ms", "s", "m", "h", "d", "w", "y"];

fn is_bytes(unit: &str) -> bool {
    let multiple = unit.strip_suffix('B').map(|unit| unit.strip_suffix('i').unwrap_or(unit));
    multiple.is_some_and(|one| ["", "E", "G", "K", "M", "P", "T"].contains(&one))
}

/// Numbers with units behind them, in any order.
fn is_made_of(text: &str, is_unit: impl Fn(&str) -> bool) -> bool {
    let mut rest = text.trim_start_matches(['-', '+']);
    let mut is_one = false;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        if unit.len() == rest.len() || !is_unit(&unit[..end]) {
            return false;
        }
        is_one = true;
        rest = &unit[end..];
    }
    is_one
}

impl Flag {
    pub(crate) fn is_in(&self, version: Version) -> bool {
        self.since.is_none_or(|since| since <= version) && self.until.is_none_or(|until| version < until)
    }
}

/// The flags of one program.
pub(crate) struct Flags(pub(crate) BTreeMap<&'static str, Flag>);

impl Flags {
    /// `None` for what has no table, and for releases that the table does not cover.
    pub(crate) fn of(program: Program, version: Version) -> Option<Flags> {
        let table = match program {
            Program::Prometheus => include_str!("flags/prometheus.txt"),
            Program::Alertmanager => include_str!("flags/alertmanager.txt"),
            Program::Blackbox => include_str!("flags/blackbox.txt"),
            Program::NodeExporter => include_str!("flags/node.txt"),
            _ => return None,
        };
        let mut lines = table.lines().filter(|line| !line.starts_with("//!"));
        let mut covered = lines.next()?.split(' ').skip(1).filter_map(parse);
        let is_covered = (covered.next()?..=covered.next()?).contains(&version);
        is_covered.then(|| Flags(lines.filter_map(flag).collect()))
    }

    /// A flag by its name, and by `no-` before it.
    pub(crate) fn get(&self, name: &str) -> Option<Flag> {
        let negated = || self.0.get(name.strip_prefix("no-")?).filter(|flag| flag.is_switch);
        self.0.get(name).or_else(negated).copied()
    }
}

/// The feature that was meant by a word that is none in any release. A word that is not near one may be newer.
pub(crate) fn misspelt_feature(program: Program, word: &str) -> Option<&'static str> {
    let owner = match program {
        Program::Prometheus => "prometheus ",
        Program::Alertmanager => "alertmanager ",
        _ => return None,
    };
    let known = || include_str!("flags/features.txt").lines().filter_map(|line| line.strip_prefix(owner));
    if known().any(|one| one == word) {
        return None;
    }
    let plain = word.trim().to_lowercase().replace('_', "-");
    known().find(|one| *one == plain).or_else(|| misspelt(&plain, known()))
}

/// `name bool since=2.1 until=3.0`, `name duration`
fn flag(line: &'static str) -> Option<(&'static str, Flag)> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let mut flag = Flag { is_switch: false, kind: None, since: None, until: None };
    for word in words {
        match word.split_once('=') {
            Some(("since", version)) => flag.since = parse(version),
            Some(("until", version)) => flag.until = parse(version),
            _ if word == "bool" => flag.is_switch = true,
            _ => flag.kind = Kind::named(word),
        }
    }
    Some((name, flag))
}

fn parse(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
