//! The wizard of `skymon init`: questions → answers → the user's own files (`skymon.yaml`, `secrets/`, `.gitignore`).
//!
//! Everything is asked before the first byte is written: `ask` only returns answers, `files` only writes them. Apart
//! from `commands::init`, which renders and validates what came out, and prints.

mod adopt;
mod answers;
mod ask;
mod check;
mod files;
mod flags;
mod look;
mod plain;
mod prompt;
mod secret;
mod service_file;
mod terminal;
mod tty;

pub use adopt::{Told, tell};
pub use answers::{Answers, OwnEngine, Receiver, Replicas, SecretFile};
pub use ask::ask;
pub use files::{SecretState, Written, holds_secret, write};
pub use flags::{Fault, Flags, Given, missing, read};
pub use look::look;
pub use prompt::{Asked, Defaults, Prompt, Stop};
#[cfg(test)]
pub(crate) use prompt::{Reply, Scripted};
pub use secret::Secret;
pub use terminal::Terminal;

use std::path::Path;

use crate::values::StackName;

/// A secret of the stack itself, beside those of the kinds of receivers.
struct OwnSecret {
    /// As in `--secret-file heartbeat=FILE`.
    name: &'static str,
    file: &'static str,
    /// What to ask for, and where one gets it.
    prompt: &'static str,
    link: &'static str,
}

const HEARTBEAT: OwnSecret = OwnSecret {
    name: "heartbeat",
    file: "secrets/heartbeat_url",
    prompt: "URL to call every minute (Healthchecks, Dead Man's Snitch, …)",
    link: "https://healthchecks.io/docs/",
};
const SKYPILOT: OwnSecret = OwnSecret {
    name: "skypilot",
    file: "secrets/skypilot_token",
    prompt: "Token of a SkyPilot service account, role viewer",
    link: "https://docs.skypilot.co/en/latest/reference/auth.html",
};
const REPLICA: OwnSecret = OwnSecret {
    name: "replica",
    file: "secrets/replica_token",
    prompt: "Bearer token that the replicas want",
    link: "the one that `readiness_probe` of the service file sends",
};
/// Where SkyPilot's API server listens if nobody says otherwise, as a container reaches it.
const API_SERVER: &str = "http://host.docker.internal:46580";
const OWN_SECRETS: [&OwnSecret; 3] = [&HEARTBEAT, &SKYPILOT, &REPLICA];

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
