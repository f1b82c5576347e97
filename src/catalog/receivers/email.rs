//! Mail, always over TLS: implicit where the server wants it from the first byte (port 465), else STARTTLS.

use minijinja::{Value, context};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Integration, Kind, Question, is};
use crate::catalog::programs::ALERTMANAGER;
use crate::diagnostics::{Diagnostic, Report};
use crate::mounts::{Literal, Mounts, SecretKeys};
use crate::source::ConfigPath;
use crate::values::{EnvName, FilePath, HostPort, Line, MailAddress};

pub(super) const KIND: Kind = Kind {
    name: "email",
    title: "Email",
    secret: "password",
    secret_file: "secrets/smtp_password",
    secret_prompt: "Password of the mail account (for Gmail an app password)",
    secret_link: "https://support.google.com/accounts/answer/185833",
    questions: &[
        Question {
            key: "to",
            prompt: "Mail address to notify",
            default: "",
            list: true,
            check: is::<MailAddress>,
        },
        Question {
            key: "from",
            prompt: "Sender's mail address",
            default: "",
            list: false,
            check: is::<MailAddress>,
        },
        Question {
            key: "smarthost",
            prompt: "Mail server (host:port)",
            default: "smtp.gmail.com:587",
            list: false,
            check: is::<HostPort>,
        },
        Question {
            key: "username",
            prompt: "User name at the mail server",
            default: "",
            list: false,
            check: is::<Line>,
        },
    ],
};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Who is notified.
    to: Vec<MailAddress>,
    /// The sender.
    from: MailAddress,
    /// The mail server; port 465 means TLS from the first byte, any other STARTTLS.
    smarthost: HostPort,
    /// The user at the mail server; without it there is no login.
    username: Option<Line>,
    /// A file that holds the password.
    password_file: Option<FilePath>,
    /// A variable that holds the password.
    password_env: Option<EnvName>,
    #[schemars(skip)]
    password: Option<Literal>,
    /// TLS from the first byte on another port than 465.
    implicit_tls: Option<bool>,
    /// The authority of the server's certificate, where it is not a public one.
    ca_file: Option<FilePath>,
}

impl Integration for Email {
    fn resolve(&self, at: &ConfigPath, mounts: &mut Mounts, report: &mut Report) -> Option<Value> {
        if self.to.is_empty() {
            report.push(
                Diagnostic::error("bad-value", "nobody is notified: `to` is empty")
                    .at_value(at.key("to"), "needs an address")
                    .help("write `to: [oncall@example.com]`"),
            );
        }
        let keys = SecretKeys {
            key: KIND.secret,
            file: self.password_file.as_ref(),
            env: self.password_env.as_ref(),
            literal: self.password,
            proposal: KIND.secret_file,
        };
        let password_file = match &self.username {
            Some(_) => Some(mounts.secret(ALERTMANAGER.name, at, &keys, report)?),
            None if keys.is_named() => {
                report.push(
                    Diagnostic::error("bad-value", "a password without a `username` is never sent")
                        .at_key(at.clone(), "has no `username`")
                        .help(format!("write `username: {}`", self.from.as_str())),
                );
                return None;
            }
            None => None,
        };
        let to: Vec<&str> = self.to.iter().map(MailAddress::as_str).collect();
        Some(context! {
            to => to.join(", "),
            from => self.from.as_str(),
            smarthost => self.smarthost.as_str(),
            username => self.username.as_ref().map(Line::as_str),
            password_file,
            implicit_tls => self.implicit_tls.unwrap_or(self.smarthost.port() == "465"),
            ca_file => self.ca_file.as_ref().map(|file| mounts.file(ALERTMANAGER.name, at.key("ca_file"), file)),
        })
    }
}
