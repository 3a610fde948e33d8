//! Who may log in, and what they have.

use std::fmt;

use rust_decimal::Decimal;
use secrecy::SecretString;

/// A user of the simulated broker.
///
/// ```
/// use wheelhouse_sim::tradelocker::{AccountSpec, UserSpec};
///
/// let user = UserSpec::new("ada@example.com", "difference-engine", "ACMEDM")
///     .accounts([AccountSpec::new("2001"), AccountSpec::new("2002").balance("250.50".parse()?)]);
/// # Ok::<(), rust_decimal::Error>(())
/// ```
#[derive(Clone)]
pub struct UserSpec {
    pub(super) email: String,
    pub(super) password: SecretString,
    pub(super) server: String,
    pub(super) accounts: Vec<AccountSpec>,
}

impl UserSpec {
    /// Creates a user without accounts.
    pub fn new(
        email: impl Into<String>,
        password: impl Into<SecretString>,
        server: impl Into<String>,
    ) -> Self {
        Self {
            email: email.into(),
            password: password.into(),
            server: server.into(),
            accounts: Vec::new(),
        }
    }

    /// The user that a simulator knows unless told otherwise: `demo@example.com`,
    /// `demo-password`, server `DEMO`, with one account `1002003` of 100,000 USD.
    #[must_use]
    pub fn demo() -> Self {
        Self::new("demo@example.com", "demo-password", "DEMO").account_count(1)
    }

    /// Gives the user these accounts, numbered from 1 in this order.
    #[must_use]
    pub fn accounts(mut self, accounts: impl IntoIterator<Item = AccountSpec>) -> Self {
        self.accounts = accounts.into_iter().collect();
        self
    }

    /// Gives the user this many ordinary accounts: `1002003`, `1002004`, … The first has 100,000
    /// USD, the others 25,000.50 USD.
    #[must_use]
    pub fn account_count(self, count: u32) -> Self {
        let account = |n: u32| {
            let spec = AccountSpec::new((1_002_003 + u64::from(n)).to_string());
            if n == 0 {
                spec
            } else {
                spec.balance(Decimal::new(2_500_050, 2))
            }
        };
        self.accounts((0..count).map(account))
    }
}

impl fmt::Debug for UserSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSpec")
            .field("email", &self.email)
            .field("server", &self.server)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// A trading account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSpec {
    pub(super) id: String,
    pub(super) balance: Decimal,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) close_only: bool,
}

impl AccountSpec {
    /// Creates an `ACTIVE` account with 100,000 USD. `id` is the number shown after `#` and has to
    /// be unique in the simulator.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            balance: Decimal::new(10_000_000, 2),
            currency: "USD".to_owned(),
            status: "ACTIVE".to_owned(),
            close_only: false,
        }
    }

    /// Sets the balance in account currency.
    #[must_use]
    pub fn balance(mut self, balance: Decimal) -> Self {
        self.balance = balance;
        self
    }

    /// Sets the currency code that is shown. Amounts are not converted: profit in US dollars is
    /// booked one to one.
    #[must_use]
    pub fn currency(mut self, currency: impl Into<String>) -> Self {
        self.currency = currency.into();
        self
    }

    /// Sets the status, such as `SUSPENDED`. Anything but `ACTIVE` refuses to trade.
    #[must_use]
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = status.into();
        self
    }

    /// Lets the account close positions only.
    #[must_use]
    pub fn close_only(mut self, close_only: bool) -> Self {
        self.close_only = close_only;
        self
    }
}
