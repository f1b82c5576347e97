//! Addresses as Go's programs read them: what is refused before anybody asks whether something answers there.

use std::net::IpAddr;
use std::str::FromStr;

use super::values::Reason;

/// What an address says, as far as the programs look at it.
pub(super) struct Url<'t> {
    /// As it is written; empty where there is none.
    pub(super) scheme: &'t str,
    /// With its port.
    pub(super) host: &'t str,
}

fn reason(message: &str, word: &str, help: &str) -> Reason {
    Reason { message: message.to_owned(), word: word.to_owned(), help: help.to_owned() }
}

pub(super) fn read(text: &str) -> Result<Url<'_>, Reason> {
    if let Some(sign) = text.chars().find(char::is_ascii_control) {
        let word = sign.to_string();
        return Err(reason("a URL has no control characters", &word, "take the line break or the tab away"));
    }
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = scheme(before)?;
    let rest = rest.split('?').next().unwrap_or_default();
    let mut url = Url { scheme, host: "" };
    if !rest.starts_with('/') && !scheme.is_empty() {
        return Ok(url);
    }
    let first = rest.split('/').next().unwrap_or_default();
    if first.contains(':') {
        let help = format!("write it with its scheme: `http://{}`", text.trim());
        return Err(reason("a URL without a scheme has no `:` in its first part", first, &help));
    }
    let mut path = rest;
    if let Some(authority) =
        rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///"))
    {
        let end = authority.find('/').unwrap_or(authority.len());
        path = &authority[end..];
        let (user, host) = authority[..end].rsplit_once('@').unwrap_or(("", &authority[..end]));
        self::host(host)?;
        self::user(user)?;
        url.host = host;
    }
    escapes(path)?;
    escapes(fragment)?;
    Ok(url)
}

/// A scheme begins with a letter; what begins otherwise has none.
fn scheme(text: &str) -> Result<(&str, &str), Reason> {
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let end = text.find(|c| !is_of_scheme(c)).unwrap_or(text.len());
    let (scheme, rest) = text.split_at(end);
    let Some(rest) = rest.strip_prefix(':') else { return Ok(("", text)) };
    if scheme.is_empty() {
        let help = format!("write it with its scheme and host: `http://host{text}`");
        return Err(reason("a URL does not begin with `:`", ":", &help));
    }
    Ok(if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) { (scheme, rest) } else { ("", text) })
}

fn host(host: &str) -> Result<(), Reason> {
    const ADDRESS: &str = "write an IPv6 address in brackets, the port after them: `http://[::1]:9090`";
    let Some(at) = host.rfind('[') else {
        port(host.rfind(':').map_or("", |at| &host[at..]))?;
        return host_signs(host);
    };
    let inside = host[at + 1..].rsplit_once(']').filter(|_| at == 0);
    let Some((inside, after)) = inside else {
        return Err(reason("a bracket of the host is not at its place", host, ADDRESS));
    };
    port(after)?;
    host_signs(inside)?;
    let address = inside.split("%25").next().unwrap_or_default();
    match IpAddr::from_str(address) {
        Ok(IpAddr::V6(_)) => Ok(()),
        _ => Err(reason(&format!("`{inside}` is no IPv6 address"), inside, ADDRESS)),
    }
}

/// Nothing, or a colon and digits.
fn port(text: &str) -> Result<(), Reason> {
    let is_port = text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let message = || format!("`{text}` is no port");
    if is_port { Ok(()) } else { Err(reason(&message(), text, "write the port in digits: `:9090`")) }
}

fn host_signs(host: &str) -> Result<(), Reason> {
    let is_taken = |c: char| {
        c.is_alphanumeric() && c.is_ascii() || !c.is_ascii() || "!$&'()*+,;=:[]<>\"-_.~%".contains(c)
    };
    if let Some(sign) = host.chars().find(|c| !is_taken(*c)) {
        let help = if sign == ' ' { "take the space away" } else { "write the host's name without it" };
        return Err(reason(&format!("`{sign}` cannot stand in a host"), &sign.to_string(), help));
    }
    escapes(host)?;
    // Of a host only what is not ASCII may be escaped, and `%` itself.
    let wrong = host.match_indices('%').filter_map(|(at, _)| host.get(at..at + 3));
    match wrong.filter(|escape| *escape != "%25").find(|escape| escape[1..].starts_with(|c| c < '8')) {
        Some(escape) => Err(reason(
            &format!("`{escape}` cannot stand in a host"),
            escape,
            "write the host's name without it",
        )),
        None => Ok(()),
    }
}

/// The name and the password before an `@`. None of it is said again.
fn user(text: &str) -> Result<(), Reason> {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !text.chars().all(is_taken) {
        let help = "write each such sign as `%` and its code, as `%2F` for `/`; better: take name and password out of the URL";
        return Err(reason("a name or a password in a URL has a sign that cannot stand there", "", help));
    }
    escapes(text)
}

/// Each `%` has two hexadecimal digits behind it.
fn escapes(text: &str) -> Result<(), Reason> {
    let is_right = |at: usize| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
    };
    match text.match_indices('%').find(|(at, _)| !is_right(*at)) {
        Some((at, _)) => {
            let word: String = text[at..].chars().take(3).collect();
            Err(reason(
                "a `%` of a URL has two hexadecimal digits behind it",
                &word,
                "write `%25` where the sign itself is meant",
            ))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads_as_a_url_is_taken_and_what_it_refuses_is_not() {
        for good in [
            "http://x",
            "x",
            "x:80",
            "//x",
            "http:x",
            "http:///x",
            "http://[::1]/",
            "http://[::1%25en0]:80/",
            "HTTP://x",
            "http://:80/",
            "http://x:/",
            "http://x/a b?q=%zz",
            "http://x<y/",
            "http://é/",
            "http://x:80:90/",
            "http://u@v@w/",
            "http://a]b/",
            "http://u/p@h",
            "",
            "*",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            ":80",
            "1x:80",
            " http://x",
            "http://x ",
            "http://x y/",
            "http://x/%zz",
            "http://x/#%",
            "http://x:port/",
            "http://[::1",
            "http://[::1]x/",
            "http://[foo]/",
            "http://a[b/",
            "http://a^b",
            "http://a%20b/",
            "http://x:-1/",
            "http://u:p%@h/",
            "http://u[x@h/",
            "http://u p@h/",
            "http://x/\u{1}",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
