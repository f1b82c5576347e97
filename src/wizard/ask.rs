//! The questions in their order. A flag that is given is not asked; a wrong answer is asked again.

use anyhow::anyhow;

use super::answers::{OwnEngine, Probe};
use super::flags::{Choice, Endpoint, Flags};
use super::look::{self, ENGINES, Seen};
use super::prompt::{Asked, Prompt, Stop};
use super::service_file::ServiceFile;
use super::{
    API_SERVER, Answers, HEARTBEAT, OwnSecret, REPLICA, Receiver, Replicas, SKYPILOT, Secret, check,
};
use crate::catalog::engines::{Engine, Engines};
use crate::catalog::receivers::{KINDS, Kind, Question};
use crate::values::UrlPath;

const SERVICE: &str = "Name of the service to watch";
const SKYSERVE_SERVICE: &str = "Name of the service in SkyServe";
const REPLICAS: &str = "Addresses of its replicas (host:port, with commas between)";

/// `name` is the stack's if nobody says otherwise. A secret whose file `is_kept` is not asked for.
pub fn ask(
    mut flags: Flags,
    name: &str,
    is_kept: &dyn Fn(&str) -> bool,
    prompt: &mut dyn Prompt,
) -> Asked<Answers> {
    let name = match flags.name.take() {
        Some(name) => name,
        None => text(prompt, "Name of the stack", name, str::parse)?,
    };
    let from = flags.from.take();
    let file = from.as_ref();
    let service = if let Some(service) = flags.service.take() {
        service
    } else {
        // `stack` is taken.
        let name = if name.as_str() == "stack" { "demo" } else { name.as_str() };
        let name = file.and_then(|file| file.name.as_ref()).map_or(name, |name| name.value.as_str());
        text(prompt, if file.is_some() { SKYSERVE_SERVICE } else { SERVICE }, name, check::service)?
    };
    let Chosen { engine, own_engine, metrics_path } = choose_engine(&mut flags, file, &service, prompt)?;
    let scraped = engine.metrics_path.is_some();
    let instrumentation = match flags.instrumentation {
        _ if !engine.is_own() => false,
        Some(wanted) => wanted,
        None => prompt.confirm("Write a Python module that measures the server's requests?", false)?,
    };
    let replicas = match flags.replicas.take() {
        _ if !scraped => Replicas::Listed(Vec::new()),
        Some(replicas) => Replicas::Listed(replicas),
        None if file.is_some() => ask_skyserve(&mut flags, is_kept, prompt)?,
        None => {
            let proposal = format!("host.docker.internal:{}", engine.port);
            Replicas::Listed(text(prompt, REPLICAS, &proposal, check::replicas)?)
        }
    };
    let wants_token =
        file.is_some_and(|file| file.bearer.is_some()) || flags.secrets.contains_key(REPLICA.name);
    let token = own_secret(&REPLICA, wants_token, &mut flags, is_kept, prompt)?;
    let endpoint = match flags.endpoint.take() {
        Some(Endpoint(endpoint)) if scraped || endpoint.is_some() => endpoint,
        _ if !scraped => {
            let port = engine.ready_port.unwrap_or(engine.port);
            let proposal = format!("http://host.docker.internal:{port}");
            Some(text(prompt, "URL that users call, to be probed", &proposal, str::parse)?)
        }
        _ => text(prompt, "URL that users call, to be probed (empty for none)", "", check::endpoint)?,
    };
    let probe = ask_probe(file, flags.probe, &replicas, endpoint.is_some(), prompt)?;
    let scale = file.map(ServiceFile::scale).unwrap_or_default();

    let critical = match flags.critical {
        Some(Choice(kind)) => kind,
        None => ask_kind(prompt, "Who hears of critical alerts", KINDS, None)?,
    };
    let critical = ask_receiver(critical, &mut flags, is_kept, prompt)?;
    let warning = match flags.warning {
        Some(Choice(kind)) => kind,
        None => ask_kind(prompt, "Who hears of warnings", KINDS, Some(critical.kind))?,
    };
    let warning = if warning.name == critical.kind.name {
        None
    } else {
        Some(ask_receiver(warning, &mut flags, is_kept, prompt)?)
    };
    let info = match flags.info {
        Some(info) => info,
        None => prompt.confirm("Send `info` alerts too (no traffic, and the like)?", false)?,
    };
    let wanted = match flags.heartbeat {
        Some(wanted) => wanted,
        None => prompt.confirm("Have a service outside complain when this monitoring dies?", false)?,
    };
    let heartbeat = own_secret(&HEARTBEAT, wanted, &mut flags, is_kept, prompt)?;
    // What is left was for kinds that nobody chose.
    let mut unused: Vec<&str> = flags.settings.keys().map(|(kind, _)| *kind).collect();
    unused.extend(flags.secrets.keys());
    unused.dedup();
    Ok(Answers {
        name,
        service,
        engine,
        own_engine,
        metrics_path,
        instrumentation,
        replicas,
        token,
        endpoint,
        probe,
        scale,
        critical,
        warning,
        info,
        heartbeat,
        unused,
    })
}

