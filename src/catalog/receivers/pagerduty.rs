//! PagerDuty, through the Events API v2. (`service_key` of the API v1 is not offered: the keys are not
//! interchangeable, and the wrong one loses the page.)

use minijinja::{Value, context};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Integration, Kind};
use crate::catalog::programs::ALERTMANAGER;
use crate::diagnostics::Report;
use crate::mounts::{Literal, Mounts, SecretKeys};
use crate::source::ConfigPath;
use crate::values::{EnvName, FilePath, HttpUrl};

pub(super) const KIND: Kind = Kind {
    name: "pagerduty",
    title: "PagerDuty",
    secret: "routing_key",
    secret_file: "secrets/pagerduty_routing_key",
    secret_prompt: "PagerDuty integration key (Events API v2)",
    secret_link: "https://support.pagerduty.com/main/docs/services-and-integrations",
    questions: &[],
};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// A file that holds the integration key of an "Events API v2" integration.
    routing_key_file: Option<FilePath>,
    /// A variable that holds the integration key.
    routing_key_env: Option<EnvName>,
    #[schemars(skip)]
    routing_key: Option<Literal>,
    /// Where events are sent; accounts of the EU region need `https://events.eu.pagerduty.com/v2/enqueue`.
    url: Option<HttpUrl>,
}

impl Integration for PagerDuty {
    fn resolve(&self, at: &ConfigPath, mounts: &mut Mounts, report: &mut Report) -> Option<Value> {
        let keys = SecretKeys {
            key: KIND.secret,
            file: self.routing_key_file.as_ref(),
            env: self.routing_key_env.as_ref(),
            literal: self.routing_key,
            proposal: KIND.secret_file,
        };
        let routing_key_file = mounts.secret(ALERTMANAGER.name, at, &keys, report)?;
        Some(context! { routing_key_file, url => self.url.as_ref().map(ToString::to_string) })
    }
}
