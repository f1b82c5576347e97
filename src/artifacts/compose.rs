//! docker-compose.yml: each program with its facts, its mounts and its secrets.

use anyhow::Result;
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::Artifacts;
use crate::catalog::programs::{DASHBOARDS, EXPORTER, Program};
use crate::mounts::SecretSource;
use crate::plan::{Plan, SkyServe};
use crate::templates::Templates;

/// A program as the template prints it.
#[derive(Serialize)]
struct Service<'a> {
    name: &'a str,
    image: &'a str,
    user: &'a str,
    read_only: bool,
    memory: &'a str,
    capabilities: &'a [&'a str],
    health: Vec<String>,
    published: Option<Published>,
    external_url: String,
    scratch: bool,
    calls_out: bool,
    folders: Vec<Folder>,
    machine: Vec<Folder>,
    volume: String,
    data: Option<&'a str>,
    secrets: Vec<&'a str>,
}

#[derive(Serialize)]
struct Published {
    bind: String,
    /// Compose wants it as text.
    port: String,
    target: u16,
}

#[derive(Serialize)]
struct Folder {
    source: String,
    target: String,
}

#[derive(Serialize)]
struct Secret<'a> {
    name: &'a str,
    file: Option<String>,
    environment: Option<&'a str>,
}

pub(super) fn build(
    plan: &Plan,
    templates: &Templates,
    config_dir: &str,
    artifacts: &mut Artifacts,
) -> Result<()> {
    let programs: Vec<Service> = plan
        .programs
        .iter()
        .map(|program| {
            let facts = program.facts;
            let secrets: Vec<_> =
                plan.mounts.secrets.iter().filter(|secret| secret.program == facts.name).collect();
            let own = facts.folders.iter().map(|(source, target)| Folder {
                source: format!("./{source}"),
                target: (*target).to_owned(),
            });
            let machine = facts.machine.iter().map(|(source, target)| Folder {
                source: (*source).to_owned(),
                target: (*target).to_owned(),
            });
            let users = plan.mounts.folders.iter().filter(|((name, _), _)| *name == facts.name);
            let users = users.map(|((_, source), target)| Folder {
                source: from_compose(config_dir, source),
                target: target.clone(),
            });
            Service {
                name: facts.name,
                image: &program.image,
                user: facts.user,
                read_only: !secrets.iter().any(|secret| matches!(secret.source, SecretSource::Env(_))),
                memory: facts.memory,
                health: health(facts, &plan.base_path(facts)),
                capabilities: facts.capabilities,
                published: program.published.as_ref().map(|published| Published {
                    bind: published.bind.to_string(),
                    port: published.port.to_string(),
                    target: published.target,
                }),
                external_url: plan.external_url(facts),
                scratch: facts.scratch,
                calls_out: facts.calls_out,
                folders: own.chain(users).collect(),
                machine: machine.collect(),
                volume: format!("{}_data", facts.name),
                data: facts.data,
                secrets: secrets.iter().map(|secret| secret.name.as_str()).collect(),
            }
        })
        .collect();
    let secrets: Vec<Secret> = plan
        .mounts
        .secrets
        .iter()
        .map(|secret| {
            let (file, environment) = match &secret.source {
                SecretSource::File(path) => (Some(from_compose(config_dir, path.as_str())), None),
                SecretSource::Env(name) => (None, Some(name.as_str())),
            };
            Secret { name: &secret.name, file, environment }
        })
        .collect();
    let context = context! {
        name => plan.name.as_str(),
        dashboards => DASHBOARDS,
        programs => Value::from(Serde(programs)),
        secrets => Value::from(Serde(secrets)),
        retention_time => plan.retention_time.to_string(),
        retention_size => plan.retention_size.as_str(),
        door => plan.door.is_some(),
        skyserve => plan.skyserve.as_ref().map(exporter),
    };
    artifacts.add("docker-compose.yml", templates.render("docker-compose.yml", context)?);
    Ok(())
}

/// The command of the health check, asking where the program's paths begin.
fn health(program: &Program, base: &str) -> Vec<String> {
    let port = format!(":{}", program.port);
    let based = program.health.iter().map(|word| word.replacen(&port, &format!("{port}{base}"), 1));
    ["CMD".to_owned()].into_iter().chain(based).collect()
}

/// What the exporter finds in its environment.
fn exporter(skyserve: &SkyServe) -> Value {
    let services: Vec<&str> = skyserve.services.iter().map(String::as_str).collect();
    context! {
        api_server => skyserve.api_server.as_str(),
        token_file => skyserve.token_file.as_deref(),
        basic_auth_file => skyserve.basic_auth_file.as_deref(),
        ca_file => skyserve.ca_file.as_deref(),
        services => services.join(","),
        poll_seconds => skyserve.poll_interval.as_secs_f64().to_string(),
        listen => format!("0.0.0.0:{}", EXPORTER.port),
    }
}

/// A path of the config, seen from the compose file.
fn from_compose(config_dir: &str, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else if path == "." {
        config_dir.to_owned()
    } else {
        format!("{config_dir}/{}", path.trim_start_matches("./"))
    }
}
