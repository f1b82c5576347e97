//! The only place where skymon opens a connection, and only where somebody asked for it: one request, one answer, plain HTTP.

use std::time::Duration;

use serde_json::Value;

/// A server that does not answer in this time would not be scraped either.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any page that skymon asks for. A server must not fill the memory.
const MAX_BYTES: u64 = 256 << 20;

pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// The error is what the world did, without the address.
pub fn get(url: &str, headers: &[(&str, &str)], most: u64) -> Result<Answer, String> {
    let request =
        headers.iter().fold(agent().get(url), |request, (name, value)| request.header(*name, *value));
    read(request.call(), most)
}

pub fn post(url: &str, body: &Value) -> Result<Answer, String> {
    let request = agent().post(url).header("Content-Type", "application/json");
    read(request.send(body.to_string()), MAX_BYTES)
}

/// What an API answers.
pub fn ask(url: &str) -> Result<Answer, String> {
    get(url, &[], MAX_BYTES)
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(3)
        // What stands between this machine and the web does not stand before a replica.
        .proxy(None)
        .user_agent(concat!("skymon/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

type Response = ureq::http::Response<ureq::Body>;

fn read(response: Result<Response, ureq::Error>, most: u64) -> Result<Answer, String> {
    let mut response = response.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(most).read_to_string();
    match body {
        // What a server says beside its refusal need not be text.
        Err(_) if status != 200 => Ok(Answer { status, body: String::new() }),
        body => Ok(Answer { status, body: body.map_err(|error| error.to_string())? }),
    }
}
