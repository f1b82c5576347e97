//! Whether the user's own files are where the config says: secrets, certificates, target files.
//!
//! Only warnings: where the stack is rendered and checked (CI) need not be where it runs.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::diagnostics::{Diagnostic, Report};
use crate::mounts::{Mounts, Secret, SecretSource};
use crate::source::ConfigPath;

pub(super) fn check(mounts: &Mounts, config_dir: &Path, report: &mut Report) {
    for secret in &mounts.secrets {
        let problem = match &secret.source {
            SecretSource::File(path) => file_problem(path.as_str(), config_dir),
            SecretSource::Env(name) => env_problem(name.as_str()),
        };
        if let Some((id, message, help)) = problem {
            report.push(place(Diagnostic::warning(id, message), secret).help(help));
        }
    }
    for file in &mounts.files {
        if let Some((id, message, help)) = mounted_problem(file.path.as_str(), config_dir) {
            report.push(Diagnostic::warning(id, message).at_value(file.at.clone(), "named here").help(help));
        }
    }
}

type Problem = (&'static str, String, String);

fn file_problem(path: &str, config_dir: &Path) -> Option<Problem> {
    let full = config_dir.join(path);
    let put = format!("write the secret into `{path}`");
    let mut file = match fs::File::open(&full) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some(("secret-missing", format!("the secret `{path}` is not there"), put));
        }
        Err(error) => {
            return Some(("secret-unreadable", format!("the secret `{path}` cannot be read: {error}"), put));
        }
    };
    // Enough to see whether there is anything; the secret itself is of no interest.
    let mut start = [0; 64];
    match file.read(&mut start) {
        Err(error) => {
            Some(("secret-unreadable", format!("the secret `{path}` cannot be read: {error}"), put))
        }
        Ok(length) if start[..length].iter().all(u8::is_ascii_whitespace) => {
            Some(("secret-empty", format!("the secret `{path}` is empty"), put))
        }
        Ok(_) => mode_problem(path, &full),
    }
}

/// A file whose folder is mounted: a container's user must come in and read.
fn mounted_problem(path: &str, config_dir: &Path) -> Option<Problem> {
    let full = config_dir.join(path);
    let Ok(meta) = fs::metadata(&full) else {
        let help = "put it there before the stack is started".to_owned();
        return Some(("file-missing", format!("`{path}` is not there"), help));
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let folder = full.parent().and_then(|folder| fs::metadata(folder).ok())?;
        if meta.permissions().mode() & 0o004 == 0 || folder.permissions().mode() & 0o001 == 0 {
            let help = "keep it in a folder of its own that others may enter (755), itself readable (644)"
                .to_owned();
            return Some(("file-mode", format!("the containers cannot read `{path}`"), help));
        }
    }
    None
}

/// The container's user is neither the owner nor of its group, and compose keeps owner and mode.
#[cfg(unix)]
fn mode_problem(path: &str, full: &Path) -> Option<Problem> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).map(|meta| meta.permissions().mode());
    if mode(full).ok()? & 0o004 == 0 {
        let help = format!("chmod 644 {path} (its folder, 0700, keeps it private)");
        return Some(("secret-mode", format!("the containers cannot read the secret `{path}`"), help));
    }
    let folder = full.parent()?;
    if mode(folder).ok()? & 0o077 != 0 {
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty())?;
        let help = format!("chmod 700 {}", folder.display());
        return Some((
            "secret-open",
            format!("everybody on this machine can read the secret `{path}`"),
            help,
        ));
    }
    None
}

#[cfg(not(unix))]
fn mode_problem(_: &str, _: &Path) -> Option<Problem> {
    None
}

fn env_problem(name: &str) -> Option<Problem> {
    let help = format!("set `{name}` where `docker compose up` is run");
    match std::env::var_os(name) {
        None => Some(("secret-missing", format!("the variable `{name}` is not set here"), help)),
        Some(value) if value.is_empty() => {
            Some(("secret-empty", format!("the variable `{name}` is empty"), help))
        }
        Some(_) => None,
    }
}

fn place(diagnostic: Diagnostic, secret: &Secret) -> Diagnostic {
    match &secret.at {
        Some(at) => diagnostic.at_value(ConfigPath::clone(at), "named here"),
        None => diagnostic,
    }
}
