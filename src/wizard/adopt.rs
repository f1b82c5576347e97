//! What becomes of a service file: answers that no flag gives, and the sentences that say from where they come.

use std::fmt::Display;

use super::check;
use super::flags::{Endpoint, Flags};
use super::service_file::{At, ServiceFile};
use crate::catalog::engines::Engine;

/// What is said of the file before anything is asked.
#[derive(Debug, Default)]
pub struct Told {
    /// One line for each thing that is taken.
    pub taken: Vec<String>,
    /// One line for each that is not, and why.
    pub left: Vec<String>,
}

impl ServiceFile {
    /// The engine that is started first.
    pub(super) fn engine(&self) -> Option<&'static Engine> {
        check::engine(self.engines.first()?.value).ok()
    }

    /// How many replicas there are at least and at most.
    pub(super) fn scale(&self) -> (Option<u32>, Option<u32>) {
        (self.min.as_ref().map(|min| min.value), self.max.as_ref().map(|max| max.value))
    }

    /// Whether it is known that a replica always runs. Where none may, a probe would wake one.
    pub(super) fn always_runs(&self) -> bool {
        self.scale().0.is_some_and(|min| min > 0)
    }

    /// Whether it is known that there may be no replica.
    pub(super) fn may_sleep(&self) -> bool {
        self.scale().0 == Some(0)
    }

    fn cite<T>(&self, what: impl Display, read: &At<T>) -> String {
        format!("{what}, from {}:{} ({})", self.place, read.line, read.of)
    }
}

/// What the flags leave to the file, and what of it cannot be used. `None` where there is no file.
pub fn tell(flags: &Flags) -> Option<Told> {
    let file = flags.from.as_ref()?;
    let mut told = Told::default();
    if flags.engine.is_none() {
        engine(file, &mut told);
    }
    let Told { taken, left } = &mut told;
    let mut taken = |line: Option<String>| taken.extend(line);
    let name = file.name.as_ref().filter(|_| flags.service.is_none());
    taken(name.map(|name| file.cite(format_args!("name {}", name.value), name)));
    if flags.service.is_none() && flags.replicas.is_none() {
        let taken = name.map_or("the folder's name".to_owned(), |name| format!("`{}`", name.value));
        left.push(format!(
            "SkyServe knows the service by the name of `sky serve up -n`, which {} does not hold; {taken} is taken for it, and `--service` says another",
            file.place
        ));
    }
    taken(replicas(file));
    let path = file.ready_path.as_ref();
    taken(path.map(|path| file.cite(format_args!("probe of {}", path.value.as_str()), path)));
    taken(file.tls.as_ref().map(|tls| file.cite("an endpoint with TLS (`https://…`)", tls)));
    if let (Some(tls), Some(Endpoint(Some(url)))) = (&file.tls, &flags.endpoint)
        && !url.is_https()
    {
        left.push(format!(
            "{}:{}: `{}` makes the endpoint https, and `--endpoint` is http",
            file.place, tls.line, tls.of
        ));
    }
    taken(
        file.bearer.as_ref().map(|bearer| file.cite("replicas that want a token (it is not copied)", bearer)),
    );
    if flags.replicas.is_none() {
        // What SkyServe says of each replica is only said here; skymon.yaml has no word of it.
        taken(file.port.as_ref().map(|port| file.cite(format_args!("port {}", port.value), port)));
        let spot = |all| if all { "spot machines" } else { "spot machines for a part" };
        taken(file.spot.as_ref().map(|spot_for| file.cite(spot(spot_for.value), spot_for)));
        let accelerators = file.accelerators.as_ref();
        taken(
            accelerators
                .map(|names| file.cite(format_args!("accelerators {}", names.value.join(", ")), names)),
        );
    }
    left.extend(
        file.left
            .iter()
            .map(|left| format!("{}:{}: `{}` {}; it is left", file.place, left.line, left.of, left.value)),
    );
    Some(told)
}

