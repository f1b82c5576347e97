//! The wizard of `skymon init`: questions → answers → the user's own files (`skymon.yaml`, `secrets/`, `.gitignore`).
//!
//! Everything is asked before the first byte is written: `ask` only returns answers, `files` only writes them. Apart
//! from `commands::init`, which renders and validates what came out, and prints.

mod answers;
mod ask;
mod check;
mod files;
mod flags;
mod plain;
mod prompt;
mod secret;
mod terminal;
mod tty;

pub use answers::{Answers, Receiver, SecretFile};
pub use ask::ask;
pub use files::{SecretState, Written, holds_secret, write};
pub use flags::{Fault, Flags, Given, missing, read};
pub use prompt::{Asked, Defaults, Prompt, Stop};
#[cfg(test)]
pub(crate) use prompt::{Reply, Scripted};
pub use secret::Secret;
pub use terminal::Terminal;

use std::path::Path;

use crate::values::StackName;

/// The name in `--secret-file heartbeat=FILE`, beside the kinds of receivers.
const HEARTBEAT: &str = "heartbeat";
/// Beside the kinds' own files.
const HEARTBEAT_FILE: &str = "secrets/heartbeat_url";
const HEARTBEAT_PROMPT: &str = "URL to call every minute (Healthchecks, Dead Man's Snitch, …)";
const HEARTBEAT_LINK: &str = "https://healthchecks.io/docs/";

/// The stack's name that a folder proposes.
pub fn name_of(folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let text = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let legal = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' };
    let mut name: String = text.chars().map(legal).collect();
    name = name.trim_start_matches(['-', '_']).chars().take(63).collect();
    let name = name.trim_end_matches(['-', '_']);
    if name.parse::<StackName>().is_ok() { name.to_owned() } else { "demo".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_named_after_its_folder_as_far_as_that_is_legal() {
        for (folder, name) in [
            ("/srv/acme-inference", "acme-inference"),
            ("/srv/My Models (new)", "my-models--new"),
            ("/srv/_x_", "x"),
            ("/srv/...", "demo"),
            ("/", "demo"),
        ] {
            assert_eq!(name_of(Path::new(folder)), name);
        }
        assert_eq!(name_of(Path::new(&format!("/srv/{}", "a".repeat(80)))), "a".repeat(63));
    }
}
