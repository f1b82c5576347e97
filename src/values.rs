//! The vocabulary of the config: scalars that are checked once, where they are read, and are valid ever after.
//!
//! Each type is read from the text as the user wrote it, so `0.10` stays `0.10` and `5%` and `0.05` may mean the
//! same. An error's first line says what is wrong, its second (if any) is the help with the line to write.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::de::{self, Visitor};

/// Reads any scalar as the text that stands in the file and parses it.
pub(crate) struct TextVisitor<T>(pub(crate) std::marker::PhantomData<T>, pub(crate) &'static str);

impl<T: FromStr<Err = String>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Gives a type its place in the config: how it is read, and what the JSON Schema says of it.
macro_rules! scalar {
    ($type:ty, $expected:literal, $schema:tt) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::values::TextVisitor(std::marker::PhantomData, $expected))
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use scalar;

/// A span of time with millisecond precision, written as Prometheus writes it: `15s`, `1m30s`, `2.5s`, `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u64);

impl Duration {
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub fn as_secs_f64(self) -> f64 {
        // Exact up to 285,000 years: a `u64` of milliseconds below 2^53.
        #[allow(clippy::cast_precision_loss, reason = "durations in a config are far below 2^53 ms")]
        let millis = self.0 as f64;
        millis / 1000.0
    }

    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// Unit and its length in milliseconds, the longest first.
const DURATION_UNITS: &[(&str, u64)] = &[
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a duration\nwrite a number and a unit: `15s`, `5m`, `1h`, `250ms`");
        let mut millis = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let unit = DURATION_UNITS.iter().find(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?;
            rest = &rest[letters..];
            #[allow(clippy::cast_precision_loss, reason = "the unit's length is a small constant")]
            let part = (number * unit.1 as f64).round();
            if part > 1e15 {
                return Err(format!("`{text}` is longer than any stack will run"));
            }
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "digits only, and bounded above"
            )]
            let part = part as u64;
            millis += part;
        }
        if text.is_empty() { Err(wrong()) } else { Ok(Self(millis)) }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut left = self.0;
        // Years and weeks are read but not written: `30d` reads better than `4w2d`.
        for (unit, length) in &DURATION_UNITS[2..] {
            let count = left / length;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
            left %= length;
        }
        Ok(())
    }
}

scalar!(Duration, "a duration such as `15s`", {
    "type": "string",
    "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w|y))+$",
    "description": "A duration: `15s`, `1m30s`, `2.5s`, `250ms`."
});

/// A size on disk, as Prometheus takes it: `10GB`, `512MB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size(String);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let known = ["B", "KB", "MB", "GB", "TB", "PB", "EB"].contains(&&text[digits.len()..]);
        if known && digits.parse::<u64>().is_ok_and(|n| n > 0) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a size\nwrite a whole number and a unit: `10GB`, `512MB`"))
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

scalar!(Size, "a size such as `10GB`", {
    "type": "string",
    "pattern": "^[0-9]+(B|KB|MB|GB|TB|PB|EB)$",
    "description": "A size on disk: `10GB`."
});

/// `host:port` of one server: an IPv4 address, a bracketed IPv6 address, or a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    text: String,
    host_len: usize,
}

impl HostPort {
    pub fn host(&self) -> &str {
        &self.text[..self.host_len]
    }

    pub fn port(&self) -> &str {
        &self.text[self.host_len + 1..]
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((scheme, rest)) = text.split_once("://") {
            let bare = rest.split('/').next().unwrap_or_default();
            return Err(format!(
                "`{text}` is a URL, not an address\nwrite `{bare}` without `{scheme}://` and path"
            ));
        }
        let (host, port) = text
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':') || host.starts_with('['))
            .ok_or_else(|| {
                if text.parse::<Ipv6Addr>().is_ok() {
                    format!("`{text}` is an IPv6 address without a port\nwrite `'[{text}]:8000'` with the port that serves it")
                } else {
                    format!("`{text}` has no port\nwrite `{text}:8000` with the port that serves it")
                }
            })?;
        check_host(host, text)?;
        match port.parse::<u16>() {
            Ok(1..) => Ok(Self { text: text.to_owned(), host_len: host.len() }),
            _ => Err(format!(
                "port `{port}` of `{text}` is not a TCP port\na port is a number from 1 to 65535"
            )),
        }
    }
}

