//! The engines that run in services of the compose file, as their images say, and how they are started.

use std::sync::Arc;

use crate::catalog::engines::{Engine, Engines};
use crate::stack::Service;

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
pub(crate) fn engine(service: &Service) -> Option<&'static Arc<Engine>> {
    let image = service.image.as_ref()?;
    let (_, name) = IMAGES.iter().find(|(end, _)| image.repository.ends_with(end))?;
    // Other images of llama.cpp hold its tools.
    let is_server = image.tag.as_ref().is_some_and(|tag| tag.starts_with("server"));
    (*name != "llamacpp" || is_server).then(|| Engines::built_in().get(name))?
}

/// The value of an option of an engine, also where its command is one text for a shell. Empty where nothing follows it.
pub(crate) fn option(service: &Service, names: &[&str]) -> Option<String> {
    let words: Vec<&str> = service.words.iter().flat_map(|word| word.split_whitespace()).collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let (name, value) = word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
        names
            .contains(&name)
            .then(|| value.or_else(|| words.get(at + 1).copied()).unwrap_or_default().to_owned())
    })
}

/// What may set an option where no command does: a variable of its own, or a file of them.
pub(crate) fn may_be_set(service: &Service, variable: &str) -> bool {
    service.has_unread_variables
        || service.variable(variable).is_some()
        || option(service, &["--config"]).is_some()
}

/// Where an engine shows its metrics, if its image, flags and variables leave no doubt.
pub(crate) fn engine_port(service: &Service) -> Option<u16> {
    if service.is_built || service.get("entrypoint").is_some() {
        return None;
    }
    let engine = engine(service)?;
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
