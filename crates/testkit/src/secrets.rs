use std::fmt;

use crate::{TestFailure, TestResult};

/// Secrets that must not show anywhere: in logs, errors, `Debug` text and files.
///
/// Each is looked for as it is, in Base64, in hex and as a URL has it.
///
/// ```
/// use wheelhouse_testkit::Canaries;
///
/// let canaries = Canaries::new(["hunter2-canary"]);
/// canaries.absent_from("a debug text", "Session { id: 7, .. }").unwrap();
/// assert!(canaries.absent_from("a log", "auth aHVudGVyMi1jYW5hcnk=").is_err());
/// ```
#[derive(Clone, Default)]
pub struct Canaries(Vec<Vec<Form>>);

#[derive(Clone)]
struct Form {
    name: &'static str,
    text: String,
}

impl Canaries {
    /// Takes secrets to look for. Those of fewer than 6 bytes are left out: they would be found by
    /// chance.
    pub fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let long = |secret: &S| secret.as_ref().len() >= 6;
        let forms = |secret: S| forms_of(secret.as_ref());
        Self(secrets.into_iter().filter(long).map(forms).collect())
    }

    /// Checks that no secret shows in `text`; `place` says in the failure where it came from.
    ///
    /// # Errors
    ///
    /// Fails if one shows. The failure names its number and form, not the secret.
    pub fn absent_from(&self, place: &str, text: &str) -> TestResult {
        for (number, forms) in self.0.iter().enumerate() {
            if let Some(form) = forms.iter().find(|form| text.contains(&form.text)) {
                return Err(TestFailure::new(format!(
                    "secret {number} shows in {place}, {}",
                    form.name
                )));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Canaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canaries({} secrets)", self.0.len())
    }
}

fn forms_of(secret: &str) -> Vec<Form> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        form("as it is", secret.to_owned()),
        form("in hex", hex.to_uppercase()),
        form("in hex", hex),
        form("as a URL has it", percent(bytes)),
        form("as Debug quotes it", secret.escape_debug().to_string()),
        form("in JSON", secret.replace('\\', "\\\\").replace('"', "\\\"")),
    ];
    for alphabet in [STANDARD, URL_SAFE] {
        forms.push(form("in Base64", base64(bytes, alphabet)));
    }
    forms
}

fn form(name: &'static str, text: String) -> Form {
    Form { name, text }
}

fn percent(bytes: &[u8]) -> String {
    let quote = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(quote).collect()
}

/// Base64 without the padding, and without the last character where it depends on what follows.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for place in 0..(chunk.len() * 8 / 6) {
            let digit = (bits >> (18 - 6 * place)) & 63;
            text.push(char::from(alphabet[digit as usize]));
        }
    }
    text
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let canaries = Canaries::new(["pa ss/wörd\"?"]);
        for text in [
            "x pa ss/wörd\"? x",
            "password: \"pa ss/wörd\\\"?\"",
            "706120 7061207373 2f 70612073732f77c3b67264223f",
            "p=pa%20ss%2Fw%C3%B6rd%22%3F&x",
            "cGEgc3Mvd8O2cmQiPw==",
            "cGEgc3Mvd8O2cmQiP6",
        ] {
            let failure = canaries.absent_from("a text", text).unwrap_err();
            assert!(failure.message().contains("secret 0 shows in a text"));
        }
        canaries.absent_from("a text", "pa ss word").unwrap();
    }
}