/// Names are those of DNS, with `_` that compose services and SRV records use; placeholders are named as such.
fn check_host(host: &str, text: &str) -> Result<(), String> {
    if host.contains(['<', '>', '{', '}', '$']) {
        return Err(format!("`{text}` is a placeholder\nwrite the real address: `10.0.1.100:8080`"));
    }
    if let Some(inner) = host.strip_prefix('[') {
        return match inner.strip_suffix(']').map(str::parse::<Ipv6Addr>) {
            Some(Ok(_)) => Ok(()),
            _ => Err(format!("`{host}` is not an IPv6 address\nwrite it in brackets: `'[fd00::10]:8000'`")),
        };
    }
    let looks_like_ipv4 =
        host.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if looks_like_ipv4 {
        return match host.parse::<std::net::Ipv4Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!(
                "`{host}` is not an IPv4 address\nit has four numbers from 0 to 255: `10.0.1.100`"
            )),
        };
    }
    let label_ok = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if host.len() <= 253 && !host.is_empty() && host.trim_end_matches('.').split('.').all(label_ok) {
        Ok(())
    } else {
        Err(format!(
            "`{host}` is not a host name or address\nwrite `10.0.1.100:8080` or `gpu-3.internal:8000`"
        ))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

scalar!(HostPort, "an address such as `10.0.1.100:8080`", {
    "type": "string",
    "pattern": "^.+:[0-9]+$",
    "description": "`host:port`: IPv4, bracketed IPv6, or a name."
});

/// What Prometheus asks DNS: `name:port` for A and AAAA records, a name without a port for SRV records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsName {
    Address { name: String, port: u16 },
    Service { name: String },
}

impl FromStr for DnsName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(':') {
            let address: HostPort = text.parse()?;
            if address.host().parse::<std::net::IpAddr>().is_ok() || address.host().starts_with('[') {
                return Err(format!("`{text}` is an address, not a name\nlist it: `replicas: ['{text}']`"));
            }
            let port = address.port().parse().map_err(|_| format!("`{text}` has no port"))?;
            return Ok(Self::Address { name: address.host().to_owned(), port });
        }
        check_host(text, text)?;
        if text.starts_with('_') {
            Ok(Self::Service { name: text.to_owned() })
        } else {
            Err(format!(
                "`{text}` has no port\nwrite `{text}:8000` for A and AAAA records, or an SRV name such as `_metrics._tcp.{text}`"
            ))
        }
    }
}

scalar!(DnsName, "a name such as `batch.internal:8080`", {
    "type": "string",
    "description": "`name:port` asks for A and AAAA records; a name such as `_metrics._tcp.example` for SRV."
});

/// An `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(url::Url);

impl HttpUrl {
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL without a trailing `/`, so that a path can be put behind it.
    pub fn base(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Where `path` is on the same host, whatever path the URL itself has.
    pub fn with_path(&self, path: &str) -> String {
        let mut url = self.0.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(path);
        url.set_query(query);
        url.into()
    }
}

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not a URL{why}\nwrite `https://api.example.com`");
        if text.contains(['<', '>', '{', '}', '$']) {
            return Err(wrong(": it is a placeholder"));
        }
        let url = url::Url::parse(text).map_err(|_| wrong(""))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(" of http or https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "a URL with a user or password in it would be a secret in this file\nwrite it without".into(),
            );
        }
        if url.fragment().is_some() {
            return Err(wrong(" that a server can be asked (`#` and what follows stays in the browser)"));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

scalar!(HttpUrl, "a URL such as `https://api.example.com`", {
    "type": "string",
    "format": "uri",
    "pattern": "^https?://",
    "description": "An http or https URL."
});

/// A path on a server: `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPath(String);

impl UrlPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UrlPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let clean = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '#');
        if text.starts_with('/') && clean {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is not a path on a server\nit begins with `/` and has no spaces: `/metrics`"
            ))
        }
    }
}

scalar!(UrlPath, "a path such as `/metrics`", {
    "type": "string",
    "pattern": "^/\\S*$",
    "description": "A path on the server: `/metrics`."
});

/// A file, absolute or relative to the config.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePath(String);

impl FilePath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.ends_with('/') {
            return Err("no file is named\nwrite a path such as `secrets/slack_webhook_url`".into());
        }
        // What compose would read as a variable or a named volume, and what no terminal can show.
        if text.chars().any(char::is_control) || text.contains('$') {
            return Err("a path must not hold `$` or control characters\nrename the file".into());
        }
        Ok(Self(text.to_owned()))
    }
}

scalar!(FilePath, "the path of a file", {
    "type": "string",
    "description": "A file, relative to the config."
});

/// The name of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvName(String);

impl EnvName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if is_word(text, |c| c.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("this is not the name of an environment variable\nwrite the name, not the value: `SLACK_WEBHOOK_URL`"
                .into())
        }
    }
}

scalar!(EnvName, "the name of an environment variable", {
    "type": "string",
    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    "description": "The name of an environment variable, not its value."
});

fn is_word(text: &str, part: impl Fn(char) -> bool) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| part(c) || c == '_')
}

/// The stack's name: compose project, dashboard folder and `stack` label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackName(String);