fn engine(file: &ServiceFile, told: &mut Told) {
    let Some((first, others)) = file.engines.split_first() else {
        told.left.push(format!(
            "{} starts no engine that is known by its command; the default is `custom`, and `--engine` says another",
            file.place
        ));
        return;
    };
    told.taken.push(file.cite(format_args!("engine {}", first.value), first));
    for other in others {
        told.left.push(format!(
            "{}:{}: the engine {} is started too; `--engine` says which one users reach",
            file.place, other.line, other.value
        ));
    }
}

fn replicas(file: &ServiceFile) -> Option<String> {
    let count = |count: u32| if count == 1 { "1 replica".to_owned() } else { format!("{count} replicas") };
    Some(match (&file.min, &file.max) {
        (Some(min), Some(max)) if min.of == max.of => file.cite(count(min.value), min),
        (Some(min), Some(max)) => file.cite(
            format_args!("{} to {}", min.value, count(max.value)),
            &At { of: "service.replica_policy".to_owned(), ..min.clone() },
        ),
        (Some(min), None) => file.cite(format_args!("at least {}", count(min.value)), min),
        (None, Some(max)) => file.cite(format_args!("at most {}", count(max.value)), max),
        (None, None) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::flags::{Given, read};
    use super::super::prompt::{Defaults, Reply, Scripted};
    use super::super::{Answers, Replicas, ask};
    use super::*;
    use crate::templates::Templates;

    const FILE: &str = "\
name: chat
service:
  readiness_probe: /health
  replica_policy:
    min_replicas: 1
    max_replicas: 4
  tls: {keyfile: k, certfile: c}
resources: {ports: 8081, accelerators: L4:1, use_spot: true}
envs: {KEY: MARKER}
run: |
  TOKEN=MARKER vllm serve $MODEL --api-key MARKER
";
    const ENDPOINT: &str = "https://api.example.com";
    const NOTHING_KEPT: &dyn Fn(&str) -> bool = &|_| false;

    /// The flags beside `--from` of a file with this text.
    fn flags(text: &str, given: Given) -> Flags {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("service.yaml");
        std::fs::write(&path, text).unwrap();
        let mut flags = read(&Given { from: Some(path), ..given }).expect("right flags");
        flags.from.as_mut().unwrap().place = "service.yaml".to_owned();
        flags
    }

    fn config(answers: &Answers) -> String {
        answers.config(&Templates::new()).unwrap()
    }

    fn defaults(text: &str, given: Given) -> String {
        config(&ask(flags(text, given), "demo", NOTHING_KEPT, &mut Defaults).unwrap())
    }

    #[test]
    fn each_thing_that_is_taken_is_said_with_its_place() {
        let told = tell(&flags(FILE, Given::default())).unwrap();
        assert_eq!(
            told.taken,
            [
                "engine vllm, from service.yaml:11 (run: vllm serve)",
                "name chat, from service.yaml:1 (name)",
                "1 to 4 replicas, from service.yaml:5 (service.replica_policy)",
                "probe of /health, from service.yaml:3 (service.readiness_probe)",
                "an endpoint with TLS (`https://…`), from service.yaml:7 (service.tls)",
                "port 8081, from service.yaml:8 (resources.ports)",
                "spot machines, from service.yaml:8 (resources.use_spot)",
                "accelerators L4:1, from service.yaml:8 (resources.accelerators)",
            ]
        );
        let name = "SkyServe knows the service by the name of `sky serve up -n`, which service.yaml does not hold; `chat` is taken for it, and `--service` says another";
        assert_eq!(told.left, [name]);
        assert!(tell(&read(&Given::default()).unwrap()).is_none());
        let http = Given {
            service: Some("chat".into()),
            endpoint: Some("http://api.example.com".into()),
            ..Given::default()
        };
        let told = tell(&flags(FILE, http)).unwrap();
        assert_eq!(
            told.left,
            ["service.yaml:7: `service.tls` makes the endpoint https, and `--endpoint` is http"]
        );
    }

    #[test]
    fn replicas_are_said_in_the_words_that_fit() {
        for (lines, words) in [
            ("replicas: 2", "2 replicas, from service.yaml:2 (service.replicas)"),
            ("readiness_probe: /", "1 replica, from service.yaml:1 (service, which names no number)"),
            (
                "replica_policy: {min_replicas: 0, max_replicas: 1}",
                "0 to 1 replica, from service.yaml:2 (service.replica_policy)",
            ),
            (
                "replica_policy: {min_replicas: 2, max_replicas: $MAX}",
                "at least 2 replicas, from service.yaml:2 (service.replica_policy.min_replicas)",
            ),
            (
                "replica_policy: {min_replicas: $MIN, max_replicas: 3}",
                "at most 3 replicas, from service.yaml:2 (service.replica_policy.max_replicas)",
            ),
        ] {
            let told = tell(&flags(&format!("service:\n  {lines}\n"), Given::default())).unwrap();
            assert_eq!(told.taken[0], words);
        }
    }

    #[test]
    fn what_a_flag_says_is_not_taken_from_the_file() {
        let given = Given {
            engine: Some("custom".into()),
            service: Some("talk".into()),
            replicas: vec!["10.0.0.1:8000".into()],
            ..Given::default()
        };
        let told = tell(&flags(FILE, given.clone())).unwrap();
        assert!(
            !told
                .taken
                .iter()
                .any(|line| ["engine", "name", "port", "spot"].iter().any(|word| line.starts_with(word)))
        );
        let config = defaults(FILE, Given { endpoint: Some(ENDPOINT.into()), ..given });
        for line in [
            "  talk:",
            "engine: custom",
            "- \"10.0.0.1:8000\"",
            "max: 4",
            "path: \"/health\"",
            "interval: \"5m\"",
        ] {
            assert!(config.contains(line), "{line} in {config}");
        }
        assert!(!config.contains("skyserve"), "{config}");
    }

    #[test]
    fn only_what_the_file_does_not_say_is_asked() {
        let mut prompt = Scripted::new(&[
            ("Name of the stack", Reply::Default),
            ("Name of the service in SkyServe", Reply::Default),
            ("API server", Reply::Text("http://localhost:46580")),
            ("API server", Reply::Text("https://sky.example.com")),
            ("want a token", Reply::Default),
            ("service account", Reply::Secret("sky_x")),
            ("URL that users call", Reply::Text("https://api.example.com")),
            ("Probe that URL", Reply::Default),
            ("critical", Reply::Pick("Slack")),
            ("Slack webhook URL", Reply::Default),
            ("warnings", Reply::Default),
            ("info", Reply::Default),
            ("complain when", Reply::Default),
        ]);
        let answers = ask(flags(FILE, Given::default()), "demo", NOTHING_KEPT, &mut prompt).unwrap();
        assert!(prompt.is_done());
        assert!(prompt.shown.contains("write `http://host.docker.internal:46580`"), "{}", prompt.shown);
        assert_eq!(answers.service, "chat");
        let Replicas::SkyServe { token: Some(token), .. } = &answers.replicas else { panic!("{answers:?}") };
        assert_eq!(token.expose(), "sky_x");
        let config = config(&answers);
        for line in [
            "      skyserve: chat",
            "  api_server: https://sky.example.com",
            "  token_file: secrets/skypilot_token",
            "    engine: vllm",
            "      path: \"/health\"",
            "      min: 1\n      max: 4\n",
        ] {
            assert!(config.contains(line), "{line} in {config}");
        }
        assert!(!config.contains("MARKER") && !config.contains("sky_x"), "{config}");
    }

    #[test]
    fn flags_answer_every_question_that_the_file_brings() {
        let dir = tempfile::tempdir().unwrap();
        let secret = |name: &str, text: &str| {
            let file = dir.path().join(name);
            std::fs::write(&file, text).unwrap();
            format!("{name}={}", file.display())
        };
        let headers = "readiness_probe: {path: /, headers: {Authorization: Bearer MARKER}}";
        let text = FILE.replace("readiness_probe: /health", headers);
        let given = Given {
            name: Some("acme".into()),
            service: Some("talk".into()),
            api_server: Some("https://sky.example.com".into()),
            endpoint: Some(ENDPOINT.into()),
            probe: Some(true),
            critical: Some("slack".into()),
            warning: Some("slack".into()),
            info: Some(false),
            heartbeat: Some(false),
            secret_files: vec![
                secret("slack", "https://hooks.example.com"),
                secret("skypilot", "sky_x\n"),
                secret("replica", "key\n"),
            ],
            ..Given::default()
        };
        let answers = ask(flags(&text, given), "demo", NOTHING_KEPT, &mut Scripted::default())
            .expect("nothing is asked");
        let files: Vec<_> =
            answers.secrets().iter().map(|secret| (secret.path, secret.value.is_empty())).collect();
        assert_eq!(
            files,
            [
                ("secrets/slack_webhook_url", false),
                ("secrets/skypilot_token", false),
                ("secrets/replica_token", false)
            ]
        );
        assert!(config(&answers).contains("bearer_token_file: secrets/replica_token"));
    }

    #[test]
    fn a_service_that_may_sleep_is_not_probed_unless_somebody_wants_it() {
        let sleeps = FILE.replace("min_replicas: 1", "min_replicas: 0");
        let unknown = FILE.replace("min_replicas: 1", "min_replicas: $MIN");
        let probed = |text: &str, probe| {
            defaults(text, Given { endpoint: Some(ENDPOINT.into()), probe, ..Given::default() })
        };
        assert!(!probed(FILE, None).contains("enabled:\n") && !probed(FILE, None).contains("      enabled"));
        assert!(probed(FILE, Some(false)).contains("      enabled: false\n"));
        assert!(probed(&sleeps, None).contains("      enabled: false\n"));
        assert!(probed(&sleeps, Some(true)).contains("      enabled: true\n"));
        assert!(probed(&unknown, None).contains("      enabled: false\n"));
        assert!(probed(&unknown, None).contains("    scale:\n      max: 4\n"));
    }

    #[test]
    fn an_engine_is_known_by_its_command_and_one_that_is_not_is_said() {
        let sglang = FILE.replace("vllm serve $MODEL", "python -m sglang.launch_server");
        assert!(defaults(&sglang, Given::default()).contains("engine: sglang\n"));

        let own = FILE.replace("vllm serve $MODEL", "python server.py");
        let told = tell(&flags(&own, Given::default())).unwrap();
        assert!(told.left[0].contains("starts no engine that is known by its command"), "{:?}", told.left);

        let two = FILE.replace("vllm serve $MODEL", "vllm serve x & litellm");
        let told = tell(&flags(&two, Given::default())).unwrap();
        assert!(
            told.left[0].starts_with("service.yaml:11: the engine litellm is started too"),
            "{:?}",
            told.left
        );
        assert!(defaults(&two, Given::default()).contains("engine: vllm\n"));
    }

    #[test]
    fn a_token_is_wanted_of_an_api_server_far_away_and_of_none_on_this_machine() {
        let far = Some("https://sky.example.com".to_owned());
        let token = |given| defaults(FILE, given).contains("\n  token_file: secrets/skypilot_token");
        assert!(!token(Given::default()));
        assert!(token(Given { api_token: Some(true), ..Given::default() }));
        assert!(token(Given { api_server: far.clone(), ..Given::default() }));
        assert!(!token(Given { api_server: far, api_token: Some(false), ..Given::default() }));
    }

    #[test]
    fn a_token_that_nobody_would_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "sky_x").unwrap();
        let service_file = dir.path().join("service.yaml");
        std::fs::write(&service_file, FILE).unwrap();
        let given = Given { secret_files: vec![format!("skypilot={}", file.display())], ..Given::default() };
        let from = Given { from: Some(service_file), ..given.clone() };
        assert!(read(&from).is_ok());
        let faults = |given: Given| read(&given).unwrap_err()[0].message.clone();
        assert!(faults(given).contains("write `--from service.yaml`"));
        assert!(faults(Given { replicas: vec!["a:1".into()], ..from.clone() }).contains("no `--replica`"));
        assert!(faults(Given { api_token: Some(false), ..from }).contains("`--api-token=false`"));
    }
}