fn ask_skyserve(
    flags: &mut Flags,
    is_kept: &dyn Fn(&str) -> bool,
    prompt: &mut dyn Prompt,
) -> Asked<Replicas> {
    let api_server = match flags.api_server.take() {
        Some(url) => url,
        None => text(
            prompt,
            "Address of SkyPilot's API server, as a container reaches it",
            API_SERVER,
            check::api_server,
        )?,
    };
    let wanted = match flags.api_token {
        Some(wanted) => wanted,
        // One that listens on this machine alone asks nobody who he is, if it is not told to.
        None => prompt.confirm("Does it want a token?", api_server.is_https())?,
    };
    let token = own_secret(&SKYPILOT, wanted, flags, is_kept, prompt)?;
    Ok(Replicas::SkyServe { api_server, token })
}

/// Each probe of SkyServe's endpoint is a request that its autoscaler counts.
fn ask_probe(
    file: Option<&ServiceFile>,
    wanted: Option<bool>,
    replicas: &Replicas,
    has_endpoint: bool,
    prompt: &mut dyn Prompt,
) -> Asked<Probe> {
    let Some(file) = file else {
        return Ok(Probe { path: None, enabled: wanted.filter(|wanted| !wanted), interval: None });
    };
    let is_on = match wanted {
        Some(wanted) => wanted,
        None if !has_endpoint => file.always_runs(),
        None => prompt.confirm(
            "Probe that URL now and then? To SkyServe it is a request of users",
            file.always_runs(),
        )?,
    };
    let path = file.ready_path.as_ref().map(|path| path.value.clone());
    let from_skyserve = matches!(replicas, Replicas::SkyServe { .. });
    Ok(Probe {
        path,
        // Where SkyServe is asked for the replicas, a probe is rare by itself, and off where there may be none.
        enabled: (!is_on || (from_skyserve && file.may_sleep())).then_some(is_on),
        interval: (is_on && !from_skyserve).then_some("5m"),
    })
}

/// One of the stack's own secrets, if it is wanted: from its flag, from its file, or from who is asked.
fn own_secret(
    own: &OwnSecret,
    wanted: bool,
    flags: &mut Flags,
    is_kept: &dyn Fn(&str) -> bool,
    prompt: &mut dyn Prompt,
) -> Asked<Option<Secret>> {
    if !wanted {
        return Ok(None);
    }
    Ok(Some(match flags.secrets.remove(own.name) {
        Some(given) => given,
        None if is_kept(own.file) => Secret::default(),
        None => secret(prompt, own.name, own.prompt, own.link)?,
    }))
}

/// The engine, and what a look at a replica adds to it.
struct Chosen {
    engine: &'static Engine,
    own_engine: Option<OwnEngine>,
    metrics_path: Option<UrlPath>,
}

fn choose_engine(
    flags: &mut Flags,
    file: Option<&ServiceFile>,
    service: &str,
    prompt: &mut dyn Prompt,
) -> Asked<Chosen> {
    let looked = flags.looked.take();
    let path = looked.as_ref().map(|looked| looked.path.clone());
    let known = |engine: &'static Engine| {
        let metrics_path = path.filter(|path| engine.metrics_path.as_ref() != Some(path));
        Chosen { engine, own_engine: None, metrics_path }
    };
    let draft = match (flags.engine, looked.map(|looked| looked.seen)) {
        (Some(engine), _) | (None, Some(Seen::Known(engine))) => return Ok(known(engine)),
        (None, Some(Seen::Unknown(draft))) => Some(draft),
        (None, None) => None,
    };
    if let Some(text) = draft {
        let name = look::name_for(service);
        if prompt
            .confirm(&format!("Draft an engine's file, {ENGINES}{name}.yml, from what it shows?"), true)?
        {
            // Only its port is of use, which nobody asks for any more.
            let engine = check::engine("custom").map_err(|error| Stop::Failed(anyhow!(error)))?;
            return Ok(Chosen { engine, own_engine: Some(OwnEngine { name, text }), metrics_path: None });
        }
    }
    let engine = match file.and_then(ServiceFile::engine) {
        Some(engine) => engine,
        None => ask_engine(prompt)?,
    };
    Ok(known(engine))
}

