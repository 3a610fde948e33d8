//! Tokens: JWTs as the broker makes them, signed with a key of the simulator.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::random::mix;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TokenType {
    #[serde(rename = "access_token")]
    Access,
    #[serde(rename = "refresh_token")]
    Refresh,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    #[serde(rename = "type")]
    pub(super) kind: TokenType,
    pub(super) sub: String,
    pub(super) uid: String,
    pub(super) brand: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    /// Serial number, in decimal: two tokens of one second differ.
    pub(super) jti: String,
    pub(super) sid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<String>,
}

pub(super) struct Signer(hmac::Key);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

impl Signer {
    pub(super) fn new(seed: u64) -> Self {
        let bytes: Vec<u8> = (0..4).flat_map(|n| mix(seed, n).to_le_bytes()).collect();
        Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    pub(super) fn sign(&self, claims: &Claims) -> String {
        let payload = serde_json::to_vec(claims).unwrap_or_default();
        let signed = format!("{HEADER}.{}", BASE64.encode(payload));
        let tag = hmac::sign(&self.0, signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(tag))
    }

    /// The claims of a token that this signer has made; expiry is not looked at.
    pub(super) fn verify(&self, token: &str) -> Option<Claims> {
        let (signed, tag) = token.rsplit_once('.')?;
        let tag = BASE64.decode(tag).ok()?;
        hmac::verify(&self.0, signed.as_bytes(), &tag).ok()?;
        let payload = BASE64.decode(signed.split_once('.')?.1).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_tokens_are_accepted() {
        let claims = Claims {
            iss: "tradelocker-api".into(),
            aud: "tradelocker-api-traders".into(),
            kind: TokenType::Access,
            sub: "DEMO#1".into(),
            uid: String::new(),
            brand: "DEMO".into(),
            iat: 1,
            exp: 2,
            jti: "1".into(),
            sid: 1,
            host: None,
        };
        let signer = Signer::new(1);
        let token = signer.sign(&claims);
        assert_eq!(signer.verify(&token), Some(claims));
        assert_eq!(Signer::new(2).verify(&token), None);
        assert_eq!(signer.verify(&token[..token.len() - 2]), None);
        assert_eq!(signer.verify("a.b.c"), None);
    }
}
