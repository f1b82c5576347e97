//! A secret on its way to its file. It has no `Display`, and its `Debug` shows nothing, so that no message can hold it.

use std::fmt;

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// With the spaces around it, which are part of a password.
    pub fn as_typed(&self) -> &str {
        &self.0
    }

    /// For the one place that writes it, and the one that checks it.
    pub(super) fn expose(&self) -> &str {
        self.0.trim()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(empty)" } else { "Secret(hidden)" })
    }
}
