use std::{
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use wheelhouse_core::{Error, ErrorKind, Result};

use crate::user_key;

/// The longest user name, password or field, in bytes.
pub const MAX_CREDENTIAL_LEN: usize = 1024;

/// What a user logs in with. It is sent byte for byte as given, and never stored.
///
/// ```
/// use wheelhouse_session::Credentials;
///
/// # fn main() -> wheelhouse_core::Result<()> {
/// let credentials = Credentials::new("demo@example.com", "demo-password".into())?
///     .with_field("server", "DEMO")?;
/// assert_eq!(credentials.field("server"), Some("DEMO"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Credentials {
    identity: Identity,
    password: SecretString,
    totp_secret: Option<SecretString>,
}

impl Credentials {
    /// Takes a user name and a password.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] if one is empty, [`ErrorKind::InvalidInput`] if one is longer
    /// than 1 KiB or the user name has a control character. A password is not judged further.
    pub fn new(user: impl Into<String>, password: SecretString) -> Result<Self> {
        check_len("password", password.expose_secret())?;
        Ok(Self {
            identity: Identity::new(user)?,
            password,
            totp_secret: None,
        })
    }

    /// Adds a field that this broker's login needs besides, such as `server`. It is not secret.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new) for the user name.
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        self.identity = self.identity.with_field(name, value)?;
        Ok(self)
    }

    /// Adds the secret that one-time codes are made of, in base32: lower case, blanks, dashes and
    /// padding are tidied up.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if it is not base32 or shorter than 80 bits.
    pub fn with_totp_secret(mut self, secret: SecretString) -> Result<Self> {
        self.totp_secret = Some(tidy_base32(secret.expose_secret())?);
        Ok(self)
    }

    /// Returns the user name.
    pub fn user(&self) -> &str {
        self.identity.user()
    }

    /// Returns the password.
    pub fn password(&self) -> &SecretString {
        &self.password
    }

    /// Returns a field by its name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.identity.field(name)
    }

    /// Returns the secret of the one-time codes: base32 in upper case without padding.
    pub fn totp_secret(&self) -> Option<&SecretString> {
        self.totp_secret.as_ref()
    }

    /// Returns who this is, without the secrets.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Who logs in: the user name and the fields that belong to it, without secrets.
///
/// A stored session is found again by it. Two spellings of one e-mail address are equal; see
/// [`user_key`].
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    user: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
}

impl Identity {
    /// Takes a user name as the broker wants it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] if it is empty, [`ErrorKind::InvalidInput`] if it is longer than
    /// 1 KiB or has a control character.
    pub fn new(user: impl Into<String>) -> Result<Self> {
        let user = user.into();
        check_text("user name", &user)?;
        Ok(Self {
            user,
            fields: BTreeMap::new(),
        })
    }

    /// Adds a field, such as `server`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let (name, value) = (name.into(), value.into());
        check_text("name of a login field", &name)?;
        check_text(&name, &value)?;
        self.fields.insert(name, value);
        Ok(self)
    }

    /// Returns the user name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns a field by its name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        user_key(&self.user) == user_key(&other.user) && self.fields == other.fields
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        user_key(&self.user).hash(state);
        self.fields.hash(state);
    }
}

// User names are personal data: they are not for logs.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn check_len(what: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        let message = format!("the {what} is empty");
        return Err(Error::new(ErrorKind::MissingField, message));
    }
    if text.len() > MAX_CREDENTIAL_LEN {
        let message = format!(
            "the {what} has {} bytes; at most {MAX_CREDENTIAL_LEN} are allowed",
            text.len()
        );
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(())
}

fn check_text(what: &str, text: &str) -> Result<()> {
    check_len(what, text)?;
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        let message = format!(
            "the {what} has the control character U+{:04X}",
            u32::from(c)
        );
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(())
}

fn tidy_base32(text: &str) -> Result<SecretString> {
    check_len("one-time code secret", text)?;
    let tidy: zeroize::Zeroizing<String> = zeroize::Zeroizing::new(
        text.chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect(),
    );
    let tidy = tidy.trim_end_matches('=');
    let fit = |b: u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b);
    if tidy.len() < 16 || !tidy.bytes().all(fit) || matches!(tidy.len() % 8, 1 | 3 | 6) {
        let message = "the one-time code secret is not base32: 16 or more of A-Z and 2-7 are expected, not one of \
             its codes";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(tidy.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f55_passwords_are_kept_byte_exact() {
        for password in [
            " leading",
            "quo\"te'\\",
            "\u{1F511}\u{301}",
            &"x".repeat(1024),
        ] {
            let credentials = Credentials::new("u", password.into()).unwrap();
            assert_eq!(credentials.password().expose_secret(), password);
        }
        assert_eq!(Credentials::new("u", "".into()).unwrap_err().code(), 5002);
        let long = "x".repeat(1025).into();
        assert_eq!(Credentials::new("u", long).unwrap_err().code(), 5001);
    }

    #[test]
    fn f56_one_time_secrets_are_tidied_or_refused() {
        let with = |secret: &str| {
            Credentials::new("u", "p".into())
                .unwrap()
                .with_totp_secret(secret.into())
        };
        let tidy = with("jbsw y3dp-ehpk 3pxp======").unwrap();
        assert_eq!(
            tidy.totp_secret().unwrap().expose_secret(),
            "JBSWY3DPEHPK3PXP"
        );
        for bad in ["JBSWY3DPEHPK3PX1", "SHORT", "", "JBSWY3DPEHPK3PXPA"] {
            let error = with(bad).unwrap_err();
            assert_eq!(error.code() / 10, 500, "{bad}");
            assert!(bad.is_empty() || !error.to_string().contains(bad));
        }
    }

    #[test]
    fn sup_6_control_characters_and_64_kib_are_refused() {
        for user in ["a\r\nX: y", "a\0", &"a".repeat(65_536)] {
            assert_eq!(Identity::new(user).unwrap_err().code(), 5001);
            let server = Identity::new("u").unwrap().with_field("server", user);
            assert_eq!(server.unwrap_err().code(), 5001);
        }
    }
}
