//! The only place where skymon opens a connection, and only where somebody asked for it: one request, one answer, plain HTTP.

use std::time::{Duration, SystemTime};

use serde_json::Value;

/// A server that does not answer in this time would not be scraped either.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any page that skymon asks for. A server must not fill the memory.
const MAX_BYTES: u64 = 256 << 20;

pub struct Answer {
    pub status: u16,
    pub body: String,
    /// What time the server says it is.
    pub date: Option<SystemTime>,
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
    let mut response = response.map_err(plain)?;
    let status = response.status().as_u16();
    let date = response.headers().get("date").and_then(|date| read_date(date.to_str().ok()?));
    let body = response.body_mut().with_config().limit(most).read_to_string();
    match body {
        // What a server says beside its refusal need not be text.
        Err(_) if status != 200 => Ok(Answer { status, body: String::new(), date }),
        body => Ok(Answer { status, body: body.map_err(plain)?, date }),
    }
}

/// Without the library's own words around what happened.
fn plain(error: ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
        ureq::Error::Timeout(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        other => other.to_string(),
    }
}

/// `Mon, 23 Nov 2026 10:40:08 GMT`, the one form that a server writes.
fn read_date(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = words.as_slice() else { return None };
    let number = |word: &str| word.parse::<u64>().ok().filter(|number| *number < 10_000);
    let month = MONTHS.iter().position(|name| name == month)? as u64;
    let year = number(year).filter(|year| *year >= 1970)?;
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = |month: u64| match month {
        1 => 28 + u64::from(leap(year)),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    let days = (1970..year).map(|year| 365 + u64::from(leap(year))).sum::<u64>()
        + (0..month).map(length).sum::<u64>()
        + number(day)?.checked_sub(1)?;
    let seconds = ((days * 24 + number(hour)?) * 60 + number(minute)?) * 60 + number(second)?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read_or_left_out() {
        let seconds = |text: &str| {
            Some(read_date(text)?.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs())
        };
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(seconds("Mon, 23 Nov 2026 10:40:08 GMT"), Some(1_795_430_408));
        for text in ["", "now", "Mon, 00 Nov 2026 10:40:08 GMT", "Mon, 1 Nov 99999999999999 1:1:1 GMT"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
