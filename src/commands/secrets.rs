//! Whether the user's own files are where the config says: secrets, certificates, target files.
//!
//! Only warnings: where the stack is rendered and checked (CI) need not be where it runs.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use crate::catalog::programs::GRAFANA;
use crate::diagnostics::{Diagnostic, Report};
use crate::mounts::{FileKind, Mounts, Secret, SecretSource};
use crate::output;
use crate::source::ConfigPath;
use crate::users::Users;

pub(super) fn check(mounts: &Mounts, config_dir: &Path, report: &mut Report) {
    for secret in &mounts.secrets {
        let problem = match &secret.source {
            SecretSource::File(path) => file_problem(path.as_str(), config_dir, secret.kind),
            SecretSource::Env(name) => env_problem(name.as_str()),
        };
        if secret.kind == FileKind::Users {
            check_users(secret, config_dir, report);
        }
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

/// Secrets of which the file is another one since then, as far as a program must be told. Only looks at the files' times; the
/// clock that they are made by has ticks of some milliseconds, and in doubt it is said once more.
pub(super) fn replaced_since<'a>(time: SystemTime, mounts: &'a Mounts, config_dir: &Path) -> Vec<&'a Secret> {
    let is_newer = |secret: &&Secret| match &secret.source {
        SecretSource::File(path) => {
            output::changed(&config_dir.join(path.as_str())).is_some_and(|at| at >= time)
        }
        SecretSource::Env(_) => false,
    };
    // Grafana takes its first password when it starts for the first time, and never again.
    mounts.secrets.iter().filter(|secret| secret.program != GRAFANA.name).filter(is_newer).collect()
}

type Problem = (&'static str, String, String);

/// A line of the users file that Caddy would not start with.
fn check_users(secret: &Secret, config_dir: &Path, report: &mut Report) {
    let SecretSource::File(path) = &secret.source else { return };
    let Ok(text) = fs::read_to_string(config_dir.join(path.as_str())) else { return };
    for (line, fault) in Users::parse(&text).err().unwrap_or_default() {
        report.push(
            place(
                Diagnostic::error("bad-users", format!("`{}`, line {line}: {fault}", path.as_str())),
                secret,
            )
            .help("take the line out, and run `skymon passwd NAME` if that was somebody"),
        );
    }
}

fn file_problem(path: &str, config_dir: &Path, kind: FileKind) -> Option<Problem> {
    let full = config_dir.join(path);
    let what = kind.noun();
    let put = match kind {
        FileKind::Users => "run `skymon passwd NAME`".to_owned(),
        _ => format!("write the {what} into `{path}`"),
    };
    let mut file = match fs::File::open(&full) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some(("secret-missing", format!("the {what} `{path}` is not there"), put));
        }
        Err(error) => {
            return Some(("secret-unreadable", format!("the {what} `{path}` cannot be read: {error}"), put));
        }
    };
    // Enough to see whether there is anything; the secret itself is of no interest.
    let mut start = [0; 64];
    match file.read(&mut start) {
        Err(error) => {
            Some(("secret-unreadable", format!("the {what} `{path}` cannot be read: {error}"), put))
        }
        Ok(length) if start[..length].iter().all(u8::is_ascii_whitespace) => {
            Some(("secret-empty", format!("the {what} `{path}` is empty"), put))
        }
        Ok(_) => mode_problem(path, &full, kind),
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
fn mode_problem(path: &str, full: &Path, kind: FileKind) -> Option<Problem> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).map(|meta| meta.permissions().mode());
    if mode(full).ok()? & 0o004 == 0 {
        let help = match kind {
            FileKind::Certificate => format!("chmod 644 {path}"),
            _ => format!("chmod 644 {path} (its folder, 0700, keeps it private)"),
        };
        return Some(("secret-mode", format!("the containers cannot read the secret `{path}`"), help));
    }
    let folder = full.parent()?;
    if kind != FileKind::Certificate && mode(folder).ok()? & 0o077 != 0 {
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
fn mode_problem(_: &str, _: &Path, _: FileKind) -> Option<Problem> {
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
