//! Checking who sent a request.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::{ledger::Rejection, reply, settings::Settings};
use crate::{
    robinhood::text::millis,
    server::{Request, Response},
};

/// What is signed: everything in one piece, the path with its query as sent.
pub(super) fn message(api_key: &str, timestamp: &str, request: &Request) -> Vec<u8> {
    let mut message = format!("{api_key}{timestamp}{}", request.path).into_bytes();
    if !request.query.is_empty() {
        message.push(b'?');
        message.extend_from_slice(request.query.as_bytes());
    }
    message.extend_from_slice(request.method.as_bytes());
    message.extend_from_slice(&request.body);
    message
}

/// The place of the key that signed a request, else why it is none.
pub(super) fn check<'a>(
    request: &Request,
    keys: impl Iterator<Item = (&'a str, &'a [u8])>,
    settings: &Settings,
    now: i64,
) -> Result<usize, Rejection> {
    let header = |name| request.header(name).ok_or(Rejection::MissingHeader);
    let (api_key, timestamp) = (header("x-api-key")?, header("x-timestamp")?);
    let signature = header("x-signature")?;
    let known = keys.enumerate().find(|(_, (known, _))| *known == api_key);
    let (at, (_, public_key)) = known.ok_or(Rejection::UnknownKey)?;
    let seconds: i64 = timestamp.parse().map_err(|_| Rejection::Clock)?;
    let away = seconds
        .saturating_mul(1_000)
        .saturating_sub(now)
        .saturating_abs();
    if away > millis(settings.window) + 999 {
        return Err(Rejection::Clock);
    }
    let signature = STANDARD
        .decode(signature)
        .map_err(|_| Rejection::Signature)?;
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(&message(api_key, timestamp, request), &signature)
        .map_err(|_| Rejection::Signature)?;
    Ok(at)
}

/// All of them are answered alike.
pub(super) fn refused() -> Response {
    reply::client(401, "Incorrect authentication credentials.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "rh-api-6148effc-c0b1-486c-8940-a1d099456be6";
    const PUBLIC: &str = "jPItx4TLjcnSUnmnXQQyAKL4eJj3+oWNNMmmm2vATqk=";
    const AT: i64 = 1_698_708_981;

    fn checked(
        target: &str,
        method: &str,
        body: &str,
        signature: &str,
        now: i64,
    ) -> Result<usize, Rejection> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: vec![
                header("X-Api-Key", KEY),
                header("X-Timestamp", &AT.to_string()),
                header("X-Signature", signature),
            ],
            body: body.as_bytes().to_vec(),
        };
        let public = STANDARD.decode(PUBLIC).unwrap();
        check(
            &request,
            [(KEY, &public[..])].into_iter(),
            &Settings::default(),
            now,
        )
    }

    #[test]
    fn published_and_computed_vectors_hold() {
        let vectors: serde_json::Value = serde_json::from_str(include_str!(
            "../../tests/data/robinhood/crypto_signature_vectors.json"
        ))
        .unwrap();
        let vectors = vectors["vectors"].as_array().unwrap();
        assert!(vectors.len() >= 5);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let outcome = checked(
                text("path"),
                text("method"),
                text("body"),
                text("signature_base64"),
                AT * 1_000,
            );
            assert_eq!(outcome, Ok(0), "{}", text("name"));
            let spoilt = format!("{} ", text("body"));
            let outcome = checked(
                text("path"),
                text("method"),
                &spoilt,
                text("signature_base64"),
                AT * 1_000,
            );
            assert_eq!(outcome, Err(Rejection::Signature), "{}", text("name"));
        }
    }

    #[test]
    fn a_timestamp_is_good_for_half_a_minute() {
        let path = "/api/v1/crypto/trading/accounts/";
        let signature = "08PdjWE9n95K4rcXLZS0z47SdFJ0k/hod/1WRNd2JugZemESR65/J8UJi6yGjd8KRPizSW9goFFqffDOgqGBDQ==";
        let at = |seconds: i64| checked(path, "GET", "", signature, (AT + seconds) * 1_000);
        assert_eq!((at(30), at(-30)), (Ok(0), Ok(0)));
        assert_eq!(
            (at(31), at(-32)),
            (Err(Rejection::Clock), Err(Rejection::Clock))
        );
    }
}
