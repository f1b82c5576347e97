//! Takes the quotes off where YAML needs none: templates print every value as JSON, and this file is for a person to own.
//!
//! Only for `skymon.yaml`. Rendered files keep their quotes, which no reader of any YAML can take for anything else.

use serde_yaml::Value;

/// What YAML 1.1 or 1.2 takes for something else than text.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// The same document with fewer quotes; as it was, if it would not be the same.
pub(super) fn plain(text: &str) -> String {
    let plain: String = text.split_inclusive('\n').map(plain_line).collect();
    let read = |text: &str| serde_yaml::from_str::<Value>(text).ok();
    if read(&plain) == read(text) { plain } else { text.to_owned() }
}

fn plain_line(line: &str) -> String {
    if line.trim_start().starts_with('#') {
        return line.to_owned();
    }
    let parts: Vec<&str> = line.split('"').collect();
    // Every second part stands between quotes, unless one is escaped.
    if parts.len().is_multiple_of(2) || line.contains('\\') {
        return line.to_owned();
    }
    let mut plain = String::with_capacity(line.len());
    for (position, part) in parts.iter().enumerate() {
        match (!position.is_multiple_of(2), needs_no_quotes(part)) {
            (true, false) => plain.extend(["\"", part, "\""]),
            (true, true) => plain.push_str(part),
            // Between the items of a list, JSON has no space.
            (false, _) => plain.push_str(if *part == "," { ", " } else { part }),
        }
    }
    plain
}

fn needs_no_quotes(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./@:-".contains(c))
        && !WORDS.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_go_where_no_yaml_reader_needs_them_and_stay_elsewhere() {
        for (text, expected) in [
            ("\"team\":\n", "team:\n"),
            ("- \"host.docker.internal:8080\"\n", "- host.docker.internal:8080\n"),
            ("to: [\"a@b.c\",\"d@e.f\"]\n", "to: [a@b.c, d@e.f]\n"),
            ("- \"10.0.0.1:8000\"\n", "- \"10.0.0.1:8000\"\n"),
            ("- \"[fd00::10]:8000\"\n", "- \"[fd00::10]:8000\"\n"),
            ("name: \"no\"\n", "name: \"no\"\n"),
            ("name: \"On\"\n", "name: \"On\"\n"),
            ("name: \"a b\"\n", "name: \"a b\"\n"),
            ("name: \"a#\"\n", "name: \"a#\"\n"),
            ("name: \"a\\\"b\"\n", "name: \"a\\\"b\"\n"),
            ("# say \"team\"\n", "# say \"team\"\n"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
