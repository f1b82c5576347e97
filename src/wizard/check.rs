//! What an answer must be, whether a flag or a person gave it. An error's second line, if any, is the help.

use std::collections::BTreeSet;

use super::{HEARTBEAT, Secret};
use crate::catalog::engines::{Engine, Engines};
use crate::catalog::receivers::{KINDS, Kind};
use crate::diagnostics::nearest;
use crate::values::{self, HostPort, HttpUrl};

pub(super) fn service(text: &str) -> Result<String, String> {
    values::check_key(text)
        .map_err(|help| format!("`{}` cannot name a service\n{help}", text.escape_debug()))?;
    if text == "stack" {
        return Err(
            "a service cannot be called `stack`: that is skymon's own name for the rest\nchoose another name"
                .into(),
        );
    }
    Ok(text.to_owned())
}

pub(super) fn engine(text: &str) -> Result<&'static Engine, String> {
    Engines::built_in().get(text).map(AsRef::as_ref).ok_or_else(|| {
        let text = text.escape_debug();
        let known =
            Engines::built_in().names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        format!("there is no engine `{text}`\nchoose one of {known}")
    })
}

/// Addresses with commas or spaces between.
pub(super) fn replicas(text: &str) -> Result<Vec<HostPort>, String> {
    let mut replicas = Vec::new();
    for part in text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
        replicas.push(part.parse::<HostPort>()?);
    }
    if replicas.is_empty() {
        return Err("no replica is named\nwrite `10.0.1.100:8000, 10.0.1.101:8000`".into());
    }
    let mut seen = BTreeSet::new();
    match replicas.iter().find(|replica| !seen.insert(*replica)) {
        Some(twice) => Err(format!("`{twice}` is named twice: it would be counted twice")),
        None => Ok(replicas),
    }
}

pub(super) fn api_server(text: &str) -> Result<HttpUrl, String> {
    let url: HttpUrl = text.parse()?;
    if url.is_this_container() {
        return Err(format!(
            "this would be the container that asks, not this machine\nwrite `{}`",
            url.on_docker_host().base()
        ));
    }
    Ok(url)
}

/// Empty is none.
pub(super) fn endpoint(text: &str) -> Result<Option<HttpUrl>, String> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

pub(super) fn kind(text: &str) -> Result<&'static Kind, String> {
    KINDS.iter().copied().find(|kind| kind.name == text).ok_or_else(|| {
        let names = KINDS.iter().map(|kind| kind.name);
        let help = match nearest(text, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "choose one of {}",
                names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        format!("there is no kind of receiver `{}`\n{help}", text.escape_debug())
    })
}

/// A secret of a kind of receiver, or of the heartbeat. The message must not repeat it. Empty is "later".
pub(super) fn secret(of: &str, secret: &Secret) -> Result<(), String> {
    let text = secret.expose();
    if text.chars().any(char::is_control) {
        return Err(
            "the secret holds more than one line, or control characters\ngive the one line alone".into()
        );
    }
    let is_url =
        of == HEARTBEAT.name || KINDS.iter().any(|kind| kind.name == of && kind.secret.ends_with("url"));
    let looks_like_url = (text.starts_with("https://") || text.starts_with("http://"))
        && !text.contains(char::is_whitespace)
        && url::Url::parse(text).is_ok();
    if is_url && !text.is_empty() && !looks_like_url {
        return Err("this is not a URL\ncopy the whole of it, from `https://` on".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_may_be_divided_by_commas_and_spaces_but_not_named_twice() {
        let names =
            |text: &str| replicas(text).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(names("a:1, b:2,c:3 d:4").unwrap(), ["a:1", "b:2", "c:3", "d:4"]);
        assert!(names("a:1,a:1").unwrap_err().contains("twice"));
        assert!(names(" , ").unwrap_err().contains("no replica"));
    }

    #[test]
    fn an_address_that_is_the_container_itself_is_refused_with_the_one_that_works() {
        for text in ["localhost:8000", "127.0.0.1:8000", "0.0.0.0:8000"] {
            assert!(replicas(text).unwrap_err().ends_with("write `host.docker.internal:8000`"), "{text}");
        }
    }

    #[test]
    fn a_wrong_secret_is_refused_without_being_repeated() {
        for (of, text) in
            [("slack", "xoxb-hunter2"), (HEARTBEAT.name, "hunter2"), ("pagerduty", "hunter2\nx")]
        {
            let error = secret(of, &Secret::new(text)).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(secret("pagerduty", &Secret::new("hunter2")), Ok(()));
        assert_eq!(secret("slack", &Secret::new("https://hooks.slack.com/x\n")), Ok(()));
        assert_eq!(secret("slack", &Secret::default()), Ok(()));
    }
}
