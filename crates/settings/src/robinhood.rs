use std::fmt;

use secrecy::SecretString;

use crate::{BrokerEnvironment, Key, Settings, SettingsError, read::Needs};

/// What is needed to log in to Robinhood.
#[derive(Clone)]
#[non_exhaustive]
pub struct RobinhoodSettings {
    /// The e-mail address of the login.
    pub username: String,
    /// The password, byte for byte as given.
    pub password: SecretString,
    /// The base32 secret that an authenticator app makes codes of, if there is one.
    pub totp_secret: Option<SecretString>,
    /// Which host: [`Live`](BrokerEnvironment::Live), the default, or a URL.
    pub environment: BrokerEnvironment,
}

impl fmt::Debug for RobinhoodSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobinhoodSettings")
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// What is needed to speak to Robinhood's Crypto Trading API.
#[derive(Clone)]
#[non_exhaustive]
pub struct RobinhoodCryptoSettings {
    /// The API key, as shown where it was made.
    pub api_key: SecretString,
    /// The private key that belongs to it: base64 of the 32 bytes of its seed.
    pub private_key: SecretString,
    /// Which host: [`Live`](BrokerEnvironment::Live), the default, or a URL.
    pub environment: BrokerEnvironment,
}

impl fmt::Debug for RobinhoodCryptoSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobinhoodCryptoSettings")
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads what is needed to log in to Robinhood; `None` if none of it is set.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Problems`] naming everything that is missing or wrong.
    pub fn robinhood(&self) -> Result<Option<RobinhoodSettings>, SettingsError> {
        use Key::*;
        let all = [
            RobinhoodUsername,
            RobinhoodPassword,
            RobinhoodMfaCode,
            RobinhoodEnvironment,
        ];
        let Some(set) = self.first_set(&all) else {
            return Ok(None);
        };
        let mut needs = Needs::new(self, set);
        let login = RobinhoodSettings {
            username: needs.text(RobinhoodUsername),
            password: needs.secret(RobinhoodPassword),
            totp_secret: needs.optional(RobinhoodMfaCode),
            environment: needs.environment(RobinhoodEnvironment, BrokerEnvironment::Live),
        };
        needs.finish().map(|()| Some(login))
    }

    /// Reads what is needed for Robinhood's Crypto Trading API; `None` if none of it is set.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Problems`] naming everything that is missing or wrong.
    pub fn robinhood_crypto(&self) -> Result<Option<RobinhoodCryptoSettings>, SettingsError> {
        use Key::*;
        let all = [
            RobinhoodCryptoApiKey,
            RobinhoodCryptoPrivateKey,
            RobinhoodCryptoEnvironment,
        ];
        let Some(set) = self.first_set(&all) else {
            return Ok(None);
        };
        let mut needs = Needs::new(self, set);
        let keys = RobinhoodCryptoSettings {
            api_key: needs.secret(RobinhoodCryptoApiKey),
            private_key: needs.secret(RobinhoodCryptoPrivateKey),
            environment: needs.environment(RobinhoodCryptoEnvironment, BrokerEnvironment::Live),
        };
        needs.finish().map(|()| Some(keys))
    }
}
