//! What the programs need from the user's own files: secrets, other files by themselves, and folders of certificates and
//! target files.
//!
//! Collected while the config is resolved, so that the place a secret is used and the mount that brings it there
//! cannot differ.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::diagnostics::{Diagnostic, Report};
use crate::source::{ConfigPath, is_secret_text};
use crate::values::{EnvName, FilePath};

/// Takes the place of a secret that somebody wrote into the config. The value itself is dropped at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Literal;

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A secret as the config names it: `<key>_file` or `<key>_env`, and never `<key>`.
pub struct SecretKeys<'a> {
    pub key: &'static str,
    pub file: Option<&'a FilePath>,
    pub env: Option<&'a EnvName>,
    pub literal: Option<Literal>,
    /// A file name to propose.
    pub proposal: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    File(FilePath),
    Env(EnvName),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(path) => path.as_str(),
            Self::Env(name) => name.as_str(),
        })
    }
}

/// What stands in a file that is mounted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Secret,
    /// Everybody may read it.
    Certificate,
    /// A name and a bcrypt hash a line.
    Users,
}

impl FileKind {
    pub fn noun(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Certificate => "certificate",
            Self::Users => "users file",
        }
    }
}

/// A file, or a variable, that one program gets by itself.
#[derive(Clone, Debug)]
pub struct Secret {
    /// In the compose file; also the file's name below `/run/secrets`.
    pub name: String,
    pub source: SecretSource,
    pub kind: FileKind,
    pub program: &'static str,
    /// Where the config names it; `None` for what skymon needs by itself.
    pub at: Option<ConfigPath>,
}

/// A file of the user's, beside the secrets.
#[derive(Clone, Debug)]
pub struct FileUse {
    pub path: FilePath,
    pub at: ConfigPath,
}

#[derive(Default)]
pub struct Mounts {
    pub secrets: Vec<Secret>,
    pub files: Vec<FileUse>,
    /// Program and host folder → folder in the container.
    pub folders: BTreeMap<(&'static str, String), String>,
}

impl Mounts {
    /// The path of a secret in the program's container. `None` if the config does not name exactly one source.
    pub fn secret(
        &mut self,
        program: &'static str,
        at: &ConfigPath,
        keys: &SecretKeys,
        report: &mut Report,
    ) -> Option<String> {
        let key = keys.key;
        let line = format!("{key}_file: {}", keys.proposal);
        if keys.literal.is_some() {
            report.push(
                Diagnostic::error("literal-secret", format!("`{key}` would put a secret into this file"))
                    .at_key(at.key(key), "a secret is never a value here")
                    .help(format!("put the value into a file of its own and write `{line}`")),
            );
            return None;
        }
        let (source, source_key) = match (keys.file, keys.env) {
            (Some(file), None) => (SecretSource::File(file.clone()), format!("{key}_file")),
            (None, Some(env)) => (SecretSource::Env(env.clone()), format!("{key}_env")),
            (None, None) => {
                report.push(
                    Diagnostic::error("missing-secret", format!("`{at}` does not say where its `{key}` is"))
                        .at_key(at.clone(), "needs a secret")
                        .help(format!("write `{line}` or `{key}_env: {}`", keys.proposal_env())),
                );
                return None;
            }
            (Some(_), Some(_)) => {
                report.push(
                    Diagnostic::error(
                        "two-secrets",
                        format!("`{key}` is named twice: by `{key}_file` and `{key}_env`"),
                    )
                    .at_key(at.key(format!("{key}_env")), "the second")
                    .at_key(at.key(format!("{key}_file")), "the first")
                    .help("keep one of the two"),
                );
                return None;
            }
        };
        let name = source.to_string();
        if name.contains("://") || is_secret_text(&name) {
            report.push(
                Diagnostic::error(
                    "literal-secret",
                    format!("`{source_key}` holds the secret itself, not where it is"),
                )
                .at_key(at.key(&source_key), "a secret is never a value here")
                .help(format!("put the value into a file of its own and write `{line}`")),
            );
            return None;
        }
        let name = format!("{}.{key}", at.joined());
        let path = format!("/run/secrets/{name}");
        let at = Some(at.key(&source_key));
        self.secrets.push(Secret { name, source, kind: FileKind::Secret, program, at });
        Some(path)
    }

    /// The path of a user's file that is mounted by itself: right for a program that reads it only when it starts, so that
    /// a replaced one needs a restart in any case. `at` is where `key` stands.
    pub fn single(
        &mut self,
        program: &'static str,
        at: &ConfigPath,
        key: &str,
        path: &FilePath,
        kind: FileKind,
    ) -> String {
        let at = at.key(key);
        let name = at.joined().trim_end_matches("_file").to_owned();
        let inside = format!("/run/secrets/{name}");
        self.secrets.push(Secret {
            name,
            source: SecretSource::File(path.clone()),
            kind,
            program,
            at: Some(at),
        });
        inside
    }

    /// The path of a user's file in the program's container. Its whole folder is mounted: a single file would stay the
    /// old one when an editor or a renewal replaces it.
    pub fn file(&mut self, program: &'static str, at: ConfigPath, path: &FilePath) -> String {
        let (folder, file) = path.as_str().rsplit_once('/').unwrap_or((".", path.as_str()));
        let folder = if folder.is_empty() { "/" } else { folder };
        self.files.push(FileUse { path: path.clone(), at });
        let count = self.folders.keys().filter(|(name, _)| *name == program).count();
        let inside = self
            .folders
            .entry((program, folder.to_owned()))
            .or_insert_with(|| format!("/etc/skymon/files/{}", count + 1));
        format!("{inside}/{file}")
    }
}

impl SecretKeys<'_> {
    /// Whether the config says anything of this secret.
    pub fn is_named(&self) -> bool {
        self.file.is_some() || self.env.is_some() || self.literal.is_some()
    }

    fn proposal_env(&self) -> String {
        self.proposal.rsplit('/').next().unwrap_or_default().to_uppercase()
    }
}
