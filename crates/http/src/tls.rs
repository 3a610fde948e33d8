use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ring::digest;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
    time_provider::TimeProvider,
};
use wheelhouse_core::{Clock, Error, ErrorKind, Result};

/// Whom to believe.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    pub(crate) extra: Vec<CertificateDer<'static>>,
    /// Leaves the platform's roots out.
    pub(crate) only_extra: bool,
    /// SHA-256 of the keys that a server may have; any if empty.
    pub(crate) pins: Vec<[u8; 32]>,
}

/// Makes the TLS configuration: TLS 1.2 and 1.3 with ring, certificates judged on `clock`.
///
/// `load_now` reads the roots at once instead of at the first handshake.
pub(crate) fn config(trust: Trust, clock: Arc<dyn Clock>, load_now: bool) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Verifier {
        algorithms: provider.signature_verification_algorithms,
        provider: provider.clone(),
        trust,
        inner: OnceLock::new(),
    });
    if load_now {
        verifier.inner().map_err(|error| {
            Error::new(
                ErrorKind::Configuration,
                "there are no root certificates to check servers against",
            )
            .with_source(error)
        })?;
    }
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Time(clock)))
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::new(ErrorKind::Configuration, "TLS cannot be set up").with_source(error)
        })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Reads certificates in PEM.
pub(crate) fn parse_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: std::result::Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Error::new(
            ErrorKind::Configuration,
            "the root certificate is not PEM (-----BEGIN CERTIFICATE-----)",
        )),
    }
}

/// Checks servers the way the platform does, and their key against the pins.
struct Verifier {
    provider: Arc<CryptoProvider>,
    algorithms: WebPkiSupportedAlgorithms,
    trust: Trust,
    inner: OnceLock<Result<Arc<dyn ServerCertVerifier>, rustls::Error>>,
}

impl Verifier {
    fn inner(&self) -> Result<&Arc<dyn ServerCertVerifier>, rustls::Error> {
        self.inner
            .get_or_init(|| self.load())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn load(&self) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let extra = self.trust.extra.iter().cloned();
        if self.trust.only_extra {
            return self.with_roots(extra);
        }
        let platform =
            rustls_platform_verifier::Verifier::new_with_extra_roots(extra, self.provider.clone());
        match platform {
            Ok(verifier) => Ok(Arc::new(verifier)),
            #[cfg(feature = "webpki-roots")]
            Err(_) => {
                let mut roots = RootCertStore::empty();
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                self.finish(roots)
            }
            #[cfg(not(feature = "webpki-roots"))]
            Err(error) => Err(error),
        }
    }

    fn with_roots(
        &self,
        certificates: impl Iterator<Item = CertificateDer<'static>>,
    ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate)?;
        }
        self.finish(roots)
    }

    fn finish(&self, roots: RootCertStore) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone());
        match builder.build() {
            Ok(verifier) => Ok(verifier),
            Err(error) => Err(rustls::Error::General(error.to_string())),
        }
    }

    fn check_pin(&self, certificate: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        if self.trust.pins.is_empty() {
            return Ok(());
        }
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        let hash = digest::digest(&digest::SHA256, key.as_ref());
        if self.trust.pins.iter().any(|pin| pin == hash.as_ref()) {
            Ok(())
        } else {
            Err(rustls::Error::General(
                "the server's key is not a pinned one".to_owned(),
            ))
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        self.check_pin(end_entity)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("extra", &self.trust.extra.len())
            .field("only_extra", &self.trust.only_extra)
            .field("pins", &self.trust.pins.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Time(Arc<dyn Clock>);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().unix_timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}