fn ask_engine(prompt: &mut dyn Prompt) -> Asked<&'static Engine> {
    let engines: Vec<&'static Engine> = Engines::built_in().iter().map(AsRef::as_ref).collect();
    let items: Vec<String> =
        engines.iter().map(|engine| format!("{} – {}", engine.name, engine.about)).collect();
    Ok(engines[prompt.select("What serves the model", &items, 0)?])
}

/// With `same`, that kind comes first, as the one that hears of critical alerts already.
fn ask_kind(
    prompt: &mut dyn Prompt,
    question: &str,
    kinds: &[&'static Kind],
    same: Option<&'static Kind>,
) -> Asked<&'static Kind> {
    let Some(same) = same else {
        let items: Vec<String> = kinds.iter().map(|kind| kind.title.to_owned()).collect();
        return Ok(kinds[prompt.select(question, &items, 0)?]);
    };
    let mut order = vec![same];
    order.extend(kinds.iter().copied().filter(|kind| kind.name != same.name));
    let mut items: Vec<String> = order.iter().map(|kind| kind.title.to_owned()).collect();
    items[0] = format!("The same ({})", same.title);
    Ok(order[prompt.select(question, &items, 0)?])
}

fn ask_receiver(
    kind: &'static Kind,
    flags: &mut Flags,
    is_kept: &dyn Fn(&str) -> bool,
    prompt: &mut dyn Prompt,
) -> Asked<Receiver> {
    let mut settings = Vec::new();
    for question in kind.questions {
        let values = match flags.settings.remove(&(kind.name, question.key)) {
            Some(values) => values,
            None => text(prompt, question.prompt, question.default, |text| ask_setting(question, text))?,
        };
        settings.push((question.key, question.list, values));
    }
    let secret = match flags.secrets.remove(kind.name) {
        Some(secret) => secret,
        None if is_kept(kind.secret_file) => Secret::default(),
        None => secret(prompt, kind.name, kind.secret_prompt, kind.secret_link)?,
    };
    Ok(Receiver { kind, settings, secret })
}

/// Where the key takes a list, several items may be given with commas between.
fn ask_setting(question: &Question, text: &str) -> Result<Vec<String>, String> {
    let items: Vec<String> = if question.list {
        text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    } else {
        vec![text.to_owned()]
    };
    if items.is_empty() {
        (question.check)("")?;
    }
    items.iter().try_for_each(|item| (question.check)(item))?;
    Ok(items)
}