impl StackName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StackName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let rest =
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if first && rest && text.len() <= 63 {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` cannot name a stack\nuse small letters, digits, `-` and `_`, a letter or digit first: `acme-inference`"
            ))
        }
    }
}

scalar!(StackName, "the stack's name", {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$",
    "description": "Compose project, dashboard folder and `stack` label."
});

/// A service's or receiver's key in the config: it becomes a label value and a file name.
pub fn check_key(key: &str) -> Result<(), String> {
    let first = key.starts_with(|c: char| c.is_ascii_alphanumeric());
    let rest = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if first && rest && key.len() <= 63 {
        Ok(())
    } else {
        Err("use letters, digits, `-`, `_` and `.`, a letter or digit first, 63 at most".into())
    }
}

/// A Prometheus label name that a user may set.
pub fn check_label_name(name: &str) -> Result<(), String> {
    if is_word(name, |c| c.is_ascii_alphanumeric()) && !name.starts_with("__") {
        Ok(())
    } else {
        Err("a label's name has letters, digits and `_`, no digit first and no `__`: `team`".into())
    }
}

/// One line of free text: a channel, a user name, a label's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.chars().find(|c| c.is_control()) {
            Some(c) => Err(format!(
                "the text holds the control character U+{:04X}\nwrite one line of plain text",
                c as u32
            )),
            None if text.is_empty() => Err("the text is empty\nwrite it, or remove the key".into()),
            None => Ok(Self(text.to_owned())),
        }
    }
}

scalar!(Line, "one line of text", { "type": ["string", "number", "boolean"] });

/// An address that mail can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAddress(String);

impl MailAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MailAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;\"()".contains(c));
        match text.split_once('@') {
            Some((user, host)) if plain && !user.is_empty() && check_host(host, text).is_ok() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(format!("`{text}` is not a mail address\nwrite `oncall@example.com`")),
        }
    }
}

scalar!(MailAddress, "a mail address", {
    "type": "string",
    "format": "email",
    "description": "A mail address."
});

/// A TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(u16);

impl Port {
    pub const fn new(port: u16) -> Self {
        Self(port)
    }

    pub const fn get(self) -> u16 {
        self.0
    }
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(port @ 1..) => Ok(Self(port)),
            _ => Err(format!("`{text}` is not a TCP port\na port is a number from 1 to 65535")),
        }
    }
}

scalar!(Port, "a port", { "type": "integer", "minimum": 1, "maximum": 65535 });

/// A whole number of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(u32);

impl Count {
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is not a whole number\nwrite `0`, `1`, `20`"))
    }
}

scalar!(Count, "a whole number", { "type": "integer", "minimum": 0 });

/// An alert's threshold as written; what unit it has is the alert's to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold(String);

impl Threshold {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

scalar!(Threshold, "a threshold", {
    "type": ["string", "number"],
    "description": "A ratio (`5%` or `0.05`), a duration (`2.5s`) or a number, as the alert needs."
});

/// How much an alert matters; each severity has a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    Warning,
    Info,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Info];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a severity\nwrite `critical`, `warning` or `info`"))
    }
}

scalar!(Severity, "a severity", { "enum": ["critical", "warning", "info"] });

#[cfg(test)]
mod tests {
    use super::*;

    fn duration(text: &str) -> Result<String, String> {
        text.parse::<Duration>().map(|d| d.to_string())
    }

    #[test]
    fn durations_are_read_as_people_write_them_and_written_as_prometheus_reads_them() {
        for (text, written) in [
            ("15s", "15s"),
            ("90s", "1m30s"),
            ("1m30s", "1m30s"),
            ("2.5s", "2s500ms"),
            ("250ms", "250ms"),
            ("30d", "30d"),
            ("1w", "7d"),
            ("0s", "0s"),
        ] {
            assert_eq!(duration(text).as_deref(), Ok(written), "{text}");
        }
        for text in ["", "15", "s", "1.2.3s", "5 m", "-5s", "99999999999y", "1e3s"] {
            assert!(duration(text).is_err(), "{text} must not be a duration");
        }
    }

    #[test]
    fn an_address_needs_a_port_and_a_host_that_can_exist() {
        for text in [
            "10.0.1.100:8080",
            "[fd00::10]:8000",
            "gpu-3.internal:8000",
            "host.docker.internal:8080",
            "a_b:1",
        ] {
            assert_eq!(text.parse::<HostPort>().map(|a| a.to_string()).as_deref(), Ok(text));
        }
        for (text, word) in [
            ("10.0.1.100", "no port"),
            ("http://10.0.1.100:8080/metrics", "URL"),
            ("10.0.1.256:80", "IPv4"),
            ("fd00::10", "IPv6"),
            ("[fd00::zz]:80", "IPv6"),
            ("host:99999", "TCP port"),
            ("host:0", "TCP port"),
            ("<replica-ip>:8000", "placeholder"),
            ("a b:80", "host name"),
            (":80", "host name"),
        ] {
            let error = text.parse::<HostPort>().expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn an_url_with_a_password_is_refused_without_repeating_it() {
        let error = "https://me:hunter2@example.com".parse::<HttpUrl>().expect_err("holds a password");
        assert!(!error.contains("hunter2"));
        assert_eq!(
            "https://a.example/x".parse::<HttpUrl>().unwrap().with_path("/health?q=1"),
            "https://a.example/health?q=1"
        );
    }

    #[test]
    fn dns_names_ask_for_addresses_with_a_port_and_for_srv_without() {
        assert_eq!(
            "batch.internal:8080".parse(),
            Ok(DnsName::Address { name: "batch.internal".into(), port: 8080 })
        );
        assert!(matches!("_metrics._tcp.batch.internal".parse(), Ok(DnsName::Service { .. })));
        assert!("batch.internal".parse::<DnsName>().is_err());
        assert!("10.0.0.1:80".parse::<DnsName>().is_err());
    }
}
