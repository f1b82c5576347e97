//! Hides what may be a secret before any part of a file is shown: a literal secret in the config is a fault, and the
//! message about it (or about its neighbour on the line) must not carry it into a terminal or a CI log.

use super::SourceFile;
use super::index::SpanIndex;
use crate::values::EnvName;

/// Parts of the names of keys whose value is a secret, unless the key ends in `_file` or `_env`.
const SECRET_KEYS: [&str; 9] = [
    "api_key",
    "api_url",
    "credential",
    "passw",
    "private_key",
    "routing_key",
    "secret",
    "service_key",
    "token",
];
/// Names with such a part that count tokens of text, or time them.
const TOKENS_OF_TEXT: [&str; 6] = [
    "inter_token_latency",
    "time_per_output_token",
    "time_to_first_token",
    "tokens_in",
    "tokens_out",
    "tokens_total",
];
/// Keys that are secrets where they stand as they are.
const SECRET_WORDS: [&str; 3] = ["key", "url", "webhook_url"];
/// Keys of secrets that are long enough to be known with two letters wrong.
const MISTYPED: [&str; 5] = ["bearer_token", "password", "routing_key", "secret", "webhook_url"];
/// What tokens and hooks look like, wherever they stand.
const SECRET_TEXTS: [&str; 4] = ["hooks.slack.com/", "xoxb-", "xoxp-", "-----BEGIN"];

/// Replaces secrets by as many bytes of `*`, so that every place stays what it was.
pub(super) fn mask(file: &mut SourceFile, index: &SpanIndex) {
    let mut text = file.take_text();
    for node in index.tree.entries() {
        let key = node.key.map_or("", |key| text.get(key.written.range()).unwrap_or_default());
        let written = node.value.range();
        let value = text.get(written.clone()).unwrap_or_default();
        if is_secret_key(key) || is_no_reference(key, value) || is_secret_text(value) {
            // A section that holds a secret is not one: its own entries are looked at by themselves.
            if node.is_scalar() || is_secret_key(key) {
                let stars = stars(value);
                text.replace_range(written, &stars);
            }
        }
    }
    if !index.is_complete() {
        // Nobody knows where values end in what is not YAML: the rest of such a line is hidden.
        text = text.split_inclusive('\n').map(mask_line).collect();
    }
    file.text = text;
}

/// The same for a file of a stack that skymon did not write. Most URLs in it are no secrets, and a word may stand for
/// another thing there; what looks like a secret is hidden wherever it stands.
pub(super) fn mask_foreign(file: &mut SourceFile, index: &SpanIndex) {
    let mut text = file.take_text();
    for node in index.tree.entries().iter().filter(|node| node.is_scalar()) {
        let key = node.key.map_or("", |key| text.get(key.written.range()).unwrap_or_default());
        let written = node.value.range();
        let value = text.get(written.clone()).unwrap_or_default();
        let named = is_secret_name(key).then_some(0).or_else(|| secret_of_assignment(value));
        if let Some(start) = named.or_else(|| is_secret_text(value).then_some(0)) {
            let range = written.start + start..written.end;
            let stars = stars(&text[range.clone()]);
            text.replace_range(range, &stars);
        }
    }
    if !index.is_complete() {
        let assignment =
            |line: &str| match secret_of_assignment(line.trim_start().trim_start_matches("export ")) {
                Some(_) => {
                    let start = line.find('=').map_or(0, |at| at + 1);
                    format!("{}{}", &line[..start], stars(&line[start..]))
                }
                None => mask_line(line),
            };
        text = text.split_inclusive('\n').map(assignment).collect();
    }
    file.text = text;
}

/// Where the secret begins in `NAME=secret`, as environments and flags are written.
fn secret_of_assignment(text: &str) -> Option<usize> {
    let (name, _) = text.split_once('=')?;
    (is_secret_name(name.trim_start_matches(['"', '\'', '-'])) && !name.contains(char::is_whitespace))
        .then_some(name.len() + 1)
}

fn is_secret_name(key: &str) -> bool {
    let key = key.trim_matches(['"', '\'']).to_lowercase();
    !is_reference(&key) && SECRET_KEYS.iter().any(|part| key.contains(part))
}

fn mask_line(line: &str) -> String {
    let secret = line.match_indices(':').find(|(at, _)| {
        let key = line[..*at].rsplit([' ', '{', ',', '-']).next().unwrap_or_default();
        is_secret_key(key)
    });
    match secret {
        Some((at, _)) => format!("{}:{}", &line[..at], stars(&line[at + 1..])),
        None if is_secret_text(line) => stars(line),
        None => line.to_owned(),
    }
}

