//! Flags as answers: each is checked like the answer to its question, and all faults are named at once.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use super::look::Looked;
use super::service_file::{self, ServiceFile};
use super::{HEARTBEAT, OWN_SECRETS, SKYPILOT, Secret, check};
use crate::catalog::engines::Engine;
use crate::catalog::receivers::{KINDS, Kind, Question};
use crate::diagnostics::nearest;
use crate::values::{HostPort, HttpUrl, StackName};

/// The flags as they were written.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub name: Option<String>,
    pub service: Option<String>,
    pub engine: Option<String>,
    pub instrumentation: Option<bool>,
    pub replicas: Vec<String>,
    pub from: Option<PathBuf>,
    pub api_server: Option<String>,
    pub api_token: Option<bool>,
    pub endpoint: Option<String>,
    pub probe: Option<bool>,
    pub critical: Option<String>,
    pub warning: Option<String>,
    pub info: Option<bool>,
    pub heartbeat: Option<bool>,
    /// `KIND.KEY=VALUE`
    pub settings: Vec<String>,
    /// `KIND=FILE`
    pub secret_files: Vec<String>,
}

/// The flags as answers.
#[derive(Debug, Default)]
pub struct Flags {
    pub(super) name: Option<StackName>,
    pub(super) service: Option<String>,
    pub(super) engine: Option<&'static Engine>,
    /// What a replica shows, which answers for the engine where no flag does.
    pub(super) looked: Option<Looked>,
    pub(super) instrumentation: Option<bool>,
    pub(super) replicas: Option<Vec<HostPort>>,
    /// A service file, which answers what no flag does.
    pub(super) from: Option<ServiceFile>,
    pub(super) api_server: Option<HttpUrl>,
    pub(super) api_token: Option<bool>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) probe: Option<bool>,
    pub(super) critical: Option<Choice>,
    pub(super) warning: Option<Choice>,
    pub(super) info: Option<bool>,
    pub(super) heartbeat: Option<bool>,
    /// Kind and key → values.
    pub(super) settings: BTreeMap<(&'static str, &'static str), Vec<String>>,
    /// Kind, or a name of `OWN_SECRETS` → secret.
    pub(super) secrets: BTreeMap<&'static str, Secret>,
}

/// What users call, or that there is nothing to be asked for.
#[derive(Debug)]
pub(super) struct Endpoint(pub(super) Option<HttpUrl>);

/// A kind of receiver; `Kind` itself has no `Debug`.
#[derive(Clone, Copy)]
pub(super) struct Choice(pub(super) &'static Kind);

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

/// What is wrong with a flag. The second line of the message, if any, is the help.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub flag: String,
    pub message: String,
}

