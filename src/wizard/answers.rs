//! What the wizard knows in the end: checked values only, and the `skymon.yaml` that they make.

use anyhow::Result;
use minijinja::{Value, context};

use super::look::ENGINES;
use super::plain::plain;
use super::{HEARTBEAT, OwnSecret, REPLICA, SKYPILOT, Secret};
use crate::catalog::engines::Engine;
use crate::catalog::receivers::Kind;
use crate::templates::Templates;
use crate::values::{HostPort, HttpUrl, StackName, UrlPath};

#[derive(Debug)]
pub struct Answers {
    pub name: StackName,
    pub service: String,
    pub engine: &'static Engine,
    /// The file of an engine of the user's own, where that is none that skymon knows.
    pub own_engine: Option<OwnEngine>,
    /// Where it is not the engine's own.
    pub metrics_path: Option<UrlPath>,
    /// Whether a module that measures the server is rendered.
    pub instrumentation: bool,
    pub replicas: Replicas,
    /// The bearer token that the replicas want.
    pub token: Option<Secret>,
    pub endpoint: Option<HttpUrl>,
    pub probe: Probe,
    /// How many replicas there are at least and at most.
    pub scale: (Option<u32>, Option<u32>),
    /// Who hears of critical alerts.
    pub critical: Receiver,
    /// Who hears of warnings, if somebody else.
    pub warning: Option<Receiver>,
    /// Whether `info` alerts are sent too, with the warnings.
    pub info: bool,
    /// The dead man's switch, with its URL.
    pub heartbeat: Option<Secret>,
    /// Kinds of receivers that flags spoke of and that nobody chose.
    pub unused: Vec<&'static str>,
}

/// An engine that was drafted from what a replica shows.
#[derive(Debug)]
pub struct OwnEngine {
    pub name: String,
    pub text: String,
}

impl OwnEngine {
    /// Relative to the folder.
    pub fn path(&self) -> String {
        format!("{ENGINES}{}.yml", self.name)
    }
}

/// Where the replicas are.
#[derive(Debug)]
pub enum Replicas {
    Listed(Vec<HostPort>),
    /// Where SkyPilot's API server says, which may want a token.
    SkyServe {
        api_server: HttpUrl,
        token: Option<Secret>,
    },
}

/// How the endpoint is probed.
#[derive(Debug)]
pub struct Probe {
    /// The path that answers 2xx, where the engine's own is not meant.
    pub path: Option<UrlPath>,
    /// Where it is not the default.
    pub enabled: Option<bool>,
    /// How often, where it is not the default.
    pub interval: Option<&'static str>,
}

pub struct Receiver {
    pub kind: &'static Kind,
    /// Question's key → answers; several only where the key takes a list.
    pub settings: Vec<(&'static str, bool, Vec<String>)>,
    pub secret: Secret,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver")
            .field("kind", &self.kind.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A file that holds one secret, and what a person must know to fill it.
pub struct SecretFile<'a> {
    pub path: &'static str,
    pub what: &'static str,
    pub link: &'static str,
    /// Empty for "later".
    pub value: &'a Secret,
}

impl Answers {
    /// The receivers with their names: one that hears of everything is the `team`.
    fn receivers(&self) -> Vec<(&'static str, &Receiver)> {
        match &self.warning {
            None => vec![("team", &self.critical)],
            Some(warning) => vec![("oncall", &self.critical), ("team", warning)],
        }
    }

    /// All secret files but Grafana's, which nobody is asked for.
    pub fn secrets(&self) -> Vec<SecretFile<'_>> {
        let mut files: Vec<SecretFile<'_>> = self
            .receivers()
            .into_iter()
            .map(|(_, receiver)| SecretFile {
                path: receiver.kind.secret_file,
                what: receiver.kind.secret_prompt,
                link: receiver.kind.secret_link,
                value: &receiver.secret,
            })
            .collect();
        let api_token = match &self.replicas {
            Replicas::SkyServe { token, .. } => token.as_ref(),
            Replicas::Listed(_) => None,
        };
        let own =
            [(&SKYPILOT, api_token), (&REPLICA, self.token.as_ref()), (&HEARTBEAT, self.heartbeat.as_ref())];
        files.extend(own.into_iter().filter_map(|(own, value)| Some(own.to_fill(value?))));
        files
    }

    /// The text of `skymon.yaml`.
    pub fn config(&self, templates: &Templates) -> Result<String> {
        let receivers: Vec<Value> = self.receivers().into_iter().map(Receiver::context).collect();
        let text = templates.render(
            "skymon.yaml",
            context! {
                name => self.name.as_str(),
                service => self.service.as_str(),
                engine => self.own_engine.as_ref().map_or(&self.engine.name, |own| &own.name).as_str(),
                metrics_path => self.metrics_path.as_ref().map(UrlPath::as_str),
                engines => self.own_engine.as_ref().map(|_| ENGINES),
                can_be_instrumented => self.engine.is_own(),
                can_promise => ["requests", "errors"].iter().all(|word| self.engine.vocabulary.contains_key(*word)),
                instrumentation => self.instrumentation,
                replicas => self.replicas.listed().iter().map(ToString::to_string).collect::<Vec<_>>(),
                skyserve => self.replicas.context(),
                token_file => self.token.as_ref().map(|_| REPLICA.file),
                endpoint => self.endpoint.as_ref().map(|url| url.base().to_owned()),
                probe => self.probe.context(),
                scale => context! { min => self.scale.0, max => self.scale.1 },
                receivers,
                critical => if self.warning.is_some() { "oncall" } else { "team" },
                info => self.info,
                heartbeat_file => self.heartbeat.as_ref().map(|_| HEARTBEAT.file),
            },
        )?;
        Ok(plain(&text))
    }
}

impl OwnSecret {
    fn to_fill<'a>(&self, value: &'a Secret) -> SecretFile<'a> {
        SecretFile { path: self.file, what: self.prompt, link: self.link, value }
    }
}

impl Replicas {
    /// The addresses, if they are known now.
    pub fn listed(&self) -> &[HostPort] {
        match self {
            Self::Listed(replicas) => replicas,
            Self::SkyServe { .. } => &[],
        }
    }

    fn context(&self) -> Option<Value> {
        match self {
            Self::Listed(_) => None,
            Self::SkyServe { api_server, token } => Some(context! {
                api_server => api_server.base(),
                token_file => token.as_ref().map(|_| SKYPILOT.file),
            }),
        }
    }
}

impl Probe {
    fn context(&self) -> Value {
        context! {
            path => self.path.as_ref().map(UrlPath::as_str),
            enabled => self.enabled,
            interval => self.interval,
        }
    }
}

impl Receiver {
    fn context((name, receiver): (&str, &Self)) -> Value {
        let settings: Vec<Value> = receiver
            .settings
            .iter()
            .map(|(key, list, values)| match values.as_slice() {
                [value] if !list => context! { key => *key, value => value.as_str() },
                values => context! { key => *key, value => values.to_vec() },
            })
            .collect();
        context! {
            name,
            kind => receiver.kind.name,
            settings,
            secret_key => format!("{}_file", receiver.kind.secret),
            secret_file => receiver.kind.secret_file,
        }
    }
}
