use std::{ops::Deref, slice};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, Currency, Decimal, Error, ErrorKind, Money, Raw, Result};

/// An account that the user may read or trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// What calls name it by. Opaque: some brokers give a hash.
    pub id: AccountId,
    /// The number that people see, where it differs from the id.
    pub number: Option<String>,
    /// The name that the broker or the user gave it.
    pub name: Option<String>,
    /// The currency that it is kept in.
    pub currency: Option<Currency>,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// The cash or balance that the list of accounts shows, if it shows any.
    pub balance: Option<Money>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl Account {
    /// Makes an account of which only the id is known.
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            number: None,
            name: None,
            currency: None,
            status: AccountStatus::Active,
            balance: None,
            raw: Raw::default(),
        }
    }
}

impl From<&Account> for AccountId {
    fn from(account: &Account) -> Self {
        account.id.clone()
    }
}

/// What kind of account it is, as far as that decides what may be traded in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AccountKind {
    /// What is bought is paid with settled cash.
    Cash,
    /// The broker may lend what is missing.
    Margin,
    /// A retirement account (IRA): nothing is lent, and nothing may be written that is not covered.
    Retirement,
    /// A kind that this version does not know.
    Unknown(String),
}

/// Whether an account can be used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AccountStatus {
    /// It can be read and traded.
    Active,
    /// It is closed or disabled.
    Closed,
    /// It can be read, and positions may perhaps be closed.
    Restricted,
    /// It is suspended.
    Suspended,
    /// A status that this version does not know.
    Unknown(String),
}

/// The accounts of a user, in the broker's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts(Vec<Account>);

impl Accounts {
    /// Returns the account of a user who has one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none. [`ErrorKind::MissingField`] if there are several:
    /// choose one with [`by_id`](Self::by_id); none is ever guessed.
    pub fn only(&self) -> Result<Account> {
        match self.0.as_slice() {
            [account] => Ok(account.clone()),
            [] => Err(Error::new(ErrorKind::NotFound, "the user has no account")),
            several => {
                let (count, ids) = (several.len(), self.ids());
                let message = format!("the user has {count} accounts ({ids}); name one");
                Err(Error::new(ErrorKind::MissingField, message))
            }
        }
    }

    /// Returns the account with this id or display number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none.
    pub fn by_id(&self, id: &str) -> Result<Account> {
        let named =
            |account: &&Account| account.id.as_str() == id || account.number.as_deref() == Some(id);
        self.0.iter().find(named).cloned().ok_or_else(|| {
            let shown: String = id.chars().take(40).collect();
            let message = format!("the user has no account {shown:?}; there is {}", self.ids());
            Error::new(ErrorKind::NotFound, message)
        })
    }

    fn ids(&self) -> String {
        let ids: Vec<_> = self.0.iter().map(|account| account.id.as_str()).collect();
        ids.join(", ")
    }
}

impl Deref for Accounts {
    type Target = [Account];

    fn deref(&self) -> &[Account] {
        &self.0
    }
}

impl From<Vec<Account>> for Accounts {
    fn from(accounts: Vec<Account>) -> Self {
        Self(accounts)
    }
}

impl IntoIterator for Accounts {
    type Item = Account;
    type IntoIter = std::vec::IntoIter<Account>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Accounts {
    type Item = &'a Account;
    type IntoIter = slice::Iter<'a, Account>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// What an account is worth and what it can still do.
///
/// Every figure is in [`currency`](Self::currency); a figure that the broker does not give is `None`,
/// never zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountSummary {
    /// Of which account.
    pub account: AccountId,
    /// What kind of account it is.
    pub kind: Option<AccountKind>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// Cash, without open profit and loss.
    pub cash: Option<Decimal>,
    /// Cash plus open profit and loss; what is left if all is closed now.
    pub equity: Option<Decimal>,
    /// The value of everything held.
    pub portfolio_value: Option<Decimal>,
    /// What can be spent on new orders.
    pub buying_power: Option<Decimal>,
    /// What may be withdrawn.
    pub withdrawable: Option<Decimal>,
    /// Margin taken by open positions.
    pub margin_used: Option<Decimal>,
    /// Cash set aside for written options.
    pub options_collateral: Option<Decimal>,
    /// Profit and loss of open positions.
    pub open_pnl: Option<Decimal>,
    /// Profit and loss of today.
    pub total_return_today: Option<Decimal>,
    /// Profit and loss in all, as the broker counts it: since the account was opened, or of what is
    /// held.
    pub total_return_total: Option<Decimal>,
    /// How many positions are open.
    pub position_count: Option<u32>,
    /// How many orders are open.
    pub order_count: Option<u32>,
    /// Day trades left before the pattern-day-trader rule binds (FINRA 4210).
    pub day_trades_remaining: Option<u32>,
    /// Whether the account is marked as a pattern day trader.
    pub pattern_day_trader: Option<bool>,
    /// When it was read, or the broker's time of it.
    pub updated_at: OffsetDateTime,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl AccountSummary {
    /// Makes a summary in which no figure is known.
    pub fn new(account: AccountId, updated_at: OffsetDateTime) -> Self {
        Self {
            account,
            kind: None,
            currency: None,
            cash: None,
            equity: None,
            portfolio_value: None,
            buying_power: None,
            withdrawable: None,
            margin_used: None,
            options_collateral: None,
            open_pnl: None,
            total_return_today: None,
            total_return_total: None,
            position_count: None,
            order_count: None,
            day_trades_remaining: None,
            pattern_day_trader: None,
            updated_at,
            raw: Raw::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Account {
        Account::new(AccountId::new(id).unwrap())
    }

    #[test]
    fn one_account_is_taken_and_several_are_never_guessed() {
        let one = Accounts::from(vec![account("1")]);
        assert_eq!(one.only().unwrap().id.as_str(), "1");
        let two = Accounts::from(vec![account("1"), account("2")]);
        let error = two.only().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingField);
        assert!(error.to_string().contains("1, 2"));
        assert_eq!(
            Accounts::default().only().unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(two.by_id("2").unwrap().id.as_str(), "2");
    }
}
