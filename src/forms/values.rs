//! Whether a single value is what the programs want there, as their readers of YAML see it.

use super::scalar::Scalar;
use super::{calendar, glob, url, zones};
use crate::promql::refused::{self, Problem, Reader, Refused};
use crate::promql::rule_tests;
use crate::source::Node;
use crate::values::prometheus_duration;

/// Whether a text is to be filled in by somebody before the program sees it: nobody knows what it will be.
pub(super) fn is_hole(text: &str) -> bool {
    let is_mark = |pair: &[u8]| matches!(pair, [b'{', b'{' | b'%'] | [b'<', b'%'] | [b'_', b'_']);
    text.contains('$') || text.as_bytes().windows(2).any(is_mark)
}

/// Why a value is refused, by the program's own reader of its language.
pub(super) struct Reason {
    pub(super) message: String,
    /// What is wrong in it; empty where it is all of it.
    pub(super) word: String,
    pub(super) help: String,
}

impl From<Refused> for Reason {
    fn from(refused: Refused) -> Reason {
        Reason { message: refused.message, word: refused.word, help: refused.help }
    }
}

/// `None` where it is taken, and where its kind has no language of its own.
pub(super) fn reason(kind: Scalar, text: &str) -> Option<Reason> {
    match kind {
        _ if is_hole(text) && !is_of_tests(kind) => None,
        Scalar::Url if text == PRINTED_SECRET => None,
        Scalar::Url | Scalar::AnyUrl => url::read(text).err(),
        Scalar::Location => zones::refused(text),
        Scalar::Series => rule_tests::of_series(text).map(Reason::from),
        Scalar::SeriesValues => rule_tests::of_values(text).map(Reason::from),
        Scalar::Histogram => rule_tests::of_histogram(text).map(Reason::from),
        Scalar::Labels => rule_tests::of_labels(text).map(Reason::from),
        Scalar::PromQl => expression(text),
        Scalar::Glob => glob::refused(text),
        Scalar::FileGlob => glob::refused(text).or_else(|| glob::of_names(text)),
        _ => None,
    }
}

/// Which version asks it is not known.
fn expression(text: &str) -> Option<Reason> {
    match refused::problem(text, &Reader::Prometheus { version: None, features: None })? {
        Problem::Refused(refused) => Some(refused.into()),
        Problem::Regex(pattern, refused) => {
            Some(Reason { message: refused.message.to_owned(), word: pattern, help: refused.help.to_owned() })
        }
    }
}

/// In the notation of rule tests, braces say something else than that a hole is filled.
fn is_of_tests(kind: Scalar) -> bool {
    matches!(kind, Scalar::Series | Scalar::SeriesValues | Scalar::Histogram | Scalar::Labels)
}

/// Whether a value that is written in one piece is of a kind.
pub(super) fn fits(kind: Scalar, node: &Node) -> bool {
    let Some(text) = node.text() else { return true };
    match kind {
        Scalar::Text | Scalar::Regex => true,
        _ if reason(kind, text).is_some() => false,
        _ if is_hole(text) => true,
        // Of these the reason was all.
        Scalar::AnyUrl
        | Scalar::FileGlob
        | Scalar::Glob
        | Scalar::Location
        | Scalar::PromQl
        | Scalar::Series
        | Scalar::SeriesValues
        | Scalar::Histogram
        | Scalar::Labels => true,
        Scalar::LabelName | Scalar::Filled => !text.is_empty(),
        Scalar::String => node.is_quoted() || !(is_number(text) || is_core_bool(text)),
        Scalar::Bool => !node.is_quoted() && is_bool(text),
        Scalar::Whole => !node.is_quoted() && is_number(text) && is_finite(text),
        Scalar::Count => !node.is_quoted() && is_number(text) && is_finite(text) && !text.starts_with('-'),
        Scalar::Number => !node.is_quoted() && is_number(text),
        Scalar::Duration => prometheus_duration(text).is_some(),
        // A number is none, and `0` is one without quotes.
        Scalar::GoDuration => is_go_duration(text, &GO_UNITS) && (text != "0" || node.is_quoted()),
        Scalar::LongDuration => is_go_duration(text, &LONG_UNITS),
        Scalar::Flag => is_flag(text),
        Scalar::Numeral => is_number(text),
        Scalar::Bytes => is_bytes(text),
        Scalar::Size => is_size(text),
        Scalar::Url => is_url(text),
        Scalar::Address => text.is_empty() || is_address(text),
        Scalar::Time => prometheus_duration(text).is_some_and(|time| !time.is_zero()),
        Scalar::Weekday => calendar::is_weekday(text),
        Scalar::Month => calendar::is_month(text),
        Scalar::DayOfMonth => calendar::is_day_of_month(text),
        Scalar::Year => calendar::is_year(text),
        Scalar::TimeOfDay => calendar::is_time_of_day(text),
        Scalar::TargetFile => is_target_file(text),
    }
}

