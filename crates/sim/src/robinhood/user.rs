//! Who may log in, and what they have.

use std::fmt;

use rust_decimal::Decimal;
use secrecy::SecretString;

/// The TOTP secret and the SMS code of users that were not given others.
const TOTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const CODE: &str = "758447";

/// A user of the simulated broker.
///
/// ```
/// use wheelhouse_sim::robinhood::{AccountKind, AccountSpec, UserSpec};
///
/// let user = UserSpec::new("ada@example.com", "difference-engine")
///     .account(AccountSpec::new("200100").cash("2500".parse()?).shares("F", "3.5".parse()?, "11.20".parse()?))
///     .account(AccountSpec::new("200101").kind(AccountKind::IraRoth));
/// # Ok::<(), rust_decimal::Error>(())
/// ```
#[derive(Clone)]
pub struct UserSpec {
    pub(super) username: String,
    pub(super) password: SecretString,
    pub(super) totp: SecretString,
    pub(super) code: SecretString,
    pub(super) accounts: Vec<AccountSpec>,
    pub(super) coins: Vec<(String, Decimal, Decimal)>,
    pub(super) devices: Vec<String>,
}

/// An account of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSpec {
    pub(super) number: String,
    pub(super) kind: AccountKind,
    pub(super) cash: Decimal,
    pub(super) agentic: bool,
    pub(super) shares: Vec<(String, Decimal, Decimal, bool)>,
    pub(super) options: Vec<(String, i64, Decimal)>,
}

/// The kind of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountKind {
    /// An individual cash account, options of level 2.
    Cash,
    /// A Roth retirement account: it shows in no list of `/accounts/`.
    IraRoth,
    /// A traditional retirement account: it shows in no list of `/accounts/`.
    IraTraditional,
    /// An individual margin account, options of level 3. The default.
    #[default]
    Margin,
}

impl AccountKind {
    pub(super) fn is_retirement(self) -> bool {
        matches!(self, Self::IraRoth | Self::IraTraditional)
    }

    pub(super) fn brokerage_type(self) -> &'static str {
        match self {
            Self::Cash | Self::Margin => "individual",
            Self::IraRoth => "ira_roth",
            Self::IraTraditional => "ira_traditional",
        }
    }
}

impl UserSpec {
    /// Creates a user without accounts. Codes by SMS and mail are `758447`, the TOTP secret is
    /// the one of RFC 6238, `GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ`.
    pub fn new(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            totp: TOTP.into(),
            code: CODE.into(),
            accounts: Vec::new(),
            coins: Vec::new(),
            devices: Vec::new(),
        }
    }

    /// The user that a simulator knows unless told otherwise: `demo@example.com` with
    /// `demo-password` and the accounts of [`wheel_world`](Self::wheel_world).
    #[must_use]
    pub fn demo() -> Self {
        Self::new("demo@example.com", "demo-password").wheel_world()
    }

    /// Gives the user three accounts.
    ///
    /// `100200301`, margin: one short put on F, 100 shares of KO behind a short call, 150 shares
    /// of SOFI and two long calls, 40.125 shares of T. `100200302`, a Roth account with cash.
    /// `100200303`, cash, open to agents. And some bitcoin.
    #[must_use]
    pub fn wheel_world(self) -> Self {
        let amount = |units: i64, places| Decimal::new(units, places);
        let main = AccountSpec::new("100200301")
            .cash(amount(1_925_055, 2))
            .shares("KO", amount(100, 0), amount(6_125, 2))
            .shares("SOFI", amount(150, 0), amount(1_410, 2))
            .recent_shares("T", amount(40_125, 3), amount(2_210, 2))
            .contracts("F put 10 #3", -1, amount(28, 0))
            .contracts("KO call 75 #3", -1, amount(42, 0))
            .contracts("SOFI call 30 #4", 2, amount(113, 0));
        let roth = AccountSpec::new("100200302")
            .kind(AccountKind::IraRoth)
            .cash(amount(7_210, 0));
        let agentic = AccountSpec::new("100200303")
            .kind(AccountKind::Cash)
            .cash(amount(500, 0))
            .agentic();
        self.account(main).account(roth).account(agentic).coins(
            "BTC",
            amount(1_234_567, 8),
            amount(800, 0),
        )
    }

    /// Adds an account; the first is the default account.
    #[must_use]
    pub fn account(mut self, account: AccountSpec) -> Self {
        self.accounts.push(account);
        self
    }

    /// Adds coins with what they cost together.
    #[must_use]
    pub fn coins(mut self, code: impl Into<String>, quantity: Decimal, cost: Decimal) -> Self {
        self.coins.push((code.into(), quantity, cost));
        self
    }

    /// Sets the base32 secret of the authenticator app.
    #[must_use]
    pub fn totp(mut self, secret: impl Into<SecretString>) -> Self {
        self.totp = secret.into();
        self
    }

    /// Sets the code that comes by SMS and mail.
    #[must_use]
    pub fn code(mut self, code: impl Into<SecretString>) -> Self {
        self.code = code.into();
        self
    }

    /// Approves a device beforehand.
    #[must_use]
    pub fn device(mut self, token: impl Into<String>) -> Self {
        self.devices.push(token.into());
        self
    }
}

impl fmt::Debug for UserSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSpec")
            .field("username", &self.username)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

impl AccountSpec {
    /// Creates an empty margin account.
    pub fn new(number: impl Into<String>) -> Self {
        Self {
            number: number.into(),
            kind: AccountKind::default(),
            cash: Decimal::ZERO,
            agentic: false,
            shares: Vec::new(),
            options: Vec::new(),
        }
    }

    /// Sets the kind.
    #[must_use]
    pub fn kind(mut self, kind: AccountKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the cash in USD.
    #[must_use]
    pub fn cash(mut self, cash: Decimal) -> Self {
        self.cash = cash;
        self
    }

    /// Opens the account to agents.
    #[must_use]
    pub fn agentic(mut self) -> Self {
        self.agentic = true;
        self
    }

    /// Adds settled shares with their cost per share; their `average_buy_price` reads 0.
    #[must_use]
    pub fn shares(mut self, symbol: &str, quantity: Decimal, cost: Decimal) -> Self {
        self.shares.push((symbol.to_owned(), quantity, cost, false));
        self
    }

    /// Adds shares whose `average_buy_price` is known.
    #[must_use]
    pub fn recent_shares(mut self, symbol: &str, quantity: Decimal, cost: Decimal) -> Self {
        self.shares.push((symbol.to_owned(), quantity, cost, true));
        self
    }

    /// Adds option contracts, short ones as a negative count, with the premium per contract.
    ///
    /// The contract is named as `F put 10 #3`: underlying, type, strike and the number of the
    /// expiration date in the chain, from 1.
    #[must_use]
    pub fn contracts(mut self, contract: &str, count: i64, premium: Decimal) -> Self {
        self.options.push((contract.to_owned(), count, premium));
        self
    }
}