fn is_secret_key(key: &str) -> bool {
    let key = key.trim_matches(['"', '\'']).to_lowercase();
    let key = TOKENS_OF_TEXT.iter().fold(key, |key, words| key.replace(words, ""));
    !is_reference(&key)
        && (SECRET_WORDS.contains(&key.as_str())
            || SECRET_KEYS.iter().any(|part| key.contains(part))
            || is_mistyped(&key))
}

/// Whether the key names where a secret is.
fn is_reference(key: &str) -> bool {
    key.ends_with("_file") || key.ends_with("_env")
}

/// Whether the key asks for where a secret is, and the value is something else: most likely the secret itself.
fn is_no_reference(key: &str, value: &str) -> bool {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    let bare = inner('"').or_else(|| inner('\'')).unwrap_or(value);
    is_reference(key) && value.contains("://") || key.ends_with("_env") && bare.parse::<EnvName>().is_err()
}

/// Whether a key was most likely meant to be one of a secret.
fn is_mistyped(key: &str) -> bool {
    let plain = |word: &str| word.replace(['_', '-'], "");
    let typed = plain(key);
    MISTYPED.iter().any(|known| strsim::damerau_levenshtein(&typed, &plain(known)) <= 2)
}

/// Whether a text is a secret by its looks: a token of a known form, a URL with a password, or a bare key.
pub fn is_secret_text(text: &str) -> bool {
    let bare = text.trim_matches(['"', '\'']);
    SECRET_TEXTS.iter().any(|part| text.contains(part))
        || text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
        || (bare.len() >= 32 && bare.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn stars(text: &str) -> String {
    text.chars()
        .flat_map(|c| std::iter::repeat_n(if c.is_whitespace() { ' ' } else { '*' }, c.len_utf8()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut file = SourceFile::new("skymon.yaml", text);
        let (index, _) = SpanIndex::new(&file);
        mask(&mut file, &index);
        assert_eq!(file.text.len(), text.len(), "no place moves");
        file.text
    }

    #[test]
    fn literal_secrets_are_hidden_and_their_neighbours_are_not() {
        assert_eq!(
            masked(
                "slack: {webhook_url: https://x.y/SECRET, chanel: a}\nemail:\n  password: 'SÉCRET'\n  user: me\n"
            ),
            "slack: {webhook_url: ******************, chanel: a}\nemail:\n  password: *********\n  user: me\n"
        );
        assert_eq!(
            masked("a: {url_file: https://x/SECRET, b_env: NAME}"),
            "a: {url_file: ****************, b_env: NAME}"
        );
        assert_eq!(
            masked("service_key: SECRET\ntoken_file: secrets/x\n"),
            "service_key: ******\ntoken_file: secrets/x\n"
        );
        assert_eq!(
            masked("chanel: https://hooks.slack.com/services/SECRET\n"),
            format!("chanel: {}\n", "*".repeat(39))
        );
    }

    #[test]
    fn what_was_meant_to_be_a_secret_is_hidden_too() {
        for key in ["pasword", "bearer_tokn", "webhok_url", "routingkey", "Passwrd"] {
            assert_eq!(masked(&format!("{key}: SECRET\n")), format!("{key}: ******\n"));
        }
        assert_eq!(masked("token_env: S-CRET\nurl_env: NAME\n"), "token_env: ******\nurl_env: NAME\n");
        assert_eq!(
            masked("username: me\nchannel: a\nports: {x: 1}\n"),
            "username: me\nchannel: a\nports: {x: 1}\n"
        );
    }

    #[test]
    fn tokens_of_text_are_no_secrets() {
        let plain = "slo: {time_to_first_token: {objective: 95, under: 1s}, inter_token_latency: {under: 1s}}\n\
                     metrics: {'x:prompt_tokens_total': {type: counter}}\nvocabulary: {tokens_in: {metric: a}}\n";
        assert_eq!(masked(plain), plain);
        assert_eq!(
            masked("time_to_first_token_password: SECRET\n"),
            "time_to_first_token_password: ******\n"
        );
        assert_eq!(masked("first_token: SECRET\n"), "first_token: ******\n");
    }

    #[test]
    fn a_secret_is_hidden_in_a_file_that_is_not_yaml_too() {
        assert!(!masked("a: [\nslack: {webhook_url: \"https://x/SECRET\n").contains("SECRET"));
        assert!(!masked("password: \"SECRET\n").contains("SECRET"));
    }
}
