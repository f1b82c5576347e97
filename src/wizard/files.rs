//! The files that are the user's from then on: secrets, `.gitignore`, `skymon.yaml`, in this order, so that whatever
//! stops half way leaves nothing that names what is not there. Each file is old or new, never half.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::answers::OwnEngine;
use super::{Answers, Secret};
use crate::plan::GRAFANA_PASSWORD_FILE;
use crate::private_files;

/// Rendered files are for git; these are not.
const IGNORED: &[&str] = &["/secrets/", "/certs/", "/monitoring/.skymon/lock", "/monitoring/.skymon/tmp/"];

/// What came to be, as far as it came.
#[derive(Debug, Default)]
pub struct Written {
    /// Files that were written, relative to the folder.
    pub files: Vec<String>,
    pub secrets: Vec<(&'static str, SecretState)>,
    /// A file of an engine that was there, and is as it was.
    pub kept_engine: Option<String>,
    /// Whether `secrets/` was there and had to be closed to others.
    pub closed_folder: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// Written now.
    Filled,
    /// To be filled by hand.
    Empty,
    /// Was there, and is as it was.
    Kept,
    /// Was there, and is as it was although another value was given.
    KeptInSpite,
}

/// Whether the folder's file holds a secret already. One that cannot be read is not to be touched either.
pub fn holds_secret(dir: &Path, path: &str) -> bool {
    let mut text = Vec::new();
    match File::open(dir.join(path)).and_then(|mut file| file.read_to_end(&mut text)) {
        Ok(_) => !text.iter().all(u8::is_ascii_whitespace),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Writes everything. What was done before an error stands in `written`.
pub fn write(answers: &Answers, config: &str, dir: &Path, force: bool, written: &mut Written) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
    for secret in answers.secrets() {
        let state = match (holds_secret(dir, secret.path), secret.value.is_empty()) {
            (true, true) => SecretState::Kept,
            (true, false) if !force => SecretState::KeptInSpite,
            (_, is_empty) => {
                write_secret(dir, secret.path, secret.value, written)?;
                if is_empty { SecretState::Empty } else { SecretState::Filled }
            }
        };
        written.secrets.push((secret.path, state));
    }
    let state = if holds_secret(dir, GRAFANA_PASSWORD_FILE) {
        SecretState::Kept
    } else {
        write_secret(dir, GRAFANA_PASSWORD_FILE, &password()?, written)?;
        SecretState::Filled
    };
    written.secrets.push((GRAFANA_PASSWORD_FILE, state));
    ignore(&dir.join(".gitignore"), written)?;
    if let Some(own) = &answers.own_engine {
        write_engine(dir, own, written)?;
    }
    let place = dir.join("skymon.yaml");
    // Looked for before the first question too; that may be a while ago.
    if !force && place.symlink_metadata().is_ok() {
        bail!("`{}` has come to be meanwhile; it is left as it is", place.display());
    }
    private_files::put(&place, config)?;
    written.files.push("skymon.yaml".to_owned());
    Ok(())
}

/// A draft takes nobody's place.
fn write_engine(dir: &Path, own: &OwnEngine, written: &mut Written) -> Result<()> {
    let path = own.path();
    let place = dir.join(&path);
    if place.symlink_metadata().is_ok() {
        written.kept_engine = Some(path);
        return Ok(());
    }
    let folder = private_files::parent(&place);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    fs::write(&place, &own.text).with_context(|| format!("cannot write `{}`", place.display()))?;
    written.files.push(path);
    Ok(())
}

/// Open to the containers' users inside a folder that is closed to all others.
fn write_secret(dir: &Path, path: &'static str, secret: &Secret, written: &mut Written) -> Result<()> {
    let place = dir.join(path);
    let folder = private_files::parent(&place);
    close_folder(&folder, written).with_context(|| format!("cannot make `{}` private", folder.display()))?;
    let text = if secret.is_empty() { String::new() } else { format!("{}\n", secret.expose()) };
    private_files::put(&place, &text)?;
    written.files.push(path.to_owned());
    Ok(())
}

/// Adds the missing lines. An existing file is only appended to, so its owner, mode and links stay as they are.
fn ignore(place: &Path, written: &mut Written) -> Result<()> {
    let cannot = || format!("cannot write `{}`", place.display());
    let old = match fs::read(place) {
        Ok(old) => old,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(cannot),
    };
    let missing = missing_lines(&old);
    if missing.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().append(true).create(true).open(place).with_context(cannot)?;
    file.write_all(missing.as_bytes()).with_context(cannot)?;
    written.files.push(".gitignore".to_owned());
    Ok(())
}

fn missing_lines(old: &[u8]) -> String {
    let has =
        |line: &str| old.split(|byte| *byte == b'\n').any(|old| old.trim_ascii_end() == line.as_bytes());
    let line_end = if old.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
    let mut lines: String =
        IGNORED.iter().filter(|line| !has(line)).flat_map(|line| [*line, line_end]).collect();
    if !lines.is_empty() && !old.is_empty() && !old.ends_with(b"\n") {
        lines.insert_str(0, line_end);
    }
    lines
}

/// Random letters and digits without those that are taken for others; 24 of them are 139 bits.
fn password() -> Result<Secret> {
    const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    // Bytes above the last whole multiple would make some letters likelier than others.
    let fair = 256 / ALPHABET.len() * ALPHABET.len();
    let mut password = String::new();
    while password.len() < 24 {
        let mut bytes = [0; 32];
        if let Err(error) = getrandom::fill(&mut bytes) {
            bail!("the system gives no random bytes for Grafana's password: {error}");
        }
        let letters = bytes.into_iter().map(usize::from).filter(|byte| *byte < fair);
        password.extend(
            letters.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])).take(24 - password.len()),
        );
    }
    Ok(Secret::new(password))
}

/// skymon's own folder for secrets: closed, even if somebody opened it.
fn close_folder(folder: &Path, written: &mut Written) -> std::io::Result<()> {
    if private_files::make_folder(folder)? && private_files::is_open(folder)? {
        private_files::close_folder(folder)?;
        written.closed_folder = true;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_to_a_gitignore_whatever_its_last_line_ends_with() {
        let all = "/secrets/\n/certs/\n/monitoring/.skymon/lock\n/monitoring/.skymon/tmp/\n";
        assert_eq!(missing_lines(b""), all);
        assert_eq!(missing_lines(b"target"), format!("\n{all}"));
        assert_eq!(missing_lines(b"target\n"), all);
        assert_eq!(missing_lines(b"a\r\nb"), format!("\n{all}").replace('\n', "\r\n"));
        assert_eq!(
            missing_lines(b"/secrets/ \n\xff\n/monitoring/.skymon/tmp/"),
            "\n/certs/\n/monitoring/.skymon/lock\n"
        );
        assert_eq!(missing_lines(all.as_bytes()), "");
        assert_eq!(missing_lines(all.trim_end().as_bytes()), "");
    }

    #[test]
    fn a_password_is_long_readable_and_another_each_time() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 24);
        assert!(!one.expose().contains(['0', 'O', '1', 'l', 'I', 'o']), "easily misread");
    }
}
