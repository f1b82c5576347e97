//! The engines that run in services of the compose file, as their images say: who scrapes them, and how each was started.

use std::sync::Arc;

use super::addresses::leads_to;
use crate::catalog::engines::Engine;
use crate::stack::{Job, Service, Stack, Target, runs};

/// A target that is an engine.
pub(crate) struct Scraped<'s> {
    pub(crate) engine: &'s Arc<Engine>,
    pub(crate) service: &'s Service,
    pub(crate) job: &'s Job,
    pub(crate) target: &'s Target,
}

pub(crate) fn scraped(stack: &Stack) -> impl Iterator<Item = Scraped<'_>> {
    let jobs = stack.prometheuses.iter().flat_map(|prometheus| {
        let project = prometheus.service.as_ref().map(|(project, _)| *project);
        prometheus.jobs.iter().map(move |job| (project, job))
    });
    let jobs = jobs.filter(|(_, job)| !job.is_redirected());
    jobs.flat_map(|(project, job)| job.targets.iter().map(move |target| (project, job, target))).filter_map(
        |(project, job, target)| {
            let service = leads_to(stack.composes.get(project?)?, &target.address)?;
            Some(Scraped { engine: engine(stack, service)?, service, job, target })
        },
    )
}

/// The engine that a service runs.
pub(crate) fn engine<'s>(stack: &'s Stack, service: &Service) -> Option<&'s Arc<Engine>> {
    let told = stack.told();
    let engine = told.engines.get(&runs(service, told)?.exposer)?;
    // Other images of llama.cpp hold its tools.
    let is_server = |tag: &String| tag.starts_with("server");
    let tag = service.image.as_ref()?.tag.as_ref();
    (engine.name != "llamacpp" || tag.is_some_and(is_server)).then_some(engine)
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

/// What may set an option where no command does: a variable whose name says so, or a file.
pub(crate) fn may_be_set(service: &Service, variable: &str) -> bool {
    service.has_unread_variables
        || service.environment.iter().any(|one| one.name.contains(variable))
        || option(service, &["--config"]).is_some()
}

/// Where an engine shows its metrics, if its image, options and variables leave no doubt.
pub(crate) fn metrics_port(engine: &Engine, service: &Service) -> Option<u16> {
    // Text Embeddings Inference has images of another protocol, with a port of their own.
    let is_other = service.image.as_ref()?.tag.as_ref().is_some_and(|tag| tag.contains("grpc"));
    if is_other || service.is_built || service.get("entrypoint").is_some() {
        return None;
    }
    let (names, variable): (&[&str], &str) = match engine.name.as_str() {
        "triton" => (&["--metrics-port"], "PORT"),
        "lmdeploy" => (&["--server-port"], "PORT"),
        "llamacpp" => (&["--port"], "PORT"),
        "ollama" => (&[], "OLLAMA_HOST"),
        _ => (&["--port", "-p"], "PORT"),
    };
    match option(service, names) {
        Some(port) => port.parse().ok(),
        None => (!may_be_set(service, variable)).then_some(engine.port),
    }
}
