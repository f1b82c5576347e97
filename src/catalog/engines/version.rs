//! Versions as engines write them. Apart, since they only know how to be read and compared.

use std::fmt;
use std::str::FromStr;

/// A version as engines write it: `0.11`, `0.33.0`, `b7010`; a leading `v` or `b` and what follows a `-`, `+` or letter is
/// left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a version\nwrite it as the engine prints it: `\"0.11\"`");
        if text.contains(|c: char| !c.is_ascii_alphanumeric() && !".-+_".contains(c)) {
            return Err(wrong());
        }
        let core = text.strip_prefix(['v', 'b']).unwrap_or(text);
        let core = &core[..core.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(core.len())];
        let parts: Option<Vec<u32>> =
            core.trim_end_matches('.').split('.').map(|part| part.parse().ok()).collect();
        let mut parts = parts.ok_or_else(wrong)?;
        // `0.11` and `0.11.0` are one version.
        while parts.last() == Some(&0) {
            parts.pop();
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        match parts.as_slice() {
            [] => f.write_str("0"),
            [only] => write!(f, "{only}.0"),
            _ => f.write_str(&parts.join(".")),
        }
    }
}

crate::values::scalar!(Version, "a version such as `0.11`", {
    "type": ["string", "number"],
    "description": "The engine's version, as it prints it: `\"0.11\"`."
});
