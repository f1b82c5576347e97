//! A look at a server's `/metrics`, and why there may be nothing to see.

use super::MAX_BYTES;
use crate::http;
use crate::values::HttpUrl;

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
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = [("Accept", ACCEPT)]
        .into_iter()
        .chain(bearer.as_deref().map(|bearer| ("Authorization", bearer)))
        .collect();
    let answer = http::get(&url.to_string(), &headers, MAX_BYTES as u64)
        .map_err(|error| format!("cannot read `{url}`: {error}"))?;
    match answer.status {
        200 => Ok(answer.body),
        401 | 403 => {
            Err(Refusal::from(format!("`{url}` answers {}: it wants to know who asks", answer.status)))
        }
        status => {
            let message = format!("`{url}` answers {status}");
            Err(Refusal { message, is_elsewhere: status == 404 })
        }
    }
}
