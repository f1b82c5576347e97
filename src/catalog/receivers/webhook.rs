//! A POST of Alertmanager's own JSON to any URL. The URL is a secret: it usually carries a token.

use minijinja::{Value, context};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Integration, Kind};
use crate::catalog::programs::ALERTMANAGER;
use crate::diagnostics::Report;
use crate::mounts::{Literal, Mounts, SecretKeys};
use crate::source::ConfigPath;
use crate::values::{EnvName, FilePath};

pub(super) const KIND: Kind = Kind {
    name: "webhook",
    title: "Webhook",
    secret: "url",
    secret_file: "secrets/webhook_url",
    secret_prompt: "URL that takes the alerts",
    secret_link: "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
    questions: &[],
};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// A file that holds the URL.
    url_file: Option<FilePath>,
    /// A variable that holds the URL.
    url_env: Option<EnvName>,
    #[schemars(skip)]
    url: Option<Literal>,
}

impl Integration for Webhook {
    fn resolve(&self, at: &ConfigPath, mounts: &mut Mounts, report: &mut Report) -> Option<Value> {
        let keys = SecretKeys {
            key: KIND.secret,
            file: self.url_file.as_ref(),
            env: self.url_env.as_ref(),
            literal: self.url,
            proposal: KIND.secret_file,
        };
        let url_file = mounts.secret(ALERTMANAGER.name, at, &keys, report)?;
        Some(context! { url_file, send_resolved => true })
    }
}
