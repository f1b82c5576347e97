//! Addresses in configurations, and where a service of the compose file listens for certain.

use std::sync::Arc;

use crate::catalog::engines::{Engine, Engines};
use crate::catalog::programs::DOCKER_HOST;
use crate::stack::{Compose, Program, Service};

/// The parts of `http://host:port/path`; a target has neither scheme nor path.
pub(super) struct Address<'a> {
    pub(super) scheme: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) port: Option<&'a str>,
    /// Without the `/` at its end.
    pub(super) path: &'a str,
}

impl<'a> Address<'a> {
    pub(super) fn parse(text: &'a str) -> Address<'a> {
        let (scheme, rest) =
            text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        let (place, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let place = place.rsplit_once('@').map_or(place, |(_user, place)| place);
        let (host, port) = match place.rsplit_once(':') {
            // The colons of an IPv6 address belong to it.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        Address { scheme, host: host.trim_matches(['[', ']']), port, path: path.trim_end_matches('/') }
    }

    /// Whether it can be the name of a service: no dot, no variable, not the machine itself.
    pub(super) fn is_name(&self) -> bool {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        !self.host.is_empty() && self.host != "localhost" && self.host.chars().all(is_letter)
    }
}

/// The service that a target leads to: by its name, or by the port that it publishes on the machine.
pub(super) fn leads_to<'c>(compose: &'c Compose, target: &str) -> Option<&'c Service> {
    let address = Address::parse(target);
    if address.host != DOCKER_HOST {
        return compose.named(address.host);
    }
    let port = address.port?;
    compose.services.iter().find(|service| service.ports.iter().any(|one| one.published == port))
}

/// The port of a program or engine, if its image, flags and variables leave no doubt.
pub(super) fn listens(service: &Service) -> Option<u16> {
    if service.is_built || service.get("entrypoint").is_some() || service.network_mode.is_some() {
        return None;
    }
    if let Some(engine) = engine(service) {
        return engine_port(service, engine);
    }
    let program = service.program?;
    let last = |text: &str| text.rsplit(':').next().and_then(|port| port.parse().ok());
    match program {
        Program::Grafana => {
            let is_plain = !service.has_unread_variables
                && service.variable("GF_SERVER_HTTP_PORT").is_none()
                && service.words.is_empty()
                && service.origin("/etc/grafana/grafana.ini").is_none();
            is_plain.then(|| program.port())
        }
        Program::DcgmExporter => {
            let is_plain = !service.has_unread_variables
                && service.variable("DCGM_EXPORTER_LISTEN").is_none()
                && service.words.is_empty();
            is_plain.then(|| program.port())
        }
        Program::Cadvisor => {
            service.flag("port").map_or_else(|| Some(program.port()), |flag| flag.parse().ok())
        }
        _ => service.flag("web.listen-address").map_or_else(|| Some(program.port()), |flag| last(&flag)),
    }
}

/// The path that a Prometheus or Alertmanager puts before its own: `/prometheus`, or nothing. `None` where a variable says it.
pub(super) fn route_prefix(service: &Service) -> Option<String> {
    if let Some(prefix) = service.flag("web.route-prefix") {
        return (!prefix.contains("${")).then(|| with_slash(&prefix));
    }
    match service.flag("web.external-url") {
        Some(url) if url.contains("${") => None,
        Some(url) => Some(with_slash(Address::parse(&url).path)),
        None => Some(String::new()),
    }
}

fn with_slash(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

/// The engines whose images say what runs in them.
const IMAGES: [(&str, &str); 9] = [
    ("vllm/vllm-openai", "vllm"),
    ("lmsysorg/sglang", "sglang"),
    ("huggingface/text-generation-inference", "tgi"),
    ("huggingface/text-embeddings-inference", "tei"),
    ("ggml-org/llama.cpp", "llamacpp"),
    ("ggerganov/llama.cpp", "llamacpp"),
    ("nvidia/tritonserver", "triton"),
    ("openmmlab/lmdeploy", "lmdeploy"),
    ("ollama/ollama", "ollama"),
];

/// The engine that a service runs, by its image.
pub(super) fn engine(service: &Service) -> Option<&'static Arc<Engine>> {
    let image = service.image.as_ref()?;
    let (_, name) = IMAGES.iter().find(|(end, _)| image.repository.ends_with(end))?;
    // Other images of llama.cpp hold its tools.
    let is_server = image.tag.as_ref().is_some_and(|tag| tag.starts_with("server"));
    (*name != "llamacpp" || is_server).then(|| Engines::built_in().get(name))?
}

/// The value of an option of an engine, also where its command is one text for a shell. Empty where nothing follows it.
pub(super) fn option(service: &Service, names: &[&str]) -> Option<String> {
    let words: Vec<&str> = service.words.iter().flat_map(|word| word.split_whitespace()).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let (name, value) = word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
        names
            .contains(&name)
            .then(|| value.or_else(|| words.get(at + 1).copied()).unwrap_or_default().to_owned())
    })
}

/// What may set an option where no command does: a variable of its own, or a file of them.
pub(super) fn may_be_set(service: &Service, variable: &str) -> bool {
    service.has_unread_variables
        || service.variable(variable).is_some()
        || option(service, &["--config"]).is_some()
}

fn engine_port(service: &Service, engine: &Engine) -> Option<u16> {
    let (names, variable): (&[&str], &str) = match engine.name.as_str() {
        "triton" => (&["--metrics-port"], ""),
        "lmdeploy" => (&["--server-port"], ""),
        "llamacpp" => (&["--port"], "LLAMA_ARG_PORT"),
        "ollama" => (&[], "OLLAMA_HOST"),
        _ => (&["--port", "-p"], "PORT"),
    };
    match option(service, names) {
        Some(port) => port.parse().ok(),
        None => (!may_be_set(service, variable)).then_some(engine.port),
    }
}