/// All flags, checked; secrets are read from their files.
pub fn read(given: &Given) -> Result<Flags, Vec<Fault>> {
    let mut faults = Faults::default();
    let mut flags = Flags {
        name: faults.keep("--name", given.name.as_deref(), str::parse),
        service: faults.keep("--service", given.service.as_deref(), check::service),
        engine: faults.keep("--engine", given.engine.as_deref(), check::engine),
        api_server: faults.keep("--api-server", given.api_server.as_deref(), check::api_server),
        instrumentation: given.instrumentation,
        api_token: given.api_token,
        probe: given.probe,
        endpoint: faults
            .keep("--endpoint", given.endpoint.as_deref(), |text| check::endpoint(text).map(Endpoint)),
        critical: faults.keep("--critical", given.critical.as_deref(), |text| check::kind(text).map(Choice)),
        warning: faults.keep("--warning", given.warning.as_deref(), |text| check::kind(text).map(Choice)),
        info: given.info,
        heartbeat: given.heartbeat,
        ..Flags::default()
    };
    if let Some(path) = &given.from {
        flags.from = service_file::read(path).map_err(|message| faults.add("--from", message)).ok();
    }
    let engine = flags.engine.or_else(|| flags.from.as_ref()?.engine());
    if let Some(engine) = engine.filter(|engine| given.instrumentation == Some(true) && !engine.is_own()) {
        let name = &engine.name;
        faults.add("--instrumentation", format!("`{name}` has metrics of its own\nleave the flag out"));
    }
    // Each alone, so that every fault is named; then all, which may not repeat each other.
    let each: Vec<_> =
        given.replicas.iter().map(|text| faults.keep("--replica", Some(text), check::replicas)).collect();
    if !each.is_empty() && each.iter().all(Option::is_some) {
        flags.replicas = faults.keep("--replica", Some(&given.replicas.join(",")), check::replicas);
    }
    for text in &given.settings {
        if let Some((kind, question, value)) = faults.keep("--set", Some(text), setting) {
            flags.settings.entry((kind.name, question.key)).or_default().push(value);
        }
    }
    for ((kind, key), values) in &flags.settings {
        if values.len() > 1 && !is_list(kind, key) {
            faults.add("--set", format!("`{kind}.{key}` is given {} times\ngive it once", values.len()));
        }
    }
    let mut standard_input = false;
    for text in &given.secret_files {
        let found = faults.keep("--secret-file", Some(text), |text| {
            let (name, file) = secret_file(text)?;
            if file == "-" && std::mem::replace(&mut standard_input, true) {
                return Err("only one secret can come from standard input".into());
            }
            let secret = read_secret(file)?;
            check::secret(name, &secret).map_err(|error| format!("`{file}`: {error}"))?;
            Ok((name, secret))
        });
        if let Some((name, secret)) = found
            && flags.secrets.insert(name, secret).is_some()
        {
            faults.add("--secret-file", format!("`{name}` is given twice\ngive it once"));
        }
    }
    // Who gives the secret wants it used.
    let wanted = [
        (HEARTBEAT.name, "--heartbeat=false", &mut flags.heartbeat),
        (SKYPILOT.name, "--api-token=false", &mut flags.api_token),
    ];
    for (name, refusal, wanted) in wanted {
        if flags.secrets.contains_key(name) && !*wanted.get_or_insert(true) {
            faults.add("--secret-file", format!("`{name}` is given, but `{refusal}`\nremove one of the two"));
        }
    }
    if flags.secrets.contains_key(SKYPILOT.name) && (given.from.is_none() || !given.replicas.is_empty()) {
        faults.add(
            "--secret-file",
            "`skypilot` is of use only where SkyServe is asked for the replicas\n\
             write `--from service.yaml`, and no `--replica`",
        );
    }
    let engine = flags.engine.or_else(|| flags.from.as_ref()?.engine());
    if let Some(engine) = engine.filter(|engine| engine.metrics_path.is_none()) {
        let useless = [("--replica", !given.replicas.is_empty()), ("--from", given.from.is_some())];
        for (flag, _) in useless.into_iter().filter(|(_, given)| *given) {
            faults.add(
                flag,
                format!(
                    "{} exposes no metrics: no replica of it can be scraped\nwrite `--endpoint http://gpu-1.internal:{}` in its place, which is probed",
                    engine.title, engine.port
                ),
            );
        }
    }
    if faults.0.is_empty() { Ok(flags) } else { Err(faults.0) }
}

/// What `--yes` cannot answer, and what it would leave unused: nobody is there to be asked.
pub fn missing(flags: &Flags) -> Vec<Fault> {
    let mut faults = Faults::default();
    let critical = flags.critical.map_or(KINDS[0], |choice| choice.0);
    let warning = flags.warning.map_or(critical, |choice| choice.0);
    let chosen = |name: &str| critical.name == name || warning.name == name;
    for kind in KINDS.iter().filter(|kind| chosen(kind.name)) {
        for question in kind.questions {
            let given = flags.settings.contains_key(&(kind.name, question.key));
            if !given && (question.check)(question.default).is_err() {
                let (kind, key) = (kind.name, question.key);
                faults.add("--set", format!("`{kind}.{key}` has no default\nwrite `--set {kind}.{key}=…`"));
            }
        }
    }
    for kind in flags.settings.keys().map(|(kind, _)| *kind).filter(|kind| !chosen(kind)) {
        faults.add(
            "--set",
            format!("nobody is notified by `{kind}`\nwrite `--critical {kind}` or `--warning {kind}`"),
        );
    }
    for kind in flags.secrets.keys().copied().filter(|name| own_secret(name).is_none() && !chosen(name)) {
        faults.add(
            "--secret-file",
            format!("nobody is notified by `{kind}`\nwrite `--critical {kind}` or `--warning {kind}`"),
        );
    }
    faults.0.dedup();
    faults.0
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, flag: &str, message: impl Into<String>) {
        self.0.push(Fault { flag: flag.to_owned(), message: message.into() });
    }

    fn keep<T>(
        &mut self,
        flag: &str,
        text: Option<&str>,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        check(text?).map_err(|message| self.add(flag, message)).ok()
    }
}

