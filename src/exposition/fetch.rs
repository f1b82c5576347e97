//! A look at a server's `/metrics`: the only place where skymon opens a connection, and only where somebody asked for it.

use std::time::Duration;

use super::MAX_BYTES;
use crate::values::HttpUrl;

/// A server that does not answer in this time would not be scraped either.
const PATIENCE: Duration = Duration::from_secs(10);

/// What Prometheus' older form is called, in which colons stay what they are.
const ACCEPT: &str = "text/plain;version=0.0.4;q=1,*/*;q=0.1";

/// Why there is no text.
pub struct Refusal {
    /// What happened, and on the second line (if any) what to do.
    pub message: String,
    /// Whether another path of the server may have it.
    pub is_elsewhere: bool,
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self { message, is_elsewhere: false }
    }
}

/// The text behind an address.
pub fn fetch(url: &HttpUrl, token: Option<&str>) -> Result<String, Refusal> {
    if url.is_https() {
        return Err(Refusal::from(format!(
            "`{url}`: TLS is not spoken here\nsave the page, `curl -s {url} > metrics.prom`, and name the file"
        )));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(3)
        // What stands between this machine and the web does not stand before a replica.
        .proxy(None)
        .user_agent(concat!("skymon/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut request = agent.get(url.to_string()).header("Accept", ACCEPT);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let cannot = |error: ureq::Error| format!("cannot read `{url}`: {error}");
    let mut response = request.call().map_err(cannot)?;
    let status = response.status().as_u16();
    match status {
        200 => {}
        401 | 403 => {
            return Err(Refusal::from(format!("`{url}` answers {status}: it wants to know who asks")));
        }
        _ => {
            let message = format!("`{url}` answers {status}");
            return Err(Refusal { message, is_elsewhere: status == 404 });
        }
    }
    let body = response.body_mut().with_config().limit(MAX_BYTES as u64).read_to_string();
    Ok(body.map_err(cannot)?)
}
