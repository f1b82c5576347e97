//! A certificate, key or password that Prometheus or Alertmanager is to read, or a script that a container is to run, at a
//! path that nothing brings into its container.

use super::Check;
use super::shared::nodes::each_value;
use crate::diagnostics::{Diagnostic, Report, Severity, misspelt};
use crate::source::{Node, Spanned};
use crate::stack::{Kind, Origin, Program, Service, ServiceName, Stack};

pub(super) const CHECK: Check = Check { id: "file-not-mounted", severity: Severity::Error, run };

const KEYS: [&str; 8] = [
    "bearer_token_file",
    "ca_file",
    "cert_file",
    "client_secret_file",
    "credentials_file",
    "key_file",
    "password_file",
    "username_file",
];
/// What images bring themselves.
const OF_IMAGES: [&str; 3] = ["/etc/ssl/", "/etc/pki/", "/usr/"];

fn run(stack: &Stack, report: &mut Report) {
    by_variable(stack, report);
    report.extend(stack.services().filter_map(|(_, service)| by_command(service)));
    report.extend(stack.running(Program::Grafana).filter_map(|grafana| home(stack, grafana)));
    for prometheus in &stack.prometheuses {
        let Some(service) = known(stack, &prometheus.service) else { continue };
        for (key, path) in named(&prometheus.root, &|key| KEYS.contains(&key)) {
            if let Some(inside) = prometheus.path_inside(service, &path) {
                check(service, &key, &path, &inside, "each scrape fails", report);
            }
        }
    }
    for alertmanager in &stack.alertmanagers {
        let Some(service) = known(stack, &alertmanager.service) else { continue };
        let named = named(&alertmanager.root, &|key| key.ends_with("_file"));
        for (key, path) in named.iter().filter(|(_, path)| path.starts_with('/') && !path.contains("${")) {
            check(service, key, path, path, "read when there is something to send, which then fails", report);
        }
    }
}

/// The page that Grafana opens with.
fn home(stack: &Stack, grafana: &Service) -> Option<Diagnostic> {
    let path = grafana.set("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")?;
    if !path.starts_with("/etc/") || path.contains('$') || !grafana.is_upstream() {
        return None;
    }
    let finding = CHECK
        .finding(format!("`{}` is not there: Grafana cannot show its home page", path.value))
        .at(path.place(), "asked for by everybody who comes in");
    match grafana.origin(path) {
        None => Some(
            finding.help("mount the folder of your dashboards, and name the page as it is called inside"),
        ),
        // The page may come with the deployment, but not where one of nearly the same name is here.
        Some(Origin::Host(host)) if stack.folder.kind(&host) == Kind::Missing => {
            let (folder, file) = host.rsplit_once('/').unwrap_or(("", &host));
            let files = stack.folder.files_in(folder, false);
            let near = misspelt(file, files.iter().filter_map(|path| path.rsplit('/').next()))?;
            Some(finding.help(format!("did you mean `{near}`?")))
        }
        Some(_) => None,
    }
}

/// A script that is to run in an image which has only a language.
fn by_command(service: &Service) -> Option<Diagnostic> {
    const LANGUAGES: [&str; 8] = ["alpine", "bash", "busybox", "debian", "node", "python", "ruby", "ubuntu"];
    const SCRIPTS: [&str; 5] = [".js", ".mjs", ".py", ".rb", ".sh"];
    let image = service.image.as_ref().filter(|_| !service.is_built)?;
    let is_script = |word: &&Spanned<String>| {
        word.starts_with('/')
            && SCRIPTS.iter().any(|ending| word.ends_with(ending))
            && !word.contains(['$', ' ', '*'])
            && !["/bin/", "/usr/"].iter().any(|own| word.starts_with(own))
    };
    // What takes over the mounts of others, or is made before it starts, is not known.
    let is_known = LANGUAGES.contains(&image.repository.as_str()) && service.get("volumes_from").is_none();
    let script = operand(&service.words).filter(is_script).filter(|_| is_known)?;
    if service.origin(script).is_some() {
        return None;
    }
    let (folder, name) = script.rsplit_once('/')?;
    let targets = service.mounts.iter().map(|mount| mount.target.as_str());
    let near = service.mounts.iter().find(|mount| misspelt(folder, targets.clone()) == Some(&mount.target));
    let finding = CHECK
        .finding(format!("`{}` is not there: nothing brings it into `{}`", script.value, service.name))
        .at(script.place(), "the program ends, and is started again");
    Some(match near {
        Some(mount) => {
            finding.at(mount.at.place(), "mounted here instead").help(format!("mount it at `{folder}`"))
        }
        // Nothing can be mounted in the place of the whole image.
        None if folder.is_empty() => {
            finding.help(format!("mount its folder at `/scripts`, and write `/scripts/{name}`"))
        }
        None => finding.help(format!("mount its folder at `{folder}`")),
    })
}

