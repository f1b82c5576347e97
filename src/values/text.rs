//! Names, paths and words.

use std::str::FromStr;

use super::scalar;

/// A file, absolute or relative to the config.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePath(String);

impl FilePath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.ends_with('/') {
            return Err("no file is named\nwrite a path such as `secrets/slack_webhook_url`".into());
        }
        // What compose would read as a variable or a named volume, and what no terminal can show.
        if text.chars().any(is_unprintable) || text.contains('$') {
            return Err("a path must not hold `$` or control characters\nrename the file".into());
        }
        Ok(Self(text.to_owned()))
    }
}

scalar!(FilePath, "the path of a file", {
    "type": "string",
    "description": "A file, relative to the config."
});

/// A folder of the user's, absolute or relative to the config, without a `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderPath(String);

impl FolderPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FolderPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.trim_end_matches('/');
        if plain.is_empty() {
            return Err("no folder is named\nwrite a path such as `templates/`".into());
        }
        if plain.chars().any(is_unprintable) {
            return Err("a path must not hold control characters\nrename the folder".into());
        }
        Ok(Self(plain.to_owned()))
    }
}

scalar!(FolderPath, "the path of a folder", {
    "type": "string",
    "description": "A folder, relative to the config."
});

/// What no terminal can show and YAML refuses to hold.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// The name of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvName(String);

impl EnvName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_word(text, |c| c.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("this is not the name of an environment variable\nwrite the name, not the value: `SLACK_WEBHOOK_URL`"
                .into())
        }
    }
}

scalar!(EnvName, "the name of an environment variable", {
    "type": "string",
    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    "description": "The name of an environment variable, not its value."
});

fn is_word(text: &str, part: impl Fn(char) -> bool) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| part(c) || c == '_')
}

/// The stack's name: compose project, dashboard folder and `stack` label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackName(String);

impl StackName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StackName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let rest =
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if first && rest && text.len() <= 63 {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` cannot name a stack\nuse small letters, digits, `-` and `_`, a letter or digit first: `acme-inference`"
            ))
        }
    }
}

scalar!(StackName, "the stack's name", {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$",
    "description": "Compose project, dashboard folder and `stack` label."
});

/// A service's or receiver's key in the config: it becomes a label value and a file name.
pub fn check_key(key: &str) -> Result<(), String> {
    let first = key.starts_with(|c: char| c.is_ascii_alphanumeric());
    let rest = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if first && rest && key.len() <= 63 {
        Ok(())
    } else {
        Err("use letters, digits, `-`, `_` and `.`, a letter or digit first, 63 at most".into())
    }
}

/// The name of a service in SkyServe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkyName(String);

impl SkyName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SkyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        check_key(text).map(|()| Self(text.to_owned())).map_err(|help| {
            format!("`{}` cannot be the name of a service in SkyServe\n{help}", text.escape_debug())
        })
    }
}

scalar!(SkyName, "a service's name in SkyServe", {
    "type": "string",
    "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
    "description": "The name of a service in SkyServe, as `sky serve status` shows it."
});

/// A Prometheus label name that a user may set.
pub fn check_label_name(name: &str) -> Result<(), String> {
    if is_word(name, |c| c.is_ascii_alphanumeric()) && !name.starts_with("__") {
        Ok(())
    } else {
        Err("a label's name has letters, digits and `_`, no digit first and no `__`: `team`".into())
    }
}

/// One line of free text: a channel, a user name, a label's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.chars().find(|c| is_unprintable(*c)) {
            Some(c) => Err(format!(
                "the text holds the control character U+{:04X}\nwrite one line of plain text",
                c as u32
            )),
            None if text.is_empty() => Err("the text is empty\nwrite it, or remove the key".into()),
            None => Ok(Self(text.to_owned())),
        }
    }
}

scalar!(Line, "one line of text", { "type": ["string", "number", "boolean"] });

/// How much an alert matters; each severity has a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    Warning,
    Info,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Info];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a severity\nwrite `critical`, `warning` or `info`"))
    }
}

scalar!(Severity, "a severity", { "enum": ["critical", "warning", "info"] });
