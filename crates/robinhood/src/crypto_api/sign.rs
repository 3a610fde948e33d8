//! Signatures of requests: Ed25519 over key, time, path with query, method and body.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use ring::signature::Ed25519KeyPair;
use time::OffsetDateTime;
use wheelhouse_adapter::Gone;
use wheelhouse_core::{Clock, Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_http::{Signer, Unsigned};
use zeroize::Zeroizing;

use super::server_clock::ServerClock;

/// The longest API key that is taken; real ones have 43 characters.
const MAX_KEY: usize = 256;

/// The key that names the user and the one that signs.
pub(crate) struct Keys {
    api_key: SecretString,
    pair: Ed25519KeyPair,
}

impl Keys {
    /// Checks both keys. The private one is the base64 of the 32 bytes of the seed.
    pub(crate) fn new(api_key: SecretString, private_key: &SecretString) -> Result<Self> {
        let wrong = |what: &'static str| Error::new(ErrorKind::Configuration, what);
        let key = api_key.expose_secret();
        // Early keys do not begin with `rh-api-`.
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong(
                "the API key is not 1 to 256 characters of visible ASCII",
            ));
        }
        let lenient =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
        let mut seed = Zeroizing::new([0; 64]);
        let text = private_key.expose_secret().trim();
        let length = if text.len() <= 64 {
            engine.decode_slice(text, &mut *seed).ok()
        } else {
            None
        };
        let pair = match length {
            Some(32) => Ed25519KeyPair::from_seed_unchecked(&seed[..32]).ok(),
            _ => None,
        };
        let pair = pair.ok_or_else(|| wrong("the private key is not the base64 of 32 bytes"))?;
        Ok(Self { api_key, pair })
    }

    /// Signs a request at a time in whole seconds since the Unix epoch.
    pub(crate) fn signature(&self, seconds: i64, path: &str, method: &str, body: &[u8]) -> String {
        let (key, seconds) = (self.api_key.expose_secret(), seconds.to_string());
        let length = key.len() + seconds.len() + path.len() + method.len() + body.len();
        let mut message = Zeroizing::new(Vec::with_capacity(length));
        for part in [
            key.as_bytes(),
            seconds.as_bytes(),
            path.as_bytes(),
            method.as_bytes(),
            body,
        ] {
            message.extend_from_slice(part);
        }
        STANDARD.encode(self.pair.sign(&message))
    }

    /// Returns a short text that is the same for the same API key and tells nothing of it.
    pub(crate) fn fingerprint(&self) -> String {
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            self.api_key.expose_secret().as_bytes(),
        );
        digest.as_ref()[..6]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Signs with the keys at the broker's time.
#[derive(Debug)]
pub(crate) struct RequestSigner {
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) server_clock: ServerClock,
}

impl Signer for RequestSigner {
    fn sign(&self, request: &Unsigned<'_>) -> Result<Vec<(&'static str, SecretString)>> {
        let now = self.clock.now() + self.server_clock.ahead();
        let seconds = now.unix_timestamp();
        let method = request.method().to_string();
        let signature =
            self.keys
                .signature(seconds, request.path_and_query(), &method, request.body());
        Ok(vec![
            ("x-api-key", self.keys.api_key.clone()),
            ("x-timestamp", SecretString::from(seconds.to_string())),
            ("x-signature", SecretString::from(signature)),
        ])
    }
}

/// Signs only while somebody waits. The signature is asked for right before sending: an order whose
/// caller has gone by then is not sent.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    signer: &'a RequestSigner,
    gone: &'a Gone,
    signed_at: OnceLock<OffsetDateTime>,
}

impl<'a> Gate<'a> {
    pub(crate) fn new(signer: &'a RequestSigner, gone: &'a Gone) -> Self {
        Self {
            signer,
            gone,
            signed_at: OnceLock::new(),
        }
    }

    /// Returns when the request went out, in this side's time; `None` if it never did.
    pub(crate) fn signed_at(&self) -> Option<OffsetDateTime> {
        self.signed_at.get().copied()
    }
}

impl Signer for Gate<'_> {
    fn sign(&self, request: &Unsigned<'_>) -> Result<Vec<(&'static str, SecretString)>> {
        if self.gone.is_set() {
            let message = "the caller stopped waiting before the order was sent";
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        self.signed_at.get_or_init(|| self.signer.clock.now());
        self.signer.sign(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vectors {
        api_key: String,
        private_key_seed_base64: String,
        public_key_base64: String,
        timestamp: String,
        vectors: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        path: String,
        method: String,
        body: String,
        signature_base64: String,
    }

    fn vectors() -> Vectors {
        serde_json::from_str(include_str!(
            "../../tests/data/crypto_signature_vectors.json"
        ))
        .unwrap()
    }

    fn keys(vectors: &Vectors) -> Keys {
        let seed = SecretString::from(vectors.private_key_seed_base64.as_str());
        Keys::new(SecretString::from(vectors.api_key.as_str()), &seed).unwrap()
    }

    #[test]
    fn every_published_and_computed_vector_is_signed_alike() {
        use ring::signature::KeyPair;

        let vectors = vectors();
        let keys = keys(&vectors);
        assert_eq!(
            STANDARD.encode(keys.pair.public_key().as_ref()),
            vectors.public_key_base64
        );
        assert_eq!(vectors.vectors.len(), 8);
        let seconds = vectors.timestamp.parse().unwrap();
        for vector in &vectors.vectors {
            let signature = keys.signature(
                seconds,
                &vector.path,
                &vector.method,
                vector.body.as_bytes(),
            );
            assert_eq!(signature, vector.signature_base64, "{}", vector.name);
        }
    }

    #[test]
    fn keys_that_cannot_be_ones_are_refused_and_never_shown() {
        let fine = vectors().private_key_seed_base64;
        let long = STANDARD.encode([7; 64]);
        for (api_key, private_key) in [
            ("", fine.as_str()),
            ("rh-api canary", &fine),
            ("rh-api-canary\n", &fine),
            ("canary", ""),
            ("canary", "not base64 canary"),
            ("canary", &fine[..40]),
            ("canary", &long),
        ] {
            let private = SecretString::from(private_key);
            let error = Keys::new(SecretString::from(api_key), &private).unwrap_err();
            assert_eq!(error.code(), 5003, "{api_key} {private_key}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let unpadded = SecretString::from(fine.trim_end_matches('='));
        assert!(Keys::new(SecretString::from("early-key"), &unpadded).is_ok());
    }

    #[test]
    fn neither_key_is_in_a_debug_text() {
        let vectors = vectors();
        let keys = keys(&vectors);
        let shown = format!("{keys:?} {}", keys.fingerprint());
        assert!(
            !shown.contains("rh-api") && !shown.contains(&vectors.public_key_base64),
            "{shown}"
        );
        assert_eq!(keys.fingerprint().len(), 12);
    }
}
