//! What is reached over the network: addresses, names, URLs, ports.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::scalar;

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

    /// The same for two ways to write one address.
    pub fn identity(&self) -> String {
        let host = self.host().to_lowercase();
        let address = host.trim_matches(['[', ']']).parse::<Ipv6Addr>().map(|address| address.to_string());
        format!("{} {}", address.unwrap_or_else(|_| host.trim_end_matches('.').to_owned()), self.port())
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if has_credentials(text) {
            return Err(CREDENTIALS.into());
        }
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
        if is_this_container(host) {
            return Err(format!(
                "`{text}` would be the container that asks, not this machine\nwrite `host.docker.internal:{port}`"
            ));
        }
        match port.parse::<u16>() {
            Ok(1..) => Ok(Self { text: text.to_owned(), host_len: host.len() }),
            _ => Err(format!(
                "port `{port}` of `{text}` is not a TCP port\na port is a number from 1 to 65535"
            )),
        }
    }
}

/// What everybody writes for "this machine", and what inside a container is only the container.
fn is_this_container(host: &str) -> bool {
    ["localhost", "127.0.0.1", "0.0.0.0"].contains(&host)
}

/// What containers call the machine that they run on.
const DOCKER_HOST: &str = "host.docker.internal";

const CREDENTIALS: &str =
    "an address with a user or password in it would be a secret in this file\nwrite it without";

fn has_credentials(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
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
        return match host.parse::<Ipv4Addr>() {
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
            if address.host().parse::<IpAddr>().is_ok() || address.host().starts_with('[') {
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

/// What users type into a browser, without scheme, port and path: a name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
        let bare = bare.split('/').next().unwrap_or_default();
        let bare =
            bare.rsplit_once(':').filter(|(host, _)| !host.contains(':')).map_or(bare, |(host, _)| host);
        if has_credentials(text) {
            return Err(CREDENTIALS.into());
        }
        if bare != text {
            return Err(format!(
                "`{text}` is more than a host\nwrite `{bare}`, without scheme, port and path"
            ));
        }
        match check_host(text, text) {
            // Browsers and certificates know names without the dot of the root.
            Ok(()) if !text.ends_with('.') && !text.contains('_') => Ok(Self(text.to_lowercase())),
            _ => Err(format!("`{text}` is not a host\nwrite `monitoring.example.com`")),
        }
    }
}

scalar!(Host, "a host such as `monitoring.example.com`", {
    "type": "string",
    "description": "A name or an address, without scheme, port and path."
});

/// An address of this machine that a port is published on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAddress(IpAddr);

impl BindAddress {
    pub const LOOPBACK: Self = Self(IpAddr::V4(Ipv4Addr::LOCALHOST));

    pub fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }
}

impl FromStr for BindAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            format!("`{text}` is not an address of a machine\nwrite `0.0.0.0` for all of this machine's, or one of them")
        })
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

scalar!(BindAddress, "an address such as `0.0.0.0`", {
    "type": "string",
    "description": "An address of this machine; `0.0.0.0` for all."
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

    pub fn has_query(&self) -> bool {
        self.0.query().is_some()
    }

    /// Whether a container that asks it would ask itself.
    pub fn is_this_container(&self) -> bool {
        self.0.host_str().is_some_and(is_this_container)
    }

    /// The same on the machine that the container runs on.
    #[must_use]
    pub fn on_docker_host(&self) -> Self {
        let mut url = self.0.clone();
        // No URL that has a host refuses a name as another one.
        let _ = url.set_host(Some(DOCKER_HOST));
        Self(url)
    }

    /// Whether a container that asks it asks the machine that it runs on.
    pub fn is_docker_host(&self) -> bool {
        self.0.host_str() == Some(DOCKER_HOST)
    }

    /// The host, as people write it.
    pub fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().to_owned()
    }

    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.0.path()
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
        if has_credentials(text) {
            return Err(CREDENTIALS.into());
        }
        if text.contains(['<', '>', '{', '}', '$']) {
            return Err(wrong(": it is a placeholder"));
        }
        let url = url::Url::parse(text).map_err(|_| wrong(""))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(" of http or https"));
        }
        let bad_escape = text
            .split('%')
            .skip(1)
            .any(|rest| rest.len() < 2 || !rest.bytes().take(2).all(|b| b.is_ascii_hexdigit()));
        if bad_escape {
            return Err(wrong(": a `%` needs two hexadecimal digits behind it"));
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
        let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>{},;\"()".contains(c));
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_host_stands_alone() {
        for text in ["monitoring.example.com", "10.0.0.5", "[fd00::5]", "box"] {
            assert_eq!(text.parse::<Host>().as_ref().map(Host::as_str), Ok(text));
        }
        assert_eq!("Box.Example".parse::<Host>().unwrap().as_str(), "box.example");
        for text in ["https://box.example/x", "box.example:443", "box.example/grafana"] {
            let error = text.parse::<Host>().expect_err(text);
            assert!(error.contains("write `box.example`"), "{error}");
        }
        for text in ["", "a b", "a_b", "box.example.", "{host}", "256.1.1.1", "a\"b"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
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
    fn an_url_of_the_container_itself_has_a_counterpart_on_the_machine() {
        for (text, there) in [
            ("http://localhost:9000", "http://host.docker.internal:9000"),
            ("https://127.0.0.1/v1/", "https://host.docker.internal/v1"),
        ] {
            let url: HttpUrl = text.parse().expect("is a URL");
            assert!(url.is_this_container());
            assert_eq!(url.on_docker_host().base(), there);
        }
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
