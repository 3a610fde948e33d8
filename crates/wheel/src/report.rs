use serde::Serialize;
use time::Date;
use wheelhouse_core::{AccountId, AccountKind, Currency, Decimal, Symbol};

use crate::{hazard::Hazard, leg::plus, wheel::Wheel};

/// The wheels of all accounts that were looked at.
///
/// Its text form is a table for each account with the hazards below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WheelReport {
    /// The date in New York that days to expiry are counted from.
    #[serde(serialize_with = "crate::calendar::iso")]
    pub today: Date,
    /// One entry an account, by id.
    pub accounts: Vec<AccountWheel>,
}

impl WheelReport {
    /// Returns what there is of an account.
    pub fn account(&self, account: &AccountId) -> Option<&AccountWheel> {
        self.accounts.iter().find(|found| found.account == *account)
    }
}

/// The wheels of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AccountWheel {
    /// Of which account.
    pub account: AccountId,
    /// The date in New York that days to expiry are counted from.
    #[serde(serialize_with = "crate::calendar::iso")]
    pub today: Date,
    /// What kind of account it is, if the broker tells.
    pub kind: Option<AccountKind>,
    /// The currency that the account is kept in.
    pub currency: Option<Currency>,
    /// One wheel an underlying, by symbol.
    pub wheels: Vec<Wheel>,
    /// Sums over all wheels.
    pub totals: Totals,
    /// Cash of the account, whatever it is set aside for.
    pub cash: Option<Decimal>,
    /// Cash that the broker has set aside for written options.
    pub set_aside: Option<Decimal>,
    /// Whether cash stands behind the written puts.
    pub secured: Secured,
    /// What concerns the account and not one underlying.
    pub hazards: Vec<Hazard>,
}

impl AccountWheel {
    /// Returns the wheel of an underlying.
    pub fn wheel(&self, underlying: &Symbol) -> Option<&Wheel> {
        self.wheels
            .iter()
            .find(|wheel| wheel.underlying == *underlying)
    }

    /// Returns all hazards: those of an underlying with its symbol, then those of the account.
    pub fn all_hazards(&self) -> impl Iterator<Item = (Option<&Symbol>, &Hazard)> {
        let of_wheels = self.wheels.iter().flat_map(|wheel| {
            let underlying = Some(&wheel.underlying);
            wheel.hazards.iter().map(move |hazard| (underlying, hazard))
        });
        of_wheels.chain(self.hazards.iter().map(|hazard| (None, hazard)))
    }
}

/// Sums over the wheels of an account.
///
/// A sum is `None` if one of its parts is not known; it is never short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// How many puts are written.
    pub put_contracts: Decimal,
    /// How many calls are written.
    pub call_contracts: Decimal,
    /// How many whole lots of 100 shares stand behind no call.
    pub free_lots: u64,
    /// The cash that buys the shares if all puts are assigned.
    pub collateral: Decimal,
    /// What was received for the written options.
    pub premium: Option<Decimal>,
    /// What buying the written options back costs at the mark.
    pub cost_to_close: Option<Decimal>,
    /// Premium less cost to close.
    pub open_pnl: Option<Decimal>,
}

impl Totals {
    /// Sums up; `None` if a sum that has to be exact is too large for a decimal.
    pub(crate) fn over(wheels: &[Wheel]) -> Option<Self> {
        let zero = Some(Decimal::ZERO);
        let mut totals = Self {
            put_contracts: Decimal::ZERO,
            call_contracts: Decimal::ZERO,
            free_lots: 0,
            collateral: Decimal::ZERO,
            premium: zero,
            cost_to_close: zero,
            open_pnl: zero,
        };
        for wheel in wheels {
            totals.free_lots = totals.free_lots.checked_add(wheel.shares.free_lots)?;
            for put in &wheel.puts {
                let contracts = put.leg.contracts.value();
                totals.put_contracts = totals.put_contracts.checked_add(contracts)?;
                totals.collateral = totals.collateral.checked_add(put.collateral)?;
            }
            for call in &wheel.calls {
                let contracts = call.leg.contracts.value();
                totals.call_contracts = totals.call_contracts.checked_add(contracts)?;
            }
            let puts = wheel.puts.iter().map(|put| &put.leg);
            for leg in puts.chain(wheel.calls.iter().map(|call| &call.leg)) {
                totals.premium = plus(totals.premium, leg.premium);
                totals.cost_to_close = plus(totals.cost_to_close, leg.cost_to_close);
                totals.open_pnl = plus(totals.open_pnl, leg.open_pnl);
            }
        }
        Some(totals)
    }
}

/// Whether cash stands behind written puts.
///
/// No order and no position says so: puts are secured if what they may take is at most the cash set
/// aside. A margin account may set aside less, and is then not called secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "secured", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Secured {
    /// There is less cash than the puts may take.
    No {
        /// How much less.
        missing: Decimal,
    },
    /// There are no written puts.
    NoPuts,
    /// The broker does not show it: it does not tell what is set aside, or written options that do
    /// not count here may need some of it too.
    Unknown,
    /// The cash set aside is at least what the puts may take.
    Yes,
}

impl Secured {
    /// `None` if more is missing than a decimal can count.
    pub(crate) fn judge(
        collateral: Decimal,
        set_aside: Option<Decimal>,
        cash: Option<Decimal>,
        others: bool,
    ) -> Option<Self> {
        let missing = |there: Decimal| {
            let missing = collateral.checked_sub(there)?;
            Some(Self::No { missing })
        };
        match (set_aside, cash) {
            (Some(there), _) if collateral > there => missing(there),
            (Some(_), _) if !others => Some(Self::Yes),
            // What is set aside is a part of the cash.
            (None, Some(cash)) if collateral > cash => missing(cash),
            _ => Some(Self::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::dec;

    use super::*;

    #[test]
    fn puts_are_secured_by_cash_that_is_set_aside_and_by_nothing_else() {
        let (k, no) = (dec!(1000), |missing: i64| Secured::No {
            missing: missing.into(),
        });
        for (set_aside, cash, others, judged) in [
            (Some(dec!(1000)), None, false, Secured::Yes),
            (Some(dec!(999)), Some(dec!(5000)), false, no(1)),
            (Some(dec!(1000)), None, true, Secured::Unknown),
            (Some(dec!(300)), None, true, no(700)),
            (None, Some(dec!(5000)), false, Secured::Unknown),
            (None, Some(dec!(400)), false, no(600)),
            (None, None, false, Secured::Unknown),
        ] {
            let found = Secured::judge(k, set_aside, cash, others);
            assert_eq!(found, Some(judged), "{set_aside:?} {cash:?} {others}");
        }
    }
}