fn setting(text: &str) -> Result<(&'static Kind, &'static Question, String), String> {
    let wrong = || format!("`{}` is not a setting\nwrite `email.to=oncall@example.com`", text.escape_debug());
    let (path, value) = text.split_once('=').ok_or_else(wrong)?;
    let (kind, key) = path.split_once('.').ok_or_else(wrong)?;
    let kind = check::kind(kind)?;
    let Some(question) = kind.questions.iter().find(|question| question.key == key) else {
        let keys = kind.questions.iter().map(|question| question.key);
        let help = match nearest(key, keys.clone()) {
            Some(near) => format!("did you mean `{}.{near}`?", kind.name),
            None if kind.questions.is_empty() => {
                format!("`{}` has none; its secret comes from `--secret-file {0}=FILE`", kind.name)
            }
            None => format!(
                "its settings are {}",
                keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        return Err(format!("`{}` has no setting `{}`\n{help}", kind.name, key.escape_debug()));
    };
    (question.check)(value)?;
    Ok((kind, question, value.to_owned()))
}

fn is_list(kind: &str, key: &str) -> bool {
    KINDS
        .iter()
        .filter(|known| known.name == kind)
        .flat_map(|known| known.questions)
        .any(|question| question.key == key && question.list)
}

fn secret_file(text: &str) -> Result<(&'static str, &str), String> {
    // Not repeated: somebody may have written the secret itself.
    let (name, file) = text
        .split_once('=')
        .ok_or("this does not say which secret is in which file\nwrite `--secret-file slack=webhook.txt`")?;
    let name = match own_secret(name) {
        Some(name) => name,
        None => check::kind(name)?.name,
    };
    if file.contains("://") {
        return Err(format!(
            "`{name}` is given the secret itself; on the command line others can read it\nwrite it into a file and name that"
        ));
    }
    Ok((name, file))
}

fn own_secret(name: &str) -> Option<&'static str> {
    OWN_SECRETS.iter().map(|own| own.name).find(|own| *own == name)
}

fn read_secret(file: &str) -> Result<Secret, String> {
    let mut text = String::new();
    if file == "-" {
        let mut stdin = std::io::stdin();
        if stdin.is_terminal() {
            return Err(
                "a secret that is typed here would be shown\nleave the flag out, and it is asked for".into(),
            );
        }
        stdin.read_to_string(&mut text).map_err(|error| format!("cannot read standard input: {error}"))?;
    } else {
        text = std::fs::read_to_string(Path::new(file))
            .map_err(|error| format!("cannot read `{}`: {error}", file.escape_debug()))?;
    }
    let secret = Secret::new(text);
    if secret.is_empty() {
        Err(format!("`{file}` is empty\nleave the flag out to fill it in later"))
    } else {
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(faults: &[Fault]) -> String {
        faults.iter().map(|fault| [&fault.flag, ": ", &fault.message, "\n"].concat()).collect()
    }

    #[test]
    fn all_wrong_flags_are_named_at_once() {
        let given = Given {
            name: Some("No Name".into()),
            service: Some("stack".into()),
            engine: Some("sglangg".into()),
            replicas: vec!["10.0.0.1".into(), "http://x:1/".into()],
            endpoint: Some("api.example.com".into()),
            critical: Some("slak".into()),
            warning: Some("pigeon".into()),
            settings: vec![
                "email.too=a".into(),
                "slack.channel=#x".into(),
                "email.to=nobody".into(),
                "x".into(),
            ],
            secret_files: vec![
                "slack=/nowhere/at-all".into(),
                "pigeon=x".into(),
                "slack=https://hook".into(),
            ],
            ..Given::default()
        };
        let faults = read(&given).unwrap_err();
        let text = messages(&faults);
        assert_eq!(faults.len(), 15, "{text}");
        for flag in ["--name", "--service", "--engine", "--replica", "--endpoint", "--critical", "--warning"]
        {
            assert!(faults.iter().any(|fault| fault.flag == flag), "{flag}");
        }
        for words in [
            "`slack`?",
            "`email.to`?",
            "no engine `sglangg`",
            "cannot read `/nowhere/at-all`",
            "the secret itself",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert!(!text.contains("https://hook"));
    }

    #[test]
    fn without_a_person_every_setting_without_a_default_needs_its_flag() {
        let given = Given { critical: Some("email".into()), ..Given::default() };
        let faults = missing(&read(&given).unwrap());
        let text = messages(&faults);
        assert_eq!(faults.len(), 3, "{text}");
        assert!(text.contains("write `--set email.to=…`"), "{text}");

        let given = Given { settings: vec!["email.to=a@b".into()], ..Given::default() };
        assert!(messages(&missing(&read(&given).unwrap())).contains("nobody is notified by `email`"));
    }

    #[test]
    fn only_a_server_of_ones_own_is_measured() {
        let given = |engine: &str| Given {
            engine: Some(engine.into()),
            instrumentation: Some(true),
            ..Given::default()
        };
        assert!(read(&given("custom")).is_ok());
        assert!(messages(&read(&given("vllm")).unwrap_err()).contains("`vllm` has metrics of its own"));
    }

    #[test]
    fn who_gives_the_heartbeat_its_url_wants_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        std::fs::write(&file, "https://hc-ping.com/1\n").unwrap();
        let secret_files = vec![format!("heartbeat={}", file.display())];
        let given = Given { secret_files, ..Given::default() };
        assert_eq!(read(&given).unwrap().heartbeat, Some(true));
        let faults = read(&Given { heartbeat: Some(false), ..given }).unwrap_err();
        assert!(messages(&faults).contains("--heartbeat=false"));
    }
}
