//! The running programs, asked over their APIs. Each is proven to be what it should be before anything is concluded from its
//! answers: a server that cannot be reached says nothing of what is missing.

mod alertmanager;
pub mod findings;
mod prometheus;

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use alertmanager::{Alertmanager, Counter, Counts, Metrics, Sent};
pub use prometheus::{Group, Prometheus, Rule, RuleState, Target};

use crate::diagnostics::shortened;
use crate::http;
use crate::values::HttpUrl;

/// Labels, as both programs write them.
pub type Labels = BTreeMap<String, String>;

/// Why a server tells nothing.
#[derive(Debug)]
pub struct Unreached {
    pub message: String,
    /// Somebody answers, who is not the one that was looked for; otherwise nobody does, or not yet.
    pub is_other: bool,
}

impl Unreached {
    fn silent(message: String) -> Self {
        Self { message, is_other: false }
    }

    fn other(message: String) -> Self {
        Self { message, is_other: true }
    }
}

/// How far a server's clock is before this machine's, in seconds. A header counts whole ones.
fn clock(date: Option<SystemTime>) -> Option<f64> {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).ok();
    Some(seconds(date?)?.as_secs_f64() - seconds(SystemTime::now())?.as_secs_f64() + 0.5)
}

/// Whether `program` says that it is ready, and its answer at `path`, which nothing else has in that form. Also how far its
/// clock is before ours.
fn prove(program: &str, base: &HttpUrl, path: &str) -> Result<(Value, Option<f64>), Unreached> {
    if base.is_https() || base.has_query() {
        return Err(Unreached::other(format!(
            "`{base}` is not where {program} is asked: write `http://HOST:PORT`"
        )));
    }
    let not_there = |error| Unreached::silent(format!("cannot reach {program} at `{base}`: {error}"));
    let ready = http::ask(&format!("{}/-/ready", base.base())).map_err(not_there)?;
    let answer = http::ask(&format!("{}{path}", base.base())).map_err(not_there)?;
    let wants_login = |status| matches!(status, 401 | 403);
    if wants_login(ready.status) || wants_login(answer.status) {
        return Err(Unreached::other(format!(
            "`{base}` wants to know who asks: it is a front door, not {program} itself"
        )));
    }
    if ready.status == 503 {
        return Err(Unreached::silent(format!("{program} at `{base}` is not ready yet")));
    }
    let clock = clock(answer.date);
    let json =
        serde_json::from_str(&answer.body).ok().filter(|_| ready.status == 200 && answer.status == 200);
    json.map(|json| (json, clock)).ok_or_else(|| {
        Unreached::other(format!(
            "something answers at `{base}`, but it is not {program}: `/-/ready` gives {}, `{path}` {}",
            ready.status, answer.status
        ))
    })
}

fn not_it(program: &str, base: &HttpUrl, path: &str) -> Unreached {
    Unreached::other(format!(
        "something answers at `{base}`, but it is not {program}: `{path}` says something else"
    ))
}

/// An answer of a server that is proven.
fn page(base: &HttpUrl, path: &str) -> Result<String> {
    let url = format!("{}{path}", base.base());
    let answer = http::ask(&url).map_err(|error| anyhow!("cannot read `{url}`: {error}"))?;
    if answer.status != 200 {
        bail!("`{url}` answers {}: {}", answer.status, shortened(answer.body.trim()));
    }
    Ok(answer.body)
}

fn json<T: DeserializeOwned>(base: &HttpUrl, path: &str) -> Result<T> {
    let read = serde_json::from_str(&page(base, path)?);
    read.with_context(|| format!("`{}{path}` answers what skymon cannot read", base.base()))
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
