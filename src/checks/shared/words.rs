//! Words that mean the same thing in every stack.

use crate::stack::Rule;

/// Names of receivers that are there to drop what comes.
const NOBODY: [&str; 12] = [
    "blackhole",
    "black-hole",
    "black_hole",
    "devnull",
    "dev-null",
    "drop",
    "ignore",
    "nobody",
    "none",
    "noop",
    "null",
    "void",
];

/// Whether a receiver says by its name that it notifies nobody.
pub(crate) fn is_nobody(receiver: &str) -> bool {
    let name = receiver.trim_matches(['"', '\'']).to_lowercase();
    NOBODY.contains(&name.as_str())
}

/// Whether a severity is a word for what somebody must hear of.
pub(crate) fn is_grave(severity: &str) -> bool {
    const GRAVE: [&str; 6] = ["critical", "disaster", "emergency", "fatal", "high", "page"];
    GRAVE.contains(&severity.to_lowercase().as_str())
}

/// `a, b and 3 more`
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 4;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => String::new(),
        1 => names[0].clone(),
        count if count <= SHOWN => format!("{} and {}", names[..count - 1].join(", "), names[count - 1]),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}

/// As somebody would write it: 0.07, and not 0.07000000000000001.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// Names of alerts that fire on purpose, so that their silence is noticed.
const HEARTBEATS: [&str; 5] = ["watchdog", "deadman", "heartbeat", "alwaysfir", "alwayson"];

/// Whether an alert says that it always fires, and is meant to.
pub(crate) fn is_heartbeat(alert: &Rule) -> bool {
    let name: String = alert.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    HEARTBEATS.iter().any(|word| name.contains(word))
        || alert.label("severity").is_some_and(|severity| severity.value == "none")
}

/// Functions that compare the samples of a range with one another: of one sample they make nothing.
pub(crate) const LIKE_RATE: [&str; 7] =
    ["rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_to_write_is_as_short_as_somebody_would_write_it() {
        for (number, written) in [(7.0 / 100.0, "0.07"), (100.0 / 100.0, "1"), (1.0 - 14.4 * 0.001, "0.9856")]
        {
            assert_eq!(rounded(number).to_string(), written);
        }
    }
}
