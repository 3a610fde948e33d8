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
        ["TRADELOCKER_", "WHEELHOUSE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
