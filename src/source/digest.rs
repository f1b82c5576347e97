//! The fingerprint of a text: what tells an edited file from a rendered one, and a template that has changed since it
//! was copied.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}
