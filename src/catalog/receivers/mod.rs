//! The receivers: one module for each kind of integration, with its config, its secrets and the wizard's questions.
//! The list is written once, below.

mod email;
mod pagerduty;
mod slack;
mod webhook;

use minijinja::Value;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostics::Report;
use crate::mounts::Mounts;
use crate::source::ConfigPath;

/// What the wizard and the docs say of a kind of integration.
pub struct Kind {
    /// The key in the config.
    pub name: &'static str,
    pub title: &'static str,
    /// The secret's key, without `_file`.
    pub secret: &'static str,
    /// The file that `init` writes the secret to.
    pub secret_file: &'static str,
    /// What to ask for, and where one gets it.
    pub secret_prompt: &'static str,
    pub secret_link: &'static str,
    pub questions: &'static [Question],
}

/// A setting that the wizard asks for.
pub struct Question {
    pub key: &'static str,
    pub prompt: &'static str,
    pub default: &'static str,
    /// Whether the answer is one item of a list.
    pub list: bool,
    pub check: fn(&str) -> Result<(), String>,
}

/// One way to notify, as the config has it.
pub trait Integration {
    /// What the integration's template prints, with secrets and files as paths in Alertmanager's container.
    fn resolve(&self, at: &ConfigPath, mounts: &mut Mounts, report: &mut Report) -> Option<Value>;
}

macro_rules! integrations {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty),* $(,)?) => {
        /// Where alerts go: one name may notify in several ways at once.
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Receiver {
            $($(#[doc = $doc])* pub $name: Option<$type>,)*
        }

        impl Receiver {
            /// The integrations that are set, with their kinds.
            pub fn integrations(&self) -> Vec<(&'static Kind, &dyn Integration)> {
                let mut set: Vec<(&'static Kind, &dyn Integration)> = Vec::new();
                $(if let Some(integration) = &self.$name {
                    set.push((&$name::KIND, integration));
                })*
                set
            }
        }

        pub const KINDS: &[&Kind] = &[$(&$name::KIND),*];
    };
}

integrations! {
    /// A message in a Slack channel, through an incoming webhook.
    slack: slack::Slack,
    /// An incident in PagerDuty, through the Events API v2.
    pagerduty: pagerduty::PagerDuty,
    /// A mail.
    email: email::Email,
    /// A POST of Alertmanager's own JSON to any URL.
    webhook: webhook::Webhook,
}

/// The kind of that name in the config.
pub fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).expect("asked for by a name of the list")
}

fn is<T: std::str::FromStr<Err = String>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(|_| ())
}
