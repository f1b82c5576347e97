//! SkyServe: whom the exporter asks, which services it watches, and what they are called here.

use std::collections::{BTreeMap, BTreeSet};

use super::alerts::bad_value;
use super::services::check_reachable;
use crate::catalog::programs::EXPORTER;
use crate::config::Config;
use crate::diagnostics::{Diagnostic, Report};
use crate::mounts::{FileKind, Mounts, SecretKeys};
use crate::source::{ConfigPath, SpanIndex};
use crate::values::Duration;

/// What the exporter is told; files are paths in its container.
pub struct SkyServe {
    pub api_server: String,
    /// Whether that is the machine that runs the stack.
    pub on_host: bool,
    pub token_file: Option<String>,
    /// `user:password`.
    pub basic_auth_file: Option<String>,
    pub ca_file: Option<String>,
    /// By their names in SkyServe; all if empty.
    pub services: BTreeSet<String>,
    pub poll_interval: Duration,
    /// A service's name in SkyServe → its name here, where the two differ.
    pub names: BTreeMap<String, String>,
}

/// Each poll keeps a worker of the API server busy for seconds.
const POLL: std::ops::RangeInclusive<Duration> = Duration::from_secs(15)..=Duration::from_secs(600);

pub(super) fn resolve(
    config: &Config,
    index: &SpanIndex,
    mounts: &mut Mounts,
    report: &mut Report,
) -> Option<SkyServe> {
    let at = ConfigPath::root().key("skyserve");
    let discovered = discovered(config);
    let Some(written) = &config.skyserve else {
        // One that was refused for a fault of its own is not missing.
        for (key, _) in discovered.into_iter().filter(|_| !index.contains(&at)) {
            report.push(
                Diagnostic::error("missing-key", "nobody knows where SkyServe is asked")
                    .at_key(place(key), "needs `skyserve` at the top")
                    .help("write `skyserve: {api_server: 'https://sky.example.com', token_file: secrets/skypilot_token}`"),
            );
        }
        return None;
    };
    check_reachable(&at.key("api_server"), &written.api_server, report);
    // The exporter would not start with either.
    if written.api_server.has_query() {
        report.push(bad_value(
            at.key("api_server"),
            "the address of an API server has no query\nwrite what stands before the `?`: `https://sky.example.com`",
        ));
    }
    if written.ca_file.is_some() && !written.api_server.is_https() {
        report.push(
            Diagnostic::error(
                "bad-value",
                "an `http` address shows no certificate that `ca_file` could prove",
            )
            .at_key(at.key("ca_file"), "useless here")
            .help("write `api_server: https://…`, or remove `ca_file`"),
        );
    }
    if written.api_server.is_docker_host() {
        report.push(
            Diagnostic::note(
                "api-server-on-host",
                "SkyPilot's own API server answers this machine's loopback only",
            )
            .at_value(at.key("api_server"), "containers come from another address")
            .help(
                "Docker Desktop leads them there; on Linux let a relay listen on Docker's bridge: \
                     `socat TCP-LISTEN:46580,bind=172.17.0.1,fork TCP:127.0.0.1:46580`. \
                     Never `sky api start --host 0.0.0.0`: whoever reaches it is administrator",
            ),
        );
    }
    let poll_interval = written.poll_interval.unwrap_or(Duration::from_secs(60));
    if !POLL.contains(&poll_interval) {
        report.push(bad_value(
            at.key("poll_interval"),
            &format!("{poll_interval} is no good interval to ask the API server\nwrite `1m`; from 15s to 10m is possible"),
        ));
    }
    // Naming some is leaving out the rest; one that is discovered is named by that.
    let mut watched: BTreeSet<String> =
        written.services.iter().map(|name| name.as_str().to_owned()).collect();
    if !watched.is_empty() {
        watched.extend(discovered.iter().map(|(_, name)| (*name).to_owned()));
    }
    let names = names(&discovered, &watched, report);
    let token = SecretKeys {
        key: "token",
        file: written.token_file.as_ref(),
        env: written.token_env.as_ref(),
        literal: written.token,
        proposal: "secrets/skypilot_token",
    };
    let basic_auth = SecretKeys {
        key: "basic_auth",
        file: written.basic_auth_file.as_ref(),
        env: written.basic_auth_env.as_ref(),
        literal: written.basic_auth,
        proposal: "secrets/skypilot_basic_auth",
    };
    if token.is_named() && basic_auth.is_named() {
        report.push(
            Diagnostic::error("one-of", "`skyserve` takes a token, or a user with a password, or neither")
                .at_key(at.clone(), "has both")
                .help("keep `token_file: secrets/skypilot_token`"),
        );
        return None;
    }
    let mut secret = |keys: &SecretKeys| {
        if keys.is_named() { mounts.secret(EXPORTER.name, &at, keys, report).map(Some) } else { Some(None) }
    };
    let (token_file, basic_auth_file) = (secret(&token)?, secret(&basic_auth)?);
    let ca_file = written
        .ca_file
        .as_ref()
        .map(|path| mounts.single(EXPORTER.name, &at, "ca_file", path, FileKind::Certificate));
    Some(SkyServe {
        api_server: written.api_server.base().to_owned(),
        on_host: written.api_server.is_docker_host(),
        token_file,
        basic_auth_file,
        ca_file,
        services: watched,
        poll_interval,
        names,
    })
}

/// The services that are discovered through SkyServe: their names here, and there.
fn discovered(config: &Config) -> Vec<(&str, &str)> {
    let written = config.services.iter();
    written
        .filter_map(|(key, service)| {
            Some((key.as_str(), service.discover.as_ref()?.skyserve.as_ref()?.as_str()))
        })
        .collect()
}

/// What SkyServe calls otherwise. Two of its services must not be one here. Services may have each other's names: they are
/// renamed from a copy of the name, so that no renaming meets what another has made.
fn names(
    discovered: &[(&str, &str)],
    watched: &BTreeSet<String>,
    report: &mut Report,
) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    // What has a name of its own here leaves the one that it has there to others.
    let is_discovered = |there: &str| discovered.iter().any(|(_, name)| *name == there);
    for (key, name) in discovered {
        let message = if let Some(other) = names.get(*name) {
            format!("`{other}` and `{key}` are one service of SkyServe, `{name}`")
        } else if key != name && watched.contains(*key) && !is_discovered(key) {
            format!("SkyServe has a service `{key}` of its own, and this one is `{name}` there")
        } else {
            names.insert((*name).to_owned(), (*key).to_owned());
            continue;
        };
        report.push(
            Diagnostic::error("two-sources", message)
                .at_value(place(key), "")
                .help("give each service of SkyServe one service here"),
        );
    }
    names.retain(|name, key| name != key);
    names
}

fn place(key: &str) -> ConfigPath {
    ConfigPath::root().key("services").key(key).key("discover").key("skyserve")
}