/// What is wanted, in words.
pub(super) fn wanted(kind: Scalar) -> &'static str {
    match kind {
        Scalar::Text | Scalar::String => "text",
        Scalar::Regex => "a regular expression",
        Scalar::Bool | Scalar::Flag => "`true` or `false`",
        Scalar::Whole => "a whole number",
        Scalar::Count => "a whole number from 0",
        Scalar::Number | Scalar::Numeral => "a number",
        Scalar::Duration => "a duration such as `15s`",
        Scalar::GoDuration | Scalar::LongDuration => "a duration such as `5s`",
        Scalar::Size => "a size such as `10MB`",
        Scalar::Bytes => "a size such as `512m`",
        Scalar::Url => "a URL that begins with `http://` or `https://`",
        Scalar::AnyUrl => "a URL",
        Scalar::LabelName => "the name of a label",
        Scalar::Filled => "text that is not empty",
        Scalar::PromQl => "an expression",
        Scalar::Location => "a time zone such as `Europe/Berlin`",
        Scalar::Series => "a series such as `up{job=\"api\"}`",
        Scalar::SeriesValues => "values such as `1 2 3`, or `0+1x10`",
        Scalar::Histogram => "a histogram such as `{{schema:0 sum:1}}`",
        Scalar::Labels => "labels such as `{job=\"api\"}`",
        Scalar::Address => "an address with its port, such as `smtp.example.com:587`",
        Scalar::Time => "a duration above zero, such as `5m`",
        Scalar::Weekday => "a day such as `monday`, or `monday:friday`",
        Scalar::Month => "a month such as `may`, or `5:9`",
        Scalar::DayOfMonth => "a day of the month such as `1`, or `-3:-1`",
        Scalar::Year => "a year such as `2026`, or `2026:2027`",
        Scalar::TimeOfDay => "a time of day such as `08:00`",
        Scalar::TargetFile => "the path of a JSON or YAML file, such as `targets/*.yml`",
        Scalar::Glob => "a pattern of files, such as `templates/*.tmpl`",
        Scalar::FileGlob => "a pattern of files, such as `rules/*.yml`",
    }
}

/// The line to write, where the kind says it.
pub(super) fn help(kind: Scalar, key: &str, text: &str) -> String {
    match kind {
        Scalar::String => format!("write it in quotes: `{key}: \"{text}\"`"),
        Scalar::Bool => format!("write `{key}: true` or `{key}: false`, without quotes"),
        Scalar::Flag => format!("write `{key}: true` or `{key}: false`"),
        Scalar::Whole | Scalar::Count | Scalar::Number => {
            format!("write `{key}:` and a number, without quotes")
        }
        Scalar::Numeral => format!("write `{key}:` and a number"),
        Scalar::Duration => {
            "write whole numbers with their units, the large ones first: `15s`, `1h30m`".to_owned()
        }
        Scalar::GoDuration | Scalar::LongDuration => "write a number with its unit: `5s`, `500ms`".to_owned(),
        Scalar::Size => "write a number with its unit: `10MB`, `512KB`".to_owned(),
        Scalar::Bytes => "write a number with its unit: `512m`, `2g`".to_owned(),
        Scalar::LabelName | Scalar::Filled => "write the name of a label, or remove it".to_owned(),
        Scalar::Url => "write the whole address, with its scheme and host".to_owned(),
        Scalar::Address => format!("write the host and the port: `{key}: \"smtp.example.com:587\"`"),
        Scalar::Time => {
            "write whole numbers with their units: `30s`, `5m`; remove it for the default".to_owned()
        }
        Scalar::Weekday => {
            "write the whole word, the earlier one first; a week begins with `sunday`".to_owned()
        }
        Scalar::Month => "write the whole word or its number, the earlier one first".to_owned(),
        Scalar::DayOfMonth => {
            "write it from 1 to 31, or from the end as `-1`, the earlier one first".to_owned()
        }
        Scalar::Year => "write it in digits, the earlier one first".to_owned(),
        Scalar::TimeOfDay => "write two digits each, in quotes: `\"08:00\"`, up to `\"24:00\"`".to_owned(),
        Scalar::TargetFile => {
            "let its name end in `.yml`, `.yaml` or `.json`, with at most one `*`, in the name".to_owned()
        }
        Scalar::Text
        | Scalar::Regex
        | Scalar::AnyUrl
        | Scalar::FileGlob
        | Scalar::Glob
        | Scalar::PromQl
        | Scalar::Location
        | Scalar::Series
        | Scalar::SeriesValues
        | Scalar::Histogram
        | Scalar::Labels => format!("write `{key}: …`, in one line"),
    }
}

/// What to write where the second of two comes before the first.
pub(super) fn help_of_order(kind: Scalar) -> &'static str {
    match kind {
        Scalar::TimeOfDay => {
            "write the earlier one first; what goes past midnight is two: one up to `24:00`, one from `00:00`"
        }
        _ => "write the smaller one first",
    }
}

