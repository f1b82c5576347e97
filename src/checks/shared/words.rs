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

/// The known word that was meant where one letter is forgotten, doubled, wrong or swapped with its neighbour. Another digit is
/// another thing, and of short words too many are near.
pub(crate) fn slip_of<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const SHORTEST: usize = 3;
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let mut near = None;
    for one in known {
        if one == word {
            return None;
        }
        let is_long = one.len() > SHORTEST && word.len() >= SHORTEST && one.len().abs_diff(word.len()) < 2;
        if is_long && strsim::damerau_levenshtein(one, word) == 1 && digits(one) == digits(word) {
            near = Some(one);
        }
    }
    near
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
    fn a_slip_is_one_letter_and_never_a_digit() {
        let known = ["healthy", "ready", "gpu1"];
        assert_eq!(slip_of("heathy", known), Some("healthy"));
        assert_eq!(slip_of("raedy", known), Some("ready"));
        for none in ["healthy", "healt", "gpu2", "gpu11", "status"] {
            assert_eq!(slip_of(none, known), None, "{none}");
        }
    }

    #[test]
    fn a_number_to_write_is_as_short_as_somebody_would_write_it() {
        for (number, written) in [(7.0 / 100.0, "0.07"), (100.0 / 100.0, "1"), (1.0 - 14.4 * 0.001, "0.9856")]
        {
            assert_eq!(rounded(number).to_string(), written);
        }
    }
}
