//! The users file of the front door: a name and a bcrypt hash a line, as Caddy imports it. Written by `passwd`, checked by
//! `validate`; neither shows a hash to anybody.

use anyhow::{Context as _, Result};

/// What one guess costs whoever got hold of the file: about a quarter of a second.
const COST: u32 = 12;
/// bcrypt reads no further.
const LONGEST_PASSWORD: usize = 72;
const SHORTEST_PASSWORD: usize = 8;

/// The lines of the file; comments and empty lines stay where they are.
pub struct Users(Vec<String>);

impl Users {
    /// The file's lines, or each line's number and fault. Caddy would not start with a file that has one.
    pub fn parse(text: &str) -> Result<Self, Vec<(usize, &'static str)>> {
        let mut seen = Vec::new();
        let mut faults = Vec::new();
        for (position, line) in text.lines().enumerate() {
            let fault = match entry(line) {
                None => None,
                Some((name, _)) if check_name(name).is_err() => Some("this is not the name of a user"),
                Some((_, hash)) if !is_bcrypt(hash) => Some("behind the name stands no bcrypt hash"),
                Some((name, _)) if seen.contains(&name) => Some("this user has a line already"),
                Some((name, _)) => {
                    seen.push(name);
                    None
                }
            };
            faults.extend(fault.map(|fault| (position + 1, fault)));
        }
        if faults.is_empty() { Ok(Self(text.lines().map(str::to_owned).collect())) } else { Err(faults) }
    }

    pub fn is_empty(&self) -> bool {
        !self.0.iter().any(|line| entry(line).is_some())
    }

    /// Gives the user this hash. Whether there was one before.
    pub fn set(&mut self, name: &str, hash: &str) -> bool {
        let line = format!("{name} {hash}");
        let position = self.line_of(name);
        match position {
            Some(position) => self.0[position] = line,
            None => self.0.push(line),
        }
        position.is_some()
    }

    /// Whether there was such a user.
    pub fn remove(&mut self, name: &str) -> bool {
        let position = self.line_of(name);
        position.map(|position| self.0.remove(position)).is_some()
    }

    pub fn text(&self) -> String {
        self.0.iter().flat_map(|line| [line, "\n"]).collect()
    }

    fn line_of(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|line| entry(line).is_some_and(|(user, _)| user == name))
    }
}

/// The name, and all that stands behind it.
fn entry(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    Some(line.split_once(char::is_whitespace).map_or((line, ""), |(name, rest)| (name, rest.trim_start())))
}

/// Names that a browser can send and a Caddyfile can hold; the second line of an error is its help.
pub fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(plain) {
        Ok(())
    } else {
        let name = name.escape_debug();
        Err(format!(
            "`{name}` cannot name a user\nuse letters, digits, `.`, `_`, `@` and `-`, 64 at most: `ops`"
        ))
    }
}

pub fn check_password(password: &str) -> Result<(), String> {
    match password.len() {
        length if length > LONGEST_PASSWORD => Err(format!(
            "the password is too long\nbcrypt reads {LONGEST_PASSWORD} bytes of it: take a shorter one"
        )),
        _ if password.chars().count() < SHORTEST_PASSWORD => {
            Err(format!("the password is too short\ntake {SHORTEST_PASSWORD} characters or more"))
        }
        // Piped in, by mistake: no browser lets anybody type it.
        _ if password.contains(char::is_control) => Err(
            "the password holds a line break or another character that nobody can type\ngive it alone, on one line"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

pub fn hash(password: &str) -> Result<String> {
    bcrypt::non_truncating_hash(password, COST).context("cannot hash the password")
}

/// `$2b$12$` and 53 letters of bcrypt's own base64.
fn is_bcrypt(hash: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    let mut parts = hash.split('$');
    parts.next() == Some("")
        && parts.next().is_some_and(|version| ["2a", "2b", "2y"].contains(&version))
        && parts.next().is_some_and(|cost| cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.next().is_some_and(|rest| rest.len() == 53 && rest.bytes().all(letter))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2a$14$BZUjbbo0U5tPd8gh5Jod3.lwlBGNSAv.oV6WXoaXC3bTSAAltjEcq";

    fn parse(text: &str) -> Users {
        Users::parse(text).unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    #[test]
    fn a_user_is_added_changed_and_removed_and_the_rest_stays() {
        let mut users = parse(&format!("# people\n\nops {HASH}\n"));
        assert!(!users.set("sre", HASH));
        assert!(users.set("ops", "changed"));
        assert_eq!(users.text(), format!("# people\n\nops changed\nsre {HASH}\n"));
        assert!(users.remove("ops") && !users.remove("ops"));
        assert!(!users.is_empty());
        assert!(users.remove("sre") && users.is_empty());
        assert_eq!(users.text(), "# people\n\n");
    }

    #[test]
    fn a_file_that_caddy_would_not_take_is_refused_line_by_line() {
        let text =
            format!("ops secret\n{{env.X}} {HASH}\nsre {HASH}\nsre {HASH}\nops:{HASH}\nops {HASH} admin\n");
        let faults = Users::parse(&text).err().expect("is refused");
        assert_eq!(faults.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 4, 5, 6]);
    }

    #[test]
    fn a_password_is_hashed_so_that_it_can_be_verified() {
        let hash = hash("correct horse").unwrap();
        assert!(is_bcrypt(&hash), "{hash}");
        assert!(bcrypt::verify("correct horse", &hash).unwrap());
        assert!(check_password("correct horse").is_ok());
        assert!(check_password("short").is_err());
        assert!(check_password(&"x".repeat(73)).is_err());
    }
}