/// In the ways of YAML 1.1, which Go's readers still take where a bool is wanted.
fn is_bool(text: &str) -> bool {
    let is_spelled = |word: &str| {
        let mut capital = word.to_owned();
        capital[..1].make_ascii_uppercase();
        text == word || text == capital || text == word.to_ascii_uppercase()
    };
    ["true", "false", "yes", "no", "on", "off", "y", "n"].iter().any(|word| is_spelled(word))
}

fn is_core_bool(text: &str) -> bool {
    ["true", "True", "TRUE", "false", "False", "FALSE"].contains(&text)
}

/// Any number that YAML knows.
fn is_number(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    let in_base = |mark: &str, radix: u32| {
        unsigned
            .strip_prefix(mark)
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)))
    };
    let is_decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c))
        && unsigned.parse::<f64>().is_ok();
    let is_word = matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN");
    is_decimal || in_base("0x", 16) || in_base("0o", 8) || in_base("0b", 2) || is_word
}

/// A number that Go can keep as a whole one.
fn is_finite(text: &str) -> bool {
    const MOST: f64 = 18_446_744_073_709_551_615.0;
    !text.parse::<f64>().is_ok_and(|number| number.abs() > MOST)
        && !text.to_ascii_lowercase().ends_with(".inf")
        && !text.to_ascii_lowercase().ends_with(".nan")
}

const GO_UNITS: [&str; 8] = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
const LONG_UNITS: [&str; 10] = ["ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "w"];

/// Go's own form: fractions, any order, a sign.
fn is_go_duration(text: &str, units: &[&str]) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut parts = 0;
    while !rest.is_empty() {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if after.len() == rest.len() {
            return false;
        }
        let unit = units.iter().find(|unit| after.starts_with(**unit));
        let Some(unit) = unit else { return false };
        rest = &after[unit.len()..];
        parts += 1;
    }
    parts > 0
}

fn is_size(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let multiple = unit.strip_suffix('B').map(|unit| unit.strip_suffix('i').unwrap_or(unit));
    text == "0"
        || (unit.len() < text.len()
            && multiple.is_some_and(|one| matches!(one, "" | "K" | "M" | "G" | "T" | "P" | "E")))
}

/// As compose reads a size.
fn is_bytes(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[number.len()..].to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let is_unit = matches!(unit.strip_suffix('i').unwrap_or(unit), "" | "k" | "m" | "g" | "t" | "p");
    is_unit && is_number(number.trim_end())
}

/// As compose makes a bool of a text.
fn is_flag(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["true", "false", "t", "f", "1", "0", "yes", "no", "y", "n", "on", "off"].contains(&lower.as_str())
}

/// How Alertmanager prints a secret, and takes it again.
const PRINTED_SECRET: &str = "<secret>";

/// As Alertmanager wants it.
fn is_url(text: &str) -> bool {
    let is_full = |url: url::Url<'_>| {
        ["http", "https"].iter().any(|known| url.scheme.eq_ignore_ascii_case(known)) && !url.host.is_empty()
    };
    text == PRINTED_SECRET || url::read(text).is_ok_and(is_full)
}

/// A pattern may stand in the name only, and once.
fn is_target_file(text: &str) -> bool {
    let is_read = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"].iter().any(|end| text.ends_with(end));
    is_read && text.split_once('*').is_none_or(|(_, after)| !after.contains('/') && !after.contains('*'))
}

/// As Go takes a host and a port apart: the colons of an IPv6 address stand in brackets.
fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let is_host = !host.contains(':') || host.starts_with('[') && host.ends_with(']');
        is_host && !port.is_empty() && !port.contains(']')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sizes_and_addresses_are_told_from_text() {
        for good in ["1", "-1", "+5", "1.5", "1e3", "0x1F", "0o17", "1_000", ".5", ".inf", "-.Inf", ".nan"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "x", "1s", "e5", "0x", "1.2.3", "--1", "inf"] {
            assert!(!is_number(bad), "{bad}");
        }
        assert!(is_size("10MB") && is_size("1.5GiB") && !is_size("10") && !is_size("MB") && !is_size("10Mb"));
        assert!(is_url("https://x") && !is_url("x.example/hook") && !is_url("http:///x"));
        for good in ["a:1", ":25", "[::1]:25", "a.example:smtp"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["a", "a:", "::1", "[::1]", "587"] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(is_go_duration("1.5h", &GO_UNITS) && is_go_duration("2m30s", &GO_UNITS));
        assert!(
            !is_go_duration("5", &GO_UNITS)
                && !is_go_duration("1d", &GO_UNITS)
                && is_go_duration("1d", &LONG_UNITS)
        );
        assert!(
            is_bytes("512m") && is_bytes("1.5 GiB") && is_bytes("100") && !is_bytes("m") && !is_bytes("1x")
        );
    }
}
