//! What the wizard knows in the end: checked values only, and the `skymon.yaml` that they make.

use anyhow::Result;
use minijinja::{Value, context};

use super::plain::plain;
use super::{HEARTBEAT_FILE, HEARTBEAT_LINK, HEARTBEAT_PROMPT, Secret};
use crate::catalog::engines::Engine;
use crate::catalog::receivers::Kind;
use crate::templates::Templates;
use crate::values::{HostPort, HttpUrl, StackName};

#[derive(Debug)]
pub struct Answers {
    pub name: StackName,
    pub service: String,
    pub engine: &'static Engine,
    pub replicas: Vec<HostPort>,
    pub endpoint: Option<HttpUrl>,
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
        if let Some(url) = &self.heartbeat {
            let (path, what, link) = (HEARTBEAT_FILE, HEARTBEAT_PROMPT, HEARTBEAT_LINK);
            files.push(SecretFile { path, what, link, value: url });
        }
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
                engine => self.engine.name.as_str(),
                replicas => self.replicas.iter().map(ToString::to_string).collect::<Vec<_>>(),
                endpoint => self.endpoint.as_ref().map(|url| url.base().to_owned()),
                receivers,
                critical => if self.warning.is_some() { "oncall" } else { "team" },
                info => self.info,
                heartbeat_file => self.heartbeat.as_ref().map(|_| HEARTBEAT_FILE),
            },
        )?;
        Ok(plain(&text))
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
