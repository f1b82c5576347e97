//! A certificate authority made anew for each test, and certificates of it for the fake servers.
//!
//! Apart so that no private key, not even a worthless one, lies in the repository.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

/// The authority. What trusts `write`'s file trusts every server that uses `server`.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority of one test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// The authority's own certificate as a PEM file: the `ca_file` of the programs.
    #[track_caller]
    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, &self.certificate).expect("the CA file can be written");
    }

    /// The authority's own certificate as text.
    pub(crate) fn pem(&self) -> &str {
        &self.certificate
    }

    /// The TLS side of a server that answers to these names (or IP addresses).
    #[track_caller]
    pub(crate) fn server(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        serve(self.sign(names, |_| {}), WebPkiClientVerifier::no_client_auth())
    }

    /// The same with a certificate that was good until 2001.
    #[track_caller]
    pub(crate) fn expired_server(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        let signed = self.sign(names, |params| {
            params.not_before = rcgen::date_time_ymd(2000, 1, 1);
            params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        });
        serve(signed, WebPkiClientVerifier::no_client_auth())
    }

    /// The same, for a server that talks to nobody without a certificate of this authority.
    #[track_caller]
    pub(crate) fn server_for_known_clients(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        let mut roots = RootCertStore::empty();
        let own = CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("our own PEM");
        roots.add(own).expect("a certificate of an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        serve(self.sign(names, |_| {}), verifier.expect("one root is enough"))
    }

    /// A client's certificate and its key as PEM files.
    #[track_caller]
    pub(crate) fn write_client(&self, certificate: &Path, key: &Path) {
        self.write_pair(&["client.internal"], certificate, key);
    }

    /// The certificate of who answers to these names, and its key, as PEM files.
    #[track_caller]
    pub(crate) fn write_pair(&self, names: &[&str], certificate: &Path, key: &Path) {
        let (signed, pair) = self.sign(names, |_| {});
        std::fs::write(certificate, signed.pem()).expect("the certificate can be written");
        std::fs::write(key, pair.serialize_pem()).expect("the key can be written");
    }

    #[track_caller]
    fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (Certificate, KeyPair) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names).expect("names that a certificate can hold");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer);
        (certificate.expect("a signed certificate"), key)
    }
}

#[track_caller]
fn serve(
    (signed, pair): (Certificate, KeyPair),
    clients: Arc<dyn ClientCertVerifier>,
) -> Arc<rustls::ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![signed.der().clone()], key)
        .expect("a key that fits the certificate");
    Arc::new(config)
}
