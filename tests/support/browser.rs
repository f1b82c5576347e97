//! A browser as small as the tests need it: HTTPS to a server that has a name and a certificate, without following
//! redirects.
//!
//! Apart from `http`, which talks to programs that have neither.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use super::http::{PATIENCE, read_headers};

/// One page of a site, as it was answered.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Page {
    /// The value of a header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Somebody who trusts one authority and asks one site.
pub(crate) struct Browser {
    /// Where the site is, whatever its name resolves to.
    addr: SocketAddr,
    host: String,
    tls: Arc<rustls::ClientConfig>,
}

impl Browser {
    #[track_caller]
    pub(crate) fn new(addr: SocketAddr, host: &str, authority: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let trusted = CertificateDer::from_pem_slice(authority.as_bytes()).expect("an authority's PEM");
        roots.add(trusted).expect("a certificate of an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { addr, host: host.to_owned(), tls: Arc::new(tls) }
    }

    /// Fails where nobody listens, or where the certificate is not one to trust.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> io::Result<Page> {
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let session = rustls::ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let stream = TcpStream::connect(self.addr)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = rustls::StreamOwned::new(session, stream);
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\n{}Content-Length: {}\r\n\r\n{body}",
            self.host,
            headers.concat(),
            body.len()
        )?;
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status)?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let headers = read_headers(&mut reader)?;
        let mut body = Vec::new();
        reader.read_to_end(&mut body)?;
        let status = status.ok_or_else(|| io::Error::other(format!("{} does not speak HTTP", self.host)))?;
        Ok(Page { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