fn text<T>(
    prompt: &mut dyn Prompt,
    question: &str,
    default: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Asked<T> {
    loop {
        match check(prompt.text(question, default)?.trim()) {
            Ok(answer) => return Ok(answer),
            Err(about) => prompt.complain(&about)?,
        }
    }
}

fn secret(prompt: &mut dyn Prompt, of: &str, question: &str, link: &str) -> Asked<Secret> {
    loop {
        let secret = prompt.secret(question, link)?;
        match check::secret(of, &secret) {
            Ok(()) => return Ok(secret),
            Err(about) => prompt.complain(&about)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::flags::{Given, read};
    use super::super::prompt::{Defaults, Reply, Scripted, Stop};
    use super::*;

    const NOTHING_KEPT: &dyn Fn(&str) -> bool = &|_| false;

    /// Every question that the longest way through the wizard asks.
    fn longest() -> Vec<(&'static str, Reply)> {
        vec![
            ("Name of the stack", Reply::Text("acme")),
            ("Name of the service", Reply::Text("chat")),
            ("What serves", Reply::Pick("vllm")),
            ("replicas", Reply::Text("10.0.0.1:8000, 10.0.0.2:8000")),
            ("URL that users call", Reply::Text("https://api.example.com")),
            ("critical", Reply::Pick("PagerDuty")),
            ("integration key", Reply::Secret("pd-key")),
            ("warnings", Reply::Pick("Email")),
            ("Mail address", Reply::Text("a@example.com, b@example.com")),
            ("Sender", Reply::Text("skymon@example.com")),
            ("Mail server", Reply::Default),
            ("User name", Reply::Text("skymon@example.com")),
            ("Password", Reply::Secret("mail-password")),
            ("info", Reply::Confirm(true)),
            ("complain when", Reply::Confirm(true)),
            ("every minute", Reply::Secret("https://hc-ping.com/1")),
        ]
    }

    #[test]
    fn the_answers_are_what_was_said() {
        let mut prompt = Scripted::new(&longest());
        let answers = ask(Flags::default(), "demo", NOTHING_KEPT, &mut prompt).unwrap();
        assert!(prompt.is_done());
        assert_eq!(answers.engine.name, "vllm");
        assert_eq!(answers.replicas.listed().len(), 2);
        let warning = answers.warning.as_ref().unwrap();
        assert_eq!(warning.settings[0].2, ["a@example.com", "b@example.com"]);
        assert_eq!(warning.settings[2].2, ["smtp.gmail.com:587"]);
        assert!(answers.info);
        assert_eq!(answers.heartbeat.as_ref().unwrap().expose(), "https://hc-ping.com/1");
        assert!(!format!("{answers:?}{}", prompt.shown).contains("mail-password"));
    }

    #[test]
    fn whoever_leaves_at_any_question_has_cancelled() {
        for left_at in 0..longest().len() {
            let mut replies = longest();
            replies.truncate(left_at + 1);
            replies[left_at].1 = Reply::Cancel;
            let result = ask(Flags::default(), "demo", NOTHING_KEPT, &mut Scripted::new(&replies));
            assert!(matches!(result, Err(Stop::Cancelled)), "question {left_at}");
        }
    }

    #[test]
    fn every_question_has_a_flag_that_answers_it() {
        let dir = tempfile::tempdir().unwrap();
        let secret = |name: &str, text: &str| {
            let file = dir.path().join(name);
            std::fs::write(&file, text).unwrap();
            format!("{name}={}", file.display())
        };
        let given = Given {
            name: Some("acme".into()),
            service: Some("chat".into()),
            engine: Some("custom".into()),
            instrumentation: Some(true),
            replicas: vec!["10.0.0.1:8000".into()],
            from: None,
            api_server: None,
            api_token: None,
            endpoint: Some(String::new()),
            probe: None,
            critical: Some("pagerduty".into()),
            warning: Some("email".into()),
            info: Some(false),
            heartbeat: Some(true),
            settings: ["to=a@example.com", "from=b@example.com", "smarthost=mx:25", "username=c"]
                .map(|setting| format!("email.{setting}"))
                .into(),
            secret_files: vec![
                secret("pagerduty", "pd-key"),
                secret("email", "mail-password\n"),
                secret("heartbeat", "https://hc-ping.com/1"),
            ],
        };
        // Whatever were asked would find no answer and fail the test.
        let answers = ask(read(&given).unwrap(), "demo", NOTHING_KEPT, &mut Scripted::default())
            .expect("nothing is asked");
        assert!(answers.instrumentation);
        assert_eq!(answers.warning.unwrap().secret.expose(), "mail-password");
        assert!(answers.unused.is_empty());
    }

    #[test]
    fn a_wrong_answer_is_asked_again_with_what_is_wrong() {
        let mut prompt = Scripted::new(&[
            ("Name of the stack", Reply::Text("No Name")),
            ("Name of the stack", Reply::Default),
            ("Name of the service", Reply::Default),
            ("What serves", Reply::Default),
            ("Python module", Reply::Default),
            ("replicas", Reply::Text("localhost:8080")),
            ("replicas", Reply::Default),
            ("URL that users call", Reply::Default),
            ("critical", Reply::Pick("Slack")),
            ("Slack webhook URL", Reply::Secret("xoxb-hunter2")),
            ("Slack webhook URL", Reply::Default),
            ("warnings", Reply::Pick("The same")),
            ("info", Reply::Default),
            ("complain when", Reply::Default),
        ]);
        let answers = ask(Flags::default(), "demo", NOTHING_KEPT, &mut prompt).unwrap();
        for words in ["`No Name` cannot name a stack", "host.docker.internal:8080", "not a URL"] {
            assert!(prompt.shown.contains(words), "{words} in {}", prompt.shown);
        }
        assert!(!prompt.shown.contains("hunter2"));
        assert!(answers.warning.is_none());
        assert!(answers.critical.secret.is_empty());
    }

    #[test]
    fn a_secret_that_is_there_already_is_not_asked_for() {
        let mut prompt = Scripted::new(&[
            ("Name of the stack", Reply::Default),
            ("Name of the service", Reply::Default),
            ("What serves", Reply::Default),
            ("Python module", Reply::Confirm(true)),
            ("replicas", Reply::Default),
            ("URL that users call", Reply::Default),
            ("critical", Reply::Default),
            ("warnings", Reply::Default),
            ("info", Reply::Default),
            ("complain when", Reply::Confirm(true)),
        ]);
        ask(Flags::default(), "demo", &|_| true, &mut prompt).unwrap();
        assert!(prompt.is_done());
    }

    #[test]
    fn nobody_has_to_answer_when_the_defaults_do() {
        let answers = ask(Flags::default(), "demo", NOTHING_KEPT, &mut Defaults).unwrap();
        assert_eq!(answers.replicas.listed()[0].as_str(), "host.docker.internal:8080");
        assert_eq!(answers.critical.kind.name, "slack");
        assert!(answers.heartbeat.is_none() && answers.endpoint.is_none() && !answers.info);
    }
}
