//! The front door: where people come in, with which certificate, and who may.

use super::alerts::bad_value;
use crate::catalog::programs::GATE;
use crate::config::{Access, DoorTls};
use crate::diagnostics::{Diagnostic, Report};
use crate::mounts::{FileKind, Mounts};
use crate::source::ConfigPath;
use crate::templates;
use crate::values::{BindAddress, HttpUrl, Port};

/// One proxy before all pages; files are paths in its container.
pub struct Door {
    pub bind: BindAddress,
    pub port: u16,
    pub host: String,
    pub certificate: Certificate,
    pub users_file: String,
}

pub enum Certificate {
    Own { cert_file: String, key_file: String },
    Acme { email: String, server: Option<String>, ca_file: Option<String> },
}

impl Door {
    /// Where the pages of a program begin, as a browser asks for them.
    pub(super) fn url(&self, program: &str) -> String {
        let port = if self.port == HTTPS { String::new() } else { format!(":{}", self.port) };
        format!("https://{}{port}/{program}", self.host)
    }
}

const HTTPS: u16 = 443;

/// `None` if something is wrong with it.
pub(super) fn resolve(access: &Access, mounts: &mut Mounts, report: &mut Report) -> Option<Door> {
    let at = ConfigPath::root().key("access");
    let bind = access.bind.unwrap_or(BindAddress::LOOPBACK);
    let port = access.port.map_or(HTTPS, Port::get);
    let certificate = certificate(&access.tls, &at.key("tls"), mounts, report)?;
    if let Certificate::Acme { server, .. } = &certificate {
        if port != HTTPS {
            report.push(bad_value(
                at.key("port"),
                "an authority looks for this door on port 443\nwrite `port: 443`, or a certificate of your own: `tls: {cert_file: …, key_file: …}`",
            ));
        }
        if bind.is_loopback() && server.is_none() {
            let place = if access.bind.is_some() { at.key("bind") } else { at.key("tls").key("acme") };
            report.push(
                Diagnostic::error(
                    "bad-value",
                    format!("a public authority cannot reach this door on {bind}"),
                )
                .at_key(place, "")
                .help("write `bind: 0.0.0.0` under `access`"),
            );
        }
    }
    let users_file = mounts.single(GATE.name, &at, "users_file", &access.users_file, FileKind::Users);
    Some(Door { bind, port, host: access.host.as_str().to_owned(), certificate, users_file })
}

fn certificate(
    tls: &DoorTls,
    at: &ConfigPath,
    mounts: &mut Mounts,
    report: &mut Report,
) -> Option<Certificate> {
    let mut file = |at: &ConfigPath, key, path, kind| mounts.single(GATE.name, at, key, path, kind);
    match (&tls.cert_file, &tls.key_file, &tls.acme) {
        (Some(cert), Some(key), None) => Some(Certificate::Own {
            cert_file: file(at, "cert_file", cert, FileKind::Certificate),
            key_file: file(at, "key_file", key, FileKind::Secret),
        }),
        (None, None, Some(acme)) => {
            let at = at.key("acme");
            let server = acme.server.as_ref().map(HttpUrl::to_string);
            for (key, text) in [("email", Some(acme.email.as_str())), ("server", server.as_deref())] {
                if let Some(text) = text.filter(|text| !templates::is_token(text)) {
                    report.push(bad_value(
                        at.key(key),
                        &format!("`{text}` holds what a Caddyfile cannot\nwrite it with letters, digits and `-_.:/@%+?=&~,`"),
                    ));
                }
            }
            Some(Certificate::Acme {
                email: acme.email.as_str().to_owned(),
                server,
                ca_file: acme.ca_file.as_ref().map(|path| file(&at, "ca_file", path, FileKind::Certificate)),
            })
        }
        _ => {
            report.push(
                Diagnostic::error("one-of", "`tls` takes a certificate with its key, or `acme`")
                    .at_key(at.clone(), "")
                    .help(
                        "write `tls: {cert_file: certs/web.pem, key_file: secrets/web.key}`, \
                         or `tls: {acme: {email: ops@example.com}}`",
                    ),
            );
            None
        }
    }
}