/// What a language is to run: the first word that is no option. Those behind it are for the script to read or to write.
fn operand(words: &[Spanned<String>]) -> Option<&Spanned<String>> {
    const RUNNERS: [&str; 9] = ["ash", "bash", "deno", "dash", "node", "python", "python3", "ruby", "sh"];
    let (first, rest) = words.split_first()?;
    let is_runner = RUNNERS.contains(&first.rsplit('/').next().unwrap_or_default());
    if is_runner { rest.iter().find(|word| !word.starts_with('-')) } else { Some(first) }
}

/// A secret of compose that a variable leads to, and that the service is not given.
fn by_variable(stack: &Stack, report: &mut Report) {
    const SECRETS: &str = "/run/secrets/";
    for (_, service) in stack.services() {
        for variable in &service.environment {
            let Some(path) = &variable.value else { continue };
            let is_named =
                variable.name.ends_with("_FILE") && path.starts_with(SECRETS) && !path.contains('$');
            if is_named && service.origin(path).is_none() {
                report.push(
                    CHECK
                        .finding(format!(
                            "`{}` is not there: `{}` is given no such secret",
                            path, service.name
                        ))
                        .at(path.place(), "not below `secrets:` of the service")
                        .help(format!("add `{}` to its `secrets:`", &path[SECRETS.len()..])),
                );
            }
        }
    }
}

/// The service, where all its mounts are known and nothing else may write the file first.
fn known<'s>(stack: &'s Stack, name: &ServiceName) -> Option<&'s Service> {
    let (_, service) = stack.service(name)?;
    let extends = service.get("extends").is_some_and(|node| node.get("file").is_some());
    let is_known = !service.is_built
        && !extends
        && service.get("volumes_from").is_none()
        && service.get("entrypoint").is_none();
    is_known.then_some(service)
}

fn check(
    service: &Service,
    key: &str,
    path: &Spanned<String>,
    inside: &str,
    consequence: &str,
    report: &mut Report,
) {
    if service.origin(inside).is_some() || OF_IMAGES.iter().any(|folder| inside.starts_with(folder)) {
        return;
    }
    let (folder, name) = inside.rsplit_once('/').unwrap_or(("", inside));
    let near = service.mounts.iter().find(|mount| mount.target.rsplit('/').next() == Some(name));
    let help = match near {
        Some(mount) => format!("write `{key}: {}`", mount.target),
        None if folder.is_empty() => {
            format!("name it below `secrets:` of `{}`, and write `{key}: /run/secrets/{name}`", service.name)
        }
        None => format!("mount its folder at `{folder}`, or name it below `secrets:` of `{}`", service.name),
    };
    report.push(
        CHECK
            .finding(format!(
                "`{path}` is not in the container of `{}`: no mount brings it there",
                service.name
            ))
            .at(path.place(), consequence)
            .help(help),
    );
}

/// The paths that stand at keys of this kind, each with its key.
fn named(root: &Node, names_a_file: &dyn Fn(&str) -> bool) -> Vec<(String, Spanned<String>)> {
    let mut found = Vec::new();
    each_value(root, &mut |keys, node| {
        let key = keys.last().filter(|key| names_a_file(key));
        found.extend(key.cloned().zip(node.value().filter(|path| !path.is_empty())));
    });
    found
}
