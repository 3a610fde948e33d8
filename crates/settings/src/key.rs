use std::fmt;

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, secret: $secret:literal;)*) => {
        /// Every setting that there is, under its one name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Key {
            $($(#[$doc])* $variant,)*
        }

        impl Key {
            /// Every setting, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the name, which is also the environment variable.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns whether the value must not be shown.
            pub const fn is_secret(self) -> bool {
                match self {
                    $(Self::$variant => $secret,)*
                }
            }
        }
    };
}

keys! {
    /// The key of Robinhood's Crypto Trading API.
    RobinhoodCryptoApiKey = "ROBINHOOD_CRYPTO_API_KEY", secret: true;
    /// `live` (the default), or the base URL of another host for the Crypto Trading API; plain http
    /// on loopback only.
    RobinhoodCryptoEnvironment = "ROBINHOOD_CRYPTO_ENVIRONMENT", secret: false;
    /// The private key that belongs to the API key: base64 of the 32 bytes of its seed.
    RobinhoodCryptoPrivateKey = "ROBINHOOD_CRYPTO_PRIVATE_KEY", secret: true;
    /// `live` (the default), or the base URL of another host; plain http on loopback only.
    RobinhoodEnvironment = "ROBINHOOD_ENVIRONMENT", secret: false;
    /// The base32 secret that an authenticator app makes Robinhood's codes of. Optional.
    RobinhoodMfaCode = "ROBINHOOD_MFA_CODE", secret: true;
    /// The password of the Robinhood login.
    RobinhoodPassword = "ROBINHOOD_PASSWORD", secret: true;
    /// The e-mail address of the Robinhood login.
    RobinhoodUsername = "ROBINHOOD_USERNAME", secret: false;
    /// The key that TradeLocker's developer program gives. Optional.
    TradeLockerDeveloperApiKey = "TRADELOCKER_DEVELOPER_API_KEY", secret: true;
    /// The e-mail address of the TradeLocker login.
    TradeLockerEmail = "TRADELOCKER_EMAIL", secret: false;
    /// `demo` (the default), `live`, or the base URL of another host; plain http on loopback only.
    TradeLockerEnvironment = "TRADELOCKER_ENVIRONMENT", secret: false;
    /// The password of the TradeLocker login.
    TradeLockerPassword = "TRADELOCKER_PASSWORD", secret: true;
    /// What is typed into the box "Server" of the TradeLocker login: the broker's name.
    TradeLockerServer = "TRADELOCKER_SERVER", secret: false;
    /// The directory for the session store and the key file.
    DataDir = "WHEELHOUSE_DATA_DIR", secret: false;
    /// The 32-byte key that seals stored sessions, in base64 or hex. A key file is made without it.
    SealingKey = "WHEELHOUSE_KEY", secret: true;
}

impl Key {
    /// Finds the setting of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }

    /// Returns the known name most like `name`, if one is close.
    pub(crate) fn nearest(name: &str) -> Option<Self> {
        let distance = |key: &Self| strsim::damerau_levenshtein(key.name(), name);
        Self::ALL
            .iter()
            .copied()
            .min_by_key(distance)
            .filter(|key| distance(key) <= 4)
    }

    /// Returns whether `name` looks like it was meant for wheelhouse.
    pub(crate) fn claims(name: &str) -> bool {
        ["ROBINHOOD_", "TRADELOCKER_", "WHEELHOUSE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
