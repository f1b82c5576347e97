//! Slack, through an incoming webhook.

use minijinja::{Value, context};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Integration, Kind};
use crate::catalog::programs::ALERTMANAGER;
use crate::diagnostics::Report;
use crate::mounts::{Literal, Mounts, SecretKeys};
use crate::source::ConfigPath;
use crate::templates::go_literal;
use crate::values::{EnvName, FilePath, Line};

pub(super) const KIND: Kind = Kind {
    name: "slack",
    title: "Slack",
    secret: "webhook_url",
    secret_file: "secrets/slack_webhook_url",
    secret_prompt: "Slack webhook URL",
    secret_link: "https://api.slack.com/messaging/webhooks",
    questions: &[],
};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// A file that holds the webhook's URL.
    webhook_url_file: Option<FilePath>,
    /// A variable that holds the webhook's URL.
    webhook_url_env: Option<EnvName>,
    #[schemars(skip)]
    webhook_url: Option<Literal>,
    /// Only old webhooks heed it: a webhook of a Slack app posts to the channel it was made for.
    channel: Option<Line>,
}

impl Integration for Slack {
    fn resolve(&self, at: &ConfigPath, mounts: &mut Mounts, report: &mut Report) -> Option<Value> {
        let keys = SecretKeys {
            key: KIND.secret,
            file: self.webhook_url_file.as_ref(),
            env: self.webhook_url_env.as_ref(),
            literal: self.webhook_url,
            proposal: KIND.secret_file,
        };
        let webhook_url_file = mounts.secret(ALERTMANAGER.name, at, &keys, report)?;
        Some(
            context! { webhook_url_file, channel => self.channel.as_ref().map(|channel| go_literal(channel.as_str())) },
        )
    }
}
